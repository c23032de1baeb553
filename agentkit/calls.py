"""A call of the model's, and what the log says of it."""

from __future__ import annotations

from dataclasses import dataclass

from agentkit.encoding import Wire
from agentkit.records import Decision, Output, digest
from agentkit.responses.items import FunctionCall, Item

MCP_APPROVAL = "mcp_approval_request"


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
