"""References inside one schema document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote


def resolve(root: Mapping[str, Any], ref: str) -> Any:
    """What a reference such as `#/$defs/Node` points to, None where there is no such place."""
    if not ref.startswith("#"):
        return None
    place: Any = root
    for step in unquote(ref[1:]).split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping):
            place = place.get(key)
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        else:
            return None
    return place
