"""HTML and PDF as text, in a process of its own: `python -m agentkit_tools.web.reader`.

Both are written by strangers, and there are pages of a few kilobytes that keep a parser busy for
minutes. A thread cannot be stopped; a process can, and its memory can be bounded.
"""
