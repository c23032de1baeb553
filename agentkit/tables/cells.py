"""A value as a cell of text."""

from __future__ import annotations

from typing import Any

from agentkit.encoding import decode, encode
from agentkit.errors import ConfigurationError


def as_text(value: Any) -> str:
    """The value as text: None is empty, a number, a list or an object is JSON.

    Raises ConfigurationError for what JSON has no form for.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    text = as_json(value).decode()
    # what JSON has as text, such as a date, is wanted without its quotes
    return str(decode(text)) if text.startswith('"') else text


def as_json(value: Any) -> bytes:
    """The value as JSON. Raises ConfigurationError where there is none."""
    try:
        return encode(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"{value!r:.80} cannot be written: JSON has no form for it. Give text, numbers, true "
            "or false, lists or objects of these."
        ) from error
