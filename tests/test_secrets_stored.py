"""A run that meets its keys everywhere keeps them out of its log, its file, its errors."""

from __future__ import annotations

import json
import logging
import traceback
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from agentkit import Agent, Edit, ModelError, Notice, Reject, tool
from agentkit.testing import ResponsesServer, ScriptedModel, call

KEY = "sk-proj-9f8e7d6c/5b4a3f2e+1d0c"
MORE = 'pass"wörd/2024'
MARKS = [
    form
    for key in (KEY, MORE)
    for form in (
        key,
        key[8:],
        json.dumps(key)[1:-1],
        quote(key, safe=""),
        quote(key),
        *(b64encode(bytes(n) + key.encode()).decode()[4:-4] for n in range(3)),
    )
]
ALL = f"{KEY} {MORE} {quote(KEY)} {quote(MORE, safe='')} " + " ".join(
    b64encode(f"{user}{key}".encode()).decode() for key in (KEY, MORE) for user in ("", "u:", "me:")
)


@tool
def look(where: str) -> dict:
    """Look."""
    return {"found": ALL, where: [ALL]}


@tool(max_output=60)
def fail(where: str) -> str:
    """Fail, with the key where the text is cut."""
    raise LookupError("x" * 30 + ALL)


@tool(approval=True)
def ask(where: str) -> str:
    """Wait for a word."""
    return where


def agent_at(url: str, file: Path) -> Agent:
    hosted = {"type": "mcp", "server_label": "s", "server_url": f"http://h/?key={KEY}9"}
    return Agent(
        "m",
        instructions=f"Never say {ALL}",
        tools=[look, fail, ask, hosted],
        base_url=url,
        api_key=KEY,
        secrets=[MORE],
        store=file,
    )


def stored(file: Path) -> str:
    """All bytes that are kept, of the file and of those beside it."""
    kept = [path for path in file.parent.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in kept)


def shown(error: BaseException | None) -> str:
    if error is None:
        return ""
    told = [repr(error), str(vars(error)), *traceback.format_exception(error)]
    return "\n".join(told) + shown(error.__cause__) + shown(error.__context__)


async def test_keys_are_in_no_row_no_log_line_no_error_and_no_repr(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    heard = []

    def listener(event):
        heard.append(event)
        raise ValueError(f"no {ALL}")

    script = [
        [call("look", where=ALL), call("fail", where=ALL), call("ask", where=ALL)],
        [call("ask", where=ALL)],
        f"It is {ALL}.",
    ]
    file = tmp_path / "runs.db"
    with ResponsesServer(ScriptedModel(*script), api_key=KEY) as server:
        agent = agent_at(server.url, file)
        first = await agent.run(f"Is it {ALL}?", session="s", on_event=listener)
        edit = Edit(first.pending[0].call_id, {"where": ALL})
        second = await agent.resume("s", [edit], on_event=listener)
        third = await agent.resume("s", [Reject(second.pending[0].call_id, ALL)])
        assert third.output.startswith("It is [secret]")
    texts = [stored(file), caplog.text, json.dumps(third.log.dump())]
    texts += [repr(each) for each in (agent, agent.model, first, third, *third.log, *heard)]
    texts += [shown(getattr(event, "error", None)) for event in heard]
    assert not {mark for mark in MARKS for text in texts if mark in text}
    assert "A listener failed on" in caplog.text


async def test_an_error_that_leaves_a_run_shows_no_key(tmp_path, caplog):
    class Model:
        name = "m"

        async def stream(self, request):
            yield Notice(ALL)
            raise ModelError(ALL, code=KEY, param=MORE, request_id=ALL) from LookupError(ALL)

    agent = Agent(Model(), secrets=[KEY, MORE], store=tmp_path / "runs.db")
    with pytest.raises(ModelError) as caught:
        await agent.run(ALL)
    told = shown(caught.value) + stored(tmp_path / "runs.db") + caplog.text
    assert not {mark for mark in MARKS if mark in told}
    assert caught.value.result.status == "failed"


async def test_a_call_with_a_key_in_it_is_rejected_by_a_rule_as_the_log_has_it():
    model = ScriptedModel([call("ask", where=ALL)], "Done.")
    agent = Agent(model, tools=[ask], secrets=[KEY, MORE], approve=lambda *_: "reject")
    result = await agent.run("go")
    assert result.output == "Done."
    assert not {mark for mark in MARKS if mark in json.dumps(result.log.dump())}


async def test_a_run_without_a_key_in_it_keeps_its_items_as_they_are():
    model = ScriptedModel([call("ask", where="here")], "Done.")
    agent = Agent(model, tools=[ask], secrets=[KEY], approve=lambda *_: "allow")
    result = await agent.run("go")
    assert model.requests[1].input[0] is model.requests[0].input[0]
    assert [each.kind for each in result.log].count("answer") == 2
