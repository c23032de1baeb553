"""The server speaks chat completions, too, with other people's agents."""

from __future__ import annotations

from agentkit.errors import BadRequestError, RateLimitError
from agentkit.testing import ResponsesServer, ScriptedModel, call
from tests.clients.obeying import Client

LYON = call("population", city="Lyon")
NICE = call("population", city="Nice")


def outputs(body: dict) -> list[str]:
    return [each["content"] for each in body["messages"] if each["role"] == "tool"]


def test_a_text_is_the_output_of_a_run(client: Client):
    with ResponsesServer(ScriptedModel("Half a million.")) as server:
        came = client.does("a_text", server.url, "chat")

    assert came["output"] == "Half a million."
    assert came["tokens"] > 0


def test_a_tool_loop_goes_to_its_end(client: Client):
    with ResponsesServer(ScriptedModel(LYON, NICE, "Less than a million.")) as server:
        came = client.does("a_tool_loop", server.url, "chat")

    assert came == {"output": "Less than a million."}
    asked = [outputs(each.body) for each in server.exchanges]
    assert asked == [[], ["500000"], ["500000", "350000"]]


def test_parallel_calls_run_at_once(client: Client):
    with ResponsesServer(ScriptedModel([LYON, NICE], "Many.")) as server:
        came = client.does("parallel_calls", server.url, "chat")

    assert came == {"output": "Many."}
    assert outputs(server.exchanges[1].body) == ["many in Lyon", "many in Nice"]


def test_a_typed_answer_is_read(client: Client):
    with ResponsesServer(ScriptedModel('{"name": "Lyon", "people": 500000}')) as server:
        came = client.does("a_typed_answer", server.url, "chat")

    assert came == {"output": {"name": "Lyon", "people": 500000}}
    assert server.exchanges[0].body["response_format"]["type"] == "json_schema"


def test_a_stream_is_read_piece_by_piece_behind_a_tool_call(client: Client):
    with ResponsesServer(ScriptedModel([LYON, NICE], "Less than a million.")) as server:
        came = client.does("a_stream", server.url, "chat")

    assert came["output"] == "Less than a million."
    assert len(came["deltas"]) > 1
    assert "".join(came["deltas"]) == "Less than a million."
    assert outputs(server.exchanges[1].body) == ["500000", "350000"]


def test_a_later_run_has_all_that_was_said(client: Client):
    with ResponsesServer(ScriptedModel(LYON, "Half a million.", "Yes.")) as server:
        came = client.does("a_conversation", server.url, "chat")

    assert came == {"output": "Yes."}
    roles = [each["role"] for each in server.exchanges[2].body["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_a_busy_server_is_asked_again(client: Client):
    busy = RateLimitError("Slow down.", status=429, retry_after=0.01)
    with ResponsesServer(ScriptedModel(busy, "Half a million.")) as server:
        came = client.does("a_text", server.url, "chat")

    assert came["output"] == "Half a million."
    assert [each.status for each in server.exchanges] == [429, 200]


def test_a_refusal_is_an_error_with_its_words(client: Client):
    refused = BadRequestError("That will not do.", status=400, code="invalid_value")
    with ResponsesServer(ScriptedModel(refused)) as server:
        came = client.does("a_text", server.url, "chat")

    assert "That will not do." in came["error"]
    assert "400" in came["error"]
