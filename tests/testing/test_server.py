"""The server speaks HTTP/1.1 and server-sent events, remembers, and refuses as OpenAI's does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from agentkit.errors import ServerError
from agentkit.responses.events import TEXT_DELTA, Delta, Snapshot, StreamEvent
from agentkit.responses.response import Request
from agentkit.testing import ResponsesServer, ScriptedModel, call

ASK = {"model": "m", "input": "hi"}


def post(server: ResponsesServer, body: object, **options: object) -> httpx.Response:
    return httpx.post(f"{server.url}/responses", json=body, **options)


def error(response: httpx.Response) -> tuple[int, str | None, str]:
    said = response.json()["error"]
    return response.status_code, said["code"], said["message"]


def output_of(call_id: str) -> dict[str, str]:
    return {"type": "function_call_output", "call_id": call_id, "output": "3"}


CALL = {"type": "function_call", "call_id": "call_x", "name": "add", "arguments": "{}"}


def test_an_answer_carries_the_text_the_model_and_a_request_id():
    with ResponsesServer(ScriptedModel("Hello."), now=lambda: 1700000000.5) as server:
        reply = post(server, ASK)
    assert reply.headers["x-request-id"] == "req_1"
    assert reply.json()["output"][0]["content"][0]["text"] == "Hello."
    assert (reply.json()["model"], reply.json()["created_at"]) == ("m", 1700000000)
    assert server.requests == [ASK]


def test_a_stream_names_each_event_and_ends_with_the_terminal_one():
    with ResponsesServer(ScriptedModel("Hello.")) as server:
        reply = post(server, {**ASK, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in reply.text.strip().split("\n\n")]
    for event, data in blocks:
        assert event == f"event: {json.loads(data.removeprefix('data: '))['type']}"
    assert blocks[-1][0] == "event: response.completed"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "Invalid body: expected an object, but got an array instead."),
        ({"input": "hi"}, "Missing required parameter: 'model'."),
        ({"model": "m"}, "Missing required parameter: 'input'."),
        (
            {**ASK, "input": 3},
            "Invalid type for 'input': expected one of a string or array of items, "
            "but got an integer instead.",
        ),
        (
            {**ASK, "input": ["hi"]},
            "Invalid type for 'input[0]': expected an object, but got a string instead.",
        ),
        (
            {**ASK, "tools": [3]},
            "Invalid type for 'tools[0]': expected an object, but got an integer instead.",
        ),
        (
            {**ASK, "temperature": True},
            "Invalid type for 'temperature': expected a decimal, but got a boolean instead.",
        ),
        (
            {**ASK, "metadata": {"n": 1}},
            "Invalid type for 'metadata.n': expected a string, but got an integer instead.",
        ),
        (
            {**ASK, "max_output_tokens": 3},
            "Invalid 'max_output_tokens': integer below minimum value. "
            "Expected a value >= 16, but got 3 instead.",
        ),
        (
            {**ASK, "input": [{"type": "function_call", "name": "add", "arguments": "{}"}]},
            "Missing required parameter: 'input[0].call_id'.",
        ),
        (
            {**ASK, "input": [{**output_of("x"), "output": 3}]},
            "Invalid type for 'input[0].output': expected one of a string or array of objects, "
            "but got an integer instead.",
        ),
        ({**ASK, "input": [CALL]}, "No tool output found for function call call_x."),
        (
            {**ASK, "input": [output_of("call_x")]},
            "No tool call found for function call output with call_id call_x.",
        ),
        (
            {**ASK, "input": [output_of("call_x"), CALL]},
            "No tool call found for function call output with call_id call_x.",
        ),
        (
            {**ASK, "previous_response_id": "a", "conversation": "b"},
            "Mutually exclusive parameters: ensure you are only providing one of: "
            "'previous_response_id' or 'conversation'.",
        ),
        ({**ASK, "previous_response_id": "a"}, "Previous response with id 'a' not found."),
    ],
)
def test_a_bad_request_is_refused_in_the_words_of_the_wire(body: object, message: str):
    with ResponsesServer(ScriptedModel()) as server:
        status, _, said = error(post(server, body))
    assert (status, said) == (400, message)


OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = {**OPEN, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "string"}, "schema must be a JSON Schema of 'type: \"object\"'."),
        (OPEN, "In context=(), 'additionalProperties' is required to be supplied and to be false."),
        (
            {**CLOSED, "required": []},
            "In context=(), 'required' is required to be supplied and to be an array "
            "including every key in properties. Missing 'a'.",
        ),
        (
            {**CLOSED, "properties": {"a": {"anyOf": [{"type": "null"}, {"oneOf": []}]}}},
            "In context=('properties', 'a', 'anyOf', '1'), 'oneOf' is not permitted.",
        ),
    ],
)
def test_a_strict_schema_outside_the_subset_is_refused(schema: object, problem: str):
    function = {"type": "function", "name": "f", "strict": True, "parameters": schema}
    wanted = {"type": "json_schema", "name": "f", "strict": True, "schema": schema}
    with ResponsesServer(ScriptedModel("ok")) as server:
        of_tool = error(post(server, {**ASK, "tools": [function]}))
        of_text = error(post(server, {**ASK, "text": {"format": wanted}}))
        lenient = post(server, {**ASK, "tools": [{**function, "strict": False}]})
    assert of_tool == (
        400,
        "invalid_function_parameters",
        f"Invalid schema for function 'f': {problem}",
    )
    assert of_text == (
        400,
        "invalid_json_schema",
        f"Invalid schema for response_format 'f': {problem}",
    )
    assert lenient.status_code == 200


def test_unknown_fields_and_item_types_pass():
    item = {"type": "vendor:thing", "id": "x"}
    model = ScriptedModel("ok")
    with ResponsesServer(model) as server:
        assert post(server, {**ASK, "input": [item], "surprise": 1}).status_code == 200
    assert model.requests[0].wire() == {
        "model": "m",
        "surprise": 1,
        "input": [item],
        "stream": False,
    }


def test_other_paths_methods_and_bodies_have_their_own_status():
    with ResponsesServer(ScriptedModel()) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/nothing").status_code == 404
        assert client.put("/responses").status_code == 405
        assert client.head("/responses").headers["allow"] == "POST"
        assert error(client.post("/responses", content=b"{"))[:2] == (400, "invalid_json")
        assert client.get("/models").json()["data"][0]["id"] == "ScriptedModel"
    assert [exchange.status for exchange in server.exchanges] == [404, 405, 405, 400, 200]


def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on():
    with ResponsesServer(ScriptedModel("ok"), max_body=100) as server, httpx.Client() as client:
        large = client.post(f"{server.url}/responses", json={**ASK, "input": "x" * 1000})
        small = client.post(f"{server.url}/responses", json=ASK)
    assert (large.status_code, small.status_code) == (413, 200)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "localhost:80"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
        ({"x-long": "x" * 100_000}, 431),
    ],
)
def test_only_requests_for_this_computer_are_answered(headers: dict[str, str], status: int):
    with ResponsesServer(ScriptedModel("ok")) as server:
        assert post(server, ASK, headers=headers).status_code == status


def test_a_previous_response_is_what_came_before():
    model = ScriptedModel([call("add")], "three", "three")
    with ResponsesServer(model) as server:
        first = post(server, ASK).json()
        chained = {**ASK, "previous_response_id": first["id"]}
        assert error(post(server, chained))[2] == "No tool output found for function call call_1."
        second = post(server, {**chained, "input": [output_of("call_1")]}).json()
        repeated = {**chained, "input": [*first["output"], output_of("call_1")]}
        assert "Duplicate item found with id" in error(post(server, repeated))[2]
        third = {**ASK, "previous_response_id": second["id"], "stream": True}
        assert post(server, third).status_code == 200
    assert [item.type for item in model.requests[2].input] == [
        "message",
        "function_call",
        "function_call_output",
        "message",
        "message",
    ]


def test_a_response_that_is_not_stored_or_deleted_is_not_found():
    with ResponsesServer(ScriptedModel("a", "b")) as server:
        kept = post(server, ASK).json()["id"]
        lost = post(server, {**ASK, "store": False}).json()["id"]
        assert httpx.get(f"{server.url}/responses/{kept}").json()["id"] == kept
        assert httpx.delete(f"{server.url}/responses/{kept}").json()["deleted"] is True
        for gone in (kept, lost):
            status, code, _ = error(post(server, {**ASK, "previous_response_id": gone}))
            assert (status, code) == (400, "previous_response_not_found")


def test_a_conversation_grows_with_each_request():
    model = ScriptedModel("one", "two")
    with ResponsesServer(model) as server:
        created = httpx.post(f"{server.url}/conversations", json={"metadata": {"a": "b"}}).json()
        for _ in range(2):
            reply = post(server, {**ASK, "conversation": created["id"]}).json()
            assert reply["conversation"] == {"id": created["id"]}
        assert error(post(server, {**ASK, "conversation": "other"}))[0] == 404
    assert [len(request.input) for request in model.requests] == [1, 3]


def test_an_item_reference_is_the_item_it_names():
    model = ScriptedModel("one", "two")
    with ResponsesServer(model) as server:
        item = post(server, ASK).json()["output"][0]
        reference = {"type": "item_reference", "id": item["id"]}
        assert post(server, {**ASK, "input": [reference]}).status_code == 200
    assert model.requests[1].input[0].wire == item


class Piecemeal:
    """A model that gives a word, waits at a gate, and then ends as it is told."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.gate = asyncio.Event()
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.error = error

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        self.started.set()
        yield Delta(TEXT_DELTA, "word", "msg_1", 0, 0)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.error:
            raise self.error
        yield Snapshot("response.completed", {"status": "completed", "output": []})


async def test_events_are_sent_as_the_model_gives_them():
    model = Piecemeal()
    async with ResponsesServer(model) as server, httpx.AsyncClient() as client:
        streaming = {**ASK, "stream": True}
        async with client.stream("POST", f"{server.url}/responses", json=streaming) as reply:
            lines = reply.aiter_lines()
            assert await anext(lines) == f"event: {TEXT_DELTA}"
            model.gate.set()
            data = [json.loads(line[6:]) async for line in lines if line.startswith("data: ")]
    assert [event["type"] for event in data] == [TEXT_DELTA, "response.completed"]
    assert data[1]["response"]["output"][0]["content"][0]["text"] == "word"


async def test_an_error_after_the_first_event_ends_the_stream_with_an_error_event():
    model = Piecemeal(error=ServerError("It broke.", code="server_error"))
    model.gate.set()
    async with ResponsesServer(model) as server, httpx.AsyncClient() as client:
        reply = await client.post(f"{server.url}/responses", json={**ASK, "stream": True})
    last = json.loads(reply.text.strip().split("data: ")[-1])
    assert (reply.status_code, last["type"], last["message"]) == (200, "error", "It broke.")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_cancels_the_model(stream: bool):
    model = Piecemeal()
    async with ResponsesServer(model) as server:
        body = json.dumps({**ASK, "stream": stream}).encode()
        _, writer = await opened(server)
        writer.write(raw(body))
        await model.started.wait()
        writer.close()
        await writer.wait_closed()
        await model.cancelled.wait()


async def test_a_connection_is_kept_for_chunked_and_announced_bodies():
    async with ResponsesServer(ScriptedModel("one", "two")) as server:
        reader, writer = await opened(server)
        body = json.dumps(ASK).encode()
        chunked = (
            b"POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        writer.write(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert "one" in (await answer(reader))
        writer.write(raw(b"", expect=len(body)))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
        writer.write(body)
        assert "two" in (await answer(reader))
        writer.close()
        await writer.wait_closed()


async def test_closing_the_server_ends_open_requests():
    model = Piecemeal()
    async with ResponsesServer(model) as server:
        _, writer = await opened(server)
        writer.write(raw(json.dumps({**ASK, "stream": True}).encode()))
        await model.started.wait()
    assert model.cancelled.is_set()
    writer.close()


async def test_serving_forever_ends_with_its_task():
    server = ResponsesServer(ScriptedModel("ok"))
    async with server, asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve_forever())
        async with httpx.AsyncClient() as client:
            assert (await client.post(f"{server.url}/responses", json=ASK)).status_code == 200
        serving.cancel()


def test_a_port_that_is_taken_is_an_error_where_the_server_is_entered():
    with ResponsesServer(ScriptedModel()) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError), ResponsesServer(ScriptedModel(), port=port):
            pass


async def opened(server: ResponsesServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)


def raw(body: bytes, *, expect: int | None = None) -> bytes:
    length = b"content-length: %d\r\n" % (len(body) if expect is None else expect)
    waits = b"" if expect is None else b"expect: 100-continue\r\n"
    return b"POST /v1/responses HTTP/1.1\r\nhost: localhost\r\n%b%b\r\n%b" % (length, waits, body)


async def answer(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(line for line in head.split("\r\n") if line.startswith("content-length"))
    return (await reader.readexactly(int(length.split(":")[1]))).decode()
