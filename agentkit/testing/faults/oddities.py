"""Right answers in the ways of other servers, which a client has to read all the same.

Each stands for what real servers do: gateways that rotate ids, local servers without indexes,
streams without event names. What is not about events leaves a JSON answer as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from agentkit.encoding import Wire, encode
from agentkit.testing.faults.answers import (
    DONE,
    Answer,
    framed,
    on_answers,
    on_events,
    payload_of,
    stream_of,
    whole,
)
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import Reply
from agentkit.testing.sequence import event_sequence

Change = Callable[[Wire], Wire]


def each_event(change: Change) -> Effect:
    """Each event of a stream changed."""
    return on_events(lambda events: map(change, events))


def each_response(change: Change) -> Effect:
    """Each response object changed: a JSON answer's, and those in a stream's events."""

    def changed(answer: Answer, _: Asked) -> Reply:
        if answer.is_chat:
            return answer.reply(answer.pieces)
        if not answer.is_stream:
            return whole(change(answer.response))
        return stream_of(framed(_with_response(event, change)) for event in answer.events)

    return on_answers(changed)


def reframed(frame: Callable[[bytes], bytes], *ends: bytes) -> Effect:
    """Each payload of a stream in another frame."""

    def changed(answer: Answer, _: Asked) -> Reply:
        if not answer.is_stream:
            return answer.reply(answer.pieces)
        return stream_of([*(frame(payload_of(piece)) for piece in answer.pieces), *ends])

    return on_answers(changed)


def _with_response(event: Wire, change: Change) -> Wire:
    return {**event, "response": change(event["response"])} if "response" in event else event


def _out_of_order(events: list[Wire]) -> Iterable[Wire]:
    """What begins and what ends stays there; between them the last comes first."""
    return [*events[:1], *reversed(events[1:-1]), *events[-1:]]


def _done_late(events: list[Wire]) -> Iterable[Wire]:
    ended = [event for event in events[:-1] if str(event["type"]).endswith(".done")]
    return [*(event for event in events[:-1] if event not in ended), *ended, *events[-1:]]


def _rotated(events: list[Wire]) -> Iterator[Wire]:
    """No two events call an item by the same name."""
    ids = (f"rotated_{number}" for number in count())
    for event in events:
        if "item" in event:
            yield {**event, "item": {**event["item"], "id": next(ids)}}
        else:
            yield {**event, "item_id": next(ids)} if "item_id" in event else event


def _without(*keys: str) -> Change:
    return lambda event: {key: value for key, value in event.items() if key not in keys}


def _indexed(index: int) -> Change:
    return lambda event: {**event, "output_index": index} if "output_index" in event else event


def _shifted(event: Wire) -> Wire:
    """What is done has another index than what has begun."""
    is_done = str(event["type"]).endswith(".done") and "output_index" in event
    return {**event, "output_index": event["output_index"] + 1} if is_done else event


def _only(keeps: Callable[[str], bool]) -> Effect:
    """The events of some types alone."""
    return on_events(lambda events: [event for event in events if keeps(str(event["type"]))])


def _is_of_a_whole(kind: str) -> bool:
    """Whether an event has a whole item or response."""
    return kind.endswith("output_item.done") or kind.count(".") == 1


def _added_whole(events: list[Wire]) -> Iterator[Wire]:
    """Items are whole when they begin, and no pieces follow."""
    items = {event["output_index"]: event["item"] for event in events if "item" in event}
    for event in events:
        if "item" in event:
            yield {**event, "item": items[event["output_index"]]}
        elif "response" in event:
            yield event


def _unnamed_items(event: Wire) -> Wire:
    """Neither an event nor an item in it has an id."""
    bare = {key: value for key, value in event.items() if key != "item_id"}
    if "item" in event:
        bare["item"] = {key: value for key, value in event["item"].items() if key != "id"}
    return bare


def _with_output(output: object) -> Callable[[list[Wire]], Iterable[Wire]]:
    def changed(events: list[Wire]) -> Iterable[Wire]:
        return [*events[:-1], _with_response(events[-1], lambda each: {**each, "output": output})]

    return changed


def _with_unknown_events(events: list[Wire]) -> Iterator[Wire]:
    for event in events:
        yield {"type": "acme.progress", "percent": 50, "item": "none", "delta": {"of": "what"}}
        yield event
        if event is events[0]:
            yield {"type": "response.unheard_of.delta", "output_index": 0, "delta": "?"}


def _with_unknown_items(response: Wire) -> Wire:
    unknown = {"type": "acme:diagram", "id": "dia_1", "nodes": [{"a": None}], "text": 3}
    if not response["output"]:
        return response
    return {**response, "output": [unknown, *response["output"]], "acme_cost": {"usd": 0.1}}


def _with_nulls(response: Wire) -> Wire:
    """Null in the place of every list and object but those that hold the answer."""
    emptied = dict.fromkeys(("tools", "metadata", "text", "reasoning", "tool_choice", "usage"))
    return {**response, **emptied, "output": [_nulled(item) for item in response["output"]]}


def _nulled(item: Wire) -> Wire:
    parts = item.get("content")
    nulled = {**item, "status": None, "summary": None} if parts is None else dict(item)
    if isinstance(parts, list):
        nulled["content"] = [{**part, "annotations": None, "logprobs": None} for part in parts]
    return nulled


def _doubled(response: Wire) -> Wire:
    return {**response, "output": [item for item in response["output"] for _ in range(2)]}


def _with_bare_end(events: list[Wire]) -> Iterable[Wire]:
    return [*events[:-1], {"type": events[-1]["type"]}]


def _with_bare_end_of_pieces(events: list[Wire]) -> Iterable[Wire]:
    return _with_bare_end([each for each in events if each["type"] != "response.output_item.done"])


def _unnamed(payload: bytes) -> bytes:
    return b"data: %b\n\n" % payload


def _with_crlf(payload: bytes) -> bytes:
    return b"event: message\r\ndata:%b\r\n\r\n" % payload


def _with_cr(payload: bytes) -> bytes:
    return b"data: %b\r\r" % payload


def _on_two_lines(payload: bytes) -> bytes:
    first, rest = payload[:1], payload[1:]
    return b"data: %b\ndata: %b\n\n" % (first, rest) if first == b"{" else _unnamed(payload)


def _with_keepalives(payload: bytes) -> bytes:
    alive = encode({"type": "keepalive", "sequence_number": 0})
    return b": keepalive\n\ndata: %b\n\nid: 7\nretry: 10\n\ndata: %b\n\n" % (alive, payload)


def _with_odd_payloads(payload: bytes) -> bytes:
    """What is JSON and no event, what is no JSON, and lines that are no fields."""
    odd = (b"null", b"[]", b"5", b'"x"', b"", b"{}", b'{"type":null}', b'{"type":["a"],"item":3}')
    told = b"".join(b"data: %b\n\n" % each for each in odd)
    return b"data\n\n%bno\x00field: 3\n\ndata: %b\n\n" % (told, payload)


def _streamed_unasked(answer: Answer, _: Asked) -> Reply:
    if answer.is_stream or answer.is_chat:
        return answer.reply(answer.pieces)
    return stream_of(map(framed, event_sequence(answer.response)))


def _whole_unasked(answer: Answer, _: Asked) -> Reply:
    return answer.reply(answer.pieces) if answer.is_chat else whole(answer.response)


def _in_one_piece(answer: Answer, _: Asked) -> Reply:
    return answer.reply([b"".join(answer.pieces)])


ODDITIES = [
    Fault("unasked-stream", "streams to whoever wants JSON", on_answers(_streamed_unasked)),
    Fault("unasked-json", "sends JSON to whoever wants a stream", on_answers(_whole_unasked)),
    Fault("no-event-names", "sends no `event:` lines", reframed(_unnamed)),
    Fault("crlf", "ends lines in CR LF, without a space behind `data:`", reframed(_with_crlf)),
    Fault("cr", "ends lines in CR", reframed(_with_cr)),
    Fault("data-lines", "spreads an event's data over two lines", reframed(_on_two_lines)),
    Fault(
        "keepalives", "sends comments, keepalives, ids between events", reframed(_with_keepalives)
    ),
    Fault("odd-payloads", "sends data that are no events", reframed(_with_odd_payloads)),
    Fault("done-at-end", "sends `[DONE]` behind the last event", reframed(_unnamed, DONE)),
    Fault("one-piece", "sends the whole stream at once", on_answers(_in_one_piece)),
    Fault("out-of-order", "sends the events in another order", on_events(_out_of_order)),
    Fault("done-late", "sends what is done behind all that is not", on_events(_done_late)),
    Fault("done-only", "sends items only when they are done", _only(_is_of_a_whole)),
    Fault(
        "never-done",
        "does not say that an item is done",
        _only(lambda kind: not kind.endswith("output_item.done")),
    ),
    Fault("added-whole", "sends items whole when they begin", on_events(_added_whole)),
    Fault("terminal-only", "sends the last event alone", on_events(lambda events: events[-1:])),
    Fault("doubled-items", "lists every item twice in `output`", each_response(_doubled)),
    Fault(
        "bare-end-of-pieces",
        "sends items in pieces alone, and ends without a response in its last event",
        on_events(_with_bare_end_of_pieces),
        loses=True,
    ),
    Fault(
        "bare-end", "ends a stream without a response in its last event", on_events(_with_bare_end)
    ),
    Fault("rotating-ids", "gives an item another id in each event", on_events(_rotated)),
    Fault("no-ids", "leaves out the ids of items", each_event(_unnamed_items)),
    Fault(
        "no-indexes",
        "leaves out `output_index` and `content_index`",
        each_event(_without("output_index", "content_index", "summary_index")),
    ),
    Fault("shared-indexes", "gives all items the index 0", each_event(_indexed(0))),
    Fault("shifting-indexes", "counts what is done from 1", each_event(_shifted)),
    Fault("negative-indexes", "gives all items the index -1", each_event(_indexed(-1))),
    Fault("no-numbers", "leaves out `sequence_number`", each_event(_without("sequence_number"))),
    Fault("empty-output", "ends a stream with an empty `output`", on_events(_with_output([]))),
    Fault("null-output", "ends a stream with `output: null`", on_events(_with_output(None))),
    Fault("unknown-events", "sends events that nobody knows", on_events(_with_unknown_events)),
    Fault("unknown-items", "sends items that nobody knows", each_response(_with_unknown_items)),
    Fault("nulls", "sends null where lists and objects belong", each_response(_with_nulls)),
]
