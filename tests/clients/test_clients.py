"""The server is one that other people's agents work with."""

from __future__ import annotations

from agentkit.errors import BadRequestError, RateLimitError
from agentkit.testing import ResponsesServer, ScriptedModel, call, reasoning
from tests.clients.obeying import Client

LYON = call("population", city="Lyon")
NICE = call("population", city="Nice")


def outputs(body: dict) -> list[str]:
    return [each["output"] for each in body["input"] if each.get("type") == "function_call_output"]


def test_a_text_is_the_output_of_a_run(client: Client):
    with ResponsesServer(ScriptedModel("Half a million.")) as server:
        came = client.does("a_text", server.url)

    assert came["output"] == "Half a million."
    assert came["tokens"] > 0


def test_a_tool_loop_goes_to_its_end(client: Client):
    with ResponsesServer(ScriptedModel(LYON, NICE, "Less than a million.")) as server:
        came = client.does("a_tool_loop", server.url)

    assert came == {"output": "Less than a million."}
    assert [outputs(body) for body in server.requests] == [[], ["500000"], ["500000", "350000"]]


def test_parallel_calls_run_at_once(client: Client):
    with ResponsesServer(ScriptedModel([LYON, NICE], "Many.")) as server:
        came = client.does("parallel_calls", server.url)

    assert came == {"output": "Many."}
    assert outputs(server.requests[1]) == ["many in Lyon", "many in Nice"]


def test_a_typed_answer_is_read(client: Client):
    with ResponsesServer(ScriptedModel('{"name": "Lyon", "people": 500000}')) as server:
        came = client.does("a_typed_answer", server.url)

    assert came == {"output": {"name": "Lyon", "people": 500000}}
    assert server.requests[0]["text"]["format"]["type"] == "json_schema"


def test_a_stream_is_read_piece_by_piece_behind_a_tool_call(client: Client):
    with ResponsesServer(ScriptedModel([LYON, NICE], "Less than a million.")) as server:
        came = client.does("a_stream", server.url)

    assert came["output"] == "Less than a million."
    assert len(came["deltas"]) > 1
    assert "".join(came["deltas"]) == "Less than a million."
    assert all(body["stream"] for body in server.requests)
    assert outputs(server.requests[1]) == ["500000", "350000"]


def test_reasoning_and_calls_come_back_in_a_later_run(client: Client):
    thought = [reasoning("Two cities."), LYON]
    with ResponsesServer(ScriptedModel(thought, "Half a million.", "Yes.")) as server:
        came = client.does("a_conversation", server.url)

    assert came == {"output": "Yes."}
    types = [each.get("type", "message") for each in server.requests[2]["input"]]
    assert types == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "message",
        "message",
    ]


def test_a_chain_sends_only_what_is_new(client: Client):
    with ResponsesServer(ScriptedModel(LYON, "Half a million.")) as server:
        came = client.does("a_chain", server.url)

    assert came == {"output": "Half a million."}
    assert server.requests[1]["previous_response_id"]
    assert [each["type"] for each in server.requests[1]["input"]] == ["function_call_output"]


def test_a_busy_server_is_asked_again(client: Client):
    busy = RateLimitError("Slow down.", status=429, retry_after=0.01)
    with ResponsesServer(ScriptedModel(busy, "Half a million.")) as server:
        came = client.does("a_text", server.url)

    assert came["output"] == "Half a million."
    assert [each.status for each in server.exchanges] == [429, 200]


def test_a_refusal_is_an_error_with_its_words(client: Client):
    refused = BadRequestError("That will not do.", status=400, code="invalid_value")
    with ResponsesServer(ScriptedModel(refused)) as server:
        came = client.does("a_text", server.url)

    assert "That will not do." in came["error"]
    assert "400" in came["error"]
