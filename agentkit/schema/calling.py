"""Running any kind of function to its result. Knows nothing of schemas or of tools."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, suppress
from contextvars import copy_context
from functools import partial
from typing import Any

Progress = Callable[[Any], None]


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
    *,
    on_the_loop: bool,
) -> Any:
    """What the function gives; one that is not async runs in a thread, with the context variables.

    What a generator yields goes to `progress`; its result is what it returns, or where that is
    None what it yielded last. Cancelling stops a generator in a thread at its next yield; other
    threads run on unheard.
    """
    result: Any
    if on_the_loop:
        result = function(*args, **kwargs)
    else:
        stop = threading.Event()
        try:
            work = partial(_in_thread, function, args, kwargs, progress, stop)
            result = await _in_own_thread(work)
        finally:
            stop.set()
    if inspect.isasyncgen(result):
        return await _drained_async(result, progress)
    return await result if inspect.isawaitable(result) else result


async def _in_own_thread(work: Callable[[], Any]) -> Any:
    """What the work gives. The thread is its own and a daemon: a call that never ends must hold
    up neither other calls, nor name resolution, which shares the loop's threads, nor the exit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = copy_context()

    def settle(put: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            put(value)

    def body() -> None:
        try:
            put, value = future.set_result, context.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again where the call is awaited
            put, value = future.set_exception, error
        with suppress(RuntimeError):  # the loop is closed, so nobody waits any more
            loop.call_soon_threadsafe(settle, put, value)

    threading.Thread(target=body, name="agentkit-tool", daemon=True).start()
    return await future


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
