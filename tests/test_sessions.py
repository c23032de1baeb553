"""Sessions: a run goes on where its session stands, alone, and nothing of it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from agentkit import (
    Agent,
    Answer,
    Approve,
    ConfigurationError,
    Conflict,
    Log,
    ModelError,
    Reject,
    StoreError,
    ToolContext,
    TransportError,
    tool,
)
from agentkit.records import Answer as AnswerRecord
from agentkit.records import Record, Started, dump_record
from agentkit.sessions import fork
from agentkit.stores.protocol import Summary
from agentkit.testing import ScriptedModel, call
from tests.stores.memory_store import MemoryStore


class Watched(MemoryStore):
    """A store that says what was kept together, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[list[str]] = []
        self.is_full = False

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        if self.is_full:
            raise StoreError("The disk is full. Make room and resume.")
        await super().append(session, expected_seq, records, summary)
        if records:
            self.commits.append([record.kind for record in records])


RAN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_has_run():
    RAN.clear()


@tool(effect="read")
def look(context: ToolContext) -> str:
    RAN.append(context.idempotency_key)
    return "seen"


@tool(approval=True)
def pay(context: ToolContext, amount: int) -> str:
    RAN.append(context.call_id)
    return f"paid {amount}"


@tool
async def send(context: ToolContext) -> str:
    RAN.append(context.call_id)
    return "sent"


def said(model: ScriptedModel, number: int) -> list[str]:
    return [item.text for item in model.requests[number].input if item.type == "message"]


async def test_a_session_goes_on_where_it_stands():
    store, model = MemoryStore(), ScriptedModel("Hello Ann.", "Ann, as you said.")
    await Agent(model, store=store).run("I am Ann.", session="alice")
    result = await Agent(model, store=store).run("Who am I?", session="alice")
    assert said(model, 1) == ["I am Ann.", "Hello Ann.", "Who am I?"]
    assert (result.session, result.turns, result.log.turns) == ("alice", 1, 2)


async def test_a_store_may_be_given_with_the_run():
    store, model = MemoryStore(), ScriptedModel("One.", "Two.", "Three.")
    agent = Agent(model)
    await agent.run("1", session="alice", store=store)
    await agent.run("2", session="alice")
    await agent.run("3", session="alice", store=store)
    assert [len(request.input) for request in model.requests] == [1, 1, 3]


async def test_a_run_without_a_name_is_kept_under_a_new_one():
    store = MemoryStore()
    result = await Agent(ScriptedModel("Hi."), store=store).run("Hello")
    kept = await store.load(result.session)
    assert [record.kind for record in kept.records] == ["setup", "input", "answer"]
    assert [info.session for info in await store.list()] == [result.session]


async def test_a_waiting_run_goes_on_in_another_process_by_its_name():
    store = MemoryStore()
    script = ([call("pay", amount=5), call("look")], "Paid.")
    waiting = await Agent(ScriptedModel(*script), tools=[pay, look], store=store).run("Pay.")
    assert (waiting.status, RAN) == ("waiting", [f"{waiting.session}/call_2"])
    other = Agent(ScriptedModel("Paid."), tools=[pay, look], store=store)
    result = await other.resume(waiting.session, [Approve("call_1")])
    assert (result.output, RAN[1:]) == ("Paid.", ["call_1"])


async def test_what_lets_a_call_run_is_kept_together_with_its_start():
    store = Watched()
    model = ScriptedModel([call("look"), call("pay", amount=1), call("nothing")], "Done.")
    agent = Agent(model, tools=[look, pay], store=store)
    waiting = await agent.run("Go.", session="s")
    await agent.resume("s", [Approve("call_2")])
    assert waiting.status == "waiting"
    assert store.commits == [
        ["setup", "input"],
        ["answer", "output", "started"],
        ["output"],
        ["decision", "started"],
        ["output"],
        ["answer"],
    ]


async def test_a_session_under_way_is_a_conflict_and_nothing_runs():
    store, entered, gate = MemoryStore(), asyncio.Event(), asyncio.Event()

    @tool
    async def slow() -> str:
        entered.set()
        await gate.wait()
        return "done"

    first = Agent(ScriptedModel([call("slow")], "First."), tools=[slow], store=store)
    second = ScriptedModel("Second.")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(first.run("1", session="s"))
        await entered.wait()
        with pytest.raises(Conflict):
            await Agent(second, store=store).run("2", session="s")
        with pytest.raises(Conflict):
            await Agent(second, tools=[slow], store=store).resume("s")
        gate.set()
    assert running.result().output == "First."
    assert second.requests == []


async def test_runs_of_one_session_may_take_turns():
    store, entered, gate = MemoryStore(), asyncio.Event(), asyncio.Event()

    @tool
    async def slow() -> str:
        entered.set()
        await gate.wait()
        return "done"

    first = Agent(ScriptedModel([call("slow")], "First."), tools=[slow], store=store)
    later = ScriptedModel("Second.", "Third.")
    agent = Agent(later, store=store)
    async with asyncio.TaskGroup() as group:
        group.create_task(first.run("1", session="s"))
        await entered.wait()
        group.create_task(agent.run("2", session="s", when_busy="wait"))
        await asyncio.sleep(0)
        group.create_task(agent.run("3", session="s", when_busy="wait"))
        await asyncio.sleep(0)
        gate.set()
    assert said(later, 0) == ["1", "First.", "2"]
    assert said(later, 1) == ["1", "First.", "2", "Second.", "3"]


async def test_how_to_wait_is_one_of_two_words():
    with pytest.raises(ConfigurationError, match="'queue' is neither"):
        await Agent(ScriptedModel("Hi.")).run("Hello", when_busy="queue")


async def test_a_result_that_the_session_has_gone_on_from_is_a_conflict():
    store, model = MemoryStore(), ScriptedModel("One.", "Two.")
    agent = Agent(model, store=store)
    first = await agent.run("1", session="s")
    await agent.run("2", session=first)
    with pytest.raises(Conflict, match="has gone on since"):
        await agent.run("3", session=first)
    assert len(model.requests) == 2


async def test_a_decision_on_what_was_decided_meanwhile_is_a_conflict():
    store, model = MemoryStore(), ScriptedModel([call("pay", amount=5)], "Paid.")
    agent = Agent(model, tools=[pay], store=store)
    waiting = await agent.run("Pay.")
    await agent.resume(waiting, [Approve("call_1")])
    with pytest.raises(Conflict):
        await agent.resume(waiting, [Reject("call_1")])
    with pytest.raises(ConfigurationError, match="No call 'call_1' waits"):
        await agent.resume(waiting.session, [Approve("call_1")])
    assert RAN == ["call_1"]


async def test_a_log_of_another_session_of_the_same_name_is_a_conflict():
    store = MemoryStore()
    await Agent(ScriptedModel("One."), store=store).run("1", session="s")
    other = await Agent(ScriptedModel("Else.")).run("2", session="s")
    with pytest.raises(Conflict, match="another session 's'"):
        await Agent(ScriptedModel("Hm."), store=store).run("3", session=other)


async def test_a_result_goes_on_where_a_store_writes_its_last_record_in_another_way():
    model = ScriptedModel(TransportError("no line"), "Hi.")
    agent = Agent(model, store=MemoryStore())
    part = {"type": "input_text", "text": "Hello", "score": float("nan")}
    with pytest.raises(ModelError) as caught:
        await agent.run([{"type": "message", "role": "user", "content": (part,)}])
    assert (await agent.resume(caught.value.result)).output == "Hi."


async def test_a_log_in_memory_can_go_on_in_a_store():
    store, model = MemoryStore(), ScriptedModel("One.", "Two.")
    first = await Agent(model).run("1", session="s")
    await Agent(model, store=store).run("2", session=first)
    kept = await store.load("s")
    assert [r.kind for r in kept.records] == ["setup", "input", "answer", "input", "answer"]


async def test_a_store_that_fails_loses_nothing_that_was_done():
    store, gate = Watched(), asyncio.Event()

    @tool
    async def slow() -> str:
        await gate.wait()
        RAN.append("slow")
        return "late"

    @tool
    async def fill() -> str:
        store.is_full = True
        gate.set()
        return "filled"

    model = ScriptedModel([call("fill"), call("slow")], "Done.")
    agent = Agent(model, tools=[slow, fill], store=store)
    with pytest.raises(StoreError, match="Make room") as caught:
        await agent.run("Go.", session="s")
    so_far = caught.value.result
    assert (so_far.status, so_far.error, len(model.requests)) == ("failed", caught.value, 1)
    outputs = [record.item.wire["output"] for record in so_far.log if record.kind == "output"]
    assert outputs == ["filled", "late"]
    assert (await store.load("s")).records[-1].kind == "started"
    store.is_full = False
    result = await agent.resume(so_far)
    assert (result.output, RAN) == ("Done.", ["slow"])
    assert Log((await store.load("s")).records).dump() == result.log.dump()


async def test_a_store_that_fails_at_the_start_lets_nothing_be_sent():
    store, model = Watched(), ScriptedModel("Hi.")
    store.is_full = True
    with pytest.raises(StoreError) as caught:
        await Agent(model, store=store).run("Hello")
    assert model.requests == []
    assert [record.kind for record in caught.value.result.log] == ["setup", "input"]


async def test_a_cancelled_run_is_kept_as_far_as_it_came():
    store, entered = MemoryStore(), asyncio.Event()

    @tool(effect="read")
    async def slow() -> str:
        entered.set()
        await asyncio.Event().wait()
        return ""

    agent = Agent(ScriptedModel([call("slow")], "Done."), tools=[slow], store=store)
    running = asyncio.create_task(agent.run("Go.", session="s"))
    await entered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [info.summary.status for info in await store.list()] == ["cancelled"]
    assert (await store.load("s")).records[-1].kind == "started"


class Gated(MemoryStore):
    """A store that holds back the first output until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        if any(record.kind == "output" for record in records):
            self.has_begun.set()
            await self.may_end.wait()
        await super().append(session, expected_seq, records, summary)


async def test_what_ends_after_a_commit_that_was_cancelled_is_kept_too():
    store = Gated()

    @tool(effect="read")
    async def slow() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        store.may_end.set()
        return "late"

    model = ScriptedModel([call("send"), call("slow")], "Done.")
    agent = Agent(model, tools=[send, slow], store=store)
    running = asyncio.create_task(agent.run("Go.", session="s"))
    await store.has_begun.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    kinds = [record.kind for record in (await store.load("s")).records]
    assert kinds == ["setup", "input", "answer", "started", "output", "output"]
    assert [info.summary.status for info in await store.list()] == ["cancelled"]


async def test_a_run_that_is_cancelled_while_its_failure_is_kept_gives_back_its_log():
    class Slow(MemoryStore):
        async def append(
            self,
            session: str,
            expected_seq: int,
            records: Sequence[Record],
            summary: Summary | None = None,
        ) -> None:
            if summary and summary.status == "failed":
                running.cancel()
                await asyncio.sleep(0)
            await super().append(session, expected_seq, records, summary)

    store = Slow()
    agent = Agent(ScriptedModel(TransportError("no line")), store=store)
    running = asyncio.create_task(agent.run("Go.", session="s"))
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    assert [record.kind for record in caught.value.result.log] == ["setup", "input"]
    assert [info.summary.status for info in await store.list()] == ["failed"]


async def test_a_run_that_failed_is_listed_as_failed_and_goes_on():
    store, model = MemoryStore(), ScriptedModel(TransportError("no line"), "Hi.")
    agent = Agent(model, store=store)
    with pytest.raises(ModelError):
        await agent.run("Hello", session="s")
    assert [info.summary.status for info in await store.list(status=["failed"])] == ["failed"]
    assert (await agent.resume("s")).output == "Hi."
    assert [info.summary.status for info in await store.list()] == ["completed"]


async def test_a_list_shows_what_a_session_is_about_and_took():
    store = MemoryStore()
    model = ScriptedModel([call("pay", amount=5)], "Paid.")
    await Agent(model, tools=[pay], store=store).run("Pay\n five,  please.", session="s")
    summary = (await store.list())[0].summary
    assert (summary.title, summary.status, summary.turns) == ("Pay five, please.", "waiting", 1)
    assert summary.tokens > 0
    assert summary.cost is None


async def test_an_agent_that_changed_goes_on_and_says_so():
    store = MemoryStore()
    await Agent(ScriptedModel("One."), store=store).run("1", session="s")
    model = ScriptedModel("Two.", "Three.")
    changed = Agent(model, instructions="Be brief.", store=store)
    await changed.run("2", session="s")
    await changed.run("3", session="s")
    setups = [r for r in (await store.load("s")).records if r.kind == "setup"]
    assert [setup.fields.values.get("instructions") for setup in setups] == [None, "Be brief."]
    assert model.requests[1].fields.values["instructions"] == "Be brief."


async def test_a_call_whose_tool_is_gone_waits():
    store = MemoryStore()
    script = [call("pay", amount=5), call("send")]
    waiting = await Agent(ScriptedModel(script), tools=[pay, send], store=store).run("Go.")
    without = Agent(ScriptedModel("Done."), tools=[send], store=store)
    parked = await without.resume(waiting.session)
    assert [(each.name, each.reason) for each in parked.pending] == [("pay", "its tool is gone")]
    with pytest.raises(ConfigurationError, match="no tool 'pay'"):
        await without.resume(waiting.session, [Approve("call_1")])
    result = await without.resume(waiting.session, [Answer("call_1", "paid by hand")])
    assert (result.output, RAN) == ("Done.", ["call_2"])


async def test_an_approved_call_whose_tool_is_gone_waits_until_it_is_back():
    store = MemoryStore()
    entered = asyncio.Event()

    @tool(effect="read")
    async def slow() -> str:
        entered.set()
        await asyncio.Event().wait()
        return ""

    @tool(name="slow", effect="read")
    async def quick() -> str:
        return "seen"

    agent = Agent(ScriptedModel([call("slow")], "Done."), tools=[slow], store=store)
    running = asyncio.create_task(agent.run("Go.", session="s"))
    await entered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    model = ScriptedModel("Done.")
    for _ in range(2):
        parked = await Agent(model, tools=[look], store=store).resume("s")
        assert [each.reason for each in parked.pending] == ["its tool is gone"]
    back = await Agent(model, tools=[quick], store=store).resume("s")
    assert (back.output, model.requests[0].outputs) == ("Done.", ["seen"])


async def test_a_tool_that_never_was_is_answered_in_words():
    store, model = MemoryStore(), ScriptedModel([call("lok")], "Done.")
    result = await Agent(model, tools=[look], store=store).run("Go.")
    assert result.output == "Done."
    assert "Did you mean 'look'?" in model.requests[1].outputs[0]


async def test_a_fork_goes_on_by_itself():
    store, model = MemoryStore(), ScriptedModel("One.", "Two.", "Else.")
    agent = Agent(model, store=store)
    first = await agent.run("1", session="s")
    await agent.run("2", session="s")
    name = await fork(store, "s", at=len(first.log))
    await agent.run("3", session=name)
    assert said(model, 2) == ["1", "One.", "3"]
    assert (await store.load(name)).parent == "s"
    assert len((await store.load("s")).records) == 5


async def test_a_saved_log_of_a_fork_goes_on_in_the_fork():
    store = MemoryStore()
    agent = Agent(ScriptedModel("One.", "Two.", "Three."), store=store)
    await agent.run("1", session="s")
    forked = await agent.run("2", session=await fork(store, "s", name="other"))
    result = await agent.run("3", session=Log.load(forked.log.dump()))
    assert (result.session, len((await store.load("s")).records)) == ("other", 3)


async def test_a_fork_does_not_run_what_the_other_session_ran():
    store = MemoryStore()
    model = ScriptedModel([call("send"), call("look"), call("pay", amount=1)], "Done.")
    agent = Agent(model, tools=[send, look, pay], store=store)
    await agent.run("Go.", session="s")
    records = (await store.load("s")).records
    at = next(seq for seq, record in enumerate(records) if isinstance(record, AnswerRecord)) + 1
    name = await fork(store, "s", at=at, name="other")
    RAN.clear()
    forked = await agent.resume(name)
    reasons = [(each.name, each.reason) for each in forked.pending]
    assert reasons == [("send", "may have run"), ("pay", "needs approval")]
    assert RAN == ["other/call_2"]


async def test_a_fork_does_not_run_what_was_approved_in_the_other_session():
    store = MemoryStore()
    agent = Agent(ScriptedModel([call("pay", amount=1)], "Done."), tools=[pay], store=store)
    await agent.run("Go.", session="s")
    await agent.resume("s", [Approve("call_1")])
    records = (await store.load("s")).records
    at = next(seq for seq, record in enumerate(records) if isinstance(record, Started))
    forked = await agent.resume(await fork(store, "s", at=at))
    assert [each.reason for each in forked.pending] == ["may have run"]
    assert RAN == ["call_1"]


@pytest.mark.parametrize(
    ("session", "at", "problem"),
    [
        ("nobody", None, "There is no session 'nobody' to fork"),
        ("nobody", 2, "There is no session 'nobody' to fork"),
        ("s", 0, "at: a fork begins with 1 record or more, got 0"),
        ("s", 4, "Session 's' has 3 records, so it cannot be forked at 4"),
    ],
)
async def test_a_fork_of_what_is_not_there_is_an_error(session: str, at: int | None, problem: str):
    store = MemoryStore()
    await Agent(ScriptedModel("One."), store=store).run("1", session="s")
    with pytest.raises(ConfigurationError, match=problem):
        await fork(store, session, at=at)
    assert [info.session for info in await store.list()] == ["s"]


async def test_going_on_with_a_session_that_is_not_there_is_an_error():
    with pytest.raises(ConfigurationError, match="no run to go on with in 'nobody'"):
        await Agent(ScriptedModel("Hi."), store=MemoryStore()).resume("nobody")


@pytest.mark.parametrize("store", [7, object(), "mysql://host/db", "sqlite:///"])
def test_a_place_that_is_no_store_is_an_error(store: Any):
    with pytest.raises(ConfigurationError, match="store: "):
        Agent(ScriptedModel("Hi."), store=store)


async def test_a_stored_log_that_does_not_add_up_is_reported_with_what_can_be_read():
    store = MemoryStore()
    result = await Agent(ScriptedModel("Hi."), store=store).run("Hello", session="s")
    await store.append("s", len(result.log), [Started({"call_9": "once"})])
    with pytest.raises(StoreError, match="'s' does not add up.*call_9") as caught:
        await Agent(ScriptedModel("Hi."), store=store).run("Hello", session="s")
    assert len(caught.value.records) == 4


def test_a_log_of_the_first_version_is_read():
    wires = [
        {"kind": "setup", "fields": {"model": "gpt-5-mini"}, "tool_choice": None, "session": "s"},
        {"kind": "input", "items": [{"role": "user", "content": "Hi"}], "is_repair": False},
        {"kind": "answer", "response": {"id": "resp_1", "output": []}, "waits": [], "limit": None},
    ]
    log = Log.load(wires)
    assert (log.session, log.turns) == ("s", 1)
    assert all(dump_record(record)["version"] == 1 for record in log)


def test_a_record_of_a_newer_version_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="record 'answer' of version 2.*up to version 1"):
        Log.load([{"kind": "answer", "version": 2, "response": {}}])
