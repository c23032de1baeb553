"""Running any kind of function to its result. Knows nothing of schemas or of tools."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

Progress = Callable[[Any], None]


def is_async(function: Any) -> bool:
    """Whether calling the function is quick and its work is done by awaiting the result."""
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, type(function).__call__)
    )


def on_this_loop(progress: Progress) -> Progress:
    """The same listener for use from a thread: it is called on the loop that runs now."""
    loop = asyncio.get_running_loop()

    def say(value: Any) -> None:
        loop.call_soon_threadsafe(progress, value)

    return say


async def run(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    progress: Progress,
) -> Any:
    """What the function gives; one that is not async runs in a thread, with the context variables.

    What a generator yields goes to `progress`; its result is what it returns, or where that is
    None what it yielded last. Cancelling stops a generator in a thread at its next yield; other
    threads run on unheard.
    """
    result: Any
    if is_async(function):
        result = function(*args, **kwargs)
    else:
        stop = threading.Event()
        try:
            result = await asyncio.to_thread(_in_thread, function, args, kwargs, progress, stop)
        finally:
            stop.set()
    if inspect.isasyncgen(result):
        return await _drained_async(result, progress)
    return await result if inspect.isawaitable(result) else result


def _in_thread(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    progress: Progress,
    stop: threading.Event,
) -> Any:
    try:
        result: Any = function(*args, **kwargs)
        return _drained(result, progress, stop) if inspect.isgenerator(result) else result
    except StopIteration as error:  # a future cannot carry it
        raise RuntimeError("the function raised StopIteration") from error


def _drained(steps: Generator[Any, Any, Any], progress: Progress, stop: threading.Event) -> Any:
    last = None
    try:
        while not stop.is_set():
            try:
                last = next(steps)
            except StopIteration as end:
                return last if end.value is None else end.value
            progress(last)
    finally:
        steps.close()
    return last


async def _drained_async(steps: AsyncGenerator[Any, Any], progress: Progress) -> Any:
    last = None
    async with aclosing(steps):
        async for last in steps:
            progress(last)
    return last
