"""Results of calls in words, each beside what was asked, for a person to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentkit.encoding import JSON, Wire, decode
from agentkit.testing.offline.words import words

_FAILED = re.compile(r"\S+ (?:failed|timed out|was not run|was rejected)\b|There is no tool\b")


@dataclass(frozen=True)
class Result:
    """A call and what it gave."""

    name: str
    arguments: Wire
    text: str
    call_id: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the text tells of a call that did not succeed."""
        return _FAILED.match(self.text) is not None

    @property
    def value(self) -> JSON:
        """The output, read as JSON where it is some."""
        try:
            return decode(self.text)
        except ValueError:
            return self.text

    @property
    def subject(self) -> str:
        """What the call was about: its arguments, those left out left out."""
        given = [value for value in self.arguments.values() if value not in (None, "", [])]
        return ", ".join(plain(value) for value in given)

    @property
    def label(self) -> str:
        """The tool's name in words, without a verb that says nothing."""
        parts = [word.lower() for word in words(self.name)]
        return " ".join(parts[1:] if len(parts) > 1 and parts[0] in ("get", "find") else parts)


def told(results: Sequence[Result]) -> str:
    """All the results, a line for each subject."""
    lines: dict[str, list[str]] = {}
    for result in results:
        lines.setdefault(result.subject, []).append(_said(result))
    return "\n".join(
        f"{subject}: {', '.join(said)}" if subject else "\n".join(said)
        for subject, said in lines.items()
    )


def plain(value: JSON, key: str = "") -> str:
    """A JSON value as a person writes it; whole numbers from 10,000 on with separators."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}" if abs(value) >= 10_000 else str(value)
        case float():
            return f"{value:,}" if abs(value) >= 10_000 else f"{value:g}"
        case dict():
            return ", ".join(f"{_spaced(name)} {plain(each, name)}" for name, each in value.items())
        case list():
            between = "; " if any(isinstance(each, dict) for each in value) else ", "
            return between.join(plain(each, key) for each in value) or "nothing"
    return str(value)


def _said(result: Result) -> str:
    if result.is_error:
        return result.text
    value = result.value
    if isinstance(value, dict):
        known = set(map(str, result.arguments.values()))
        return plain({name: each for name, each in value.items() if str(each) not in known})
    if isinstance(value, list) or not result.subject or "\n" in result.text:
        return f"{result.label}: {plain(value)}"
    return f"{result.label} {plain(value)}"


def _spaced(name: str) -> str:
    return name.replace("_", " ")
