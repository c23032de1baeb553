"""A table in, a table out: each row is asked once, in a session of its own."""

import asyncio
import json
from dataclasses import replace

import pytest
from asked import Answers, Gate, table
from pydantic import BaseModel

from agentkit import Agent, ConfigurationError, Limits, ToolContext, tool
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, call

CITIES = [{"city": "Rome"}, {"city": "Oslo"}, {"city": "Lima"}]


async def test_each_row_gets_the_answer_to_its_own_question():
    model = Answers()
    result = await Agent(model).map(CITIES, "Where is {city}?")
    assert [row.output for row in result.rows] == [
        "WHERE IS ROME?",
        "WHERE IS OSLO?",
        "WHERE IS LIMA?",
    ]
    assert [row.row for row in result.rows] == CITIES
    assert (result.total, result.done, result.failed, result.left, result.kept) == (3, 3, 0, 0, 0)
    assert result.out is None


async def test_nothing_happens_before_a_job_is_awaited(tmp_path):
    model, out = Answers(), tmp_path / "out.csv"
    Agent(model, store=tmp_path / "runs.db").map(CITIES, "Where is {city}?", out=out)
    assert model.asked == [] and list(tmp_path.iterdir()) == []


async def test_a_file_is_read_and_one_is_written(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("city,n\nRome,1\nOslo,2\n")
    result = await Agent(Answers()).map(source, "{city}", out=out)
    rows = table(out)
    assert [(row["city"], row["n"], row["answer"]) for row in rows] == [
        ("Rome", "1", "ROME"),
        ("Oslo", "2", "OSLO"),
    ]
    assert [row["_status"] for row in rows] == ["completed", "completed"]
    assert [row["_attempts"] for row in rows] == ["1", "1"]
    assert (result.out, result.rows) == (str(out), [])


async def test_a_field_may_have_the_name_of_a_column_where_no_table_is_written(tmp_path):
    form = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    agent = Agent(Answers(lambda said: '{"city": "Roma"}'), output=form)
    result = await agent.map(CITIES[:1], "What do they call {city}?")
    assert [(row.row, row.output) for row in result.rows] == [({"city": "Rome"}, {"city": "Roma"})]
    with pytest.raises(ConfigurationError, match="a field 'city', and the table has a column"):
        await agent.map(CITIES[:1], "What do they call {city}?", out=tmp_path / "out.csv")


async def test_a_typed_answer_has_a_column_for_each_field(tmp_path):
    class Leader(BaseModel):
        name: str
        since: int = 0

    model = Answers(lambda said: '{"name": "Ada", "since": null}')
    out = tmp_path / "out.csv"
    await Agent(model, output=Leader).map([{"firm": "x"}], "Who leads {firm}?", out=out)
    assert list(table(out)[0]) == [
        *("firm", "name", "since"),
        *("_status", "_error", "_cost", "_attempts", "_session"),
    ]
    assert (table(out)[0]["name"], table(out)[0]["since"]) == ("Ada", "0")


async def test_an_answer_that_is_no_object_has_one_column():
    result = await Agent(Answers(lambda said: '{"value": 3}'), output=int).map(CITIES, "{city}")
    assert [row.output for row in result.rows] == [3, 3, 3]


async def test_a_prompt_may_be_a_function_of_the_row():
    model = Answers()
    await Agent(model).map(CITIES, lambda row: f"{row['city']}!")
    assert sorted(model.asked) == ["Lima!", "Oslo!", "Rome!"]


async def test_rows_with_the_same_prompt_are_asked_once():
    model = Answers()
    rows = [{"n": n, "city": "Rome"} for n in range(20)]
    result = await Agent(model).map(rows, "{city}")
    assert model.asked == ["Rome"]
    assert [row.output for row in result.rows] == ["ROME"] * 20
    assert sum(row.is_kept for row in result.rows) == result.kept == 19


async def test_rows_are_heard_as_they_end():
    gates = {"Rome": Gate()}
    model = Answers(lambda said: gates.get(said, said))
    heard = []
    job = Agent(model).map(CITIES, "{city}", concurrency=2)
    async for row in job:
        heard.append(row.index)
        if len(heard) == 2:
            gates["Rome"].is_open.set()
    assert heard == [1, 2, 0]
    assert (job.result.done, job.result.rows) == (3, [])


async def test_who_leaves_the_loop_cancels_the_job():
    model = Answers()
    rows = [{"n": n} for n in range(100)]
    job = Agent(model).map(rows, "{n}", concurrency=1, grace=0)
    stream = job.__aiter__()
    assert (await anext(stream)).index == 0
    await stream.aclose()
    assert len(model.asked) < 5
    assert job.result.left > 90


async def test_a_job_waits_for_who_reads_its_rows():
    model = Answers()
    job = Agent(model).map([{"n": n} for n in range(100)], "{n}", concurrency=2)
    stream = job.__aiter__()
    await anext(stream)
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(model.asked) <= 5
    await stream.aclose()


async def test_a_listener_hears_each_row_once_and_its_faults_change_nothing(caplog):
    heard = []

    def listen(row):
        heard.append(row.index)
        raise ValueError("mine")

    result = await Agent(Answers()).map(CITIES, "{city}", on_row=listen)
    assert (sorted(heard), result.done) == ([0, 1, 2], 3)
    assert "A listener failed on row 0" in caplog.text and "ValueError: mine" in caplog.text


def test_map_sync_works_from_anywhere():
    assert Agent(Answers()).map_sync(CITIES, "{city}").done == 3


async def test_no_more_rows_run_at_once_than_is_said():
    model = Answers()
    await Agent(model).map([{"n": n} for n in range(30)], "{n}", concurrency=3)
    assert model.most_running == 3


async def test_limit_takes_the_first_rows(tmp_path):
    model, out = Answers(), tmp_path / "out.csv"
    result = await Agent(model).map(CITIES, "{city}", limit=2, out=out)
    assert [row["city"] for row in table(out)] == ["Rome", "Oslo"]
    assert (result.total, result.left) == (2, 0)


async def test_a_sample_is_from_all_over_the_table_and_the_same_each_time():
    rows = [{"n": n} for n in range(100)]
    first = await Agent(Answers()).map(rows, "{n}", sample=4)
    again = await Agent(Answers()).map(rows, "{n}", sample=4)
    places = [row.index for row in first.rows]
    assert [place // 25 for place in places] == [0, 1, 2, 3]
    assert places == [row.index for row in again.rows]


async def test_a_sample_of_more_than_there_are_is_all_of_them():
    assert (await Agent(Answers()).map(CITIES, "{city}", sample=9)).total == 3


async def test_a_sample_of_rows_that_are_read_once_is_refused():
    with pytest.raises(ConfigurationError, match="sample: .* can be read only once"):
        await Agent(Answers()).map(iter(CITIES), "{city}", sample=2)


async def test_rows_that_can_be_read_once_are_asked_as_they_come():
    async def cities():
        for city in CITIES:
            yield city

    for rows in (iter(CITIES), cities()):
        result = await Agent(Answers()).map(rows, "{city}")
        assert (result.total, result.done) == (3, 3)


async def test_rows_are_read_as_they_are_needed():
    read = []

    def rows():
        for number in range(1000):
            read.append(number)
            yield {"n": number}

    job = Agent(Answers()).map(rows(), "{n}", concurrency=2)
    stream = job.__aiter__()
    await anext(stream)
    assert len(read) < 10
    await stream.aclose()


async def test_a_row_that_the_prompt_cannot_be_made_of_fails_alone():
    def asks(row):
        return f"{100 // row['n']}"

    result = await Agent(Answers()).map([{"n": 1}, {"n": 0}, {"n": 2}], asks)
    assert [row.status for row in result.rows] == ["completed", "failed", "completed"]
    assert result.rows[1].error == "ZeroDivisionError: integer division or modulo by zero"


async def test_tools_find_what_the_job_was_given():
    @tool(effect="read")
    def shift(context: ToolContext) -> str:
        """Which shift it is."""
        return context.deps

    def says(said):
        return lambda request: request.outputs[0] if request.outputs else [call("shift")]

    result = await Agent(Answers(says), tools=[shift]).map(CITIES, "{city}", deps="late")
    assert [row.output for row in result.rows] == ["late"] * 3


async def test_limits_bound_the_run_of_each_row():
    def says(said):
        return lambda request: [call("shift")] if request.value_of("tool_choice") is None else "so"

    @tool(effect="read")
    def shift() -> str:
        """Which shift it is."""
        return "late"

    agent = Agent(Answers(says), tools=[shift])
    result = await agent.map(CITIES, "{city}", limits=Limits(turns=2))
    assert {(row.status, row.output, row.is_done) for row in result.rows} == {
        ("limited", "so", True)
    }


async def test_every_row_has_a_session_of_the_store(tmp_path):
    store = SQLiteStore(tmp_path / "runs.db")
    result = await Agent(Answers(), store=store).map(CITIES, "{city}")
    sessions = {info.session: info.summary for info in await store.list()}
    assert set(sessions) == {row.session for row in result.rows}
    assert {summary.status for summary in sessions.values()} == {"completed"}
    assert {summary.title for summary in sessions.values()} == {"Rome", "Oslo", "Lima"}


async def test_a_store_of_the_job_takes_the_place_of_the_agents(tmp_path):
    agent = Agent(Answers(), store=tmp_path / "agent.db")
    await agent.map(CITIES, "{city}", store=tmp_path / "job.db")
    assert not (tmp_path / "agent.db").exists() and (tmp_path / "job.db").exists()


async def test_progress_says_where_a_job_stands():
    gate = Gate()
    model = Answers(lambda said: gate if said == "Lima" else said)
    heard = asyncio.Semaphore(0)
    job = Agent(model).map(CITIES, "{city}", concurrency=2, on_row=lambda row: heard.release())
    task = asyncio.ensure_future(job)
    await gate.is_asked.wait()
    await heard.acquire()
    await heard.acquire()
    await asyncio.sleep(0)  # the second one's task ends
    now = job.progress
    assert (now.total, now.done, now.running, now.level, now.left) == (3, 2, 1, 2, 1)
    gate.is_open.set()
    assert (await task).done == 3
    assert (now.running, now.left) == (0, 0)


async def test_a_real_server_is_asked_once_for_each_row(tmp_path):
    async with ResponsesServer(Answers()) as server:
        agent = Agent("m", base_url=server.url, api_key="k", store=tmp_path / "runs.db")
        result = await agent.map([{"n": n} for n in range(50)], "{n}", out=tmp_path / "out.jsonl")
        asked = [request["input"][0]["content"] for request in server.requests]
    assert sorted(asked, key=int) == [str(n) for n in range(50)]
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["n"] for line in lines] == list(range(50))
    assert result.done == 50


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limt": 3}, "no option 'limt'. Did you mean 'limit'"),
        ({"limit": 0}, "limit: expected a number of 1 or more, got 0"),
        ({"concurrency": "many"}, "concurrency: expected a number of 1 or more or 'auto'"),
        ({"retry": -1}, "retry: expected a number of 0 or more"),
        ({"only": "old"}, "only: 'old' is neither 'failed' nor 'new'"),
        ({"only": "new", "refresh": True}, "only: .* no refresh"),
        ({"refresh": "soon"}, "refresh: expected an age"),
        ({"budget": 0}, "budget: expected US dollars above 0"),
        ({"grace": -1}, "grace: expected seconds"),
        ({"on_row": 3}, "on_row: expected a function"),
    ],
)
def test_a_wrong_option_is_told_at_once(options, told):
    with pytest.raises(ConfigurationError, match=told):
        Agent(Answers()).map(CITIES, "{city}", **options)


async def test_a_wrong_prompt_is_told_before_anything_is_asked(tmp_path):
    model, out = Answers(), tmp_path / "out.csv"
    with pytest.raises(ConfigurationError, match="no column 'town'. .*city"):
        await Agent(model).map(CITIES, "{town}", out=out)
    assert model.asked == [] and not out.exists()


async def test_a_conversation_at_the_server_is_nothing_for_rows():
    with pytest.raises(ConfigurationError, match="state: every row .* conv_1"):
        await Agent(Answers(), state="conv_1").map(CITIES, "{city}")


async def test_a_job_runs_once():
    job = Agent(Answers()).map(CITIES, "{city}")
    with pytest.raises(ConfigurationError, match="has not ended yet"):
        job.result  # noqa: B018
    await job
    with pytest.raises(ConfigurationError, match="A job runs once"):
        await job


async def test_a_row_whose_call_waits_for_a_person_is_left_waiting(tmp_path):
    @tool(approval=True)
    def pay() -> str:
        """Pay."""
        raise AssertionError("nobody said so")

    store = SQLiteStore(tmp_path / "runs.db")
    agent = Agent(Answers(lambda said: [call("pay")]), tools=[pay], store=store)
    result = await agent.map([{"n": 1}], "{n}")
    assert (result.failed, result.waiting) == (1, 1)
    assert result.rows[0].error == "It waits: pay needs approval"
    again = await agent.map([{"n": 1}], "{n}", retry=3)
    assert (again.kept, again.waiting) == (1, 1)
    session = result.rows[0].session
    (info,) = await store.list(status=["waiting"])
    # as a process leaves it that is killed amid a call
    await store.append(session, info.records, (), replace(info.summary, status="open"))
    launch = await agent.map([{"n": 1}], "{n}").launch()
    assert (launch.failed, launch.waiting, launch.to_ask) == (1, 1, 0)
    await agent.map([{"n": 1}], "{n}")
    assert [each.session for each in await store.list(status=["waiting"])] == [session]
