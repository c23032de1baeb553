"""Names that a session may have, and what of a record is searched.

The same for every store, so that a search finds the same records wherever they are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import category

from agentkit.encoding import JSON
from agentkit.errors import ConfigurationError
from agentkit.records import Answer, Input, Output, Record
from agentkit.responses.items import FunctionCallOutput, Item, Message

SEARCHED = 20_000
"""How many characters of a record are searched, from the first on."""

LONGEST_NAME = 200

# Images and files in base64: no word has as many letters, and an index of them helps nobody.
_DATA = re.compile(r"(?<![\w+/=-])(?:data:[\w.+/-]+;base64,)?[A-Za-z0-9+/=_-]{200,}")
_WORD = re.compile(r"[^\W_]+")


def checked_session(name: str) -> str:
    """The name, if a session can have it. Raises ConfigurationError that says why it cannot."""
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"session: expected a name, got {name!r}.")
    if len(name) > LONGEST_NAME:
        raise ConfigurationError(
            f"session: the name {name[:40] + '…'!r} has {len(name)} characters. "
            f"Give one of at most {LONGEST_NAME}."
        )
    if any(category(letter) in ("Cc", "Cs") for letter in name):
        raise ConfigurationError(
            f"session: the name {name!r} holds control characters or halves of letters. "
            "Give one without."
        )
    return name


def searchable(record: Record) -> str:
    """What was said in it: the text of inputs, answers and outputs; empty for other records.

    Without images and files, without NUL and lone surrogates, and cut at `SEARCHED` characters.
    """
    texts = (_DATA.sub(" ", text) for text in _texts(record))
    return storable("\n".join(text for text in texts if text)[:SEARCHED])


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which databases do not take in a text."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def words(text: str) -> list[str]:
    """The words to look for: letters and digits, without anything that a query could mean."""
    return _WORD.findall(text)


def _texts(record: Record) -> Iterator[str]:
    match record:
        case Input(items):
            yield from _said(items)
        case Answer(response):
            yield from _said(response.output)
        case Output(item):
            yield from _said([item])


def _said(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Message):
            yield from (item.text, item.refusal)
        elif isinstance(item, FunctionCallOutput):
            yield from _parts(item.output)


def _parts(output: JSON) -> Iterator[str]:
    if isinstance(output, str):
        yield output
    for part in output if isinstance(output, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]
