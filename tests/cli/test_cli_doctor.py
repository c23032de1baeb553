"""`agentkit doctor`: what a server can do, and what to mend where it does not answer."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from able import able, refusing, without

from agentkit import Agent, ResponsesModel, tool
from agentkit.cli import main
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.probing.probes import PROBES
from agentkit.responses.providers import PROVIDERS
from agentkit.testing import ResponsesServer, ScriptedModel

SECRET = "sk-very-secret-1234"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _nothing_in_between(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@contextmanager
def pages(pages: dict[str, tuple[int, str, Any]]) -> Iterator[str]:
    """A server with these answers by path, as status, content type and body; its root URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, body = pages.get(self.path, (404, "text/plain", "no such page"))
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def doctor(capsys, *options: str) -> tuple[int, str, str]:
    code = main(["doctor", *options])
    return code, *capsys.readouterr()


def found(capsys, *options: str) -> Any:
    return json.loads(doctor(capsys, *options, "--json")[1])


def results(told: Any) -> dict[str, str]:
    return {probe["name"]: probe["result"] for probe in told["probes"]}


def test_a_server_that_can_do_all_of_it_gets_a_table_and_the_line_to_paste(capsys):
    with ResponsesServer(able()) as server:
        code, out, err = doctor(capsys, "-m", "able", "--base-url", server.url)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "PROBE                 RESULT  WHAT CAME"
    assert [line.split()[:2] for line in lines[1:22]] == [[p.name, "works"] for p in PROBES]
    assert lines[-1] == (
        f'Python: ResponsesModel("able", Endpoint("{server.url}", {{}}, '
        "Dialect(encrypted_reasoning=True, keeps_responses=True)))"
    )
    assert err == (
        f"Asking able at {server.url}: up to 20 requests, each of at most 512 tokens of output.\n"
    )


def test_the_line_to_paste_is_python_that_makes_the_dialect_that_was_found(capsys):
    with ResponsesServer(able(without("tool_choice"))) as server:
        told = found(capsys, "-m", "able", "--base-url", server.url)
    names = {"Endpoint": Endpoint, "Dialect": Dialect, "ResponsesModel": lambda *given: given}
    name, endpoint = eval(told["python"], names)
    assert (name, endpoint.base_url) == ("able", server.url)
    assert endpoint.dialect == Dialect(
        encrypted_reasoning=True, keeps_responses=True, tool_choice=False
    )
    assert told["dialect"]["tool_choice"] is False


def test_an_agent_with_the_line_that_was_pasted_is_refused_nothing(capsys):
    @tool
    def population(city: str) -> int:
        """People in a city."""
        return len(city)

    strict = refusing(lambda r: any(t["strict"] for t in r.value_of("tools") or ()), "No strict.")
    names = {"Endpoint": Endpoint, "Dialect": Dialect, "ResponsesModel": ResponsesModel}
    with ResponsesServer(able(strict)) as server:
        model = eval(found(capsys, "-m", "able", "--base-url", server.url)["python"], names)
        asked = len(server.exchanges)
        result = Agent(model, tools=[population]).run_sync("Call the tool for Oslo.")
        statuses = [exchange.status for exchange in server.exchanges[asked:]]
    assert (result.output, statuses) == ("It gave 4.", [200, 200])


def test_what_it_took_is_told(capsys):
    with ResponsesServer(able()) as server:
        told = found(capsys, "-m", "able", "--base-url", server.url)
        assert told["requests"] == len(server.exchanges) == 20
    assert told["usage"]["total_tokens"] > 100
    assert told["first"] is None


def test_the_page_tells_of_every_probe():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \|", page.partition("## The probes")[2], re.MULTILINE)
    assert rows == [probe.name for probe in PROBES]


def test_a_server_that_is_known_as_it_is_gets_its_provider(capsys, monkeypatch):
    with ResponsesServer(able()) as server:
        lmstudio = replace(PROVIDERS["lmstudio"], base_url=server.url)
        monkeypatch.setitem(PROVIDERS, "lmstudio", lmstudio)
        told = found(capsys, "-m", "lmstudio:able", "--only", "tools")
    assert told["python"] == 'Agent("lmstudio:able")'


def test_the_offline_model_needs_no_key_and_no_server(capsys):
    code, out, _ = doctor(capsys, "-m", "offline")
    assert code == 0
    assert 'Python: Agent("offline")' in out


def test_only_what_is_named_is_asked_and_has_to_work(capsys):
    with ResponsesServer(able(without("text"))) as server:
        options = ("-m", "able", "--base-url", server.url, "--only")
        assert results(found(capsys, *options, "forced")) == {"text": "works", "forced": "works"}
        code, out, _ = doctor(capsys, *options, "structured")
    assert code == 1
    assert "First: Not all that was asked for works." in out


def test_a_model_that_calls_no_tools_is_of_no_use(capsys):
    with ResponsesServer(able(without("tools"))) as server:
        code, out, _ = doctor(capsys, "-m", "able", "--base-url", server.url)
    assert code == 1
    assert "First: The model does not call tools" in out


def test_without_a_model_one_that_the_server_lists_is_taken(capsys):
    with ResponsesServer(able()) as server:
        told = found(capsys, "--base-url", server.url, "--only", "text")
    assert told["model"] == "ScriptedModel"


def test_a_key_that_is_not_accepted_is_named_and_never_shown(capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    with ResponsesServer(able(), api_key="another") as server:
        options = ("-m", "m", "--base-url", server.url, "--key-variable", "MY_KEY", "-v")
        code, out, err = doctor(capsys, *options)
        told = found(capsys, *options)
    assert code == 1
    assert "First: The server does not accept the key in MY_KEY." in out
    assert SECRET not in out + err + json.dumps(told)
    assert told["python"] is None


def test_the_line_to_paste_takes_the_key_from_where_it_is(capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    with ResponsesServer(able(), api_key=SECRET) as server:
        options = ("-m", "m", "--base-url", server.url, "--key-variable", "MY_KEY")
        told = found(capsys, *options, "--only", "text")
    assert told["python"] == (f'ResponsesModel("m", "{server.url}", api_key=os.environ["MY_KEY"])')


def test_a_key_that_the_server_says_back_is_not_shown(capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    # so long that the verdict ends within it
    said = f"You sent me the key that is {SECRET}."
    with ResponsesServer(ScriptedModel(*[said] * 30)) as server:
        options = ("-m", "m", "--base-url", server.url, "--key-variable", "MY_KEY", "-v")
        _, out, err = doctor(capsys, *options)
        told = json.dumps(found(capsys, *options, "--only", "text"))
    assert 'says "You sent me the key that is [key]."' in out
    assert SECRET[:10] not in out + err + told


def test_a_key_that_is_not_set_is_wrong_use(capsys):
    assert doctor(capsys, "-m", "openai:gpt-5-mini") == (
        2,
        "",
        "agentkit: openai needs a key. Set OPENAI_API_KEY, or name the variable it is in with "
        "--key-variable.\n",
    )
    assert doctor(capsys)[0] == 2


def test_a_port_where_nothing_listens_is_the_first_thing_to_mend(capsys):
    with ResponsesServer(able()) as server:
        url = server.url
    code, out, _ = doctor(capsys, "-m", "m", "--base-url", url)
    assert code == 1
    assert "First: Nothing answers at 127.0.0.1:" in out


def test_a_server_that_hangs_is_given_up_in_time(capsys):
    async def hang(_: Any) -> str:
        await asyncio.Event().wait()
        return ""

    with ResponsesServer(ScriptedModel(hang)) as server:
        code, out, _ = doctor(capsys, "-m", "m", "--base-url", server.url, "--timeout", "0.1")
    assert code == 1
    assert "took the request and did not answer in time" in out


def test_a_web_page_is_no_server(capsys):
    page = (200, "text/html", "<!doctype html><html><title>Welcome</title></html>")
    with pages({f"{at}/responses": page for at in ("", "/v1")}) as root:
        code, out, _ = doctor(capsys, "-m", "m", "--base-url", f"{root}/v1")
    assert code == 1
    assert f"First: A web page answers at {root}/v1, not an API." in out


def test_a_base_url_without_its_v1_is_put_right(capsys):
    said = {"type": "message", "role": "assistant", "content": "Hello."}
    reply = {"object": "response", "status": "completed", "output": [said]}
    with pages({"/v1/responses": (200, "application/json", reply)}) as root:
        code, out, _ = doctor(capsys, "-m", "m", "--base-url", root)
    assert code == 1
    assert f"First: Take --base-url {root}/v1: the Responses endpoint is there." in out


def test_a_server_of_chat_completions_alone_is_asked_for_those(capsys):
    message = {"role": "assistant", "content": "amber"}
    reply = {"object": "chat.completion", "choices": [{"message": message}]}
    with pages({"/v1/chat/completions": (200, "application/json", reply)}) as root:
        code, out, err = doctor(capsys, "-m", "m", "--base-url", f"{root}/v1", "--only", "text")
        wired = found(capsys, "-m", "m", "--base-url", f"{root}/v1", "--wire", "chat")
        _, away, _ = doctor(capsys, "-m", "m", "--base-url", root)
    assert code == 0
    assert "for chat completions: up to 1 request," in err
    assert f'Python: ResponsesModel("m", "{root}/v1", wire="chat")\n' in out
    assert wired["dialect"]["wire"] == "chat"
    assert f"Take --base-url {root}/v1 --wire chat." in away


def test_a_proxy_in_between_is_named_without_its_password(capsys, monkeypatch):
    with ResponsesServer(able()) as server:
        port = server.url.split(":")[2].removesuffix("/v1")
        monkeypatch.setenv("HTTP_PROXY", f"http://me:hush@127.0.0.1:{port}")
        code, out, _ = doctor(capsys, "-m", "m", "--base-url", "http://model.test/v1")
    assert code == 1
    assert f"through the proxy http://127.0.0.1:{port}; NO_PROXY=model.test goes around it" in out
    assert "hush" not in out


def test_a_proxy_that_cannot_be_used_is_wrong_use(capsys, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "nonsense://somewhere")
    code, _, err = doctor(capsys, "-m", "m", "--base-url", "http://model.test/v1")
    assert code == 2
    assert "nonsense" in err


def test_hostile_text_does_nothing_to_the_terminal(capsys):
    with ResponsesServer(ScriptedModel(*["\x1b[2J\u202eamber"] * 30)) as server:
        _, out, err = doctor(capsys, "-m", "m", "--base-url", server.url, "-v")
    assert "\\x1b[2J\\u202eamber" in out
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err


def test_every_request_and_answer_is_shown_on_demand(capsys):
    with ResponsesServer(able()) as server:
        options = ("-m", "able", "--base-url", server.url, "--only", "forced", "-v")
        _, out, _ = doctor(capsys, *options)
        _, probe = found(capsys, *options)["probes"]
    assert "\nforced: whether `tool_choice` makes it call\n> {" in out
    assert probe["request"]["tool_choice"] == {"type": "function", "name": "population"}
    assert json.loads(probe["answer"])["output"][0]["name"] == "population"


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_lines_that_fit(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["doctor", "-m", "offline"]) == 0
    table = terminal.getvalue().partition("\n\n")[0].splitlines()
    assert max(map(len, table)) == 60


@pytest.mark.parametrize(
    "options",
    [
        ("--only", "telepathy"),
        ("--timeout", "0"),
        ("-m", "nowhere:m"),
        ("-m", "offline", "--base-url", "http://localhost"),
        ("-m", "m", "--base-url", "http://localhost", "--key-variable", "NOT_SET"),
        ("-m", "m", "--base-url", "nowhere"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_a_line_and_code_2(options, capsys):
    try:
        code = main(["doctor", *options])
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("agentkit: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("listed", ["offline", "ollama:qwen3", "openai:gpt-5"])
def test_a_model_that_the_server_lists_is_asked_for_by_that_name(listed, capsys):
    model = ScriptedModel(lambda _: "hello")
    model.name = listed
    with ResponsesServer(model) as server:
        main(["doctor", "--base-url", server.url, "--only", "text"])
    assert [request["model"] for request in server.requests] == [listed]
    assert f"Asking {listed} at {server.url}" in " ".join(capsys.readouterr().err.split())


def test_a_port_that_is_none_is_one_line(capsys):
    assert main(["doctor", "--base-url", "http://localhost:abc/v1"]) == 2
    assert "Traceback" not in capsys.readouterr().err
