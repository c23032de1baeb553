"""The records of a log as a person reads them.

What a model or a tool wrote is made harmless here. Knows nothing of where the lines go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentkit.cli.safe_text import one_line, visible
from agentkit.cli.setup_words import told_setup
from agentkit.cli.show import counted
from agentkit.cli.table import dollars
from agentkit.encoding import JSON, decode, encode
from agentkit.records import (
    Answer,
    Compaction,
    Decision,
    Input,
    Output,
    Record,
    Setup,
    Started,
)
from agentkit.responses.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Reasoning,
)
from agentkit.responses.response import Response, Usage

MOST = 2_000
"""Characters of a text that are shown, where not all are asked for."""

_WIDE = 100
"""Characters of arguments that fit on a line; longer ones get a line for each value."""

_VERDICTS = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "approved with other arguments",
    "answer": "answered by hand",
}
_ENDED = {"ok": "", "error": "failed", "timeout": "timed out"}


@dataclass(frozen=True)
class Line:
    """One harmless line, and how a terminal shows it."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Told:
    """A record: what it comes to in a few words, and what was said in it."""

    fact: str
    lines: tuple[Line, ...] = ()


class Teller:
    """Tells the records of one log, one after another."""

    def __init__(self, most: int | None = MOST) -> None:
        self._most = most
        self._setup: Setup | None = None
        self._names: dict[str, str] = {}
        """Names of the tools that were called, by call id."""

    def tell(self, record: Record) -> Told:
        """What the record says."""
        match record:
            case Setup():
                before, self._setup = self._setup, record
                fact, lines = told_setup(record, before)
                return Told(fact, tuple(self._text("\n".join(lines))))
            case Input():
                fact = "what is to be put right" if record.is_repair else ""
                return Told(fact, tuple(self._said(record.items)))
            case Answer(was_sent=False):
                return Told(f"not sent, for the limit on {one_line(record.limit or '')}")
            case Answer():
                return Told(_spent(record), tuple(self._answer(record)))
            case Started():
                effects = record.effects.items()
                return Told(", ".join(f"{self._call(each)}: {effect}" for each, effect in effects))
            case Output():
                return Told(self._end_of(record), tuple(self._output(record)))
            case Decision():
                verdict = _VERDICTS.get(record.verdict, one_line(record.verdict))
                return Told(f"{self._call(record.call_id)}: {verdict}", tuple(self._word(record)))
            case Compaction():
                return Told(_compacted(record), tuple(self._said(record.items)))

    def _answer(self, answer: Answer) -> Iterator[Line]:
        response = answer.response
        yield from self._said(response.output, answer.waits)
        for why in _shortcomings(response):
            yield Line(why, "red")
        for problem in answer.problems:
            yield Line(f"does not fit: {one_line(problem)}", "red")
        if answer.limit:
            yield Line(f"the last answer, for the limit on {one_line(answer.limit)}", "yellow")

    def _said(self, items: Iterable[Item], waits: Iterable[str] = ()) -> Iterator[Line]:
        for item in items:
            match item:
                case Reasoning():
                    text = item.text or "[reasoning that cannot be read]"
                    yield from self._text(text, "dim italic")
                case Message():
                    yield from self._message(item)
                case FunctionCall():
                    self._names[item.call_id] = item.name
                    yield from self._asked(item, item.call_id in waits)
                case FunctionCallOutput():
                    yield Line(f"← {self._call(item.call_id)}", "green")
                    yield from self._text(_text_of(item.output))
                case _:
                    yield from self._other(item)

    def _message(self, message: Message) -> Iterator[Line]:
        if message.role not in ("user", "assistant"):
            yield Line(f"{one_line(message.role)}:", "dim")
        style = "dim" if message.phase == "commentary" else ""
        content = message.wire.get("content")
        yield from self._text(_text_of(content if message.text else ""), style)
        if message.refusal:
            yield from self._text(f"refused: {message.refusal}", "yellow")
        if not message.text and not message.refusal:
            yield from self._text(_text_of(content) or "[nothing]")

    def _asked(self, call: FunctionCall, needs_word: bool) -> Iterator[Line]:
        end = ", needs approval" if needs_word else ""
        arguments, *more = readable(call.arguments).split("\n")
        name = one_line(call.name)
        if not more:
            yield from self._text(f"→ {name}({arguments})  {one_line(call.call_id)}{end}", "cyan")
            return
        yield Line(f"→ {name}  {one_line(call.call_id)}{end}", "cyan")
        yield from self._text("\n".join([arguments, *more]), "cyan")

    def _other(self, item: Item) -> Iterator[Line]:
        """An item that a server's own tool left, or one of no known kind."""
        wire = {key: value for key, value in item.wire.items() if key not in ("id", "type")}
        if item.id and "name" in wire:
            self._names[item.id] = str(wire["name"])
        yield from self._text(f"[{item.type}] {readable(encode(wire).decode())}", "cyan")

    def _end_of(self, output: Output) -> str:
        ended = _ENDED.get(output.ended, one_line(output.ended))
        facts = [self._call(output.call_id), ended, _seconds(output.seconds)]
        if output.limit:
            facts.append(f"not run for the limit on {one_line(output.limit)}")
        if output.is_final:
            facts.append("ends the run")
        if output.untrusted:
            facts.append("from outside")
        if output.whole is not None:
            facts.append(f"{len(output.whole):,} characters kept")
        return ", ".join(fact for fact in facts if fact)

    def _output(self, output: Output) -> Iterator[Line]:
        style = "" if output.ended == "ok" else "red"
        yield from self._text(_text_of(_given(output.item)), style)
        if output.is_final:
            value = readable(encode(output.value).decode())
            yield from self._text(f"the run's output: {value}", "green")

    def _word(self, decision: Decision) -> Iterator[Line]:
        value = decision.value
        if value is not None:
            text = value if isinstance(value, str) else encode(value).decode()
            yield from self._text(readable(text) if decision.verdict == "edit" else text)

    def _call(self, call_id: str) -> str:
        name = self._names.get(call_id)
        return f"{one_line(name)} ({one_line(call_id)})" if name else one_line(call_id)

    def _text(self, text: str, style: str = "") -> Iterator[Line]:
        """The text, cut where it is long."""
        most, text = self._most, text.strip("\n")
        if not text:
            return
        more = len(text) - most if most is not None else 0
        for line in visible(text[:most]).split("\n"):
            yield Line(line, style)
        if more > 0:
            yield Line(f"… {counted(more, 'more character')}; --full shows all", "dim")


def readable(arguments: str) -> str:
    """A JSON text on one line, or with a line for each value where it is long."""
    try:
        value = decode(arguments)
    except ValueError:
        return arguments
    line = encode(value).decode()
    if len(line) <= _WIDE:
        return line
    return json.dumps(value, indent=2, ensure_ascii=False)


def tokens(usage: Usage) -> str:
    """The tokens of an answer, as the server counted them."""
    if not usage.total_tokens:
        return "tokens unknown"
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
    return f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out{reasoning}"


def price(cost: float | None) -> str:
    """What an answer cost."""
    return "cost unknown" if cost is None else dollars(cost)


def _spent(answer: Answer) -> str:
    if answer.is_cached:
        return "from the cache"
    facts = [tokens(answer.response.usage), price(answer.cost), _seconds(answer.seconds)]
    return ", ".join(fact for fact in facts if fact)


def _compacted(record: Compaction) -> str:
    stand = f"{counted(len(record.items), 'item')} for the first {record.replaced:,}"
    return f"{stand}, {tokens(record.usage)}, {price(record.cost)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds else ""


def _shortcomings(response: Response) -> Iterator[str]:
    """Why an answer is not whole."""
    if error := response.error:
        yield one_line(f"failed: {error.get('code') or ''} {error.get('message') or ''}")
    elif response.is_failed:
        yield one_line(response.status)
    elif not response.is_complete:
        yield one_line(f"{response.status}: {response.incomplete_reason or 'no reason given'}")


def _given(item: Item) -> JSON:
    """What an output item gives to the model."""
    if isinstance(item, FunctionCallOutput):
        return item.output
    said = {key: value for key, value in item.wire.items() if key not in ("type", "id", "call_id")}
    return encode(said).decode()


def _text_of(content: JSON) -> str:
    """Content parts as text, a picture or a file as its kind."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    parts = [part for part in content if isinstance(part, dict)]
    return "\n".join(str(part.get("text") or f"[{part.get('type')}]") for part in parts)
