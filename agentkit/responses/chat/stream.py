"""chat.completion.chunk events as the events of a response's stream.

Servers number the pieces of calls in many ways: by index, by id, by both, by neither, or give
several whole calls one index. Knows nothing of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from agentkit.encoding import Wire, decode
from agentkit.responses.chat.shape import (
    arguments_of,
    as_object,
    as_objects,
    called,
    first_choice,
    name_of,
    refusal_of,
    response_of,
    text_of,
    thought_of,
)
from agentkit.responses.events import (
    ARGUMENTS_DELTA,
    REASONING_DELTA,
    REFUSAL_DELTA,
    TEXT_DELTA,
    Delta,
    Snapshot,
    StreamEvent,
)

_FACTS = ("id", "created", "model")
_USAGE = ("usage", "x_groq")
_ENDING = ("finish_reason", "error")
_TEXT_ALONE = frozenset({"role", "content"})


class ChatStream:
    """Takes the chunks of one stream in order and gives the events they mean."""

    def __init__(self) -> None:
        self._completion: Wire = {}
        self._choice: Wire = {}
        self._pieces: dict[str, list[str]] = {"content": [], "refusal": [], "reasoning": []}
        self._annotations: list[Wire] = []
        self._calls: list[_Call] = []

    @property
    def is_finished(self) -> bool:
        """Whether the answer has ended; only its usage may still follow."""
        return "finish_reason" in self._choice

    def add(self, chunk: Wire) -> list[StreamEvent]:
        """The deltas of one chunk."""
        # Azure begins with a chunk about its filters that has none of these
        if not self._completion.get("id"):
            self._completion |= {name: chunk[name] for name in _FACTS if chunk.get(name)}
        for name in _USAGE:
            if value := chunk.get(name):
                self._completion[name] = value
        choice = first_choice(chunk)
        for name in _ENDING:
            if value := choice.get(name):
                self._choice[name] = value
        delta = as_object(choice.get("delta"))
        text = delta.get("content")
        if isinstance(text, str) and delta.keys() <= _TEXT_ALONE:
            return self._text(text)
        # a chunk may carry the whole message instead, which at the end repeats the pieces
        if not delta and not self._has_begun:
            delta = as_object(choice.get("message"))
        return list(self._deltas(delta))

    def end(self) -> Snapshot | None:
        """The terminal event, None where the chunks never said that they had finished."""
        if not self.is_finished:
            return None
        message: Wire = {key: "".join(pieces) for key, pieces in self._pieces.items()}
        message |= {"annotations": self._annotations}
        message["tool_calls"] = [call.wire() for call in self._calls]
        choice = {**self._choice, "message": message}
        response = response_of({**self._completion, "choices": [choice]})
        return Snapshot(f"response.{response['status']}", response)

    @property
    def _has_begun(self) -> bool:
        return bool(self._calls) or any(self._pieces.values())

    def _text(self, text: str) -> list[StreamEvent]:
        """What nearly every chunk of a stream is, and nothing else."""
        if not text:
            return []
        self._pieces["content"].append(text)
        return [Delta(TEXT_DELTA, text)]

    def _deltas(self, delta: Wire) -> Iterator[StreamEvent]:
        said = (
            (TEXT_DELTA, "content", text_of(delta.get("content"))),
            (REFUSAL_DELTA, "refusal", refusal_of(delta)),
            (REASONING_DELTA, "reasoning", thought_of(delta)),
        )
        for kind, key, text in said:
            if text:
                self._pieces[key].append(text)
                yield Delta(kind, text)
        self._annotations += as_objects(delta.get("annotations"))
        for piece in called(delta):
            yield self._call_delta(piece)

    def _call_delta(self, piece: Wire) -> StreamEvent:
        call = self._call_of(piece)
        text = call.take(piece)
        return Delta(ARGUMENTS_DELTA, text, call.id)

    def _call_of(self, piece: Wire) -> _Call:
        """The call that a piece goes on with, or a new one."""
        index, call_id = piece.get("index"), piece.get("id")
        here = [call for call in self._calls if index is None or call.index in (None, index)]
        named = [call for call in here if call_id and call.id == call_id]
        last = next(iter(named or reversed(here)), None)
        if last is None or not last.goes_on_with(piece):
            last = _Call(index)
            self._calls.append(last)
        return last


@dataclass(slots=True)
class _Call:
    """A tool call while its pieces arrive."""

    index: int | None
    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: Wire = field(default_factory=dict)
    """What the call has besides: `custom`, `extra_content`."""

    def goes_on_with(self, piece: Wire) -> bool:
        """Whether a piece at this place belongs to this call.

        A name begins another call, unless the id is this one's or the arguments have begun and
        are not whole: some servers repeat the name with every piece, or make up another id.
        """
        call_id = piece.get("id")
        if not _function(piece).get("name") or (call_id and call_id == self.id):
            return True
        return not self._is_whole and not (call_id and not any(self.arguments))

    def take(self, piece: Wire) -> str:
        """Add a piece; what it says of the arguments."""
        function = _function(piece)
        text = arguments_of(function.get("arguments")) or text_of(function.get("input"))
        # some gateways make up another id for every piece
        self.id = self.id or name_of(piece.get("id"))
        self.name = self.name or name_of(function.get("name")) or ""
        self.arguments.append(text)
        if piece.get("extra_content"):
            self.extra["extra_content"] = piece["extra_content"]
        if "custom" in piece:
            self.extra["custom"] = {}
        return text

    def wire(self) -> Wire:
        said = "".join(self.arguments)
        if "custom" in self.extra:
            return {"id": self.id, "custom": {"name": self.name, "input": said}}
        function = {"name": self.name, "arguments": said}
        return {"id": self.id, "function": function, **self.extra}

    @property
    def _is_whole(self) -> bool:
        try:
            decode("".join(self.arguments))
        except ValueError:
            return False
        return bool(self.name)


def _function(piece: Wire) -> Wire:
    return as_object(piece.get("function") or piece.get("custom"))
