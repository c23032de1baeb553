"""What a schema asks beyond the strict subset, said in words for its description."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Place = str | int

LONGEST = 80
"""Characters of a value shown in a text."""

_WORDS = {
    "minLength": "At least {} characters.",
    "maxLength": "At most {} characters.",
    "minItems": "At least {} items.",
    "maxItems": "At most {} items.",
    "minProperties": "At least {} entries.",
    "maxProperties": "At most {} entries.",
    "format": "Format: {}.",
    "pattern": "Matches the regular expression {}",
    "contentMediaType": "Content type: {}.",
    "contentEncoding": "Encoding: {}.",
    "examples": "Examples: {}.",
    "example": "Example: {}.",
    "contains": "Contains an item that matches {}.",
    "propertyNames": "Keys match {}.",
}

# These only name or describe, or the rewriting itself has seen to them.
_SILENT = frozenset(
    [
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
        "$anchor",
        "title",
        "description",
        "default",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "unevaluatedProperties",
        "unevaluatedItems",
        "contentSchema",
        "nullable",
    ]
)


def in_words(node: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Sentences for those keywords of a schema that strict mode does not know."""
    return " ".join(filter(None, (_sentence(key, node[key]) for key in keys)))


def sentences(*texts: str | None) -> str:
    """Texts joined to one description, each ending like a sentence."""
    known = [text.strip() for text in texts if text and text.strip()]
    ended = [text if text[-1] in ".!?:;)]}`" else f"{text}." for text in known[:-1]]
    return " ".join([*ended, *known[-1:]])


def shown(value: Any, longest: int = LONGEST) -> str:
    """A JSON value as text: strings in quotes, long ones cut."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def path_of(places: Iterable[Place]) -> str:
    """Keys and indexes as text, such as `people[0].name`."""
    text = ""
    for place in places:
        text += f"[{place}]" if isinstance(place, int) else f".{place}" if text else place
    return text or "arguments"


def _sentence(key: str, value: Any) -> str:
    if key in _SILENT:
        return ""
    if key == "uniqueItems":
        return "No duplicates." if value else ""
    if key == "examples" and isinstance(value, list):
        return f"Examples: {', '.join(shown(one) for one in value)}."
    if key in _WORDS:
        return _WORDS[key].format(value if isinstance(value, (str, int)) else shown(value))
    return f"Also holds: {shown({key: value}, 300)}."
