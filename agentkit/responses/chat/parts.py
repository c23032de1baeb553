"""Content parts of the Responses wire as those of chat messages.

Source: the content parts of POST /chat/completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError

_TEXTS = frozenset({"input_text", "output_text", "text", "reasoning_text", "summary_text"})


def is_text(part: Any) -> bool:
    """Whether a part is text and nothing else; what is no part at all says nothing."""
    return not isinstance(part, dict) or part.get("type", "text") in _TEXTS


def texts_of(content: Any) -> Iterator[str]:
    """The texts among content parts, in order."""
    for part in content if isinstance(content, list) else ():
        if is_text(part) and isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def content_parts(parts: list[Any]) -> list[Wire]:
    """The parts as chat has them. Raises ConfigurationError for one it has no place for.

    One of a type not known here goes as it is, since it may be one of the server's own.
    """
    return [_part(part) for part in parts if isinstance(part, dict)]


def _part(part: Wire) -> Wire:
    match part.get("type"):
        case "input_image":
            return _image(part)
        case "input_file":
            return _file(part)
        case _ if is_text(part):
            return {"type": "text", "text": part.get("text") or ""}
        case _:
            return part


def _image(part: Wire) -> Wire:
    url, detail = part.get("image_url"), part.get("detail")
    if isinstance(url, dict):
        return {"type": "image_url", "image_url": url}
    if not url:
        raise _no_place("an image by file_id", "its URL or its bytes")
    image = {"url": url}
    # the wire of chat has no word for the original size
    known = {"original": "high"}.get(str(detail), detail)
    return {"type": "image_url", "image_url": {**image, "detail": known} if known else image}


def _file(part: Wire) -> Wire:
    file = {key: part[key] for key in ("filename", "file_data", "file_id") if part.get(key)}
    if "file_data" not in file and "file_id" not in file:
        raise _no_place("a file by its URL", "its bytes or a path")
    return {"type": "file", "file": file}


def _no_place(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        f"input: chat completions have no place for {what}. Give {remedy}, or use a model behind "
        "POST /responses."
    )
