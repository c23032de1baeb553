"""`typing.TypedDict` as pydantic reads it.

Before Python 3.12 pydantic takes only the TypedDict of typing_extensions, because the standard
library's forgets which inherited keys are required. The keys themselves say it, so an equal class
can be made.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typing_extensions


def readable(annotation: Any, within: tuple[Any, ...] = ()) -> Any:
    """The annotation, with an equal TypedDict in the place of each that pydantic refuses.

    `within` are the ones that it stands in. Raises TypeError for one that holds itself.
    """
    if sys.version_info >= (3, 12):
        return annotation
    if annotation in within:
        raise TypeError(
            f"{annotation.__name__} holds itself: take TypedDict from typing_extensions for it"
        )
    if _is_refused(annotation):
        return _equal(annotation, within)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is None or origin is Literal:
        return annotation
    if origin is Annotated:
        inner = readable(args[0], within)
        return annotation if inner is args[0] else Annotated[(inner, *args[1:])]
    changed = tuple(readable(each, within) for each in args)
    if all(new is old for new, old in zip(changed, args, strict=True)):
        return annotation
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, changed)
    return origin[changed]


def _is_refused(annotation: Any) -> bool:
    return typing.is_typeddict(annotation) and type(annotation).__module__ == "typing"


def _equal(given: Any, within: tuple[Any, ...]) -> Any:
    hints = typing.get_type_hints(given, include_extras=True)
    keys = {
        name: _keyed(readable(_bare(hint), (*within, given)), name in given.__required_keys__)
        for name, hint in hints.items()
    }
    made: Any = typing_extensions.TypedDict(given.__name__, keys)  # type: ignore[misc]
    made.__doc__, made.__module__ = given.__doc__, given.__module__
    return made


def _keyed(hint: Any, is_required: bool) -> Any:
    wrapper: Any = typing_extensions.Required if is_required else typing_extensions.NotRequired
    return wrapper[hint]


def _bare(hint: Any) -> Any:
    """The type within `Required[…]` and `NotRequired[…]`."""
    return get_args(hint)[0] if get_origin(hint) in (typing.Required, typing.NotRequired) else hint
