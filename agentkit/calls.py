"""A call of the model's, and what the log says of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from itertools import count

from agentkit.encoding import Wire, encode
from agentkit.records import Decision, Output, digest
from agentkit.responses.items import FunctionCall, Item
from agentkit.responses.response import Response
from agentkit.schema.decoding import read_json

MCP_APPROVAL = "mcp_approval_request"

WRAPPERS = frozenset({"multi_tool_use.parallel", "multi_tool_use_parallel", "parallel"})
"""What some models call to make several calls at once; no request has ever told them of it."""

_PREFIX = "functions."
"""What some models put before the name of a function."""

_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")
"""What a server refuses in the name of a call, also where its own model made it up."""

MOST_NAME = 64
MOST_ID = 64
"""Characters of a name that no tool has."""


@dataclass
class CallState:
    """One call of the last answer, and what the log says of it."""

    item: Item
    call_id: str
    repeat: int = 1
    """The how-manieth identical call of the run it is."""
    needs_word: bool = False
    """Whether a person has to decide before it runs."""
    decision: Decision | None = None
    """A person's word that has not been acted on yet."""
    edited: str | None = None
    effect: str | None = None
    """Its effect, once it has been started."""
    output: Output | None = None
    is_orphan: bool = False
    """Whether its tool was there when the model called it, and is gone."""

    @property
    def name(self) -> str:
        return str(self.item.wire.get("name") or "")

    @property
    def arguments(self) -> str:
        """The arguments it would run with: the model's, or those a person put in their place."""
        if self.edited is not None:
            return self.edited
        if isinstance(self.item, FunctionCall):
            return self.item.arguments
        return str(self.item.wire.get("arguments") or "{}")

    @property
    def arguments_digest(self) -> str:
        """What a decision about it is bound to."""
        return digest([self.name, self.arguments])

    @property
    def is_the_servers_own(self) -> bool:
        """Whether the server would run it, and asks for the leave to."""
        return self.item.type == MCP_APPROVAL

    @property
    def may_have_run(self) -> bool:
        """Whether it was started, has no output and must not run a second time unasked."""
        return self.output is None and self.effect == "once"

    @property
    def is_decided_by_hand(self) -> bool:
        """Whether a person's word stands in place of running it."""
        if self.is_the_servers_own:
            return True
        return self.decision is not None and self.decision.verdict in ("reject", "answer")

    @property
    def waits(self) -> bool:
        """Whether only a person's word can move it."""
        if self.output is not None:
            return False
        if self.is_orphan:
            return not self.is_decided_by_hand
        return self.decision is None and (self.needs_word or self.may_have_run)

    @property
    def answer_to(self) -> Wire:
        """The item that gives the model the call's output, but for the output itself."""
        return {"type": f"{self.item.type}_output", "call_id": self.call_id}


def plain_calls(
    response: Response, tools: Container[str], known: Set[str], *, is_kept: bool
) -> Response:
    """The response with every call as a server takes it back, and under an id of its own.

    `functions.add` is `add`. A wrapper around several calls is these calls. What is no name or no
    text becomes one: a server may refuse the whole conversation for what a model made up. The same
    call told twice, its id and all, is one call. Other ids that were used before are made new: some
    servers count calls anew in each response (`call_0`), which would pair an output with the wrong
    call once the conversation is sent as a whole. Where the server keeps the answer it pairs by the
    ids that it gave, so a wrapper stays one there.
    """
    calls = response.calls
    ids = {call.call_id for call in calls if call.call_id == call.wire.get("call_id")}
    written = [call.wire.get("arguments", call.wire.get("input")) for call in calls]
    is_plain = all(call.name in tools for call in calls)
    is_plain = is_plain and written == [call.arguments for call in calls]
    is_plain = is_plain and (is_kept or all(len(call_id) <= MOST_ID for call_id in ids))
    if is_plain and len(ids) == len(calls) and known.isdisjoint(ids):
        return response
    may_split = response.is_complete and not is_kept
    may_split = may_split and all(item.can_stand_alone for item in response.output)
    most = None if is_kept else MOST_ID
    return replace(response, output=tuple(_plain(response.output, tools, known, may_split, most)))


def _plain(
    items: Iterable[Item],
    tools: Container[str],
    known: Set[str],
    may_split: bool,
    most: int | None,
) -> Iterator[Item]:
    seen, again, told = set(known), Counter[str](), set[tuple[str, ...]]()
    for item in items:
        if not isinstance(item, FunctionCall):
            yield item
            continue
        same = (item.call_id, item.name, item.arguments)
        if item.call_id and same in told:
            continue
        told.add(same)
        uses = _uses(item, tools) if may_split else []
        for wire in uses or [{**item.wire, _text_of(item): item.arguments}]:
            name = _name(str(wire.get("name") or ""), tools)
            call_id = _free_id((item.call_id or "call")[:most], seen, again)
            seen.add(call_id)
            yield type(item)({**wire, "name": name, "call_id": call_id})


def _text_of(call: FunctionCall) -> str:
    """Where a call has what it is made with."""
    return "arguments" if call.type == "function_call" else "input"


def _uses(call: FunctionCall, tools: Container[str]) -> list[Wire]:
    """The calls that a wrapper makes; none of what is no wrapper, or of another shape."""
    if call.type != "function_call" or call.name not in WRAPPERS or call.name in tools:
        return []
    try:
        return list(_unwrapped(call))
    except (ValueError, TypeError, LookupError, AttributeError):
        return []


def _unwrapped(call: FunctionCall) -> Iterator[Wire]:
    # the id names the wrapper at the server, and nothing there has the ids of its uses
    wire = {key: value for key, value in call.wire.items() if key != "id"}
    for use in read_json(call.arguments)["tool_uses"]:
        given = use.get("parameters", {})
        arguments = given if isinstance(given, str) else encode(given).decode()
        yield {**wire, "name": "" + use["recipient_name"], "arguments": arguments}


def _name(name: str, tools: Container[str]) -> str:
    """The name of the tool that is meant, or a name that no tool has."""
    bare = name.removeprefix(_PREFIX)
    if bare in tools:
        return bare
    clean = _NO_NAME.sub("_", name)[:MOST_NAME] or "_"
    return next(each for n in count() if (each := clean + "_" * n) not in tools)


def _free_id(call_id: str, seen: Set[str], again: Counter[str]) -> str:
    free = call_id
    while free in seen:
        again[call_id] += 1
        free = f"{call_id[:56]}_{again[call_id] + 1}"
    return free
