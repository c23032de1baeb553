"""What the caller says, as items: a string, a list of parts, or items."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.responses.items import Item, read_item, user_message
from agentkit.responses.parts import File, Image

UserInput = str | Image | File | Sequence[str | Image | File | Wire | Item]
"""Text; an image or a file; a list of these and wire parts; or a list of items."""


def input_items(said: UserInput) -> tuple[Item, ...]:
    """The items to send. Raises ConfigurationError for what can be neither part nor item."""
    if isinstance(said, str):
        return (user_message(said),)
    if isinstance(said, (Image, File)):
        return (user_message([said.part()]),)
    if not isinstance(said, Sequence) or isinstance(said, bytes):
        raise ConfigurationError(
            f"input: expected text, Image, File, or a list, got {type(said).__name__}."
        )
    if not said:
        raise ConfigurationError("input: the list is empty. Say something, or use resume().")
    items = [item for item in map(_item, said) if item is not None]
    if len(items) == len(said):
        return tuple(items)
    return (user_message([_part(each) for each in said]),)


def _item(value: object) -> Item | None:
    """The item that a value is, None for what can only be a part of one.

    A copy, because the caller's own object may change while the run goes on.
    """
    if isinstance(value, Item):
        return value
    if not isinstance(value, dict):
        return None
    is_item = "role" in value or not str(value.get("type", "input_")).startswith("input_")
    return read_item(deepcopy(value)) if is_item else None


def _part(value: object) -> Wire:
    if isinstance(value, str):
        return {"type": "input_text", "text": value}
    if isinstance(value, (Image, File)):
        return value.part()
    if isinstance(value, dict) and str(value.get("type", "")).startswith("input_"):
        return deepcopy(value)
    raise ConfigurationError(
        f"input: {value!r:.80} is neither text, Image, File nor a content part; "
        "items and parts do not mix in one list."
    )
