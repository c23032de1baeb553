"""What a tool returned as the output of its call: text, or content parts with images and files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from agentkit.encoding import JSON, Wire, decode
from agentkit.errors import ConfigurationError
from agentkit.responses.parts import Part

DEFAULT_MAX_OUTPUT = 50_000
"""Characters of one output, beyond which its middle is left out."""

MOST_KEPT = 10_000_000
"""Characters of one output that are kept where the model reads head and tail of it."""

Hint = Callable[[int, int], str]
"""What to say of the characters from one place to another that were left out."""

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


def whole_text(output: str | list[Wire]) -> str:
    """All text of an output, that of content parts a line after the other."""
    if isinstance(output, str):
        return output
    return "\n".join(part["text"] for part in output if part.get("text"))


def cut(output: str | list[Wire], limit: int, hint: Hint | None = None) -> str | list[Wire]:
    """The output within about `limit` characters: head and tail stay, the cut says its size.

    Of content parts the texts are cut, each by its share; images and files stay whole. `hint`
    gets places in `whole_text`, and says how what was left out can be read.
    """
    if isinstance(output, str):
        return _cut_text(output, limit, 0, hint)
    total, start = sum(len(part.get("text", "")) for part in output), 0
    parts = []
    for part in output:
        parts.append(_cut_part(part, limit, total, start, hint))
        start += len(part["text"]) + 1 if part.get("text") else 0
    return parts


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


def _cut_part(part: Wire, limit: int, total: int, start: int, hint: Hint | None) -> Wire:
    text = part.get("text")
    if not text or total <= limit:
        return part
    return {**part, "text": _cut_text(text, limit * len(text) // total, start, hint)}


def _cut_text(text: str, limit: int, start: int, hint: Hint | None) -> str:
    if len(text) <= limit:
        return text
    head = (limit + 1) // 2
    end = len(text) - (limit - head)
    said = f": {hint(start + head, start + end)}" if hint else ""
    left_out = f"{end - head:,} of {len(text):,}" if hint else f"{end - head:,}"
    return f"{text[:head]}… [{left_out} characters left out{said}] …{text[end:]}"
