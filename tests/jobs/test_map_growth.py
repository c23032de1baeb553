"""A job takes as much memory for many rows as for few, and few commits."""

import weakref

from asked import Answers

from agentkit import Agent, tool
from agentkit.records import Started
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import call

ROWS = 400


class Row(dict):
    """A row whose end can be watched."""


class Alive:
    """How many of the things that were met are there still, and the most of all times."""

    def __init__(self):
        self.now = self.most = 0

    def meet(self, thing):
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(thing, self._leave)

    def _leave(self):
        self.now -= 1


class Counting(SQLiteStore):
    """Counts its commits."""

    commits = 0

    async def append(self, *arguments):
        self.commits += 1
        await super().append(*arguments)


async def test_no_row_is_kept_in_memory_longer_than_it_runs(tmp_path):
    given, came = Alive(), Alive()

    def rows():
        for number in range(ROWS):
            row = Row(n=number)
            given.meet(row)
            yield row

    agent = Agent(Answers(), store=tmp_path / "runs.db")
    result = await agent.map(
        rows(), "{n}", out=tmp_path / "out.csv", concurrency=4, on_row=came.meet
    )
    assert result.done == ROWS
    assert given.most < 20
    assert came.most < 20


async def test_who_reads_the_rows_decides_what_is_kept(tmp_path):
    came = Alive()
    agent = Agent(Answers(), store=tmp_path / "runs.db")
    async for row in agent.map([{"n": n} for n in range(ROWS)], "{n}", concurrency=4):
        came.meet(row)
    assert came.most < 20


async def test_a_row_of_one_request_takes_one_commit(tmp_path):
    store = Counting(tmp_path / "runs.db")
    await Agent(Answers(), store=store).map([{"n": n} for n in range(10)], "{n}")
    assert store.commits == 10
    await Agent(Answers(), store=store).map([{"n": n} for n in range(10)], "{n}")
    assert store.commits == 10, "what is there is not written again"


async def test_that_a_call_has_begun_is_kept_before_it_runs(tmp_path):
    store, seen = SQLiteStore(tmp_path / "runs.db"), []

    @tool
    async def act() -> str:
        """Act."""
        (info,) = await store.list()
        seen.append((await store.load(info.session)).records[-1])
        return "acted"

    def says(said):
        return lambda request: "done" if request.outputs else [call("act")]

    result = await Agent(Answers(says), tools=[act], store=store).map([{"n": 1}], "{n}")
    assert result.done == 1
    assert [type(record) for record in seen] == [Started]
