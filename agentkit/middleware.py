"""Middleware: functions around one of the two effects of a run, which may change what passes.

A plain one wraps requests to the model; `around_calls` marks one that wraps tool calls.

    async def cached(request, proceed):
        return store.get(request.body()) or await proceed(request)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from agentkit.responses.response import Request, Response

Ask = Callable[[Request], Awaitable[Response]]
AskMiddleware = Callable[[Request, Ask], Awaitable[Response]]


@dataclass(frozen=True)
class CallRequest:
    """A call whose arguments are valid, about to run."""

    call_id: str
    name: str
    arguments: str
    """JSON text. Pass a changed one on by `dataclasses.replace`; it is validated again."""


Call = Callable[[CallRequest], Awaitable[object]]
CallMiddleware = Callable[[CallRequest, Call], Awaitable[object]]


@dataclass(frozen=True)
class AroundCalls:
    """Marks a middleware as one that wraps tool calls."""

    wrap: CallMiddleware


def around_calls(middleware: CallMiddleware) -> AroundCalls:
    """The middleware, to wrap tool calls instead of requests to the model."""
    return AroundCalls(middleware)


Middleware = AskMiddleware | AroundCalls


def wrapped_ask(middleware: Sequence[Middleware], ask: Ask) -> Ask:
    """The effect with its middleware around it, the first outermost."""
    layers = [each for each in middleware if not isinstance(each, AroundCalls)]
    return reduce(_around, reversed(layers), ask)


def wrapped_call(middleware: Sequence[Middleware], call: Call) -> Call:
    """The effect with its middleware around it, the first outermost."""
    layers = [each.wrap for each in middleware if isinstance(each, AroundCalls)]
    return reduce(_around, reversed(layers), call)


def _around(inner: Any, layer: Any) -> Any:
    async def proceed(request: Any) -> Any:
        return await layer(request, inner)

    return proceed
