"""What there is to find out about a server: one question a probe, each answered by one request.

Values and no I/O: `judges` reads the answers, `asking` sends the requests,
`dialect` draws the conclusion, `fixes` says what to do where nothing works.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.responses.items import Item, read_items, sent_back, user_message
from agentkit.responses.probing import judges
from agentkit.responses.probing.judges import NUMBER, TOOL, WORD, Heard, Judge, Verdict
from agentkit.responses.response import Fields, Request

MOST_TOKENS = 512
"""`max_output_tokens` of a probe: reasoning counts among them, and a word comes behind it."""
LEAST_TOKENS = 16
"""The smallest `max_output_tokens` that OpenAI's server takes."""

Before = Mapping[str, Heard]
"""What came back to earlier probes, by their names."""

Ask = Callable[[Before], Request | Verdict]
"""The request of a probe, or the verdict where there is nothing left to ask."""


@dataclass(frozen=True)
class Fetch(Request):
    """One `GET /responses/{response_id}`: a response that was given before, once more."""

    response_id: str = ""

    def wire(self) -> Wire:
        """What it says; it has no body."""
        return {"response_id": self.response_id}


@dataclass(frozen=True)
class Probe:
    """One thing that a server can do or cannot."""

    name: str
    finds_out: str
    """What it finds out, as the end of a sentence that begins with "whether"."""
    ask: Ask
    judge: Judge
    after: str | None = None
    """The probe whose answer it needs."""
    is_essential: bool = False
    """Whether agents cannot work without it."""
    is_free: bool = False
    """Whether it sends nothing of its own."""


def _schema(**properties: Wire) -> Wire:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _tool(parameters: Wire, *, strict: bool) -> Wire:
    says = "How many people live in a city."
    described = {"type": "function", "name": TOOL, "description": says}
    return {**described, "parameters": parameters, "strict": strict}


_CITY = {"type": "string", "description": "The name of the city."}
_YEAR = {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "null for now."}
_TOOLS = [_tool(_schema(city=_CITY), strict=False)]
_STRICT_TOOLS = [_tool(_schema(city=_CITY, year=_YEAR), strict=True)]
_FORMAT = {
    "type": "json_schema",
    "name": "city",
    "strict": True,
    "schema": _schema(city={"type": "string"}, population={"type": "integer"}),
}
_REASONING: Wire = {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}

_SAY = f"Reply with the single word {WORD}."
_CALL = f"How many people live in Oslo? Call the tool {TOOL} to find out."
_CALL_TWICE = "How many people live in Oslo and in Lima? Call the tool for both at once."
_COUNT = "Count from one to one hundred, every number in words."
_PRIME = "Is 91 a prime number? Answer with yes or no."
_RECALL = "Which single word did you just reply with? Reply with that word alone."
_LOOK = "Which colour is this image? Reply with the name of the colour."
_STRUCTURE = "Oslo has 717710 inhabitants. Give the city and its population."


def _request(*items: Item, **fields: Any) -> Request:
    return Request(Fields({"max_output_tokens": MOST_TOKENS, **fields}), items)


def _asked(question: str, **fields: Any) -> Ask:
    request = _request(user_message(question), **fields)
    return lambda _: request


def _streamed(question: str, **fields: Any) -> Ask:
    request = replace(_request(user_message(question), **fields), stream=True)
    return lambda _: request


def _function_call(call_id: str, city: str) -> Wire:
    arguments = encode({"city": city}).decode()
    return {"type": "function_call", "call_id": call_id, "name": TOOL, "arguments": arguments}


def _gave(call_id: str, output: str | list[Wire]) -> Wire:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _after(*wires: Wire) -> Ask:
    """A conversation that went on like this behind its question."""
    items = (user_message("How many people live in Oslo?"), *read_items(wires))
    request = _request(*items, tools=_TOOLS)
    return lambda _: request


_OSLO, _LIMA = _function_call("call_probe1", "Oslo"), _function_call("call_probe2", "Lima")
_BETWEEN = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Then Lima."}],
}


def _usage(before: Before) -> Verdict:
    return judges.usage(before["text"])


def _recall(before: Before) -> Request | Verdict:
    response = before["text"].response
    if response is None or not response.id:
        return Verdict("fails", "the response had no id to refer to")
    if WORD not in response.text.lower():
        return Verdict("unknown", "cannot be told: the model did not say the word it was to say")
    return _request(user_message(_RECALL), previous_response_id=response.id)


def _fetch(before: Before) -> Request | Verdict:
    response = before["text"].response
    if response is None or not response.id:
        return Verdict("fails", "the response had no id to ask for it by")
    return Fetch(Fields({}), (), response_id=response.id)


def _send_back(before: Before) -> Request | Verdict:
    response = before["reasoning"].response
    if response is None or not any(item.type == "reasoning" for item in response.output):
        return Verdict("unknown", "no reasoning items came that could be sent back")
    earlier = (user_message(_PRIME), *sent_back(response.output))
    return _request(*earlier, user_message(_SAY), **_REASONING)


def _look(_: Before) -> Request:
    picture = {"type": "input_image", "image_url": red_square()}
    return _request(user_message([{"type": "input_text", "text": _LOOK}, picture]))


def red_square(side: int = 64) -> str:
    """A PNG that is all red, as a data URL; models refuse pictures of a few pixels."""
    rows = zlib.compress((b"\0" + b"\xff\0\0" * side) * side)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


_FORCED = {"type": "function", "name": TOOL}

PROBES: tuple[Probe, ...] = (
    Probe("text", "it answers", _asked(_SAY), judges.text, is_essential=True),
    Probe("stream", "text comes in pieces", _streamed(_SAY), judges.stream),
    Probe("usage", "tokens are counted", _usage, judges.usage, after="text", is_free=True),
    Probe(
        "tools",
        "the model calls a tool",
        _asked(_CALL, tools=_TOOLS),
        judges.tools,
        is_essential=True,
    ),
    Probe(
        "tool-output",
        "it reads what the tool gave",
        _after(_OSLO, _gave("call_probe1", NUMBER)),
        judges.tool_output,
        is_essential=True,
    ),
    Probe(
        "stream-tools",
        "a call comes through a stream",
        _streamed(_CALL, tools=_TOOLS),
        judges.stream_tools,
    ),
    Probe("parallel", "two calls come at once", _asked(_CALL_TWICE, tools=_TOOLS), judges.parallel),
    Probe(
        "forced",
        "`tool_choice` makes it call",
        _asked("Say hello.", tools=_TOOLS, tool_choice=_FORCED),
        judges.forced,
    ),
    Probe(
        "tools-off",
        "`tool_choice` keeps it from calling",
        _asked(_CALL, tools=_TOOLS, tool_choice="none"),
        judges.tools_off,
    ),
    Probe("strict", "strict schemas are kept", _asked(_CALL, tools=_STRICT_TOOLS), judges.strict),
    Probe(
        "list-output",
        "a tool may give a list of parts",
        _after(_OSLO, _gave("call_probe1", [{"type": "input_text", "text": NUMBER}])),
        judges.tool_output,
    ),
    Probe(
        "calls-apart",
        "words may stand between two calls",
        _after(_OSLO, _BETWEEN, _LIMA, _gave("call_probe1", NUMBER), _gave("call_probe2", "1")),
        judges.taken,
    ),
    Probe(
        "structured",
        "an answer keeps to a JSON schema",
        _asked(_STRUCTURE, text={"format": _FORMAT}),
        judges.structured,
    ),
    Probe("images", "it sees an image", _look, judges.images),
    Probe(
        "previous-response-id",
        "the server remembers a response",
        _recall,
        judges.previous_response_id,
        after="text",
    ),
    Probe("fetch", "a response can be fetched again", _fetch, judges.fetch, after="text"),
    Probe("reasoning", "reasoning items come", _asked(_PRIME, **_REASONING), judges.reasoning),
    Probe(
        "reasoning-back",
        "they are taken back",
        _send_back,
        judges.taken,
        after="reasoning",
    ),
    Probe(
        "output-limit",
        "`max_output_tokens` cuts off",
        _asked(_COUNT, max_output_tokens=LEAST_TOKENS),
        judges.output_limit,
    ),
    Probe(
        "unknown-field",
        "an unknown field is refused by name",
        _asked(_SAY, agentkit_probe="1"),
        judges.unknown_field,
    ),
    Probe(
        "error-shape",
        "errors can be read",
        _asked(_SAY, model="agentkit-no-such-model"),
        judges.error_shape,
    ),
)
"""Every probe, in the order in which they are shown."""

BY_NAME = {probe.name: probe for probe in PROBES}


def with_what_they_need(names: Sequence[str]) -> tuple[Probe, ...]:
    """The probes of those names, those whose answers they need, and `text`, in their order."""
    wanted = {"text", *names}
    wanted |= {after for name in wanted if (after := BY_NAME[name].after)}
    return tuple(probe for probe in PROBES if probe.name in wanted)
