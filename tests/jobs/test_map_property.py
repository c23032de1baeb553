"""Whatever the table, the failures and the ends: every row is answered once, as undisturbed."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from asked import question, table
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agentkit import Agent, ServerError
from agentkit.testing import ScriptedModel, failed, incomplete, refusal

FAILURES = {
    "down": ServerError("down", status=500),
    "failed": failed("server_error", "oops"),
    "refusal": refusal("No."),
    "cut off": incomplete('{"length":'),
    "misfit": "no number",
}


class Length(BaseModel):
    length: int


class Disturbed:
    """Answers what it is asked, once it has failed at it as it was told, and ends jobs."""

    name = "disturbed"

    def __init__(self, failures, ends=()):
        self.failures = {said: list(each) for said, each in failures.items()}
        self.ends = set(ends)
        self.asked, self.answered = Counter(), Counter()
        self.job = None

    async def stream(self, request):
        said = question(request)
        self.asked[said] += 1
        if self.asked.total() in self.ends:
            self.job.cancel()
        for _ in range(len(said)):
            await asyncio.sleep(0)
        left = self.failures.get(said)
        entry = FAILURES[left.pop(0)] if left else f'{{"length": {len(said)}}}'
        self.answered[said] += not left and isinstance(entry, str) and entry[0] == "{"
        async for event in ScriptedModel(entry).stream(request):
            yield event

    async def works_on(self, rows, folder, **how):
        """The table, when all rows have their answers."""
        agent = Agent(self, output=Length, store=folder / "runs.db")
        out = folder / "out.csv"
        for _ in range(100):
            self.job = asyncio.ensure_future(agent.map(rows, "{a}", out=out, grace=0, **how))
            await asyncio.wait([self.job])
            if not self.job.cancelled() and self.job.result().failed == 0:
                await agent.store.close()
                return [{**row, "_attempts": ""} for row in table(out)]
        raise AssertionError("it does not come to an end")


texts = st.text("ab", min_size=1, max_size=3)
tables = st.lists(st.fixed_dictionaries({"a": texts, "b": st.integers()}), min_size=1, max_size=12)
failures = st.dictionaries(texts, st.lists(st.sampled_from(sorted(FAILURES)), max_size=3))
hows = st.fixed_dictionaries({"concurrency": st.integers(1, 4), "retry": st.integers(0, 2)})


@settings(max_examples=60)
@given(tables, failures, st.sets(st.integers(1, 30), max_size=4), hows)
def test_every_row_is_answered_once_and_the_table_is_that_of_an_undisturbed_job(
    rows, failures, ends, how
):
    async def compare(folder):
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        disturbed, calm = Disturbed(failures, ends), Disturbed({})
        assert await disturbed.works_on(rows, folder / "one", **how) == await calm.works_on(
            rows, folder / "two"
        )
        assert set(disturbed.answered.values()) <= {1}
        assert set(disturbed.answered) == {row["a"] for row in rows}
        assert calm.asked == calm.answered

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder)))
