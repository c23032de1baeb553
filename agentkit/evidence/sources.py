"""What can be quoted: the outputs of the calls that a log has, and of what the server ran itself.

What the caller said and what the model knows is none of it. Knows nothing of answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from agentkit.encoding import Wire, decode
from agentkit.evidence.standing import Place, Reading, is_trivial, leaves_of, places_of, stands_in
from agentkit.evidence.texts import ungrouped
from agentkit.reading import NAME as READER
from agentkit.records import Answer, Output, Record
from agentkit.responses.items import FunctionCall, FunctionCallOutput, Item
from agentkit.schema.problems import shortened

_MOST_CALLED = 160
"""Characters of a call as it is named to the model."""

# What is added to an output for the model to know of the call, and is not the tool's own word.
_NOTE = re.compile(
    r"(?:^|\n\n)\[(?:A person changed the arguments of this call to .*"
    r"|This same call was made \d+ times in this run\.)\]\Z",
    re.DOTALL,
)


@dataclass(frozen=True)
class Source:
    """What one call gave."""

    call_id: str
    tool: str
    arguments: str
    texts: tuple[str, ...]
    """The texts of the output, whole; a quote stands in one of them."""
    is_ok: bool = True
    """Whether the call did its work; the words of an error show nothing."""
    ids: frozenset[str] = frozenset()
    """Its own id, and those of calls that read on in its output."""

    def readings_of(self, quote: str) -> list[Reading]:
        """The ways to read a quote that was made alike, where it stands here; none where not."""
        if is_trivial(quote):
            bare = ungrouped(quote)
            return ["text"] if any(bare in leaves for leaves in self._leaves) else []
        return stands_in(quote, self._places)

    @cached_property
    def _places(self) -> list[Place]:
        return [place for text in self.texts for place in places_of(text)]

    @cached_property
    def _leaves(self) -> list[frozenset[str]]:
        return [leaves_of(text) for text in self.texts]


def called(source: Source) -> str:
    """A call as the model knows it."""
    arguments = " ".join(source.arguments.split())
    said = f"{source.call_id} = {source.tool}({arguments})" if source.tool else source.call_id
    return shortened(said, _MOST_CALLED)


def sources_of(records: Iterable[Record]) -> dict[str, Source]:
    """The calls of a log by their ids, in order; who read on in an output quotes that output."""
    calls: dict[str, FunctionCall] = {}
    found: dict[str, Source] = {}
    for record in records:
        if isinstance(record, Answer):
            items = record.response.output
            calls |= {item.call_id: item for item in items if isinstance(item, FunctionCall)}
            found |= {each.call_id: each for each in _hosted(items)}
        elif isinstance(record, Output) and isinstance(record.item, FunctionCallOutput):
            call = calls.get(record.call_id)
            read = found.get(_read_by(call)) if call else None
            if read is None or record.ended != "ok":
                found[record.call_id] = _source(record, call)
            else:
                shared = replace(read, ids=read.ids | {record.call_id})
                found |= dict.fromkeys(shared.ids, shared)
    return found


def _source(record: Output, call: FunctionCall | None) -> Source:
    given = record.item.wire.get("output") if record.whole is None else record.whole
    return Source(
        record.call_id,
        call.name if call else "",
        call.arguments if call else "",
        tuple(_NOTE.sub("", text) for text in _texts(given)),
        record.ended == "ok",
        frozenset({record.call_id}),
    )


def _read_by(call: FunctionCall) -> str:
    """The call in whose output this one reads on."""
    if call.name != READER:
        return ""
    try:
        return str(decode(call.arguments)["call_id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _texts(output: Any) -> Iterator[str]:
    if isinstance(output, str):
        yield output
    for part in output if isinstance(output, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _hosted(items: Iterable[Item]) -> Iterator[Source]:
    """What the server's own tools gave, as far as the answer has it."""
    for item in items:
        if (texts := tuple(_hosted_texts(item.wire, item.type))) and item.id:
            name = str(item.wire.get("name") or item.type.removesuffix("_call"))
            is_ok = item.wire.get("status") in (None, "completed") and not item.wire.get("error")
            arguments = str(item.wire.get("arguments") or "")
            yield Source(item.id, name, arguments, texts, is_ok, frozenset({item.id}))


def _hosted_texts(wire: Wire, kind: str) -> Iterator[str]:
    """Source: the item schemas of POST /responses, with what `include` may ask for."""
    match kind:
        case "mcp_call":
            yield from _texts(wire.get("output"))
        case "file_search_call" | "web_search_call":
            yield from _texts(wire.get("results"))
        case "code_interpreter_call":
            outputs = wire.get("outputs")
            for each in outputs if isinstance(outputs, list) else ():
                if isinstance(each, dict) and isinstance(each.get("logs"), str):
                    yield each["logs"]
