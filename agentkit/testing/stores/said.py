"""What the checks keep, and how they say that something else came back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from agentkit.encoding import Wire, encode
from agentkit.records import (
    VERSION,
    Answer,
    Compaction,
    Decision,
    Input,
    Output,
    Record,
    Setup,
    Started,
    dump_record,
)
from agentkit.responses.items import FunctionCallOutput, read_items, user_message
from agentkit.responses.response import Fields, Usage, read_response
from agentkit.stores.protocol import Store

FAIL_AFTER = 10.0
"""Seconds after which a check that still waits has failed."""

E = TypeVar("E", bound=BaseException)
T = TypeVar("T")
P = ParamSpec("P")


def judged(check: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """The check, whose every failure is an AssertionError, also where the store itself fails."""

    @wraps(check)
    async def judging(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await check(*args, **kwargs)
        except Exception as error:
            raise AssertionError(f"{check.__doc__} But: {_words(error)}") from error

    return judging


def said(text: str) -> Input:
    """What a caller said."""
    return Input((user_message(text),))


def called(*items: Wire) -> Answer:
    """The calls that a model answered with."""
    wire = {"id": "resp_1", "model": "m-1", "status": "completed"}
    return Answer(read_response({**wire, "output": list(items)}))


class OfTomorrow(Answer):
    """An answer as a version of agentkit writes it that is newer than this one."""

    def body(self) -> Wire:
        return {**super().body(), "version": VERSION + 1}


def answered(text: str, model: str = "m-1", tokens: int = 8, cost: float | None = None) -> Answer:
    """What a model answered, and what it took."""
    part = {"type": "output_text", "text": text}
    item = {"type": "message", "role": "assistant", "content": [part]}
    usage = {"input_tokens": tokens - 3, "output_tokens": 3, "total_tokens": tokens}
    wire = {"id": "resp_1", "model": model, "status": "completed", "usage": usage}
    return Answer(read_response({**wire, "output": [item]}), cost=cost)


def gave(text: str, call_id: str = "call_1") -> Output:
    """What a call gave."""
    wire = {"type": "function_call_output", "call_id": call_id, "output": text}
    return Output(FunctionCallOutput(wire), seconds=0.25)


def conversation(*texts: str) -> list[Record]:
    """Inputs and answers, in turns."""
    return [answered(text) if turn % 2 else said(text) for turn, text in enumerate(texts)]


def one_of_each(text: str) -> list[Record]:
    """A record of every kind, each with the text wherever a record can have one."""
    items = read_items([{"type": text, text: [text, {text: None}]}])
    # keys in an order that no sorting gives: a server's cache depends on it
    fields = {"model": text, "zeta": 2**70, "alpha": [0.1, -3, True, None], "instructions": text}
    return [
        Setup(Fields(fields), {"type": text}, text, text, text),
        Input(items, is_repair=True),
        Answer(answered(text).response, (text,), (text,), text, 1.5, 0.25),
        Started({text: "once", "call_2": "read"}),
        Output(gave(text).item, "error", 0.5, text, is_final=True, value={text: [text]}),
        Decision(text, "edit", text, {text: 1.0, "value": text}),
        Compaction(items, 3, Usage(1, 2, 3, 4, 5), 0.125),
    ]


def expect(claim: object, otherwise: str) -> None:
    """Raise AssertionError with the text unless the claim holds."""
    if not claim:
        raise AssertionError(otherwise)


def same(found: Any, expected: Any, what: str) -> None:
    """Raise AssertionError unless both are equal."""
    expect(found == expected, f"{what}: expected {expected!r}, found {found!r}")


async def holds(store: Store, session: str, *records: Record) -> None:
    """Raise AssertionError unless the session has just these records, to the last byte."""
    kept = (await store.load(session)).records
    same(len(kept), len(records), f"the number of records of {session!r}")
    for seq, (found, expected) in enumerate(zip(kept, records, strict=True)):
        same(type(found), type(expected), f"the kind of record {seq} of {session!r}")
        same(_encoded(found), _encoded(expected), f"record {seq} of {session!r}")


async def raises(kind: type[E], method: str, doing: Awaitable[object], why: str) -> E:
    """The error of that kind that a method raises; AssertionError where it does not."""
    expected = f"expected {kind.__name__} from {method}: {why}"
    try:
        await doing
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"{expected}; {_words(error)}") from error
    raise AssertionError(expected)


async def within(doing: Awaitable[T], what: str) -> T:
    """What it gives; AssertionError where that takes too long."""
    try:
        return await asyncio.wait_for(doing, FAIL_AFTER)
    except TimeoutError:
        raise AssertionError(f"still waiting: {what}") from None


async def elsewhere(doing: Callable[[], Awaitable[T]]) -> T:
    """What it gives in an event loop of its own, in another thread."""

    async def work() -> T:
        return await doing()

    return await asyncio.to_thread(lambda: asyncio.run(work()))


async def outcomes(*doing: Awaitable[object]) -> Sequence[object]:
    """What each of them gives or raises, done at once."""
    return await asyncio.gather(*doing, return_exceptions=True)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"


def _encoded(record: Record) -> bytes:
    return encode(dump_record(record))
