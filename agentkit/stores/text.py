"""Names of sessions, facts and answers, what of a record is searched, and the words it is found by.

The same for every store, so that a search finds the same records wherever they are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from unicodedata import category, normalize

from agentkit.encoding import JSON, Wire, decode, encode
from agentkit.errors import ConfigurationError
from agentkit.records import Answer, Input, Output, Record
from agentkit.responses.items import FunctionCallOutput, Item, Message

SEARCHED = 20_000
"""How many characters of a record are searched, from the first on."""

LONGEST_NAME = 200

ASKED_AT_ONCE = 500
"""How many sessions one query asks for."""

LONGEST_FACT_NAME = 500
"""Of four bytes a character at most: an index takes some 2,700 bytes."""

LONGEST_KEY = 200

LONGEST_WORD = 80
"""How many letters of a word are looked at; an index takes some 2,000 bytes."""

MOST_WORDS = 1000
"""How many words are looked for; no database takes a condition of many more."""

# Images and files in base64: no word has as many letters, and an index of them helps nobody.
_DATA = re.compile(r"(?<![\w+/=-])(?:data:[\w.+/-]+;base64,)?[A-Za-z0-9+/=_-]{200,}")
_ACCENT = re.compile("[\u0300-\u036f]")

# Scripts that leave no space between words: Thai, Lao, Myanmar, Hangul, Khmer, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U000323af"
)
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")

# Where calls say what they want; those of a server's own tools have other fields than functions.
_WANTED_BY_CALLS = ("arguments", "input", "action", "queries", "code")


def checked_session(name: str) -> str:
    """The name, if a session can have it. Raises ConfigurationError that says why it cannot."""
    return _checked(name, "session", LONGEST_NAME)


def batches(sessions: Sequence[str]) -> Iterator[list[str]]:
    """The names, so many at a time as one query asks for. Raises ConfigurationError for no name."""
    for first in range(0, len(sessions), ASKED_AT_ONCE):
        yield [checked_session(name) for name in sessions[first : first + ASKED_AT_ONCE]]


def checked_fact(name: str) -> str:
    """The name, if a fact can have it. Raises ConfigurationError that says why it cannot."""
    return _checked(name, "fact", LONGEST_FACT_NAME)


def checked_key(name: str) -> str:
    """The key, if an answer can have it. Raises ConfigurationError that says why it cannot."""
    return _checked(name, "key", LONGEST_KEY)


def _checked(name: str, of: str, longest: int) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"{of}: expected a name, got {name!r}.")
    if len(name) > longest:
        raise ConfigurationError(
            f"{of}: the name {name[:40] + '…'!r} has {len(name)} characters. "
            f"Give one of at most {longest}."
        )
    if not name.isprintable() and any(category(letter) in ("Cc", "Cs") for letter in name):
        raise ConfigurationError(
            f"{of}: the name {name!r} holds control characters or halves of letters. "
            "Give one without."
        )
    return name


def searchable(record: Record) -> str:
    """What was said in it: the text of inputs, answers and outputs; empty for other records.

    Of a call in an answer, its name and the values of its arguments. Without images and files,
    without NUL and lone surrogates, and cut at `SEARCHED` characters.
    """
    texts = (_DATA.sub(" ", text) for text in _texts(record))
    return storable("\n".join(text for text in texts if text)[:SEARCHED])


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which databases do not take in a text."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def words(text: str) -> list[str]:
    """The words of a text as they are written, without anything that a query could mean.

    A word is letters and digits. Of Chinese, Japanese, Korean, Thai and the like, which leave no
    space between words, it is each letter, and each letter with the one behind it.
    """
    spaced = text.translate(_LETTERS).split()
    if text.isascii() or not _IS_UNSPACED.search(text):
        return spaced
    runs = [run for word in spaced for run in _RUN.findall(word)]
    return [word for run in runs for word in _parts_of(run)]


def lexemes(text: str) -> list[str]:
    """What a text is found by, each once: its words without case and accents."""
    return list(dict.fromkeys(_lexemes(text)))


def wanted(text: str) -> list[str]:
    """What is looked for: the lexemes of a text, of which the last may be the beginning of one."""
    *before, last = _lexemes(text)[:MOST_WORDS] or [""]
    return [*dict.fromkeys(before), last] if last else []


def _lexemes(text: str) -> list[str]:
    return [word[:LONGEST_WORD] for word in words(_folded(text))]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return normalize("NFC", _ACCENT.sub("", normalize("NFKD", text)).casefold())


class _Letters(dict[int, int | str]):
    """For `str.translate`: letters, their marks and digits stay, all else becomes a space."""

    def __missing__(self, code: int) -> int | str:
        is_letter = chr(code).isalnum() or category(chr(code)).startswith("M")
        self[code] = code if is_letter else " "
        return self[code]


_LETTERS = _Letters()


def _parts_of(run: str) -> Iterable[str]:
    if not _IS_UNSPACED.match(run):
        return (run,)
    pairs = [letter + behind for letter, behind in pairwise(run)]
    return [part for both in zip(run, [*pairs, ""], strict=True) for part in both if part]


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
        elif item.type.endswith("_call") or item.type == "mcp_approval_request":
            yield from _called(item.wire)


def _called(wire: Wire) -> Iterator[str]:
    """The name of a call, which of a server's own tool is its type, and what it asks for."""
    yield str(wire.get("name") or wire["type"].removesuffix("_call"))
    for key in _WANTED_BY_CALLS:
        value = wire.get(key)
        if key == "arguments" and isinstance(value, str):
            # what is no JSON can be looked for too
            with suppress(ValueError):
                value = decode(value)
        yield from _leaves(value)


def _leaves(value: JSON) -> Iterator[str]:
    """The texts and numbers in a JSON value, in order, however deep."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case None:
                pass
            case str() as text:
                yield text
            case dict() as members:
                waiting.extend(reversed(members.values()))
            case list() as elements:
                waiting.extend(reversed(elements))
            case other:
                yield encode(other).decode()


def _parts(output: JSON) -> Iterator[str]:
    if isinstance(output, str):
        yield output
    for part in output if isinstance(output, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]
