"""OfflineModel: the provider `offline`, an honest stand-in for a language model.

Matches words, so that agents can be tried and tested without a key or a network; it understands
nothing, and says so where no tool fits. The same request always gets the same answer.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator

from agentkit.encoding import Wire, encode
from agentkit.responses.compaction import CompactRequest
from agentkit.responses.events import Snapshot, StreamEvent, read_event
from agentkit.responses.response import Request, Response
from agentkit.testing.answers import call, message
from agentkit.testing.compaction import compacted
from agentkit.testing.complete import complete_response
from agentkit.testing.offline.arguments import Passage
from agentkit.testing.offline.filling import fill, known
from agentkit.testing.offline.matching import Matcher, Planned
from agentkit.testing.offline.mentions import find_mentions
from agentkit.testing.offline.turn import Turn, read_turn
from agentkit.testing.offline.wording import told
from agentkit.testing.sequence import event_sequence
from agentkit.testing.usage import usage_wire, words


class OfflineModel:
    """A Model that calls the tools a question names and words their results."""

    name = "offline"

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of the answer: all where the request streams, else only the last."""
        wire = _response(request)
        if not request.stream:
            yield Snapshot("response.completed", wire)
            return
        for event in event_sequence(wire):
            yield read_event(event)

    async def compact(self, request: CompactRequest) -> Response:
        """What the users of a conversation said, and an item that stands for the rest."""
        return compacted(request)


def _response(request: Request) -> Wire:
    body = request.wire()
    turn = read_turn(body)
    digest = hashlib.sha256(encode(body)).hexdigest()[:24]
    output = [
        call(planned.name, f"call_{digest[:16]}_{at}", **planned.arguments)
        for at, planned in enumerate(calls_for(turn))
    ] or [message(answer_to(turn))]
    wire: Wire = {"output": output, "usage": usage_wire(words(request, output))}
    return complete_response(wire, body, new_id=f"resp_{digest}")


def calls_for(turn: Turn) -> list[Planned]:
    """The calls to make now: those the question asks for and that were not made yet."""
    if turn.choice == "none" or not turn.tools:
        return []
    matcher = Matcher(turn.tools)
    made = {Planned(result.name, result.arguments).key for result in turn.results}
    due = [planned for planned in matcher.plan(turn.question) if planned.key not in made]
    if not due and turn.choice in ("required", "forced"):
        due = [matcher.best(turn.question)]
    return due[:1] if turn.one_at_a_time else due


def answer_to(turn: Turn) -> str:
    """The final answer, as JSON text where the request wants it so."""
    said = "\n".join(filter(None, (_unseen(turn.seen), _told(turn))))
    if turn.format.get("type") == "json_schema":
        question = Passage(turn.question, 0, tuple(find_mentions(turn.question)))
        facts = known(turn.results, said, question)
        return encode(fill(turn.format.get("schema") or {}, facts)).decode()
    if turn.format.get("type") == "json_object":
        return encode({"answer": said}).decode()
    return said


def _told(turn: Turn) -> str:
    if turn.results:
        return told(turn.results)
    if turn.choice == "none":
        return "No tool may be called, and without one the offline model knows nothing."
    names = ", ".join(tool["name"] for tool in turn.tools)
    listed = f"Tools: {names}." if names else "There are no tools."
    return f"No tool fits this question. The offline model only matches words. {listed}"


def _unseen(seen: tuple[str, ...]) -> str:
    """How much the question holds that the model cannot look at."""
    counts = [f"{count} {kind}{'s' * (count > 1)}" for kind, count in Counter(seen).items()]
    return f"I see {' and '.join(counts)}, but cannot look inside." if counts else ""
