"""The piece of a call's output that says a value, where a schema asks for it with the value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentkit.encoding import JSON
from agentkit.testing.offline.schemas import Slot
from agentkit.testing.offline.wording import Result, plain
from agentkit.testing.offline.words import stems

PARTS = ("call_id", "quote", "value")
"""The properties of a value that is asked for with its evidence."""

LONGEST = 300
"""Characters of a quote."""

_AROUND = 60
"""Characters of a text that are quoted before and behind a value."""


@dataclass(frozen=True)
class Quote:
    """A literal piece of what a call gave."""

    call_id: str
    text: str


def asks_for_evidence(wanted: Slot) -> bool:
    """Whether a slot is a value with the call and the quote that show it."""
    return sorted(each.name for each in wanted.properties) == sorted(PARTS)


def quote_for(name: str, value: JSON, results: Sequence[Result]) -> Quote | None:
    """Where a call says the value, best under the field's own name; None where none does."""
    said = [
        (key, Quote(result.call_id, text))
        for result in results
        if not result.is_error
        for key, text in _pieces(value, result.text)
        if len(text) <= LONGEST
    ]
    named = set(stems(name))
    of_name = (quote for key, quote in said if named & set(stems(key)))
    return next(of_name, said[0][1] if said else None)


def _pieces(value: JSON, text: str) -> Iterator[tuple[str, str]]:
    """The pieces of a text that say the value, each with the key that it stands under."""
    if isinstance(value, dict | list):
        leaves = [each for each in _leaves(value) if each is not None]
        if leaves and all(any(True for _ in _pieces(each, text)) for each in leaves):
            yield "", text
        return
    if value in (None, ""):
        return
    for written in _ways_to_write(value):
        for match in re.finditer(rf'"([^"\\]+)"\s*:\s*{re.escape(written)}(?![\w.])', text):
            yield match[1], match[0]
    for written in _ways_to_say(value):
        alone = rf"(?<![\w.,-]){re.escape(written)}(?![\w]|[.,]\d)"
        for match in re.finditer(rf'"([^"\\]+)"\s*:\s*"[^"\\]*{alone}[^"\\]*"', text):
            yield match[1], match[0]
        for match in re.finditer(alone, text):
            yield "", _whole_words(text, match.start(), match.end())


def _ways_to_write(value: JSON) -> list[str]:
    """A value as JSON texts have it, also where it was a text there."""
    ways = [json.dumps(value, ensure_ascii=False), json.dumps(value)]
    if isinstance(value, float) and value == int(value):
        ways.append(str(int(value)))
    return list(dict.fromkeys([*ways, f'"{value}"']))


def _ways_to_say(value: JSON) -> list[str]:
    """A value as a text has it."""
    if isinstance(value, bool):
        return []
    ways = [plain(value), str(value), *([f"{value:,}"] if isinstance(value, int | float) else [])]
    return list(dict.fromkeys(ways))


def _whole_words(text: str, start: int, end: int) -> str:
    """A piece of a line with some of the words around it."""
    line = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    before = text[max(line, start - _AROUND) : start]
    behind = text[end : min(end + _AROUND, len(text) if stop < 0 else stop)]
    if start - _AROUND > line:
        before = before.partition(" ")[2]
    if len(behind) == _AROUND:
        behind = behind.rpartition(" ")[0]
    return f"{before}{text[start:end]}{behind}"


def _leaves(value: JSON) -> Iterator[JSON]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value
