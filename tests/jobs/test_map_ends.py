"""However a job ends, what it has come to is kept, written and told."""

import asyncio
import sqlite3

import pytest
from asked import Answers, Gate, table

from agentkit import (
    Agent,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ContextLengthError,
    Limits,
    QuotaError,
    ServerError,
    StoreError,
)
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer

ROWS = [{"n": n} for n in range(40)]


def until(rows, error):
    """An answer for each row up to one, the error from there on."""
    return lambda said: said if int(said) < rows else error


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no key", status=401),
        QuotaError("no credit", status=402),
        StoreError("the disk is full"),
        ConfigurationError("no price"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_that_all_rows_would_meet_ends_the_job(tmp_path, error):
    model, out = Answers(until(3, error)), tmp_path / "out.csv"
    agent = Agent(model, store=tmp_path / "runs.db")
    with pytest.raises(type(error)) as caught:
        await agent.map(ROWS, "{n}", concurrency=1, out=out)
    assert len(model.asked) == 4
    result = caught.value.result
    assert (result.total, result.done, result.failed, result.left) == (40, 3, 1, 36)
    assert [row["_status"] for row in table(out)] == ["completed"] * 3 + ["failed"]


async def test_rows_that_run_when_such_an_error_comes_end_as_they_do(tmp_path):
    gate = Gate()

    def says(said):
        return gate if said == "0" else AuthenticationError("no key", status=401)

    model = Answers(says)
    task = asyncio.ensure_future(Agent(model).map(ROWS, "{n}", concurrency=2))
    await gate.is_asked.wait()
    gate.is_open.set()
    with pytest.raises(AuthenticationError) as caught:
        await task
    assert caught.value.result.done == 1


async def test_a_request_that_none_of_the_first_rows_may_make_ends_the_job():
    model = Answers(lambda said: BadRequestError("no such model", status=404))
    with pytest.raises(BadRequestError, match="no such model"):
        await Agent(model).map(ROWS, "{n}", concurrency=1)
    assert len(model.asked) == 5


async def test_a_request_that_only_some_rows_may_not_make_fails_those():
    def says(said):
        return BadRequestError("odd", status=400) if int(said) % 2 else said

    result = await Agent(Answers(says)).map(ROWS, "{n}")
    assert (result.done, result.failed) == (20, 20)


async def test_rows_that_are_too_long_fail_alone():
    model = Answers(lambda said: ContextLengthError("too long", status=400))
    result = await Agent(model).map(ROWS, "{n}")
    assert (result.failed, len(model.asked)) == (40, 40)


async def test_a_server_that_is_down_fails_its_rows_and_no_others():
    def says(said):
        return ServerError("down", status=500) if said == "7" else said

    result = await Agent(Answers(says)).map(ROWS, "{n}")
    assert (result.done, result.failed, result.rows[7].error) == (39, 1, "down (status 500)")


async def test_rows_have_a_moment_to_end_when_a_job_is_cancelled(tmp_path):
    gate, out = Gate(), tmp_path / "out.csv"
    model = Answers(lambda said: gate if said == "3" else said)
    agent = Agent(model, store=tmp_path / "runs.db")
    job = agent.map(ROWS, "{n}", concurrency=1, out=out, grace=1000)
    task = asyncio.ensure_future(job)
    await gate.is_asked.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.is_open.set()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    result = caught.value.result
    assert (result.done, result.left, len(model.asked)) == (4, 36, 4)
    assert [row["answer"] for row in table(out)] == ["0", "1", "2", "late"]


async def test_rows_that_do_not_end_are_cancelled_behind_the_grace(tmp_path):
    gate, out = Gate(), tmp_path / "out.csv"
    model = Answers(lambda said: gate if said == "3" else said)
    agent = Agent(model, store=tmp_path / "runs.db")
    task = asyncio.ensure_future(agent.map(ROWS, "{n}", concurrency=1, out=out, grace=0))
    await gate.is_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    result = caught.value.result
    assert (result.done, result.failed, result.left) == (3, 0, 37)
    assert [row["_status"] for row in table(out)] == ["completed"] * 3 + ["cancelled"]
    gate.is_open.set()
    again = await agent.map(ROWS, "{n}", out=out)
    assert (again.done, again.kept) == (40, 3)
    assert model.times["3"] == 2


async def test_one_who_is_impatient_is_heard(tmp_path):
    gate = Gate()
    task = asyncio.ensure_future(Agent(Answers(lambda said: gate)).map(ROWS, "{n}", grace=1000))
    await gate.is_asked.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_table_ends_a_job_with_what_it_has():
    def rows():
        yield from ROWS[:3]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone") as caught:
        await Agent(Answers()).map(rows(), "{n}")
    assert (caught.value.result.done, len(caught.value.result.rows)) == (3, 3)


async def test_a_table_that_cannot_be_written_ends_the_job():
    class Full:
        name = "full"

        def __init__(self, columns, origins):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, index, cells):
            raise OSError("no space left")

        def finish(self):
            raise AssertionError("nothing to finish")

    model = Answers()
    with pytest.raises(OSError, match="no space left"):
        await Agent(model).map(ROWS, "{n}", out=Full, concurrency=1)
    assert len(model.asked) == 1


async def test_a_store_that_cannot_be_written_ends_the_job(tmp_path):
    path = tmp_path / "runs.db"
    store = SQLiteStore(path, timeout=0.01)
    agent = Agent(Answers(), store=store)
    await agent.map(ROWS[:1], "{n}")
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            await agent.map(ROWS, "{n}", concurrency=1)
        other.rollback()
    assert (caught.value.result.done, caught.value.result.left) == (1, 38)
    await store.close()


async def test_a_price_that_is_not_known_is_told_before_anything_is_asked(tmp_path):
    model, out = Answers(), tmp_path / "out.csv"
    with pytest.raises(ConfigurationError, match="A budget cannot hold: the price") as caught:
        await Agent(model, store=tmp_path / "runs.db").map(ROWS, "{n}", budget=1.0, out=out)
    assert model.asked == []
    assert not hasattr(caught.value, "result"), "no row has failed: none could begin"
    assert not out.exists()


async def test_a_budget_is_given_in_one_place():
    from agentkit import Budget

    with pytest.raises(ConfigurationError, match="budget: the limits have one"):
        await Agent(Answers()).map(ROWS, "{n}", budget=1.0, limits=Limits(budget=Budget(1)))


async def test_a_key_that_the_server_refuses_ends_a_job_over_http(tmp_path):
    async with ResponsesServer(Answers(), api_key="right") as server:
        agent = Agent("m", base_url=server.url, api_key="wrong", store=tmp_path / "runs.db")
        with pytest.raises(AuthenticationError) as caught:
            await agent.map(ROWS, "{n}", concurrency=1)
        assert len(server.exchanges) == 1
        right = await agent.replace(api_key="right").map(ROWS, "{n}")
    assert (caught.value.result.failed, right.done) == (1, 40)


async def test_a_crowd_that_the_server_turns_away_gets_in_one_after_the_other(tmp_path):
    faults = ["status-429,retry-after=0,times=3"]
    async with ResponsesServer(Answers(), faults=faults) as server:
        job = Agent("m", base_url=server.url, api_key="k").map(ROWS, "{n}")
        result = await job
    assert result.done == 40
    assert job.progress.refusals == 3
