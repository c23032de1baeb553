"""JSON to bytes and back, for what goes over the wire.

pydantic_core is 2 to 4 times faster than the standard library here; it refuses lone surrogates,
which servers do send, so the standard library is the second try. Knows nothing of what is encoded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict of these."""

Wire = dict[str, Any]
"""A JSON object as it stands on the wire."""

MOST_DEPTH = 200
"""Levels of objects and lists that are read: about what pydantic_core reads."""


def encode(value: JSON) -> bytes:
    """JSON without white space; not-a-number and infinities, which JSON lacks, become null."""
    try:
        return to_json(value, inf_nan_mode="null")
    except (PydanticSerializationError, UnicodeEncodeError):
        return json.dumps(_finite(value), separators=(",", ":"), default=_plain).encode()


def _finite(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _plain(value: object) -> JSON:
    return to_jsonable_python(value, inf_nan_mode="null")


def decode(text: bytes | str) -> JSON:
    """The value of a JSON text. Raises ValueError for anything else."""
    try:
        return from_json(text)
    except (ValueError, TypeError):  # pydantic_core calls a lone surrogate in a str a TypeError
        pass
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if _is_too_deep(value):
        raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
    return value


def _is_too_deep(value: JSON) -> bool:
    """Whether it has too many levels to be written again, which takes more stack than reading."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return False
    return True


def _parts(value: JSON) -> Iterable[JSON]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
