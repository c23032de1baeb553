"""Responses that the server keeps: made in the background, gone on with, fetched, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, Self

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import (
    CREATED,
    CUT,
    END,
    STREAM_HEAD,
    Loopback,
    answer,
    chunk,
    completed,
    delta,
    event,
    message,
    response,
    stream,
)

from agentkit import (
    Agent,
    BadRequestError,
    ModelTimeoutError,
    ProtocolError,
    ResponsesModel,
    ServerError,
    StreamTruncatedError,
    TextDelta,
)
from agentkit.responses.client import Endpoint
from agentkit.responses.dialect import Dialect
from agentkit.responses.events import Delta, Snapshot, StreamEvent
from agentkit.responses.exchange import Exchange
from agentkit.responses.fold import Fold
from agentkit.responses.items import user_message
from agentkit.responses.limiter import Limiter
from agentkit.responses.polling import Polling
from agentkit.responses.recovery import Keeper, Kept
from agentkit.responses.response import Fields, Request
from agentkit.responses.retry import Retries
from agentkit.responses.transport import Pool
from agentkit.testing import ResponsesServer, ScriptedModel
from agentkit.testing.faults.definition import Asked, Fault
from agentkit.testing.http import CutError, Reply

ASK = {"model": "m", "input": "?"}
LATER = {**ASK, "background": True}
SONG = "One two three four five six seven."
STORING = Dialect(keeps_responses=True)


class Sleeps:
    """Sleeps that take no time; `before[n]` happens within the n-th."""

    def __init__(self, **before: Any) -> None:
        self.waits: list[float] = []
        self._before = {int(name.removeprefix("at_")): do for name, do in before.items()}

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        if do := self._before.get(len(self.waits)):
            await do()


def model(url: str, sleep: Any, dialect: Dialect | None = None, **options: Any) -> ResponsesModel:
    endpoint = Endpoint(url, dialect=dialect or Dialect())
    retries = Retries(**{"jitter": lambda: 0.0, **options})
    return ResponsesModel("m", endpoint, retries=retries, sleep=sleep)


def request(stream: bool = False, **fields: Any) -> Request:
    return Request(Fields({"model": "m", **fields}), (user_message("?"),), stream=stream)


async def events_of(model: ResponsesModel, asked: Request) -> list[StreamEvent]:
    return [event async for event in model.stream(asked)]


def text_of(events: Sequence[StreamEvent]) -> str:
    fold = Fold()
    for each in events:
        fold.add(each)
    return fold.response().text


def said_in(events: Sequence[StreamEvent]) -> str:
    """What the deltas add up to, as somebody reads it who looks on."""
    return "".join(each.delta for each in events if isinstance(each, Delta))


def statuses(events: Sequence[StreamEvent]) -> list[str]:
    return [each.response["status"] for each in events if isinstance(each, Snapshot)]


class Gated:
    """A model whose answer waits for a gate, and which says when it has begun and been stopped."""

    def __init__(self) -> None:
        self.has_begun, self.gate, self.was_stopped = (asyncio.Event() for _ in range(3))

    async def __call__(self, _: object) -> str:
        self.has_begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.was_stopped.set()
            raise
        return SONG

    async def open(self) -> None:
        self.gate.set()


def cut_after(pieces: int) -> Fault:
    """The connection is reset after so many events."""

    async def effect(asked: Asked) -> Reply:
        reply = await asked.proceed()

        async def cut(body: Any) -> AsyncIterator[bytes]:
            left = pieces
            async for piece in body:
                if left == 0:
                    raise CutError(is_reset=True)
                left -= 1
                yield piece

        return replace(reply, body=cut(reply.body))

    return Fault("cut", "Cuts.", effect)


async def test_a_response_in_the_background_is_queued_until_it_is_ready():
    gated = Gated()
    async with (
        ResponsesServer(ScriptedModel(gated)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        queued = (await client.post("responses", json=LATER)).json()
        assert (queued["status"], queued["output"], queued["usage"]) == ("queued", [], None)
        await gated.has_begun.wait()
        address = f"responses/{queued['id']}"
        assert (await client.get(address)).json()["status"] == "queued"
        gated.gate.set()
        streamed = await client.get(address, params={"stream": "true"})
        assert streamed.status_code == 400
        while (ready := (await client.get(address)).json())["status"] == "queued":
            pass
    assert (ready["id"], ready["status"], ready["background"]) == (queued["id"], "completed", True)
    assert ready["output"][0]["content"][0]["text"] == SONG


async def test_a_stream_is_read_again_behind_any_of_its_events():
    async with (
        ResponsesServer(ScriptedModel(SONG)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        whole = await client.post("responses", json={**LATER, "stream": True})
        events = whole.text.split("\n\n")
        assert [each.split("\n")[0] for each in events[:3]] == [
            "event: response.created",
            "event: response.queued",
            "event: response.in_progress",
        ]
        for after in (0, 3, len(events) - 2):
            query = {"stream": "true", "starting_after": after}
            rest = await client.get("responses/resp_bg_1", params=query)
            assert rest.text.split("\n\n") == events[after + 1 :]


async def test_a_response_is_cancelled_once_and_for_all():
    gated = Gated()
    async with (
        ResponsesServer(ScriptedModel(gated, "Hi.")) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        made = (await client.post("responses", json=LATER)).json()["id"]
        await gated.has_begun.wait()
        for _ in range(2):
            cancelled = (await client.post(f"responses/{made}/cancel")).json()
            assert (cancelled["id"], cancelled["status"]) == (made, "cancelled")
        assert gated.was_stopped.is_set()
        other = (await client.post("responses", json=ASK)).json()["id"]
        assert (await client.post(f"responses/{other}/cancel")).status_code == 400
        assert (await client.post("responses/resp_none/cancel")).status_code == 404


async def test_what_is_not_stored_is_forgotten_once_it_has_been_read():
    async with (
        ResponsesServer(ScriptedModel("Hi.", "Ho.")) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        whole = {**LATER, "store": False, "stream": True}
        await client.post("responses", json=whole)
        made, again = "resp_bg_1", {"stream": "true"}
        assert (await client.get(f"responses/{made}", params=again)).status_code == 200
        while (found := await client.get(f"responses/{made}")).json()["status"] != "completed":
            pass
        assert found.status_code == 200
        assert (await client.get(f"responses/{made}")).status_code == 404
        on = {**ASK, "previous_response_id": made}
        assert (await client.post("responses", json=on)).status_code == 400
        plain = (await client.post("responses", json={**ASK, "store": False})).json()["id"]
        assert (await client.get(f"responses/{plain}")).status_code == 404


async def test_a_response_can_be_deleted_and_gone_on_from():
    async with (
        ResponsesServer(ScriptedModel("Hi.", "Ho.")) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        made = (await client.post("responses", json=LATER)).json()["id"]
        while (await client.get(f"responses/{made}")).json()["status"] != "completed":
            pass
        on = await client.post("responses", json={**ASK, "previous_response_id": made})
        assert on.status_code == 200
        assert (await client.delete(f"responses/{made}")).json()["deleted"] is True
        assert (await client.get(f"responses/{made}")).status_code == 404


async def test_what_a_response_was_asked_comes_in_pages():
    def texts(page: dict[str, Any]) -> list[str]:
        return [item["content"][0]["text"] for item in page["data"]]

    asked = [{"role": "user", "content": str(number)} for number in range(5)]
    async with (
        ResponsesServer(ScriptedModel("Hi.")) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        made = (await client.post("responses", json={**ASK, "input": asked})).json()["id"]
        address = f"responses/{made}/input_items"
        latest = (await client.get(address, params={"limit": 2})).json()
        assert texts(latest) == ["4", "3"]
        assert latest["has_more"] is True
        rest = (await client.get(address, params={"after": latest["last_id"]})).json()
        assert texts(rest) == ["2", "1", "0"]
        ordered = (await client.get(address, params={"order": "asc"})).json()
        assert texts(ordered) == list("01234")
        assert (await client.get(address, params={"limit": 101})).status_code == 400
        assert (await client.get(address, params={"after": "x"})).status_code == 400


async def test_a_model_that_fails_in_the_background_leaves_a_failed_response():
    async with ResponsesServer(ScriptedModel(ServerError("Out of order."))) as server:
        events = await events_of(model(server.url, Sleeps()), request(background=True))
    assert statuses(events) == ["queued", "failed"]
    assert events[-1].response["error"]["message"] == "Out of order."


def test_waits_grow_to_their_longest_and_end_with_patience():
    waits = list(Polling(first_wait=1.0, growth=2.0, longest_wait=5.0, patience=20.0).waits())
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0]


async def test_a_response_in_the_background_is_asked_for_until_it_is_ready():
    gated = Gated()
    sleeps = Sleeps(at_4=gated.open)
    async with ResponsesServer(ScriptedModel(gated)) as server:
        events = await events_of(model(server.url, sleeps), request(background=True))
        asked = [exchange.method for exchange in server.exchanges]
    assert (events[0].type, events[0].is_terminal) == ("response.queued", False)
    assert statuses(events)[-1] == "completed"
    assert text_of(events) == SONG
    assert asked == ["POST", *["GET"] * len(sleeps.waits)]
    assert sleeps.waits[:4] == [0.5, 0.75, 1.125, 1.6875]
    assert max(sleeps.waits) <= 10.0


async def test_a_run_in_the_background_ends_with_its_answer():
    async with ResponsesServer(ScriptedModel("Done.")) as server:
        agent = Agent(model(server.url, Sleeps()), settings={"background": True})
        result = await agent.run("?")
    assert (result.status, result.output) == ("completed", "Done.")
    assert server.requests[0]["background"] is True


QUEUED = answer(response(status="queued"))
READY = answer(response(message("Hi.")))


async def test_asking_that_fails_for_now_is_done_again_when_the_server_says():
    busy = answer({"error": {"message": "Busy."}}, 503)
    late = answer({"error": {"message": "Slow down."}}, 429, retry_after="7")
    sleeps = Sleeps()
    async with Loopback(QUEUED, busy, [CUT], late, READY) as server:
        events = await events_of(model(server.url, sleeps), request(background=True))
    assert text_of(events) == "Hi."
    assert [each.method for each in server.received] == ["POST", *["GET"] * 4]
    assert any(wait > 6.9 for wait in sleeps.waits)


async def test_failures_count_in_a_row():
    busy = answer({"error": {"message": "Busy."}}, 503)
    async with Loopback(QUEUED, *[busy] * 5, QUEUED, *[busy] * 5, READY) as server:
        events = await events_of(model(server.url, Sleeps()), request(background=True))
    assert text_of(events) == "Hi."


async def test_asking_that_keeps_failing_ends_the_run_and_nothing_is_paid_for_twice():
    busy = answer({"error": {"message": "Busy."}}, 503)
    async with Loopback(QUEUED, busy) as server:
        with pytest.raises(ServerError, match="Busy"):
            await events_of(model(server.url, Sleeps()), request(background=True))
    methods = [(each.method, each.path) for each in server.received]
    assert methods == [
        ("POST", "/v1/responses"),
        *[("GET", "/v1/responses/resp_1")] * 6,
        ("POST", "/v1/responses/resp_1/cancel"),
    ]


async def test_a_response_that_the_server_forgot_is_not_asked_for_again():
    gone = answer({"error": {"message": "Not found."}}, 404)
    async with Loopback(QUEUED, gone) as server:
        with pytest.raises(BadRequestError, match="Not found"):
            await events_of(model(server.url, Sleeps()), request(background=True))
    assert [each.method for each in server.received] == ["POST", "GET"]


async def test_patience_ends():
    async with Loopback(QUEUED) as server:
        with pytest.raises(ModelTimeoutError, match="resp_1 was not ready"):
            await events_of(model(server.url, Sleeps()), request(background=True))
    assert server.received[-1].path == "/v1/responses/resp_1/cancel"


@pytest.mark.parametrize("pieces", range(1, 15))
async def test_a_stream_that_is_dropped_goes_on_and_no_event_comes_twice(pieces):
    scripted = ScriptedModel(SONG)
    async with ResponsesServer(scripted, faults=[cut_after(pieces)]) as server:
        events = await events_of(model(server.url, Sleeps()), request(True, background=True))
        asked = [exchange.method for exchange in server.exchanges]
    assert (said_in(events), text_of(events)) == (SONG, SONG)
    assert len(scripted.requests) == 1
    assert asked == ["POST", "GET"]


class Relay:
    """A way to a server, each of whose connections breaks after so many bytes of answers."""

    def __init__(self, to: int, cuts: Sequence[int]) -> None:
        self._to, self._cuts = to, list(cuts)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        left = self._cuts.pop(0) if self._cuts else 1 << 40
        upstream, onward = await asyncio.open_connection("127.0.0.1", self._to)

        async def asked() -> None:
            while content := await reader.read(4096):
                onward.write(content)

        with suppress(ConnectionError, asyncio.CancelledError):
            sending = asyncio.ensure_future(asked())
            while left > 0 and (content := await upstream.read(4096)):
                writer.write(content[:left])
                left -= len(content)
                await writer.drain()
            sending.cancel()
        writer.close()
        onward.close()


@given(st.lists(st.integers(0, 9000), max_size=5), st.booleans())
def test_wherever_connections_break_the_answer_is_whole(cuts: list[int], is_streamed: bool):
    async def asked() -> None:
        async with (
            ResponsesServer(ScriptedModel(*[SONG] * 20)) as server,
            Relay(int(server.url.split(":")[2][:-3]), cuts) as relay,
        ):
            asking = model(relay.url, Sleeps(), attempts=10)
            events = await events_of(asking, request(is_streamed, background=True))
        assert text_of(events) == SONG
        assert SONG.startswith(said_in(events))
        assert isinstance(events[-1], Snapshot)
        assert sum(isinstance(each, Snapshot) and each.is_terminal for each in events) == 1

    asyncio.run(asyncio.wait_for(asked(), 20))


def begun(*texts: str, first: int = 0) -> list[bytes]:
    """The first events of a stream in the background, numbered."""
    events = [CREATED, *(delta(text) for text in texts)]
    return [event(**each, sequence_number=first + at) for at, each in enumerate(events)]


async def test_a_server_that_cannot_go_on_with_a_stream_is_asked_for_the_response():
    broken = [STREAM_HEAD, *begun("Hel", "lo"), CUT]
    refused = answer({"error": {"message": "No."}}, 400)
    ready = answer(response(message("Hello.")))
    async with Loopback(broken, refused, ready) as server:
        events = await events_of(model(server.url, Sleeps()), request(True, background=True))
    assert [each.path for each in server.received] == [
        "/v1/responses",
        "/v1/responses/resp_1?stream=true&starting_after=2",
        "/v1/responses/resp_1",
    ]
    assert (said_in(events), text_of(events)) == ("Hello", "Hello.")


@pytest.mark.parametrize("background", [False, True])
async def test_what_is_heard_of_a_stream_that_broke_and_was_fetched_is_the_whole_text(background):
    broken = [STREAM_HEAD, *begun("Hel", "lo"), CUT]
    refused = answer({"error": {"message": "No."}}, 400)
    ready = answer(response(message("Hello.")))
    heard = []
    async with Loopback(broken, *([refused] if background else []), ready) as server:
        agent = Agent(model(server.url, Sleeps(), STORING), settings={"background": background})
        result = await agent.run("?", on_event=heard.append)
    assert [each.text for each in heard if isinstance(each, TextDelta)] == ["Hel", "lo", "."]
    assert result.output == "Hello."


async def test_a_stream_that_begins_anew_is_passed_over_up_to_where_it_was():
    broken = [STREAM_HEAD, *begun("Hel", "lo"), CUT]
    anew = b"".join([STREAM_HEAD, *begun("Hel", "lo", "."), event(**completed(message("Hello.")))])
    async with Loopback(broken, anew + END) as server:
        events = await events_of(model(server.url, Sleeps()), request(True, background=True))
    assert (said_in(events), text_of(events)) == ("Hello.", "Hello.")
    assert sum(isinstance(each, Snapshot) for each in events) == 2


async def test_a_stream_that_breaks_again_and_again_without_an_event_is_asked_for():
    broken = [STREAM_HEAD, *begun("Hel"), CUT]
    nothing = [STREAM_HEAD, CUT]
    sleeps = Sleeps()
    async with Loopback(broken, nothing, nothing, nothing, READY) as server:
        events = await events_of(model(server.url, sleeps), request(True, background=True))
    assert text_of(events) == "Hi."
    assert sleeps.waits == [0.5, 1.0]
    assert [each.method for each in server.received] == ["POST", *["GET"] * 4]


async def test_a_stream_may_break_as_often_as_it_gets_on():
    words = [f"{number} " for number in range(8)]
    broken = [
        [STREAM_HEAD, event(**delta(word), sequence_number=number), CUT]
        for number, word in enumerate(words, start=1)
    ]
    broken[0].insert(1, event(**CREATED, sequence_number=0))
    end = STREAM_HEAD + event(**completed(), sequence_number=9)
    sleeps = Sleeps()
    async with Loopback(*broken, end) as server:
        events = await events_of(model(server.url, sleeps), request(True, background=True))
    assert said_in(events) == "".join(words)
    assert [each.path.partition("starting_after=")[2] for each in server.received[1:]] == [
        str(number) for number in range(1, 9)
    ]
    assert sleeps.waits == [0.5] * 7  # not before the first time


class Clock:
    """A time that passes with sleeping, and a little with every look at it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> float:
        self.seconds += 0.01
        return self.seconds


async def patiently(server: Loopback, clock: Clock, polling: Polling, *, stream: bool) -> None:
    """Read a response in the background to its end."""
    pool, endpoint, limiter = Pool(None, None), Endpoint(server.url), Limiter()
    keeper = Keeper(pool, endpoint, limiter, Retries(), clock.sleep, polling, clock.now)
    asked = request(stream, background=True)
    kept = Kept(Exchange(pool, endpoint, asked, limiter), asked, keeper)
    await kept.begin()
    try:
        while await kept.more():
            pass
    finally:
        await kept.close()


async def test_a_stream_that_gets_on_and_breaks_for_ever_ends_with_patience():
    more = [[STREAM_HEAD, *begun("x", first=at), CUT] for at in range(40)]
    async with Loopback(*more) as server:
        with pytest.raises(ModelTimeoutError, match="resp_1 was not ready after 10 s"):
            await patiently(server, Clock(), Polling(patience=10.0), stream=True)
    assert server.received[-1].path == "/v1/responses/resp_1/cancel"
    assert 10 <= len(server.received) <= 30


async def test_time_that_asking_takes_counts_as_waited():
    async with Loopback(QUEUED) as server:
        polling = Polling(first_wait=0.001, growth=1.0, patience=0.5)
        with pytest.raises(ModelTimeoutError, match="resp_1 was not ready"):
            await patiently(server, Clock(), polling, stream=False)
    assert 10 <= len(server.received) <= 60


@pytest.mark.parametrize("stream", [False, True])
async def test_patience_ends_within_an_answer_that_never_comes(stream):
    never = asyncio.Event()
    begins = [STREAM_HEAD, *begun("x"), CUT] if stream else QUEUED
    goes_on = [STREAM_HEAD, event(**delta("x"), sequence_number=9), never] if stream else [never]
    async with Loopback(begins, goes_on, [CUT]) as server:
        with pytest.raises(ModelTimeoutError, match="resp_1 was not ready after 0.7 s"):
            await patiently(server, Clock(), Polling(patience=0.7), stream=stream)
    assert [each.method for each in server.received] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("name", [None, "", "..", ".", "a/../b", "\\..", "\ud800"])
async def test_a_response_without_a_name_to_ask_for_it_by_is_not_asked_for(name):
    queued = answer(response(status="queued", id=name))
    async with Loopback(queued, READY) as server:
        with pytest.raises(ProtocolError, match="has no id to ask for it by") as caught:
            await events_of(model(server.url, Sleeps()), request(background=True))
    assert [each.method for each in server.received] == ["POST"]
    assert caught.value.should_retry is False


async def test_a_name_leads_nowhere_else():
    name = "a/b?c#d e..é"
    queued, ready = (answer(response(status=each, id=name)) for each in ("queued", "completed"))
    async with Loopback(queued, ready) as server:
        await events_of(model(server.url, Sleeps()), request(background=True))
    assert server.received[1].path == "/v1/responses/a%2Fb%3Fc%23d%20e..%C3%A9"


@pytest.mark.parametrize("name", ["resp_2", None])
async def test_a_response_of_another_name_is_not_the_one_that_was_asked_for(name):
    found = answer(response(message("Hi."), id=name))
    async with Loopback(QUEUED, found, answer({})) as server:
        asked = events_of(model(server.url, Sleeps()), request(background=True))
        if name is None:  # gives none
            assert text_of(await asked) == "Hi."
        else:
            with pytest.raises(ProtocolError, match="another response than the one"):
                await asked


async def test_an_event_that_was_lost_in_the_end_of_a_stream_is_asked_for_again():
    half = b'data: {"type":"response.output_text.delta","delta":"Hel","sequence_number":1}'
    broken = [STREAM_HEAD, event(**CREATED, sequence_number=0), chunk(half), END, CUT]
    rest = stream(
        {**delta("Hel"), "sequence_number": 1},
        {**delta("lo."), "sequence_number": 2},
        {**completed(message("Hello.")), "sequence_number": 3},
    )
    async with Loopback(broken, rest) as server:
        events = await events_of(model(server.url, Sleeps()), request(True, background=True))
    assert server.received[1].path.endswith("starting_after=0")
    assert said_in(events) == "Hello."


async def test_an_error_of_what_has_begun_does_not_pay_for_it_twice():
    error = {"type": "error", "code": "server_error", "message": "Out of order."}
    broken = [STREAM_HEAD, event(**CREATED), event(**error), END]
    async with Loopback(broken, answer({})) as server:
        with pytest.raises(ServerError, match="Out of order"):
            await events_of(model(server.url, Sleeps()), request(True, background=True))
    assert [each.path for each in server.received] == [
        "/v1/responses",
        "/v1/responses/resp_1/cancel",
    ]


async def test_a_stream_that_cannot_be_read_is_asked_for():
    has_come = asyncio.Event()
    garbled = [STREAM_HEAD, *begun("Hel"), has_come, chunk(b"data: {\n\n")]
    events = []
    async with Loopback(garbled, READY) as server:
        asked = request(True, background=True)
        async for each in model(server.url, Sleeps()).stream(asked):
            has_come.set()
            events.append(each)
    assert text_of(events) == "Hi."
    assert [each.path for each in server.received] == ["/v1/responses", "/v1/responses/resp_1"]


async def test_a_query_of_the_address_stays_and_what_was_included_is_asked_for_again():
    broken = [STREAM_HEAD, *begun("Hel"), CUT]
    asked = request(True, background=True, include=["reasoning.encrypted_content"])
    async with Loopback(broken, stream(completed(message("Hello.")))) as server:
        await events_of(model(f"{server.url}?api-version=1", Sleeps()), asked)
    assert server.received[1].path == (
        "/v1/responses/resp_1?api-version=1&include[]=reasoning.encrypted_content"
        "&stream=true&starting_after=1"
    )


@pytest.mark.parametrize("pieces", [1, 2, 6, 14])
async def test_a_stored_response_is_fetched_before_it_is_paid_for_again(pieces):
    scripted = ScriptedModel(SONG)
    lost = replace(cut_after(pieces), name="lost")

    async def effect(asked: Asked) -> Reply:
        whole = await asked.proceed()
        sent = [piece async for piece in whole.body]

        async def again() -> AsyncIterator[bytes]:
            for piece in sent:
                yield piece

        async def proceed() -> Reply:
            return replace(whole, body=again())

        return await lost.effect(replace(asked, proceed=proceed))

    async with ResponsesServer(scripted, faults=[replace(lost, effect=effect)]) as server:
        asking = model(server.url, Sleeps(), STORING)
        events = await events_of(asking, request(True))
        asked = [(exchange.method, exchange.status) for exchange in server.exchanges]
    assert text_of(events) == SONG
    assert asked == [("POST", 200), ("GET", 200)]
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("dialect", "fields"), [(STORING, {"store": False}), (Dialect(), {}), (STORING, {})]
)
async def test_what_the_server_has_not_whole_is_asked_for_anew(dialect, fields):
    broken = [STREAM_HEAD, event(**CREATED), CUT]
    pending = answer(response(status="in_progress"))
    fetches = dialect.keeps_responses and not fields
    answers = [broken, *([pending] if fetches else []), stream(completed(message("Hi.")))]
    async with Loopback(*answers) as server:
        events = await events_of(model(server.url, Sleeps(), dialect), request(True, **fields))
    assert text_of(events) == "Hi."
    assert [each.method for each in server.received] == ["POST", *["GET"] * fetches, "POST"]


async def test_what_was_cut_after_its_first_words_and_is_not_whole_is_an_error():
    broken = [STREAM_HEAD, event(**CREATED), event(**delta("Hel")), CUT]
    gone = answer({"error": {"message": "Not found."}}, 404)
    async with Loopback(broken, gone) as server:
        with pytest.raises(StreamTruncatedError):
            await events_of(model(server.url, Sleeps(), STORING), request(True))
    assert [each.method for each in server.received] == ["POST", "GET"]


async def test_a_run_that_is_cancelled_cancels_its_response_at_the_server():
    gated, has_slept = Gated(), asyncio.Event()

    async def sleep(_: float) -> None:
        has_slept.set()
        await asyncio.Event().wait()

    async with ResponsesServer(ScriptedModel(gated)) as server:
        asked = request(background=True)
        running = asyncio.ensure_future(events_of(model(server.url, sleep), asked))
        await gated.has_begun.wait()
        await has_slept.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await gated.was_stopped.wait()
        last = server.exchanges[-1]
    assert (last.method, last.path, last.status) == ("POST", "/v1/responses/resp_bg_1/cancel", 200)


async def test_a_caller_that_insists_does_not_keep_the_server_from_hearing_of_it():
    has_slept, has_heard = asyncio.Event(), asyncio.Barrier(2)

    async def sleep(_: float) -> None:
        has_slept.set()
        await asyncio.Event().wait()

    async with Loopback([QUEUED, CUT], [has_heard]) as server:
        asked = request(background=True)
        running = asyncio.ensure_future(events_of(model(server.url, sleep), asked))
        await has_slept.wait()
        while not running.done():
            running.cancel()
            await asyncio.sleep(0)
        await has_heard.wait()
    assert server.received[1].path == "/v1/responses/resp_1/cancel"


async def test_a_stream_that_nobody_reads_to_its_end_is_cancelled_at_the_server():
    never = asyncio.Event()
    done = answer(response(status="cancelled"))
    async with Loopback([STREAM_HEAD, *begun("Hel"), never], done) as server:
        async with aclosing(
            model(server.url, Sleeps()).stream(request(True, background=True))
        ) as events:
            async for each in events:
                if isinstance(each, Delta):
                    break
    assert [(each.method, each.path) for each in server.received] == [
        ("POST", "/v1/responses"),
        ("POST", "/v1/responses/resp_1/cancel"),
    ]


async def test_a_run_whose_time_is_up_cancels_its_response_at_the_server():
    gated = Gated()
    scope = asyncio.timeout(None)

    async def sleep(_: float) -> None:
        await gated.has_begun.wait()
        scope.reschedule(asyncio.get_running_loop().time())
        await asyncio.Event().wait()

    async with ResponsesServer(ScriptedModel(gated)) as server:
        with pytest.raises(TimeoutError):
            async with scope:
                await events_of(model(server.url, sleep), request(background=True))
        await gated.was_stopped.wait()


async def test_a_server_that_does_not_hear_of_a_cancel_changes_nothing():
    has_slept = asyncio.Event()

    async def sleep(_: float) -> None:
        has_slept.set()
        await asyncio.Event().wait()

    async with Loopback(QUEUED, [CUT]) as server:
        asked = request(background=True)
        running = asyncio.ensure_future(events_of(model(server.url, sleep), asked))
        await has_slept.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert [each.method for each in server.received] == ["POST", "POST"]


async def test_a_response_that_is_ready_is_not_cancelled():
    async with ResponsesServer(ScriptedModel("Hi.")) as server:
        await events_of(model(server.url, Sleeps()), request(True, background=True))
        assert [exchange.method for exchange in server.exchanges] == ["POST"]
