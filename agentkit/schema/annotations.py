"""The parameters of any callable, with their annotations as types."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import typing_extensions

from agentkit.errors import ToolDefinitionError
from agentkit.schema.typed_dicts import readable

Function = Callable[..., Any]


class NotYetDefinedError(ToolDefinitionError):
    """An annotation names something that does not exist so far."""


@dataclass(frozen=True)
class Typed:
    """One parameter; `annotation` is a type, `default` the Python default or `Parameter.empty`."""

    name: str
    kind: inspect._ParameterKind
    annotation: Any
    default: Any = Parameter.empty


def plain(function: Any) -> Any:
    """The `def` behind partials, methods, wrappers and callable objects."""
    while not (inspect.isfunction(function) and not hasattr(function, "__wrapped__")):
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, (staticmethod, classmethod, types.MethodType)):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif inspect.isclass(function):
            return function.__init__
        elif inspect.isfunction(type(function).__call__):
            function = type(function).__call__
        else:
            break
    return function


def typed_parameters(function: Function, name: str) -> list[Typed]:
    """The parameters that a call gives values to, in order; what a partial holds is left out.

    Raises ToolDefinitionError where there is no signature, NotYetDefinedError for a name in an
    annotation that does not exist so far.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (ValueError, TypeError) as error:
        reason = f"{name}: its parameters cannot be read. Wrap it in a function with annotations."
        raise ToolDefinitionError(reason) from error
    held = function.keywords if isinstance(function, functools.partial) else {}
    free = [parameter for parameter in parameters.values() if parameter.name not in held]
    types_by_name = _types({each.name: each.annotation for each in free}, plain(function), name)
    return [
        Typed(each.name, each.kind, _readable(types_by_name, each.name, name), each.default)
        for each in free
    ]


def _readable(types_by_name: Mapping[str, Any], parameter: str, name: str) -> Any:
    try:
        return readable(types_by_name.get(parameter, Any))
    except TypeError as error:
        reason = f"{name}: the parameter {parameter!r} cannot be read: {error}."
        raise ToolDefinitionError(reason) from error


def unpacked(annotation: Any) -> Any:
    """The type within `Unpack[…]` or a starred one, None for any other."""
    if typing.get_origin(annotation) in (typing.Unpack, typing_extensions.Unpack):
        return typing.get_args(annotation)[0]
    if getattr(annotation, "__unpacked__", False):
        return types.GenericAlias(annotation.__origin__, annotation.__args__)
    return None


def _types(annotations: Mapping[str, Any], function: Any, name: str) -> dict[str, Any]:
    known = {key: value for key, value in annotations.items() if value is not Parameter.empty}
    if not known:
        return {}
    holder = types.SimpleNamespace(__annotations__=known)
    globalns = getattr(function, "__globals__", {})
    near = _closure(function)
    try:
        return typing.get_type_hints(holder, globalns, near, include_extras=True)
    except NameError:
        pass
    try:
        around = {**_locals_around(globalns), **near}
        return typing.get_type_hints(holder, globalns, around, include_extras=True)
    except NameError as error:
        reason = f"{name}: an annotation cannot be resolved ({error}). Import the name at run time."
        raise NotYetDefinedError(reason) from error
    except (SyntaxError, TypeError) as error:
        reason = f"{name}: an annotation is no type ({error}). Give a type."
        raise ToolDefinitionError(reason) from error


def _closure(function: Any) -> dict[str, Any]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    names = {each.__name__: each for each in getattr(function, "__type_params__", ())}
    if code is None or not cells:
        return names
    for name, cell in zip(code.co_freevars, cells, strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # the cell is still empty: defined after the function
            continue
    return names


def _locals_around(globalns: Mapping[str, Any]) -> dict[str, Any]:
    """Local names of the running functions of one module, the innermost winning.

    A class defined in a function is only known there.
    """
    names: dict[str, Any] = {}
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is globalns:
            names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names
