"""What a turn costs, counted: the twentieth does no more than the fifth."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import agentkit
from agentkit import Agent, Limits, tool
from agentkit.encoding import encode
from agentkit.responses.items import Item
from agentkit.testing import ScriptedModel, call

PACKAGE = str(Path(agentkit.__file__).parent)


@tool
async def look(number: int) -> str:
    """A page."""
    return f"{number:04} " + "y" * 500


def is_counted(frame: FrameType) -> bool:
    """Whether it is of agentkit, but for the model of the tests, which reads all it is sent."""
    caller = frame.f_back.f_code.co_filename if frame.f_back else ""
    files = (frame.f_code.co_filename, caller)
    is_of_tests = any(file.startswith(f"{PACKAGE}/testing") for file in files)
    return files[0].startswith(PACKAGE) and not is_of_tests


class Counted:
    """Counts the functions of agentkit that are entered, and the bytes of JSON that are made."""

    def __init__(self) -> None:
        self.entered: Counter[str] = Counter()
        self.encoded: Counter[int] = Counter()
        """How often each item was made JSON."""
        self.bytes = 0
        self._items: list[Item] = []

    def __call__(self, frame: FrameType, event: str, result: Any) -> None:
        code = frame.f_code
        if event == "return" and code is encode.__code__ and isinstance(result, bytes):
            self.bytes += len(result)
        elif event == "call" and is_counted(frame):
            self.entered[code.co_qualname] += 1
            if code is Item.encoded.func.__code__:
                item = frame.f_locals["self"]
                self.encoded[id(item)] += 1
                self._items.append(item)  # or another could be where it was


async def counted(turns: int) -> Counted:
    """A run of so many calls, one in each turn."""
    script = [call("look", number=number) for number in range(turns)]
    agent = Agent(ScriptedModel(*script, "Done."), tools=[look], limits=Limits(turns=None))
    counts = Counted()
    sys.setprofile(counts)
    try:
        result = await agent.run("Go.")
    finally:
        sys.setprofile(None)
    assert (result.output, result.turns) == ("Done.", turns + 1)
    return counts


async def test_every_item_of_a_run_is_encoded_once():
    counts = await counted(20)
    assert set(counts.encoded.values()) == {1}
    # the input; each call, as it is sent back; each output; the answer is sent to nobody
    assert len(counts.encoded) <= 1 + 2 * 20 + 1


async def test_a_late_turn_enters_as_many_functions_and_makes_as_much_json_as_an_early_one():
    await counted(2)  # what is made once a process
    five, ten, twenty = [await counted(turns) for turns in (5, 10, 20)]
    early = ten.entered.total() - five.entered.total()
    late = twenty.entered.total() - ten.entered.total()
    assert late / 10 <= 1.01 * early / 5, (twenty.entered - ten.entered).most_common(20)
    # a request is joined of what there is, and its bytes are not encoded anew
    assert (twenty.bytes - ten.bytes) / 10 <= 1.01 * (ten.bytes - five.bytes) / 5
