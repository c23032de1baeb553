"""Promise 1 over whatever a person decides, in any order, whenever the process dies."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import (
    Agent,
    Answer,
    Approve,
    ConfigurationError,
    Conflict,
    Edit,
    Log,
    Reject,
    Request,
    RunResult,
    ToolContext,
    tool,
)
from agentkit.approval import decision_records
from agentkit.testing import ScriptedModel, call
from tests.stores.crashing import CrashError, Crashing
from tests.stores.memory_store import MemoryStore

TURNS: list[Any] = [
    [
        call("pay", "a", amount=1),
        call("look", "b"),
        call("pay", "c", amount=2),
        call("pay", "d", amount=3),
    ],
    [call("pay", "e", amount=4)],
    "Done.",
]
CALLS = ["a", "c", "d", "e"]
WORDS = ["approve", "approve again", "reject", "edit", "answer"]


@dataclass(frozen=True)
class Step:
    """A person decides on some calls, or on none, and the run goes on until it waits or dies."""

    decisions: tuple[tuple[str, str], ...]
    is_stale: bool = False
    """Whether they speak of a result that they have seen before."""
    dies_at: int | None = None
    is_kept: bool = False


def entry(request: Request) -> Any:
    answered = sum(item.type == "function_call_output" for item in request.input)
    return TURNS[{0: 0, 4: 1, 5: 2}[answered]]


@dataclass
class World:
    store: MemoryStore = field(default_factory=MemoryStore)
    ran: list[tuple[str, int]] = field(default_factory=list)
    allowed: dict[str, set[int]] = field(default_factory=dict)
    """The amounts that a person has agreed to, by call; an empty set for a call that is refused."""
    again: Counter[str] = field(default_factory=Counter)
    """How often a person has said of a call that it may run once more."""
    seen: list[RunResult] = field(default_factory=list)

    def agent(self, step: Step) -> Agent:
        @tool(approval=True)
        async def pay(context: ToolContext, amount: int) -> str:
            self.ran.append((context.call_id, amount))
            await asyncio.sleep(0)
            return "paid"

        @tool(effect="read")
        def look() -> str:
            return "seen"

        store = Crashing(self.store, step.dies_at, is_kept=step.is_kept)
        return Agent(ScriptedModel(*[entry] * 9), tools=[pay, look], store=store)

    async def take(self, step: Step) -> None:
        agent = self.agent(step)
        try:
            if not (await self.store.load("s")).records:
                result = await agent.run("Go.", session="s")
            else:
                said = [decision_of(call_id, word) for call_id, word in step.decisions]
                of: Any = self.seen[0] if step.is_stale and self.seen else "s"
                self.note(step)
                result = await agent.resume(of, said)
        except (ConfigurationError, Conflict):
            return
        except BaseExceptionGroup as group:
            assert group.split(CrashError)[1] is None
            return
        except CrashError:
            return
        self.seen.append(result)

    def paid(self) -> dict[str, list[int]]:
        paid: dict[str, list[int]] = {}
        for call_id, amount in self.ran:
            paid.setdefault(call_id, []).append(amount)
        return paid

    def note(self, step: Step) -> None:
        """Whatever comes of it: an amount that nobody has named may not be paid."""
        for call_id, word in step.decisions:
            self.again[call_id] += word == "approve again"
            amounts = self.allowed.setdefault(call_id, set())
            if word.startswith("approve"):
                amounts.add({"a": 1, "c": 2, "d": 3, "e": 4}[call_id])
            elif word == "edit":
                amounts.add(100)


def decision_of(call_id: str, word: str) -> Any:
    match word:
        case "approve":
            return Approve(call_id)
        case "approve again":
            return Approve(call_id, again=True)
        case "reject":
            return Reject(call_id, "no")
        case "edit":
            return Edit(call_id, {"amount": 100})
        case _:
            return Answer(call_id, "by hand")


decisions = st.lists(st.tuples(st.sampled_from(CALLS), st.sampled_from(WORDS)), max_size=3)
steps = st.builds(
    Step,
    decisions.map(tuple),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 6)),
    st.booleans(),
)


def kept_verdicts(world: World) -> dict[str, list[str]]:
    log = asyncio.run(world.store.load("s")).records
    verdicts: dict[str, list[str]] = {}
    for record in log:
        if record.kind == "decision":
            verdicts.setdefault(record.call_id, []).append(record.verdict)
    return verdicts


@given(st.lists(steps, min_size=1, max_size=12))
def test_only_what_was_agreed_to_runs_and_never_twice_unasked(story: list[Step]):
    world = World()
    for step in story:
        asyncio.run(world.take(step))
        verdicts = kept_verdicts(world)
        for call_id, amounts in world.paid().items():
            assert set(amounts) <= world.allowed[call_id]
            # each run has a word of its own that was kept before
            words = [word for word in verdicts[call_id] if word in ("approve", "edit")]
            assert len(amounts) <= len(words)
            assert all("edit" in words for amount in amounts if amount == 100)
            # and a second one a word that says so, however often the first word is repeated
            assert len(amounts) <= 1 + world.again[call_id]


def test_a_word_that_is_delivered_twice_lets_a_call_run_once():
    world, word = World(), (("a", "approve"),)
    for dies_at in (None, 2, None, None):
        asyncio.run(world.take(Step(word, dies_at=dies_at)))
    assert world.paid() == {"a": [1]}


def test_a_word_about_other_arguments_lets_nothing_run():
    world = World()
    asyncio.run(world.take(Step(())))
    looked_at = {each.call_id: each.digest for each in world.seen[0].pending}
    asyncio.run(world.take(Step((("a", "edit"),), dies_at=2)))
    stale = Approve("a", again=True, digest=looked_at["a"])
    with pytest.raises(Conflict, match="other arguments now"):
        world.agent(Step(())).resume_sync("s", [stale])
    assert world.paid() == {"a": [100]}


def test_the_last_word_before_a_call_starts_is_the_one_that_counts():
    world = World()
    asyncio.run(world.take(Step(())))
    log = Log(asyncio.run(world.store.load("s")).records)
    for word in (Approve("a"), Edit("a", {"amount": 100}), Reject("a")):
        decided = decision_records(log, [word], {})
        asyncio.run(world.store.append("s", len(log), decided))
        log.append(*decided)
    result = world.agent(Step(())).resume_sync("s")
    assert world.paid() == {}
    assert "was not run: the call was rejected" in str(result.log.dump())


@given(st.lists(steps, max_size=6))
def test_after_any_of_it_the_run_can_be_brought_to_its_end(story: list[Step]):
    world = World()
    for step in [*story, Step(())]:
        asyncio.run(world.take(step))
    for _ in range(3):
        agent = world.agent(Step(()))
        result = agent.resume_sync("s")
        if result.status == "waiting":
            result = agent.resume_sync(
                "s", [Answer(each.call_id, "by hand") for each in result.pending]
            )
    assert (result.status, result.output) == ("completed", "Done.")
    outputs = [item for item in result.items if item.type == "function_call_output"]
    assert [item.wire["call_id"] for item in outputs] == ["a", "b", "c", "d", "e"]
    assert json.dumps(result.log.dump())
