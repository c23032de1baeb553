"""How a fault is asked for: in Python, as a model's name, at the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from agentkit import ConfigurationError
from agentkit.cli import main
from agentkit.testing import FAULTS, Fault, ResponsesServer, ScriptedModel, fault
from agentkit.testing.faults import Asked
from agentkit.testing.http import Reply


@contextmanager
def asking(*faults: Fault | str, script: tuple[str, ...] = ("one", "two")) -> Iterator[Ask]:
    with (
        ResponsesServer(ScriptedModel(*script), faults=faults) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield Ask(client)


class Ask:
    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def __call__(self, model: str = "m", said: str = "hi") -> int | str:
        """The status, or the text of an answer."""
        reply = self.client.post("/responses", json={"model": model, "input": said})
        if reply.status_code != 200:
            return reply.status_code
        text: str = reply.json()["output"][0]["content"][0]["text"]
        return text


def test_faults_come_in_order_and_then_the_server_is_well():
    with asking("status-503", "none", "status-429,times=2") as ask:
        assert [ask() for _ in range(5)] == [503, "one", 429, 429, "two"]


def test_a_fault_may_last_for_ever():
    with asking("none", "status-503,times=always") as ask:
        assert [ask() for _ in range(9)] == ["one", *[503] * 8]


def test_one_fault_may_be_given_alone():
    with ResponsesServer(ScriptedModel("one"), faults="status-503") as server:
        for status in (503, 200):
            reply = httpx.post(f"{server.url}/responses", json={"model": "m", "input": "hi"})
            assert reply.status_code == status


def test_a_fault_is_a_value_that_can_be_made_to_last():
    with asking(FAULTS["status-503"].lasting(2), fault("status-529").lasting(None)) as ask:
        assert [ask() for _ in range(4)] == [503, 503, 529, 529]


def test_a_models_name_asks_for_a_fault_each_time():
    with asking() as ask:
        assert [ask("fault:status-529"), ask(), ask("fault:status-529"), ask()] == [
            529,
            "one",
            529,
            "two",
        ]


def test_a_models_name_may_say_how_often():
    with asking() as ask:
        assert [ask("fault:status-529,times=2") for _ in range(4)] == [529, 529, "one", "two"]
        assert ask("fault:status-500,times=1") == 500


def test_a_models_name_that_no_fault_has_is_a_bad_request():
    with asking() as ask:
        reply = ask.client.post("/responses", json={"model": "fault:nonsense", "input": "hi"})
    assert reply.status_code == 400
    assert "There is no fault named 'nonsense'. Faults: none, refused," in reply.text


def test_an_answer_that_was_lost_is_not_asked_for_again():
    with asking("truncated-json", script=("one", "two")) as ask:
        body = {"model": "m", "input": "hi"}
        assert not ask.client.post("/responses", json=body).text.endswith("}")
        assert [ask(), ask()] == ["one", "two"]


def test_an_answer_that_was_lost_is_not_another_questions():
    with asking("truncated-json", script=("one", "two")) as ask:
        ask.client.post("/responses", json={"model": "m", "input": "hi"})
        assert ask(said="what else?") == "two"


def test_every_request_is_kept_also_where_the_model_was_not_asked():
    model = ScriptedModel("one")
    with ResponsesServer(model, faults=["status-503"]) as server:
        for said in ("first", "second"):
            httpx.post(f"{server.url}/responses", json={"model": "m", "input": said})
        assert [body["input"] for body in server.requests] == ["first", "second"]
        assert [exchange.status for exchange in server.exchanges] == [503, 200]
    assert len(model.requests) == 1


def test_other_endpoints_meet_no_fault():
    with ResponsesServer(ScriptedModel(), faults=["status-503,times=always"]) as server:
        assert httpx.get(f"{server.url}/models").status_code == 200


def test_chat_completions_meet_faults_too():
    with ResponsesServer(ScriptedModel("one"), faults=["status-503"]) as server:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        url = f"{server.url}/chat/completions"
        assert [httpx.post(url, json=body).status_code for _ in range(2)] == [503, 200]


def test_an_error_of_the_model_passes_as_it_is():
    with asking("gzip", script=()) as ask:
        assert ask() == 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no fault named ''"),
        ("reset", "There is no fault named 'reset'. Faults: none, refused, reset-before-headers,"),
        ("gzip=3", "gzip takes no value."),
        ("gzip,level=3", "gzip has no option 'level'. Options: times."),
        ("status-503,times=0", "times=0: expected a number from 1 on, or 'always'."),
        ("status-503,times=some", "times=some: expected a number from 1 on, or 'always'."),
        ("status-503,body=xml", "status-503: body is one of openai, text, "),
        ("error-event=round", "error-event: shape is one of flat, nested, bare."),
        ("reset-after-events=-1", "reset-after-events: events is a number, from 0 on."),
        ("slow-bytes=soon", "slow-bytes: every is a number, from 0 on."),
        ("gzip+what", "There is no fault named 'what'."),
        ("status=99", "status: '99' is no status from 200 on."),
        ("status-429,retry-after=1\r\nx: y", "status-429: retry-after='1\\r\\nx: y' has what no"),
    ],
)
def test_a_text_that_names_no_fault_says_what_there_is(text: str, message: str):
    with pytest.raises(ConfigurationError) as caught:
        fault(text)
    assert message in str(caught.value)


def test_a_wrong_fault_is_known_before_the_server_is_entered():
    with pytest.raises(ConfigurationError, match="no fault named 'reste'"):
        ResponsesServer(ScriptedModel(), faults=["reste"])


def test_two_faults_may_be_met_at_once():
    both = fault("no-event-names+gzip,times=3")
    assert (both.name, both.times) == ("no-event-names+gzip", 3)
    with ResponsesServer(ScriptedModel("one"), faults=[both]) as server:
        body = {"model": "m", "input": "hi", "stream": True}
        reply = httpx.post(f"{server.url}/responses", json=body)
    assert reply.headers["content-encoding"] == "gzip"
    assert "event:" not in reply.text
    assert reply.text.startswith('data: {"type":"response.created"')


async def teapot(asked: Asked) -> Reply:
    return Reply(418, f"{asked.options['size']} cups".encode())


def test_a_fault_of_ones_own_is_a_coroutine_of_what_was_asked():
    own = Fault("teapot", "is a teapot", teapot, {"size": "2"})
    with ResponsesServer(ScriptedModel("one"), faults=[own]) as server:
        reply = httpx.post(f"{server.url}/responses", json={"model": "m", "input": "hi"})
    assert (reply.status_code, reply.text) == (418, "2 cups")


def test_the_command_lists_the_faults(capsys: pytest.CaptureFixture[str]):
    assert main(["serve", "--faults"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(FAULTS)
    assert all(FAULTS[line.split()[0]].does in line for line in listed)


def test_the_command_serves_a_model_with_faults():
    command = [
        sys.executable,
        "-m",
        "agentkit",
        "serve",
        "--fault",
        "none",
        "--fault",
        "status=418",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        try:
            url = server.stdout.readline().decode().strip()
            body = {"model": "m", "input": "hi"}
            statuses = [httpx.post(f"{url}/responses", json=body).status_code for _ in range(3)]
        finally:
            server.terminate()
    assert statuses == [200, 418, 200]


def test_the_command_says_which_faults_there_are(capsys: pytest.CaptureFixture[str]):
    assert main(["serve", "--fault", "reset"]) == 2
    assert "There is no fault named 'reset'" in capsys.readouterr().err
