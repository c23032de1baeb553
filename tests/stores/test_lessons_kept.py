"""What a server refuses is known to the next process too, where both have the same store."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from memory_store import MemoryStore

from agentkit import Agent, BadRequestError, ServerError, tool
from agentkit.encoding import encode
from agentkit.responses.dialect import Dialect
from agentkit.responses.known import forget_servers, lessons_between, taught
from agentkit.stores.lessons import FRESH
from agentkit.stores.opened import opened_store
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, ScriptedModel, reasoning
from agentkit.testing import call as calls
from agentkit.testing.stores import remembering

KEY = "sk-proj-9f8e7d6c5b4a"
ROOT = Path(__file__).parents[2]


def refusal(name: str) -> BadRequestError:
    return BadRequestError(
        f"Unknown parameter: '{name}'.", status=400, code="unknown_parameter", param=name
    )


@tool
def add(a: int, b: int) -> int:
    """The sum."""
    return a + b


async def asked(url: str, store: Any, model: Any = "m", **options: Any) -> Any:
    """What a new process gets that asks one question."""
    forget_servers()
    settings = {"temperature": 0.1, "user": "u"}
    agent = Agent(
        model, base_url=url, store=store, settings=settings, environment={}, tools=[add], **options
    )
    try:
        return await agent.run("?")
    finally:
        if not isinstance(store, MemoryStore):
            await agent.store.close()


def settings_of(server: ResponsesServer) -> list[str]:
    """Which of the two settings each request had: `t`, `u`."""
    names = ("temperature", "user")
    return ["".join(name[0] for name in names if name in each) for each in server.requests]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The place of a store of each kind."""
    is_file = request.param == "sqlite"
    return str(tmp_path / "log.db") if is_file else request.getfixturevalue("url")


async def test_the_next_process_is_not_refused_what_the_one_before_was(place):
    script = ScriptedModel(refusal("temperature"), "hi", "hi", refusal("user"), "hi", "hi")
    async with ResponsesServer(script) as server:
        for _ in range(4):
            await asked(server.url, place)
    # the second refusal was learnt beside what was taken from the store
    assert settings_of(server) == ["tu", "u", "u", "u", "", ""]


async def test_another_model_server_or_wire_is_asked_as_ever(place):
    async with ResponsesServer(ScriptedModel(refusal("temperature"), *["hi"] * 3)) as server:
        async with ResponsesServer(ScriptedModel("hi")) as other:
            await asked(server.url, place)
            await asked(server.url, place, model="another")
            await asked(other.url, place)
            await asked(server.url, place, wire="chat")
    assert settings_of(server)[2] == "tu"
    assert settings_of(other) == ["tu"]
    store = opened_store(place)
    names = [f"lessons {wire} {server.url} m" for wire in ("responses", "chat")]
    assert [await store.recall(name) for name in names] == [{"lacks": ["temperature"]}, None]
    await store.close()


async def test_a_lesson_is_kept_also_where_the_run_fails(place):
    error = BadRequestError("The input is not allowed.", status=400)
    async with ResponsesServer(ScriptedModel(refusal("temperature"), error, "hi")) as server:
        with pytest.raises(BadRequestError):
            await asked(server.url, place)
        await asked(server.url, place)
    assert settings_of(server) == ["tu", "u", "u"]


async def test_a_lesson_is_kept_also_where_the_run_is_cancelled():
    store, stalled = MemoryStore(), asyncio.Event()

    class Stalling(ScriptedModel):
        async def stream(self, request):
            async for event in super().stream(request):
                stalled.set()
                await asyncio.Event().wait()
                yield event

    async with ResponsesServer(Stalling(refusal("user"), "hi")) as server:
        run = asyncio.create_task(asked(server.url, store))
        await stalled.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert await store.recall(f"lessons responses {server.url} m") == {"lacks": ["user"]}


async def test_the_form_of_an_answer_is_told_in_words_by_the_next_process_too():
    store, schema = MemoryStore(), {"type": "object", "properties": {"n": {"type": "integer"}}}
    script = ScriptedModel(refusal("text.format"), '{"n": 7}', '{"n": 7}')
    async with ResponsesServer(script) as server:
        results = [await asked(server.url, store, output=schema) for _ in range(2)]
    assert [result.output for result in results] == [{"n": 7}] * 2
    assert ["text" in request for request in server.requests] == [True, False, False]
    assert '"n"' in server.requests[2]["instructions"]


async def test_what_a_fallback_model_refuses_is_kept_too():
    store = MemoryStore()
    async with ResponsesServer(ScriptedModel(refusal("user"), *["hi"] * 2)) as second:
        for _ in range(2):
            models = [ScriptedModel(ServerError("no", status=503)), "m"]
            await asked(second.url, store, model=models)
    assert settings_of(second) == ["tu", "t", "t"]


class Counting(MemoryStore):
    """Says how often it was asked and told."""

    def __init__(self):
        super().__init__()
        self.recalled, self.remembered = [], []

    async def recall(self, name, *, within=None):
        self.recalled.append((name, within))
        return await super().recall(name, within=within)

    async def remember(self, name, value):
        self.remembered.append(value)
        await super().remember(name, value)


async def test_a_store_is_asked_once_in_a_process_and_told_only_what_is_new():
    store = Counting()
    async with ResponsesServer(ScriptedModel("hi", "hi", refusal("user"), "hi", "hi")) as server:
        agent = Agent("m", base_url=server.url, settings={"user": "u"}, environment={}, store=store)
        for _ in range(2):
            await agent.run("?")
        assert store.recalled == [(f"lessons responses {server.url} m", FRESH)]
        assert store.remembered == []
        for _ in range(2):
            await agent.run("?")
    assert len(store.recalled) == 2  # once more before it is told
    assert store.remembered == [{"lacks": ["user"]}]


async def test_of_many_runs_that_learn_the_same_one_tells_it():
    store = Counting()
    async with ResponsesServer(ScriptedModel(*[refusal("user")] * 5, *["hi"] * 5)) as server:
        agent = Agent("m", base_url=server.url, settings={"user": "u"}, environment={}, store=store)
        await asyncio.gather(*(agent.run("?") for _ in range(5)))
    assert store.remembered == [{"lacks": ["user"]}]


async def test_a_server_is_tried_anew_after_a_week():
    store = MemoryStore()
    script = ScriptedModel(refusal("temperature"), "hi", "hi", "hi")
    async with ResponsesServer(script) as server:
        await asked(server.url, store)
        later = datetime(2024, 1, 1, tzinfo=UTC) + FRESH
        store.tick = lambda: later - timedelta(seconds=1)
        await asked(server.url, store)
        store.tick = lambda: later + timedelta(seconds=1)
        await asked(server.url, store)
    assert settings_of(server) == ["tu", "u", "u", "tu"]


async def test_what_a_process_has_known_for_long_is_not_told_as_if_it_were_new():
    store = MemoryStore()
    script = ScriptedModel(refusal("temperature"), "hi", refusal("user"), "hi")
    async with ResponsesServer(script) as server:
        settings = {"temperature": 0.1, "user": "u"}
        agent = Agent("m", base_url=server.url, settings=settings, environment={}, store=store)
        await agent.run("?")
        store.facts.clear()
        await agent.run("?")
    assert settings_of(server) == ["tu", "u", "u", ""]
    assert await store.recall(f"lessons responses {server.url} m") == {"lacks": ["user"]}


async def test_two_processes_that_learn_at_once_lose_nothing_of_each_other():
    store = Counting()

    class Meanwhile(ScriptedModel):
        def stream(self, request):
            value = {"lacks_tools": ["web_search"], "of_a_newer_version": 1}
            store.facts[store.recalled[0][0]] = (encode(value).decode(), store.tick())
            return super().stream(request)

    async with ResponsesServer(Meanwhile(refusal("user"), "hi")) as server:
        await asked(server.url, store)
    assert store.remembered == [
        {"lacks_tools": ["web_search"], "of_a_newer_version": 1, "lacks": ["user"]}
    ]


async def test_what_another_version_wrote_is_taken_as_far_as_it_is_understood():
    store = MemoryStore()
    async with ResponsesServer(ScriptedModel("hi")) as server:
        value = {
            "lacks": ["user", 7, None],
            "lacks_tools": "web_search",
            "state": "no",
            "text_format": 0,
            "not_strict": {"add": True},
            "wire": "chat",
            "lists": None,
        }
        await store.remember(f"lessons responses {server.url} m", value)
        result = await asked(server.url, store)
    assert result.status == "completed"
    assert settings_of(server) == ["t"]


class Failing(MemoryStore):
    """Fails at facts alone."""

    async def recall(self, name, *, within=None):
        raise OSError(f"no disk for {KEY}")

    remember = recall


async def test_a_store_that_fails_at_it_fails_no_run(caplog):
    async with ResponsesServer(ScriptedModel(refusal("user"), "hi")) as server:
        with caplog.at_level(logging.WARNING, logger="agentkit"):
            result = await asked(server.url, Failing(), secrets=[KEY])
    assert result.output == "hi"
    said = [each.getMessage() for each in caplog.records if "remembered" in each.getMessage()]
    assert len(said) == 2  # at the beginning, and at the end
    assert "OSError: no disk for [" in said[0] and KEY not in caplog.text


class Without:
    """A store that has neither of the two methods."""

    def __init__(self):
        self.store = MemoryStore()
        for name in ("load", "append", "hold", "list", "close"):
            setattr(self, name, getattr(self.store, name))


async def test_a_store_that_does_not_remember_is_a_store_all_the_same(caplog):
    store = Without()
    async with ResponsesServer(ScriptedModel(refusal("user"), "hi", "hi")) as server:
        for _ in range(2):
            result = await asked(server.url, store)
    assert (result.output, len(await store.list())) == ("hi", 2)
    assert settings_of(server) == ["tu", "t", "tu"]
    assert "remembered" not in caplog.text
    await remembering.the_last_fact_of_a_name_stands(store)  # the checks ask nothing of it


@pytest.mark.parametrize("address", ["http://u:{key}@{host}/v1", "http://{host}/v1?api_key={key}"])
async def test_no_secret_of_an_address_or_a_header_gets_into_the_store(address, tmp_path):
    async with ResponsesServer(ScriptedModel(refusal("user"), "hi", "hi")) as server:
        host = server.url.removeprefix("http://").removesuffix("/v1")
        url = address.format(key=KEY, host=host)
        for _ in range(2):
            await asked(url, tmp_path / "log.db", api_key=f"{KEY}-header")
    assert settings_of(server) == ["tu", "t", "t"]
    store = SQLiteStore(tmp_path / "log.db")
    assert await store.recall(f"lessons responses http://{host}/v1 m") == {"lacks": ["user"]}
    await store.close()
    files = [each.read_bytes() for each in tmp_path.iterdir() if each.is_file()]
    assert not [each for each in files if KEY.encode() in each]


async def test_of_a_server_whose_path_is_a_secret_nothing_is_remembered():
    store = MemoryStore()
    async with ResponsesServer(ScriptedModel(refusal("user"), "hi")) as server:
        await asked(server.url, store, secrets=[server.url.removeprefix("http://")])
    assert (settings_of(server), store.facts) == (["tu", "t"], {})


async def test_refused_reasoning_is_not_remembered():
    store = MemoryStore()
    error = BadRequestError(
        "The encrypted content could not be verified.", status=400, code="invalid_encrypted_content"
    )
    script = ScriptedModel([reasoning("hm"), calls("add", a=1, b=2)], error, "3")
    async with ResponsesServer(script) as server:
        result = await asked(server.url, store)
    assert (result.output, store.facts) == ("3", {})


def test_all_that_can_be_learnt_comes_back_from_json():
    before = Dialect(lacks=frozenset({"seed"}), state=False)
    now = Dialect(
        lacks=frozenset({"seed", "user", "store"}),
        lacks_tools=frozenset({"web_search"}),
        not_strict=frozenset({"*"}),
        text_format=False,
        tool_choice=False,
        forced_choice=False,
        state=False,
        lists_in_outputs=False,
    )
    lessons = lessons_between(before, now)
    assert lessons["lacks"] == ["store", "user"]
    assert "state" not in lessons
    assert taught(before, lessons) == now
    assert lessons_between(now, now) == {}


PROCESS = """
import sys
from agentkit import Agent
url, path = sys.argv[1:]
agent = Agent("m", base_url=url, store=path, settings={"user": "u"}, environment={})
print(agent.run_sync("?").output)
"""


def test_a_real_process_leaves_what_it_has_learnt_to_the_next(tmp_path):
    with ResponsesServer(ScriptedModel(refusal("user"), "hi", "hi")) as server:
        command = [sys.executable, "-c", PROCESS, server.url, str(tmp_path / "log.db")]
        for _ in range(2):
            run = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT)
            assert run.stdout == "hi\n"
    assert settings_of(server) == ["u", "", ""]
