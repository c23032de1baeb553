"""A folder as tools: list, read, search, and where it is said so write and edit.

toolbox     `Files`: what the model can call
root        the one way to a file: from folder to folder, never through a link
names       a path that a model gave -> names of folders and a file, and names -> text
listing  reading  searching  writing    the tools' work
"""

from agentkit_tools.files.toolbox import Files

__all__ = ["Files"]
