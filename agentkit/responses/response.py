"""A request, a response, and what a model is: something that turns one into the other.

Knows nothing of HTTP, of runs or of tools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any, Protocol

from agentkit.encoding import Wire, decode, encode
from agentkit.responses.events import StreamEvent
from agentkit.responses.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    final_messages,
    read_items,
)


@dataclass(frozen=True)
class Fields:
    """What a request is made of besides its input: model, instructions, tools, settings."""

    values: Mapping[str, Any] = field(repr=False)
    """Kept out of reprs, since tools may carry keys."""

    @cached_property
    def encoded(self) -> bytes:
        """The fields as JSON bytes without the braces, made at the first use and kept."""
        return encode(dict(self.values))[1:-1]

    @cached_property
    def spoken(self) -> dict[Any, Fields]:
        """These fields as particular servers want them, by their dialects; made once each."""
        return {}


@dataclass(frozen=True)
class Request:
    """One `POST /responses`, before any server's dialect is applied."""

    fields: Fields
    """The same value for every request of a run."""
    input: tuple[Item, ...]
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Fields of this request alone, such as `previous_response_id`; they win over `fields`, and
    None takes a field away."""
    stream: bool = False
    before: tuple[Item, ...] = ()
    """What goes before the input, for a server that turns out not to remember it."""
    time_left: float | None = None
    """Seconds in which the caller can use the answer; None for as long as it takes."""

    def value_of(self, name: str) -> Any:
        """What it says of a field besides its input, None where it says nothing."""
        return self.extra[name] if name in self.extra else self.fields.values.get(name)

    @property
    def outputs(self) -> list[str | list[Wire]]:
        """What the calls gave that this input carries, in order."""
        return [item.output for item in self.input if isinstance(item, FunctionCallOutput)]

    def wire(self) -> Wire:
        """The whole body as a JSON object."""
        body: Wire = decode(self.body())
        return body

    def body(self) -> bytes:
        """The whole body as JSON bytes; no item is encoded twice in its life."""
        fields, extra = self.fields.encoded, dict(self.extra)
        if extra.keys() & self.fields.values.keys() or None in extra.values():
            merged = {**self.fields.values, **extra}
            fields, extra = encode({k: v for k, v in merged.items() if v is not None})[1:-1], {}
        rest = encode({**extra, "stream": self.stream})[1:-1]
        items = b",".join([item.encoded for item in self.input])
        head = fields + b"," if fields else b""
        return b'{%b"input":[%b],%b}' % (head, items, rest)


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counted them; zero where it did not say."""

    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those read from the server's cache."""
    output_tokens: int = 0
    reasoning_tokens: int = 0
    """Of the output tokens, those spent on reasoning."""
    total_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.total_tokens + other.total_tokens,
        )

    @classmethod
    def read(cls, wire: Wire | None) -> Usage:
        """Usage of a response body; null, missing and partial ones read as zeros."""
        usage = wire if isinstance(wire, dict) else {}
        read, written = usage.get("input_tokens_details"), usage.get("output_tokens_details")
        said = [
            usage.get("input_tokens"),
            read.get("cached_tokens") if isinstance(read, dict) else None,
            usage.get("output_tokens"),
            written.get("reasoning_tokens") if isinstance(written, dict) else None,
            usage.get("total_tokens"),
        ]
        counts = [
            int(each)
            if isinstance(each, int) or (isinstance(each, float) and isfinite(each))
            else 0
            for each in said
        ]
        return cls(counts[0], counts[1], counts[2], counts[3], counts[4] or counts[0] + counts[2])


@dataclass(frozen=True)
class Response:
    """What the model answered."""

    wire: Wire
    """The body as it came, with `output` as it was put together from the stream."""
    output: tuple[Item, ...]

    @property
    def id(self) -> str | None:
        """The id of the response at the server, None where it gave none."""
        return self.wire.get("id")

    @property
    def model(self) -> str | None:
        """The model that answered, which a server may name more exactly than the request did."""
        return self.wire.get("model")

    @property
    def status(self) -> str:
        """`completed`, `incomplete`, `failed` or another word of the server's."""
        status = self.wire.get("status")
        if status not in (None, ""):
            return str(status)
        if self.error:
            return "failed"
        return "incomplete" if self.incomplete_reason else "completed"

    @property
    def is_failed(self) -> bool:
        """Whether the server gave up on it, also where it calls it complete and names an error.

        A status that nobody knows may mean that as well, and never that its calls may run.
        """
        error = self.error
        return self.status not in _NOT_FAILED or (error is not None and any(error.values()))

    @property
    def is_complete(self) -> bool:
        """Whether all of it is there; the calls of any other response must not run."""
        return not self.is_failed and self.status == "completed"

    @property
    def error(self) -> Wire | None:
        """What went wrong, with whatever the server says of `code` and `message`."""
        if error := self.wire.get("error"):
            return error if isinstance(error, dict) else {"message": str(error)}
        status = self.wire.get("status")
        if status in (None, "") or str(status) in _KNOWN:
            return None
        return {"message": f"The server ended its answer with the status {str(status)[:100]!r}."}

    @property
    def incomplete_reason(self) -> str | None:
        """`max_output_tokens`, `content_filter` or another word of the server's."""
        details = self.wire.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return str(reason) if reason else None

    @cached_property
    def usage(self) -> Usage:
        """The tokens it took."""
        return Usage.read(self.wire.get("usage"))

    @property
    def cost(self) -> float | None:
        """US dollars as the server says them, None where it does not.

        Source: `usage.cost` of OpenRouter, and `cost_details.upstream_inference_cost` besides where
        a key of one's own pays the provider; `usage.cost_in_usd_ticks` of xAI, 10¹⁰ a dollar.
        """
        usage = self.wire.get("usage")
        if not isinstance(usage, dict):
            return None
        cost, ticks = usage.get("cost"), usage.get("cost_in_usd_ticks")
        if isinstance(cost, int | float) and usage.get("is_byok"):
            details = usage.get("cost_details")
            paid = details.get("upstream_inference_cost") if isinstance(details, dict) else None
            return cost + paid if isinstance(paid, int | float) else None
        if isinstance(cost, int | float):
            return float(cost)
        return ticks / 10**10 if isinstance(ticks, int | float) else None

    @property
    def calls(self) -> list[FunctionCall]:
        """What the model asks to be run, in order."""
        return [item for item in self.output if isinstance(item, FunctionCall)]

    @property
    def text(self) -> str:
        """The answer: every message but commentary, in order."""
        return "".join(message.text for message in final_messages(self.output))

    @property
    def refusal(self) -> str:
        """What the model says instead where it declines, else empty."""
        return "".join(message.refusal for message in final_messages(self.output))


class Model(Protocol):
    """Anything that answers requests.

    It may also have a `name`, which requests then carry as `model`, a `dialect`, and a
    `compact(request)`, a coroutine that gives what stands for a request's input from then on;
    where `can_compact` is there too and false, it is not called.
    """

    def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of one response; the last is a `Snapshot` with a terminal status.

        Raises ModelError where there is no such answer.
        """
        ...


_NOT_FAILED = frozenset({"completed", "incomplete", "in_progress", "queued"})
_KNOWN = _NOT_FAILED | {"failed", "cancelled"}


def read_response(wire: Wire) -> Response:
    """A response body as a Response; null or missing `output` reads as no items."""
    output = wire.get("output")
    return Response(wire, read_items(output if isinstance(output, list) else None))
