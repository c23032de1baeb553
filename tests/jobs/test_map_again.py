"""The same job again asks what is missing, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from asked import Answers, table
from pydantic import BaseModel

from agentkit import Agent, BadRequestError, Budget, Limits, RateLimitError, ServerError, tool
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import call, failed, incomplete, refusal

CITIES = [{"city": "Rome"}, {"city": "Oslo"}, {"city": "Lima"}]


ONE = [{"id": 1}]


class Fact(BaseModel):
    n: int


async def test_the_same_job_again_asks_nothing(tmp_path):
    model, out = Answers(), tmp_path / "out.csv"
    agent = Agent(model, store=tmp_path / "runs.db")
    await agent.map(CITIES, "{city}", out=out)
    before = out.read_bytes()
    result = await agent.map(CITIES, "{city}", out=out)
    assert (len(model.asked), result.kept, result.done, result.cost) == (3, 3, 3, 0.0)
    assert out.read_bytes() == before


async def test_another_process_would_find_the_same_rows(tmp_path):
    model = Answers()
    await Agent(model, store=tmp_path / "runs.db").map(CITIES, "{city}")
    await Agent(model, store=SQLiteStore(tmp_path / "runs.db")).map(CITIES, "{city}")
    assert len(model.asked) == 3


async def test_a_column_that_the_prompt_does_not_use_costs_nothing(tmp_path):
    model = Answers()
    agent = Agent(model, store=tmp_path / "runs.db")
    await agent.map([{"city": "Rome", "note": "a"}], "{city}")
    result = await agent.map([{"city": "Rome", "note": "b"}], "{city}", out=tmp_path / "o.csv")
    assert (model.asked, result.kept) == (["Rome"], 1)
    assert table(tmp_path / "o.csv")[0]["note"] == "b"


async def test_new_rows_are_asked_and_old_ones_kept(tmp_path):
    model = Answers()
    agent = Agent(model, store=tmp_path / "runs.db")
    await agent.map(CITIES[:2], "{city}")
    result = await agent.map([CITIES[2], *CITIES], "{city}")
    assert (model.times["Lima"], len(model.asked), result.kept) == (1, 3, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": "Be brief."},
        {"settings": {"temperature": 0}},
        {"output": Fact},
        {"tools": [{"type": "web_search"}]},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_another_agent_asks_anew(tmp_path, change):
    model = Answers(lambda said: '{"n": 1}')
    agent = Agent(model, store=tmp_path / "runs.db")
    await agent.map(CITIES, "{city}")
    await agent.replace(**change).map(CITIES, "{city}")
    assert len(model.asked) == 6


async def test_what_is_no_part_of_a_question_changes_nothing(tmp_path):
    model = Answers()
    agent = Agent(model, store=tmp_path / "runs.db")
    await agent.map(CITIES, "{city}")
    await agent.replace(name="bot", secrets=["a secret word"]).map(CITIES, "{city}")
    assert len(model.asked) == 3


async def test_a_row_that_the_server_failed_at_is_gone_on_with(tmp_path):
    @tool(effect="read")
    def look() -> str:
        """Look."""
        looked.append(1)
        return "seen"

    def says(said):
        return lambda request: answer(request)

    def answer(request):
        if not request.outputs:
            return [call("look")]
        if is_down:
            raise ServerError("down", status=500)
        return "done"

    looked, is_down = [], True
    agent = Agent(Answers(says), tools=[look], store=tmp_path / "runs.db")
    first = await agent.map(ONE, "{id}")
    assert (first.failed, first.rows[0].error) == (1, "down (status 500)")
    is_down = False
    again = await agent.map(ONE, "{id}")
    assert (again.done, again.rows[0].session) == (1, first.rows[0].session)
    assert looked == [1], "a call that ran is not run again"


@pytest.mark.parametrize(
    ("first", "status", "told"),
    [
        ("no number", "failed", "The answer is not JSON."),
        (refusal("I will not."), "refused", "The model refused: I will not."),
        (incomplete('{"n": '), "incomplete", "The answer is cut off (max_output_tokens)."),
    ],
    ids=["misfit", "refusal", "cut off"],
)
async def test_an_answer_that_is_none_is_asked_anew(tmp_path, first, status, told):
    store, said = SQLiteStore(tmp_path / "runs.db"), first
    model = Answers(lambda question: lambda request: said)
    agent = Agent(model, output=Fact, store=store)
    before = await agent.map(ONE, "{id}")
    row = before.rows[0]
    assert (row.status, row.error, row.attempts, row.is_done) == (status, told, 1, False)
    said, asked = '{"n": 1}', len(model.asked)
    after = await agent.map(ONE, "{id}")
    again = after.rows[0]
    assert (again.output, again.session, again.attempts) == (Fact(n=1), row.session, 2)
    assert len(model.asked) == asked + 1
    assert len(again.result.items) == 2, "it does not see what it said before"
    infos = {info.session: info for info in await store.list()}
    assert set(infos) == {row.session, f"{row.session}.1"}
    assert infos[row.session].parent == f"{row.session}.1"
    assert infos[f"{row.session}.1"].summary.status == ("failed" if status == "failed" else status)
    assert len(await store.spent()) == asked + 1, "each answer is in the ledger once"
    assert (await agent.map(ONE, "{id}")).rows[0].attempts == 2


async def test_rows_are_begun_anew_as_often_as_it_takes(tmp_path):
    store, said = SQLiteStore(tmp_path / "runs.db"), refusal("No.")
    agent = Agent(Answers(lambda question: lambda request: said), store=store)
    for attempt in (1, 2, 3):
        row = (await agent.map(ONE, "{id}")).rows[0]
        assert (row.attempts, row.status) == (attempt, "refused")
    assert len(await store.list()) == 3


async def test_failing_rows_are_tried_again_at_the_end():
    def says(said):
        return ServerError("down", status=500) if model.times[said] <= 2 else said

    model, heard = Answers(says), []
    result = await Agent(model).map(
        CITIES, "{city}", retry=2, concurrency=1, on_row=lambda row: heard.append(row.status)
    )
    assert model.asked == ["Rome", "Oslo", "Lima"] * 3
    assert (result.done, result.failed, heard) == (3, 0, ["completed"] * 3)
    assert [row.attempts for row in result.rows] == [1, 1, 1], "one conversation each"


async def test_a_row_is_not_tried_more_often_than_is_said(tmp_path):
    model, out = Answers(lambda said: RateLimitError("slow", status=429)), tmp_path / "o.csv"
    result = await Agent(model).map(CITIES[:1], "{city}", retry=2, out=out)
    assert (len(model.asked), result.failed) == (3, 1)
    assert [row["_status"] for row in table(out)] == ["failed"]


async def test_answers_that_are_none_are_asked_anew_in_the_same_job(tmp_path):
    model = Answers(lambda said: said if len(model.asked) > 2 else refusal("No."))
    agent = Agent(model, store=tmp_path / "runs.db")
    row = (await agent.map(CITIES[:1], "{city}", retry=2)).rows[0]
    assert (row.status, row.attempts) == ("completed", 3)
    assert (await agent.map(CITIES[:1], "{city}")).rows[0].attempts == 3


async def test_a_failed_answer_is_asked_once_more_in_its_session(tmp_path):
    model = Answers(lambda said: failed("server_error", "oops") if len(model.asked) == 1 else "x")
    agent = Agent(model, store=tmp_path / "runs.db")
    first = (await agent.map(CITIES[:1], "{city}")).rows[0]
    assert (first.status, first.is_done) == ("failed", False)
    assert "oops" in first.error
    assert (await agent.map(CITIES[:1], "{city}")).rows[0].output == "x"


@pytest.mark.parametrize("concurrency", [1, 6])
@pytest.mark.parametrize("retry", [0, 1])
@pytest.mark.parametrize(
    "said", [refusal("No."), ServerError("down", status=500)], ids=["refused", "down"]
)
async def test_a_question_of_many_rows_that_fails_is_not_asked_for_each(
    tmp_path, said, retry, concurrency
):
    model = Answers(lambda question: said)
    agent = Agent(model, store=tmp_path / "runs.db")
    result = await agent.map(ONE * 6, "{id}", retry=retry, concurrency=concurrency)
    assert (len(model.asked), result.failed, result.kept) == (1 + retry, 6, 5)
    assert len({(row.status, row.error) for row in result.rows}) == 1


async def test_an_answer_that_comes_at_the_second_try_is_that_of_all_its_rows(tmp_path):
    model = Answers(lambda said: "late" if len(model.asked) > 1 else refusal("No."))
    result = await Agent(model, store=tmp_path / "runs.db").map(ONE * 3, "{id}", retry=1)
    assert ([row.output for row in result.rows], len(model.asked)) == (["late"] * 3, 2)
    assert (result.done, result.failed, result.kept) == (3, 0, 2)


async def test_an_error_that_no_try_would_mend_is_met_once_by_all_its_rows():
    model = Answers(lambda said: BadRequestError("no such tool", status=400))
    result = await Agent(model).map(ONE * 4, "{id}", retry=2)
    assert (len(model.asked), result.failed) == (1, 4)


async def test_the_launch_and_the_job_agree_on_answers_that_met_a_limit(tmp_path):
    @tool(effect="read")
    def shift() -> str:
        """Which shift it is."""
        return "late"

    def says(said):
        return lambda request: [call("shift")] if request.value_of("tool_choice") is None else "so"

    agent = Agent(Answers(says), tools=[shift], store=tmp_path / "runs.db", limits=Limits(turns=2))
    before = await agent.map(CITIES, "{city}")
    assert {(row.status, row.is_done) for row in before.rows} == {("limited", True)}
    launch = await agent.map([*CITIES, {"city": "Bern"}, {"city": "Bern"}], "{city}").launch()
    assert (launch.done, launch.failed, launch.new, launch.to_ask) == (3, 0, 2, 1)


async def test_only_failed_rows_or_only_new_ones_are_asked(tmp_path):
    def says(said):
        return refusal("No.") if said == "Oslo" else said

    model, out = Answers(says), tmp_path / "out.csv"
    agent = Agent(model, store=tmp_path / "runs.db")
    await agent.map(CITIES[:2], "{city}")
    await agent.map(CITIES, "{city}", only="failed", out=out)
    assert model.asked == ["Rome", "Oslo", "Oslo"]
    assert [row["city"] for row in table(out)] == ["Rome", "Oslo"], "one never ran"
    result = await agent.map(CITIES, "{city}", only="new", out=out)
    assert model.asked == ["Rome", "Oslo", "Oslo", "Lima"]
    assert [row["_status"] for row in table(out)] == ["completed", "refused", "completed"]
    assert (result.done, result.failed, result.kept) == (2, 1, 2)


async def test_refresh_asks_all_rows_anew_and_each_once(tmp_path):
    store = SQLiteStore(tmp_path / "runs.db")
    model = Answers()
    agent = Agent(model, store=store)
    await agent.map(CITIES, "{city}")
    result = await agent.map([*CITIES, *CITIES], "{city}", refresh=True)
    assert (len(model.asked), result.kept) == (6, 3)
    assert len(await store.spent()) == 6


async def test_what_is_asked_anew_is_not_answered_from_the_cache(tmp_path):
    model = Answers(lambda said: "7" if model.times[said] > 1 else "none")
    agent = Agent(model, output=int, store=tmp_path / "runs.db", cache=True, limits=Limits(turns=1))
    assert (await agent.map([{"n": "a"}], "{n}")).failed == 1
    assert (await agent.map([{"n": "a"}], "{n}")).rows[0].output == 7
    await agent.map([{"n": "a"}], "{n}", refresh=True)
    assert len(model.asked) == 3


async def test_refresh_of_an_age_asks_what_is_older(tmp_path):
    now = datetime.now(UTC)
    clock = [now - timedelta(days=3)]
    model = Answers()
    agent = Agent(model, store=SQLiteStore(tmp_path / "runs.db", now=lambda: clock[0]))
    await agent.map(CITIES[:1], "{city}")
    clock[0] = now
    await agent.map(CITIES[:2], "{city}")
    await agent.map(CITIES[:2], "{city}", refresh="7d")
    assert model.asked == ["Rome", "Oslo"]
    job = agent.map(CITIES, "{city}", refresh="1d")
    launch = await job.launch()
    assert (launch.done, launch.stale, launch.new, launch.failed) == (1, 1, 1, 0)
    result = await job
    assert (sorted(model.asked), result.kept) == (["Lima", "Oslo", "Rome", "Rome"], 1)


async def test_the_launch_says_what_is_there(tmp_path):
    def says(said):
        return refusal("No.") if said == "Oslo" else said

    agent = Agent(Answers(says), store=tmp_path / "runs.db", prices=lambda model, usage: 0.25)
    rows = [*CITIES, *CITIES, {"city": "Bern"}]
    await agent.map(CITIES, "{city}")
    await agent.map(CITIES, "{city}")
    launch = await agent.map(rows, "{city}").launch()
    assert (launch.total, launch.done, launch.failed, launch.new) == (7, 4, 2, 1)
    assert launch.cost == 1.0, "each session once, with what was set aside"


async def test_a_store_that_surveys_nothing_is_read_session_by_session(tmp_path):
    class Plain:
        def __init__(self, store):
            for name in ("load", "append", "delete", "fork", "hold", "close"):
                setattr(self, name, getattr(store, name))
            self.list, self.search, self.spent = store.list, store.search, store.spent

    store = Plain(SQLiteStore(tmp_path / "runs.db"))
    agent = Agent(Answers(), store=store, prices=lambda model, usage: 0.5)
    await agent.map(CITIES[:2], "{city}")
    launch = await agent.map(CITIES, "{city}").launch()
    assert (launch.total, launch.done, launch.new, launch.cost) == (3, 2, 1, 1.0)


async def test_a_job_counts_what_it_has_spent_itself(tmp_path):
    agent = Agent(Answers(), store=tmp_path / "runs.db", prices=lambda model, usage: 0.25)
    first = await agent.map(CITIES[:2], "{city}")
    second = await agent.map([*CITIES, *CITIES], "{city}")
    assert (first.cost, second.cost) == (0.5, 0.25)
    assert [row.cost for row in second.rows] == [0.25] * 6


async def test_a_budget_is_for_the_table_and_not_for_one_job(tmp_path):
    model = Answers()
    agent = Agent(model, store=tmp_path / "runs.db", prices=lambda model, usage: 0.25)
    assert (await agent.map(CITIES, "{city}")).cost == 0.75
    towns = [{"city": f"Town {n}"} for n in range(4)]
    result = await agent.map([*towns, *CITIES], "{city}", budget=1.0)
    assert (result.done, result.left, result.failed, result.cost) == (4, 3, 0, 0.25)
    assert result.is_out_of_budget
    more = await agent.map([*towns, *CITIES], "{city}", budget=5)
    assert (more.done, more.left, more.is_out_of_budget) == (7, 0, False)
    assert max(model.times.values()) == 1


async def test_rows_that_a_budget_has_cut_short_are_left_and_not_kept(tmp_path):
    agent = Agent(
        Answers(),
        store=tmp_path / "runs.db",
        prices=lambda model, usage: 1.0,
        settings={"max_output_tokens": 16},
    )
    rows = [{"n": n} for n in range(9)]
    first = await agent.map(rows, "{n}", budget=2.5)
    again = await agent.map(rows, "{n}", budget=2.5)
    assert first.left
    assert (again.done, again.kept, again.left) == (first.done, first.done, first.left)


async def test_a_budget_of_the_callers_own_is_taken_as_it_is(tmp_path):
    budget = Budget(0.5)
    agent = Agent(Answers(), prices=lambda model, usage: 0.25)
    result = await agent.map(CITIES, "{city}", budget=budget)
    assert (result.done, result.left, budget.spent) == (2, 1, 0.5)


async def test_rows_without_a_place_in_the_budget_are_not_in_the_table(tmp_path):
    agent = Agent(Answers(), store=tmp_path / "runs.db", prices=lambda model, usage: 0.25)
    rows = [{"city": f"Town {n}"} for n in range(50)]
    await agent.map(rows, "{city}", budget=0.5, out=tmp_path / "out.csv", concurrency=1)
    assert [row["_status"] for row in table(tmp_path / "out.csv")] == [
        *("completed", "completed", "limited")
    ]
