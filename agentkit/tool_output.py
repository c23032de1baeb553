"""What a tool returned as the output of its call: text, or content parts with images and files."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from agentkit.encoding import JSON, Wire, decode
from agentkit.errors import ConfigurationError
from agentkit.responses.parts import Part

DEFAULT_MAX_OUTPUT = 50_000
"""Characters of one output, beyond which its middle is left out."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+>$")
"""Where in memory an object is, which says nothing, and is another in every process."""


def to_output(value: object) -> str | list[Wire]:
    """A string as it is, images and files as content parts, everything else as JSON.

    Never raises: what cannot be said in JSON says what it is.
    """
    if type(value) is str:
        return value
    if isinstance(value, Part):
        return [_part(value)]
    if isinstance(value, (list, tuple)) and any(isinstance(each, Part) for each in value):
        return [_part(each) for each in value]
    return _text(value)


def plain(value: object) -> JSON:
    """Any value as JSON has it; what has no such form as its text. Never raises."""
    text = json_text(value)
    return _named(value) if text is None else decode(text)


def cut(output: str | list[Wire], limit: int) -> str | list[Wire]:
    """The output within about `limit` characters: head and tail stay, the cut says its size.

    Of content parts the texts are cut, each by its share; images and files stay whole.
    """
    if isinstance(output, str):
        return _cut_text(output, limit)
    total = sum(len(part.get("text", "")) for part in output)
    return [_cut_part(part, limit, total) for part in output]


def _part(value: object) -> Wire:
    if not isinstance(value, Part):
        return {"type": "input_text", "text": _text(value)}
    try:
        return value.part()
    except ConfigurationError as error:
        return {"type": "input_text", "text": str(error)}


def _text(value: object) -> str:
    if isinstance(value, str):
        return str(value.value) if isinstance(value, Enum) else str(value)
    text = json_text(value)
    return _named(value) if text is None else text


def json_text(value: Any) -> str | None:
    """The value as JSON text, None where it has no such form."""
    try:
        return to_json(value, inf_nan_mode="strings", bytes_mode="base64", fallback=_named).decode()
    except (PydanticSerializationError, ValueError, TypeError, RecursionError):
        pass
    try:  # lone surrogates, which pydantic refuses
        return json.dumps(value, default=_named, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return None


def _named(value: object) -> str:
    """An object's own text, or of what class it is where it has none."""
    kind = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return f"<{kind.__qualname__} object>"
    try:
        return _ADDRESS.sub(">", str(value))
    except Exception:  # noqa: BLE001  (the tool's own code)
        return f"<{kind.__qualname__} object>"


def _cut_part(part: Wire, limit: int, total: int) -> Wire:
    text = part.get("text")
    if not text or total <= limit:
        return part
    return {**part, "text": _cut_text(text, limit * len(text) // total)}


def _cut_text(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    mark = f"… [{len(text) - limit:,} characters left out] …"
    head = (limit + 1) // 2
    tail = limit - head
    return f"{text[:head]}{mark}{text[len(text) - tail :]}"
