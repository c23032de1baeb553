"""One tool call passes few rooms: the budget between an answer and the next request.

Counted are the functions of agentkit that are entered, each once, from the moment an answer is
whole until the next request is made. A field that is computed (a property) and a
comprehension are no stops on the way.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import AsyncIterator
from functools import cached_property
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import agentkit
from agentkit import Agent, Request, tool
from agentkit.ask import next_request
from agentkit.responses.events import StreamEvent
from agentkit.responses.fold import Fold
from agentkit.testing import ScriptedModel, call

MOST_FUNCTIONS, MOST_FILES = 45, 16
PACKAGE = str(Path(agentkit.__file__).parent)


def properties() -> set[CodeType]:
    """The code of every property of every class in the package."""
    found: set[CodeType] = set()
    for module in pkgutil.walk_packages([PACKAGE], "agentkit."):
        if "__main__" in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            for member in vars(value).values() if inspect.isclass(value) else ():
                getter = getattr(member, "fget", None)
                getter = member.func if isinstance(member, cached_property) else getter
                if getter is not None:
                    found.add(getter.__code__)
    return found


def is_at_its_start(frame: FrameType) -> bool:
    """Whether a frame is entered, and not a coroutine that goes on where it awaited.

    Source: the RESUME instruction; the low bits of its argument are 0 at a function's start.
    """
    return frame.f_code.co_code[frame.f_lasti + 1] & 3 == 0


class Entered:
    """The functions of agentkit that are entered from the first answer to the next request."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()
        self._is_whole = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "return" and code is Fold.response.__code__:
            self._is_whole = True
        elif event == "return" and code is next_request.__code__:
            self._is_whole = False
        elif self._is_whole and event == "call" and code.co_filename.startswith(PACKAGE):
            if is_at_its_start(frame):
                self.codes.add(code)


class Between:
    """A model that has what it is asked with listened to, up to its second request."""

    def __init__(self, model: ScriptedModel, entered: Entered) -> None:
        self._model, self._entered = model, entered

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        sys.setprofile(None)
        async for event in self._model.stream(request):
            yield event
        if len(self._model.requests) == 1:
            sys.setprofile(self._entered)


@tool
async def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    return a + b


async def test_one_tool_call_enters_few_functions_in_few_files():
    entered, ignored = Entered(), properties()
    await add.invoke('{"a": 1}')  # what is made once a tool, not once a call
    model = Between(ScriptedModel([call("add", a=1, b=2)], "3"), entered)
    result = await Agent(model, tools=[add]).run("What is 1 + 2?")
    assert result.output == "3"
    stops = {
        f"{code.co_filename.removeprefix(PACKAGE)} {code.co_qualname}"
        for code in entered.codes - ignored
        if "<locals>.<" not in code.co_qualname
    }
    files = {stop.split()[0] for stop in stops}
    passed = {"/moves.py next_move", "/dispatch.py dispatch", "/perform.py perform"}
    assert stops > passed | {"/tools.py Tool.bind", "/ask.py next_request"}, "it listened"
    listed = "\n".join(sorted(stops))
    assert len(stops) <= MOST_FUNCTIONS, f"{len(stops)} functions:\n{listed}"
    assert len(files) <= MOST_FILES, f"{len(files)} files:\n{listed}"
