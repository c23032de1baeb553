"""Promises 1, 5 and 6 over random scripts of calls, failures, decisions and endings."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import Agent, Approve, Edit, Limits, Reject, Request, RunResult, ToolContext, tool
from agentkit.approval import Answer, Decision
from agentkit.events import ToolOutput
from agentkit.log import Log
from agentkit.responses.items import FunctionCall, FunctionCallOutput, Reasoning
from agentkit.testing import ScriptedModel, call, failed, incomplete, reasoning

RUNS: list[tuple[str, int]] = []
"""Call id and number of every call that ran."""


@tool
async def fine(context: ToolContext, number: int) -> int:
    """Gives the number back."""
    RUNS.append((context.call_id, number))
    await asyncio.sleep(0)
    return number


@tool
def in_thread(context: ToolContext, number: int) -> int:
    """Gives the number back, from a thread."""
    RUNS.append((context.call_id, number))
    return number


@tool
async def boom(context: ToolContext, number: int) -> int:
    """Always fails."""
    RUNS.append((context.call_id, number))
    raise ValueError(f"no {number}")


@tool(approval=True)
async def asked(context: ToolContext, number: int) -> int:
    """Waits for a person."""
    RUNS.append((context.call_id, number))
    return number


@tool(approval=lambda values: values["number"] % 2 == 0)
async def asked_if_even(context: ToolContext, number: int) -> int:
    """Waits for a person where the number is even."""
    RUNS.append((context.call_id, number))
    return number


TOOLS = [fine, in_thread, boom, asked, asked_if_even]
NAMES = [each.name for each in TOOLS]


def has_no_equal_calls(script: str) -> bool:
    """A run lets only four equal calls through, which is not what these scripts are about."""
    values = re.findall(r'num\w+":"?(?:many )?(\d+)', script)
    return len(values) == len(set(values))


numbers = st.integers(0, 10**9)
good_calls = st.builds(lambda name, n: call(name, number=n), st.sampled_from(NAMES), numbers)
bad_calls = st.one_of(
    st.builds(lambda name, n: call(name, number=f"many {n}"), st.sampled_from(NAMES), numbers),
    st.builds(lambda name, n: call(name, nummer=n), st.sampled_from(NAMES), numbers),
    st.builds(lambda n: call("fin", number=n), numbers),
)
thoughts = st.just(reasoning("hm"))
batches = st.lists(st.one_of(good_calls, good_calls, bad_calls, thoughts), min_size=1, max_size=4)
turns = st.one_of(batches, batches, batches.map(lambda calls: ["on it", *calls]))
endings = st.one_of(
    st.just("done"),
    batches.map(incomplete),
    st.just(failed("server_error", "down")),
)
scripts = st.tuples(st.lists(turns, max_size=5), endings).filter(
    lambda script: has_no_equal_calls(str(script))
)
verdicts = st.lists(st.sampled_from(["approve", "reject", "edit", "answer"]), min_size=1)


@dataclass
class Story:
    """A run with its decisions, from the first word to its end."""

    model: ScriptedModel
    result: RunResult
    approved: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    events: list[Any] = field(default_factory=list)


async def told(script: tuple[list[Any], Any], words: list[str]) -> Story:
    """Run a script, decide on whatever waits, through a saved log each time."""
    RUNS.clear()
    model = ScriptedModel(*script[0], script[1])
    agent = Agent(model, tools=TOOLS, limits=Limits(turns=None))
    events: list[Any] = []
    result = await agent.run("go", on_event=events.append)
    story = Story(model, result, events=events)
    turn = 0
    while result.status == "waiting":
        decisions: list[Decision] = []
        for each in result.pending:
            word, turn = words[turn % len(words)], turn + 1
            decisions.append(_decision(word, each.call_id))
            (story.refused if word in ("reject", "answer") else story.approved).add(each.call_id)
        log = Log.load(result.log.dump())
        result = await agent.resume(log, decisions, on_event=events.append)
    story.result = result
    return story


def _decision(word: str, call_id: str) -> Decision:
    match word:
        case "approve":
            return Approve(call_id)
        case "reject":
            return Reject(call_id, "not today")
        case "edit":
            return Edit(call_id, {"number": 7})
    return Answer(call_id, "by hand")


def calls_that_may_not_run(model: ScriptedModel, result: RunResult) -> set[str]:
    """Ids of calls in answers that did not complete."""
    return {
        item.call_id
        for record in result.log
        if record.kind == "answer" and not record.response.is_complete
        for item in record.response.calls
    }


def check_well_formed(request: Request) -> None:
    """Each call has one output behind it, in call order; nothing comes between."""
    calls: list[str] = []
    outputs: list[str] = []
    for item in request.input:
        if isinstance(item, FunctionCall):
            assert not outputs or len(outputs) == len(calls), "a call among outputs"
            if outputs:
                calls, outputs = [], []
            calls.append(item.call_id)
        elif isinstance(item, FunctionCallOutput):
            outputs.append(item.call_id)
            assert outputs == calls[: len(outputs)], "outputs go back in call order"
        elif outputs:
            assert outputs == calls, "a call without its output"
            calls, outputs = [], []
    assert outputs == calls, "a call without its output"


@settings(max_examples=150)
@given(scripts, verdicts)
def test_nothing_runs_that_may_not(script, words):
    story = asyncio.run(told(script, words))
    ran = Counter(call_id for call_id, _ in RUNS)
    waited = story.approved | story.refused
    assert all(times == 1 for times in ran.values())
    assert not story.refused & ran.keys()
    assert story.approved <= ran.keys()
    assert not calls_that_may_not_run(story.model, story.result) & ran.keys()
    for record in story.result.log:
        if record.kind != "answer":
            continue
        for item in record.response.calls:
            if "many" in item.arguments or "nummer" in item.arguments or item.name == "fin":
                assert item.call_id not in ran
            elif item.call_id in ran and item.name in ("asked", "asked_if_even"):
                is_odd = json.loads(item.arguments)["number"] % 2 == 1
                is_free = item.name == "asked_if_even" and is_odd
                assert item.call_id in waited or is_free


@settings(max_examples=150)
@given(scripts, verdicts)
def test_every_request_is_well_formed(script, words):
    story = asyncio.run(told(script, words))
    for request in story.model.requests:
        check_well_formed(request)
    said = [item for request in story.model.requests[-1:] for item in request.input]
    answered = [
        item
        for record in story.result.log
        if record.kind == "answer" and record is not story.result.log.last_answer
        for item in record.response.output
    ]
    sent = [item for item in said if not isinstance(item, FunctionCallOutput)][1:]
    assert [item.type for item in sent] == [item.type for item in answered]
    for was, goes in zip(answered, sent, strict=True):
        assert goes.wire.items() <= was.wire.items(), "items go back as they came"


@settings(max_examples=100)
@given(scripts, verdicts)
def test_an_item_is_encoded_once_in_a_run(script, words):
    story = asyncio.run(told(script, words))
    if not story.approved | story.refused:
        encoded = [[id(item.encoded) for item in request.input] for request in story.model.requests]
        for before, after in zip(encoded, encoded[1:], strict=False):
            assert after[: len(before)] == before


@settings(max_examples=150)
@given(scripts, verdicts)
def test_the_model_learns_from_its_mistakes(script, words):
    story = asyncio.run(told(script, words))
    heard = {event.call_id: event for event in story.events if isinstance(event, ToolOutput)}
    for record in story.result.log:
        if record.kind != "output" or record.ended != "error":
            continue
        text = record.item.output
        assert isinstance(text, str)
        assert len(text) < 300
        assert "Traceback" not in text
        event = heard[record.call_id]
        assert event.output == text
        if text.startswith("There is no tool"):
            assert "Did you mean 'fine'?" in text
        else:
            assert event.name in text
            assert event.error is not None
            assert "number" in text or str(event.error) in text


@settings(max_examples=100)
@given(scripts, verdicts)
def test_reasoning_keeps_its_neighbour(script, words):
    story = asyncio.run(told(script, words))
    for record in story.result.log:
        if record.kind != "answer" or not record.response.is_complete:
            continue
        kinds = [type(item) for item in record.response.output]
        if Reasoning in kinds and record is not story.result.log.last_answer:
            sent = [item.type for item in story.model.requests[-1].input]
            expected = [item.type for item in record.response.output]
            windows = [sent[i : i + len(expected)] for i in range(len(sent))]
            assert expected in windows
