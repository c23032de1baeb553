"""The provider `offline`: a stand-in for a language model that matches words.

model.py        OfflineModel: what to call, what to answer
turn.py         the request as it is read: question, results, tools, choice
matching.py     which tools a question asks for        arguments.py   with what arguments
mentions.py     what a text names                      words.py       when two words are one
schemas.py      JSON Schemas as slots to fill
wording.py      results in words                       filling.py     results in a JSON Schema
quoting.py      where a result says a value
"""

from agentkit.testing.offline.model import OfflineModel

__all__ = ["OfflineModel"]
