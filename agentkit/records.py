"""The records a log is made of: frozen values, each one fact about a run.

Each is a JSON object with its `kind` and the version of its form when it leaves the process, plain
data without type tags that construct anything. Knows nothing of how a run goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

from agentkit.encoding import JSON, Wire, encode
from agentkit.errors import ConfigurationError
from agentkit.responses.items import FunctionCallOutput, Item, read_item, read_items
from agentkit.responses.response import Fields, Response, Usage, read_response
from agentkit.secrets import Secrets

Ended = Literal["ok", "error", "timeout", "rejected", "skipped"]
"""How a call came to its output. `rejected` and `skipped` ones never ran."""

Verdict = Literal["approve", "reject", "edit", "answer"]


VERSION = 1
"""The version of the records' form that is written. Every older one is read."""

NOT_SENT = "not_sent"
"""The reason of an answer to a request that did not go out; its `limit` says for want of what."""

_SECRETS = frozenset({"authorization", "headers"})


@dataclass(frozen=True)
class Setup:
    """What a request is made of besides its input, from here on."""

    kind: ClassVar[str] = "setup"
    fields: Fields
    tool_choice: JSON = None
    """Kept apart, because a forced choice holds for a run's first request only."""
    session: str = ""
    """The name of the session, so that a saved log knows its own."""
    server: str = ""
    """Where requests go, without secrets."""
    conversation: str = ""
    """The id of the conversation at the server, where it keeps one."""
    context: Wire | None = None
    """The policy that says what of a long conversation is sent, as `context_wire` writes it."""
    wire: str = "responses"
    """Whether the server is asked for responses or for chat completions."""
    secrets: Secrets = field(default_factory=Secrets, repr=False, compare=False)
    """What is hidden where it is dumped; requests are made of it as it is."""

    @property
    def model(self) -> tuple[str, str]:
        """The server and its model: what reads the reasoning that it wrote."""
        return self.server, str(self.fields.values.get("model", ""))

    @cached_property
    def tool_names(self) -> frozenset[str]:
        """The names of the functions that the model is told of."""
        tools = self.fields.values.get("tools") or ()
        return frozenset(tool["name"] for tool in tools if tool.get("type") == "function")

    @cached_property
    def digest(self) -> str:
        """Equal for setups that make equal requests to the same server, but for secrets in them."""
        return digest({**self.body(), "session": ""})

    def body(self) -> Wire:
        return {
            "fields": self.secrets.hide_json(_without_secrets(self.fields.values)),
            "tool_choice": self.secrets.hide_json(self.tool_choice),
            "session": self.session,
            "server": self.server,
            "conversation": self.conversation,
            "context": self.secrets.hide_json(self.context),
            "wire": self.wire,
        }

    @classmethod
    def read(cls, body: Wire) -> Setup:
        return cls(
            Fields(body["fields"]),
            body.get("tool_choice"),
            body.get("session") or "",
            body.get("server") or "",
            body.get("conversation") or "",
            body.get("context"),
            body.get("wire") or "responses",
        )


@dataclass(frozen=True)
class Input:
    """What the caller said; a run begins here. Or what a repair asks of the model."""

    kind: ClassVar[str] = "input"
    items: tuple[Item, ...]
    is_repair: bool = False
    """Whether it lists the problems of the answer before it; then no run begins."""

    def body(self) -> Wire:
        return {"items": [item.wire for item in self.items], "is_repair": self.is_repair}

    @classmethod
    def read(cls, body: Wire) -> Input:
        return cls(read_items(body["items"]), bool(body.get("is_repair")))


@dataclass(frozen=True)
class Answer:
    """What the model answered, and what was found about it on arrival."""

    kind: ClassVar[str] = "answer"
    response: Response
    waits: tuple[str, ...] = ()
    """Ids of the calls that need a person's word before they run."""
    problems: tuple[str, ...] = ()
    """Why the text does not fit the output type, one line a problem."""
    limit: str | None = None
    """The limit that made this the run's last request."""
    seconds: float = 0.0
    cost: float | None = None
    """US dollars, as they were known when it came; None where they were not."""
    is_cached: bool = False
    """Whether it was kept of an earlier run, so that nobody was asked."""

    @property
    def was_sent(self) -> bool:
        """Whether it is an answer at all, and not word of a request that nothing was left for."""
        return self.response.incomplete_reason != NOT_SENT

    def body(self) -> Wire:
        output = [item.wire for item in self.response.output]
        return {
            "response": {**self.response.wire, "output": output},
            "waits": list(self.waits),
            "problems": list(self.problems),
            "limit": self.limit,
            "seconds": self.seconds,
            "cost": self.cost,
            "is_cached": self.is_cached,
        }

    @classmethod
    def read(cls, body: Wire) -> Answer:
        return cls(
            read_response(body["response"]),
            tuple(body.get("waits") or ()),
            tuple(body.get("problems") or ()),
            body.get("limit"),
            body.get("seconds") or 0.0,
            body.get("cost"),
            bool(body.get("is_cached")),
        )


@dataclass(frozen=True)
class Started:
    """Calls that are about to run, written before they do."""

    kind: ClassVar[str] = "started"
    effects: Mapping[str, str]
    """The effect of each, by call id: what to do with it if its output never comes."""

    def body(self) -> Wire:
        return {"effects": dict(self.effects)}

    @classmethod
    def read(cls, body: Wire) -> Started:
        return cls(dict(body["effects"]))


@dataclass(frozen=True)
class Output:
    """What a call gave, as the model reads it."""

    kind: ClassVar[str] = "output"
    item: Item
    ended: Ended = "ok"
    seconds: float = 0.0
    limit: str | None = None
    """The limit that kept the call from running."""
    is_final: bool = False
    """Whether the tool ended the run with `value` as its output."""
    value: JSON = None
    cost_inside: float = 0.0
    """US dollars that runs inside the call have spent, as far as they are known."""
    whole: str | None = None
    """All of the output's text where the model was given head and tail of it, else None."""
    untrusted: bool = False
    """Whether it is from outside, where others may have written it."""

    @property
    def call_id(self) -> str:
        """The call it answers; for an approval of a server's own tool, the request's id."""
        if isinstance(self.item, FunctionCallOutput):
            return self.item.call_id
        return str(self.item.wire.get("approval_request_id") or self.item.wire.get("call_id") or "")

    def body(self) -> Wire:
        return {
            "item": self.item.wire,
            "ended": self.ended,
            "seconds": self.seconds,
            "limit": self.limit,
            "is_final": self.is_final,
            "value": self.value,
            "cost_inside": self.cost_inside,
            "whole": self.whole,
            "untrusted": self.untrusted,
        }

    @classmethod
    def read(cls, body: Wire) -> Output:
        return cls(
            read_item(body["item"]),
            body.get("ended") or "ok",
            body.get("seconds") or 0.0,
            body.get("limit"),
            bool(body.get("is_final")),
            body.get("value"),
            body.get("cost_inside") or 0.0,
            body.get("whole"),
            bool(body.get("untrusted")),
        )


@dataclass(frozen=True)
class Decision:
    """A person's word on a call that waits, about the arguments it was shown with."""

    kind: ClassVar[str] = "decision"
    call_id: str
    verdict: Verdict
    arguments_digest: str
    value: Any = None
    """The reason of a rejection, the arguments of an edit, or the result given by hand."""

    def body(self) -> Wire:
        return {
            "call_id": self.call_id,
            "verdict": self.verdict,
            "arguments_digest": self.arguments_digest,
            "value": self.value,
        }

    @classmethod
    def read(cls, body: Wire) -> Decision:
        return cls(body["call_id"], body["verdict"], body["arguments_digest"], body.get("value"))


@dataclass(frozen=True)
class Compaction:
    """What stands for the beginning of the conversation from here on; the log stays whole."""

    kind: ClassVar[str] = "compaction"
    items: tuple[Item, ...]
    replaced: int
    """How many items of the conversation, from its first on, they stand for."""
    usage: Usage = field(default_factory=Usage)
    """What it took to make them."""
    cost: float | None = None
    """US dollars, None where they are not known."""

    @property
    def was_sent(self) -> bool:
        """Whether a request was made for it; where no budget had room, it is empty and free."""
        return bool(self.items or self.usage.total_tokens)

    def body(self) -> Wire:
        return {
            "items": [item.wire for item in self.items],
            "replaced": self.replaced,
            "usage": asdict(self.usage),
            "cost": self.cost,
        }

    @classmethod
    def read(cls, body: Wire) -> Compaction:
        usage = Usage(**(body.get("usage") or {}))
        return cls(read_items(body["items"]), int(body["replaced"]), usage, body.get("cost"))


Record = Setup | Input | Answer | Started | Output | Decision | Compaction

_KINDS: dict[str, type[Record]] = {
    kind.kind: kind for kind in (Setup, Input, Answer, Started, Output, Decision, Compaction)
}


def _without_secrets(fields: Mapping[str, Any]) -> Wire:
    """The fields without what a hosted tool takes to reach others: a log is read by many."""
    hosted = [
        {key: "[left out]" if key in _SECRETS else value for key, value in tool.items()}
        for tool in fields.get("tools") or ()
    ]
    return {**fields, "tools": hosted} if hosted else dict(fields)


def dump_record(record: Record) -> Wire:
    """The record as a JSON object."""
    return {"kind": record.kind, "version": VERSION, **record.body()}


def load_record(wire: Wire) -> Record:
    """The record of a JSON object; one without a version is of the first.

    Raises ConfigurationError for one of a newer version or of no known kind.
    """
    body = dict(wire)
    name, version = str(body.pop("kind", None)), body.pop("version", 1)
    if not isinstance(version, int) or version > VERSION:
        raise ConfigurationError(
            f"The log holds a record {name!r} of version {version!r}; this agentkit reads up to "
            f"version {VERSION}. Read it with a newer agentkit."
        )
    kind = _KINDS.get(name)
    if kind is None:
        raise ConfigurationError(
            f"The log holds a record of unknown kind {wire.get('kind')!r}. Is it a newer log?"
        )
    try:
        return kind.read(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"The log's {kind.kind} record cannot be read: {error}."
        ) from error


def digest(value: JSON) -> str:
    """A short fingerprint of a JSON value."""
    return hashlib.sha256(encode(value)).hexdigest()[:32]
