"""The loop, given recorded answers and tools that return what was recorded, sends what was sent.

Read against recorded traffic of real clients and servers, where it lies beside the project.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentkit import Agent, File, Image, Limits, Tool, ToolContext
from agentkit.responses.fold import Fold
from agentkit.responses.reply import read_reply
from agentkit.testing import ScriptedModel

CORPUS = Path(os.environ.get("AGENTKIT_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
FILE = CORPUS / "responses.jsonl.gz"

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason="the recorded traffic is not beside the project"
)

Wire = dict[str, Any]

NOTE = re.compile(r"\n\n\[This same call was made .*\]$")
"""What the loop itself adds to a call that is made for the third time."""


@dataclass
class Chain:
    """Requests of one recorded tool loop, each answering the calls of the one before."""

    first: Wire
    answers: list[Wire] = field(default_factory=list)
    requests: list[Wire] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)


def interactions() -> dict[str, list[tuple[Wire, Wire]]]:
    """Request and answer bodies of every recorded `POST …/responses` that succeeded, by group."""
    groups: dict[str, list[tuple[int, Wire, Wire]]] = defaultdict(list)
    with gzip.open(FILE, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            request, response = row["request"], row["response"]
            is_post = request["method"] == "POST" and request["path"].split("?")[0].endswith(
                "/responses"
            )
            if is_post and response["status"] == 200 and isinstance(request.get("body"), dict):
                groups[row["group"]].append((row["order"], request["body"], answer_of(response)))
    return {
        name: [(body, answer) for _, body, answer in sorted(rows, key=lambda row: row[0])]
        for name, rows in groups.items()
    }


def answer_of(response: Wire) -> Wire:
    """The response object of a recorded answer, JSON or stream."""
    content = response.get("body")
    raw = json.dumps(content).encode() if content else response["sse"].encode()
    fold = Fold()
    for event in read_reply(200, raw, {}):
        fold.add(event)
    folded = fold.response()
    return {**folded.wire, "output": [item.wire for item in folded.output]}


def calls_of(answer: Wire) -> list[str]:
    kinds = ("function_call", "custom_tool_call")
    return [item["call_id"] for item in answer["output"] if item["type"] in kinds]


def items_of(body: Wire) -> list[Wire]:
    said = body.get("input") or []
    return [{"role": "user", "content": said}] if isinstance(said, str) else said


def outputs_of(body: Wire) -> dict[str, Any]:
    return {
        item["call_id"]: item["output"]
        for item in items_of(body)
        if item.get("type") in ("function_call_output", "custom_tool_call_output")
    }


def ends_with_outputs_of(body: Wire, answer: Wire) -> bool:
    """Whether a request does nothing but answer the calls of an answer."""
    calls = calls_of(answer)
    last = items_of(body)[-len(calls) :] if calls else []
    return bool(calls) and sorted(item.get("call_id", "") for item in last) == sorted(calls)


def chains() -> list[Chain]:
    """Every recorded tool loop, as long as the client only answered calls."""
    found: list[Chain] = []
    for pairs in interactions().values():
        open_chains: list[Chain] = []
        for body, answer in pairs:
            chain = next(
                (each for each in open_chains if ends_with_outputs_of(body, each.answers[-1])), None
            )
            if chain is None:
                chain = Chain(body)
                open_chains.append(chain)
            chain.requests.append(body)
            chain.answers.append(answer)
            chain.outputs |= outputs_of(body)
        found += [chain for chain in open_chains if len(chain.requests) > 1]
    return found


def stand_in(name: str, outputs: dict[str, Any]) -> Tool:
    """A tool that returns what was recorded for the call."""

    async def recorded(context: ToolContext, **_: Any) -> Any:
        return _as_returned(outputs.get(context.call_id, "?"))

    return Tool.from_schema(name, "", {"type": "object"}, recorded, strict=False)


def _as_returned(output: Any) -> Any:
    """What a tool returns so that this is its output."""
    if isinstance(output, str):
        return output
    return [
        Image(part["image_url"], part.get("detail"))
        if part["type"] == "input_image"
        else File(part["file_data"], part["filename"])
        if part["type"] == "input_file"
        else part["text"]
        for part in output
    ]


async def replayed(chain: Chain) -> list[list[Wire]]:
    """The inputs of the requests that the loop makes of a chain."""
    names = {
        item["name"]
        for answer in chain.answers
        for item in answer["output"]
        if item["type"] == "function_call"
    }
    state = "chained" if chain.requests[1].get("previous_response_id") else "replay"
    state = chain.requests[1].get("conversation") or state
    model = ScriptedModel(*chain.answers, "end", "end")
    tools = [stand_in(name, chain.outputs) for name in sorted(names)]
    agent = Agent(model, tools=tools, state=state, limits=Limits(turns=None))
    await agent.run(items_of(chain.first))
    return [[item.wire for item in request.input] for request in model.requests]


def plain(items: list[Wire], known: dict[str, Wire]) -> list[tuple[Any, ...]]:
    """What an item says, whatever form a client gives it."""
    return [
        _plain(known.get(i["id"], i) if i.get("type") == "item_reference" else i) for i in items
    ]


def _plain(item: Wire) -> tuple[Any, ...]:
    kind = item.get("type") or "message"
    match kind:
        case "message":
            return kind, item.get("role"), _text(item.get("content"))
        case "function_call":
            return kind, item["call_id"], item["name"], _json(item.get("arguments"))
        case "function_call_output":
            return kind, item["call_id"], NOTE.sub("", _text(item["output"]))
        case "reasoning":
            summary = _text(item.get("summary"))
            return kind, item.get("encrypted_content") or summary or item.get("id")
    return kind, item.get("call_id") or item.get("id")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text") or json.dumps(part, sort_keys=True) for part in content)
    return str(content)


def _json(text: Any) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def said(body: list[Wire], known: dict[str, Wire]) -> list[tuple[Any, ...]]:
    """A recorded input without the empty messages that two clients put between calls."""
    items = plain(body, known)
    return [item for item in items if item[0] != "message" or item[2] != ""]


def difference(recorded: list[tuple[Any, ...]], ours: list[tuple[Any, ...]]) -> str | None:
    """What the client did differently with the same answers; None where it did not.

    Clients may leave out what they cannot replay. Nothing may be missing from ours.
    """
    if recorded == ours:
        return None
    kinds = {item[0] for item in recorded}
    left_out = {item[0] for item in ours} - kinds
    if left_out and recorded == [item for item in ours if item[0] in kinds]:
        return f"the client left out {', '.join(sorted(left_out))}"
    where = next(n for n in range(len(ours) + 1) if recorded[n : n + 1] != ours[n : n + 1])
    return (
        f"WRONG at {where}: {recorded[where : where + 1]} recorded, {ours[where : where + 1]} sent"
    )


def test_the_loop_sends_the_recorded_conversations(record_property):
    checked: Counter[str] = Counter()
    wrong = []
    for chain in chains():
        known = {item["id"]: item for a in chain.answers for item in a["output"] if item.get("id")}
        sent = asyncio.run(replayed(chain))
        checked["recorded tool loops replayed"] += 1
        for recorded, ours in zip(chain.requests, sent, strict=False):
            found = difference(said(items_of(recorded), known), plain(ours, known))
            checked["requests sent as recorded" if found is None else found] += 1
            if found and found.startswith("WRONG"):
                wrong.append(found)
    record_property("checked", ", ".join(f"{n} {what}" for what, n in checked.items()))
    assert wrong == []
    assert checked["recorded tool loops replayed"] > 100
    assert checked["requests sent as recorded"] > 280
