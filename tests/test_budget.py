"""A budget holds: what a request can cost is set aside before it goes out."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import Agent, Approve, ConfigurationError, Limits, Log, Usage, tool
from agentkit.budget import Budget
from agentkit.context import Summarized
from agentkit.errors import BadRequestError, StreamTruncatedError, TransportError
from agentkit.limits import LANDING
from agentkit.quote import ANSWER, AROUND, ATTACHED, CEILING, FAIR, LEAST
from agentkit.responses.events import Snapshot
from agentkit.responses.response import Request
from agentkit.testing import ScriptedModel, call, incomplete

TOKEN = 2.0**-17
"""Dollars for a token of output, a power of two so that sums are exact. Input is free."""
FULL = CEILING * TOKEN
"""What a request may cost whose settings say nothing of its length."""
ONE = FULL + 1000 * TOKEN
"""Dollars that have room for one such request at a time."""


def by_output(model: str, usage: Usage) -> float:
    return usage.output_tokens * TOKEN


def took(output_tokens: int, input_tokens: int = 10) -> Usage:
    return Usage(input_tokens, 0, output_tokens, 0, input_tokens + output_tokens)


def answer(usage: dict | None) -> dict:
    """A whole response, with just that usage."""
    content = [{"type": "output_text", "text": "hi"}]
    return {"output": [{"type": "message", "content": content}], "usage": usage}


@tool(effect="read")
async def look(number: int) -> int:
    """Look something up."""
    return number


class Meter:
    """A model whose answers take as many tokens as it is told, and that can be held up."""

    def __init__(self, *output_tokens: int, calls: int = 0, is_gated: bool = False) -> None:
        self.requests: list[Request] = []
        self.gates: list[asyncio.Event] = []
        self.at_once = self.most_at_once = 0
        self._output_tokens, self._calls, self._is_gated = (
            output_tokens,
            calls,
            is_gated,
        )
        self._lock = threading.Lock()

    async def stream(self, request: Request):
        number = self._begin(request)
        try:
            if self._is_gated:
                self.gates.append(asyncio.Event())
                await self.gates[-1].wait()
            await asyncio.sleep(0)
        finally:
            with self._lock:
                self.at_once -= 1
        # as a server does, no more than it is allowed to
        tokens = min(
            asked(request) or CEILING,
            self._output_tokens[number % len(self._output_tokens)],
        )
        spoken = call("look", number=number) if self._may_call(request) else "Done."
        async for event in ScriptedModel(spoken, usage=took(tokens)).stream(request):
            yield event

    def _begin(self, request: Request) -> int:
        with self._lock:
            self.requests.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            return len(self.requests) - 1

    def _may_call(self, request: Request) -> bool:
        turns = sum(item.type == "function_call" for item in request.input)
        return turns < self._calls and request.wire().get("tool_choice") != "none"


def asked(request: Request) -> int | None:
    return request.wire().get("max_output_tokens")


def is_landing(request: Request) -> bool:
    wire = request.wire()
    return wire.get("tool_choice") == "none" and LANDING in wire.get("instructions", "")


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(30):
        await asyncio.sleep(0)


async def test_what_an_answer_cost_is_counted_and_nothing_stays_set_aside():
    budget = Budget(5.0)
    agent = Agent(Meter(1024), prices=by_output, limits=Limits(budget=budget))
    result = await agent.run("go")
    assert (result.status, result.cost) == ("completed", 1024 * TOKEN)
    assert (budget.spent, budget.reserved, budget.left) == (
        result.cost,
        0.0,
        5.0 - result.cost,
    )
    assert repr(budget) == "Budget(5, spent=0.0078125, reserved=0)"


async def test_the_most_a_request_can_cost_is_set_aside_while_it_is_on_its_way():
    budget, model = Budget(5.0), Meter(1000, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    running = asyncio.create_task(agent.run("go"))
    await settled()
    assert (budget.reserved, budget.left) == (FULL, 5.0 - FULL)
    assert asked(model.requests[0]) == CEILING
    model.gates[0].set()
    await running
    assert budget.reserved == 0.0


async def test_the_callers_own_bound_on_an_answer_is_what_is_set_aside():
    budget, model = Budget(5.0), Meter(100, is_gated=True)
    most = {"max_output_tokens": 200}
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget), settings=most)
    running = asyncio.create_task(agent.run("go"))
    await settled()
    assert (budget.reserved, asked(model.requests[0])) == (200 * TOKEN, 200)
    model.gates[0].set()
    await running


async def test_without_a_budget_no_request_is_bounded():
    model = Meter(100)
    result = await Agent(model, prices=by_output).run("go")
    assert (asked(model.requests[0]), result.cost) == (None, 100 * TOKEN)


async def test_twenty_runs_at_once_do_not_overshoot_together():
    budget, model = Budget(1.0), Meter(4000, 9000, 500, 6000, calls=1)
    agent = Agent(model, tools=[look], prices=by_output, limits=Limits(budget=budget))
    results = await asyncio.gather(*(agent.run("go") for _ in range(20)))
    assert budget.spent <= budget.dollars
    assert (budget.reserved, budget.unpriced) == (0.0, 0)
    assert sum(result.cost or 0.0 for result in results) == budget.spent
    ends = {(result.status, result.limit, result.output) for result in results}
    assert ends == {("completed", None, "Done."), ("limited", "budget", "Done.")}
    assert model.most_at_once > 1, "where there is room nobody waits"


async def test_twenty_threads_with_loops_of_their_own_do_not_overshoot_either():
    budget, model = Budget(0.5), Meter(4000, 900, 9000, calls=2)
    agent = Agent(model, tools=[look], prices=by_output, limits=Limits(budget=budget))

    def run(number: int):
        return agent.run_sync("go") if number % 2 else asyncio.run(agent.run("go"))

    def all_of_them():
        with ThreadPoolExecutor(20) as pool:
            return list(pool.map(run, range(20)))

    results = await asyncio.to_thread(all_of_them)
    assert budget.spent <= budget.dollars
    assert budget.reserved == 0.0
    assert {result.status for result in results} == {"completed", "limited"}
    assert sum(result.cost or 0.0 for result in results) == budget.spent


async def test_a_run_waits_while_others_may_give_something_back():
    budget, model = Budget(ONE), Meter(10, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    running = [asyncio.create_task(agent.run("go")) for _ in range(3)]
    for number in range(3):
        await settled()
        assert len(model.requests) == number + 1
        model.gates[number].set()
    assert [(await task).status for task in running] == ["completed"] * 3
    assert [asked(request) for request in model.requests] == [CEILING] * 3


async def test_who_waits_gives_up_when_what_is_spent_leaves_no_room():
    budget, model = Budget(FULL), Meter(CEILING - 1, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    first, second = (asyncio.create_task(agent.run("go")) for _ in range(2))
    await settled()
    model.gates[0].set()
    late = await second
    assert ((await first).status, late.status, late.limit) == (
        "completed",
        "limited",
        "budget",
    )
    assert len(model.requests) == 1


async def test_who_waits_and_is_cancelled_lets_the_next_one_go():
    budget, model = Budget(ONE), Meter(10, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    first, second, third = (asyncio.create_task(agent.run("go")) for _ in range(3))
    await settled()
    second.cancel()
    await settled()
    model.gates[0].set()
    await settled()
    assert len(model.requests) == 2
    model.gates[1].set()
    assert ((await first).status, (await third).status) == ("completed", "completed")
    with pytest.raises(asyncio.CancelledError):
        await second
    assert budget.spent == 20 * TOKEN


async def test_who_waits_does_not_wait_longer_than_the_run_may_take():
    budget, model = Budget(ONE), Meter(10, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    running = asyncio.create_task(agent.run("go"))
    await settled()
    late = await agent.run("go", limits=Limits(budget=budget, seconds=0.01))
    assert (late.status, late.limit, len(model.requests)) == ("limited", "seconds", 1)
    model.gates[0].set()
    assert (await running).status == "completed"


async def test_a_request_that_waited_too_long_goes_out_when_its_run_goes_on():
    budget, model = Budget(ONE), Meter(10, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    running = asyncio.create_task(agent.run("first"))
    await settled()
    late = await agent.run("go", limits=Limits(budget=budget, seconds=0.01))
    assert (late.output, late.turns, late.log.turns, late.log.last_answer) == (None, 0, 0, None)
    model.gates[0].set()
    await running
    more = asyncio.create_task(agent.resume(Log.load(late.log.dump())))
    await settled()
    model.gates[1].set()
    assert ((await more).output, (await more).turns) == ("Done.", 1)
    assert [item.text for item in model.requests[1].input] == ["go"]


async def test_where_money_is_short_each_gets_a_fair_part_of_it():
    budget, model = Budget(FULL), Meter(10, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    running = [asyncio.create_task(agent.run("go")) for _ in range(3)]
    await settled()
    model.gates[0].set()
    await settled()
    assert [asked(request) for request in model.requests] == [CEILING, FAIR, FAIR]
    model.gates[1].set()
    model.gates[2].set()
    assert [(await task).status for task in running] == ["completed"] * 3


async def test_a_run_keeps_what_its_last_answer_needs_while_others_spend():
    budget = Budget((2000 + ANSWER + LEAST) * TOKEN)
    other = Agent(Meter(10_000), prices=by_output, limits=Limits(budget=budget))

    @tool
    async def meanwhile() -> str:
        results = [await other.run("go") for _ in range(3)]
        return " ".join(result.limit or result.status for result in results)

    model = ScriptedModel([call("meanwhile")], "Done.", usage=took(1000))
    agent = Agent(model, tools=[meanwhile], prices=by_output, limits=Limits(budget=budget))
    result = await agent.run("go")
    assert model.requests[1].outputs == ["completed budget budget"]
    assert (result.status, result.limit, result.output) == (
        "limited",
        "budget",
        "Done.",
    )
    assert asked(model.requests[1]) == ANSWER


async def test_a_tight_budget_shortens_the_answer_and_still_gives_one():
    model = Meter(300)
    limits = Limits(budget=Budget(1000 * TOKEN))
    result = await Agent(model, prices=by_output, limits=limits).run("go")
    assert (result.status, asked(model.requests[0])) == ("completed", 1000)


async def test_an_answer_that_the_budget_cut_off_says_so():
    model = ScriptedModel(incomplete("So f"), usage=took(1000))
    limits = Limits(budget=Budget(1000 * TOKEN))
    result = await Agent(model, prices=by_output, limits=limits).run("go")
    assert (result.status, result.limit, result.output) == ("limited", "budget", "So f")


async def test_a_run_lands_before_its_dollars_are_used_up():
    model = Meter(1000, calls=9)
    limits = Limits(cost=5000 * TOKEN)
    result = await Agent(model, tools=[look], prices=by_output, limits=limits).run("go")
    assert (result.status, result.limit, result.output) == ("limited", "cost", "Done.")
    assert [is_landing(request) for request in model.requests] == [False, False, True]
    assert [asked(request) for request in model.requests] == [
        5000 - ANSWER,
        4000 - ANSWER,
        3000,
    ]
    assert result.cost == 3000 * TOKEN


async def test_a_first_request_without_room_for_a_second_lands_at_once():
    model = Meter(100, calls=9)
    limits = Limits(cost=(ANSWER + LEAST - 1) * TOKEN)
    result = await Agent(model, tools=[look], prices=by_output, limits=limits).run("go")
    assert (result.limit, result.output, is_landing(model.requests[0])) == (
        "cost",
        "Done.",
        True,
    )


async def test_dollars_that_pay_for_no_request_send_none():
    model = Meter(100)
    limits = Limits(cost=(LEAST - 1) * TOKEN)
    result = await Agent(model, prices=by_output, limits=limits).run("go")
    assert (result.status, result.limit, result.output) == ("limited", "cost", None)
    assert (model.requests, result.turns, result.usage, result.text) == (
        [],
        0,
        Usage(),
        "",
    )


async def test_a_run_goes_on_where_nothing_was_left_once_there_is_more():
    model = Meter(100)
    agent = Agent(model, prices=by_output)
    stopped = await agent.run("go", limits=Limits(budget=Budget(1.0, spent=1.0)))
    log = Log.load(stopped.log.dump())
    assert (stopped.limit, log.turns, log.unpriced, log.last_answer) == (
        "budget",
        0,
        0,
        None,
    )
    result = await agent.resume(log, limits=Limits(budget=Budget(2.0, spent=1.0)))
    assert (result.status, result.output, result.turns) == ("completed", "Done.", 1)
    assert [item.text for item in model.requests[0].input] == ["go"]


async def test_a_resumed_run_counts_what_it_cost_before():
    @tool(approval=True)
    async def ask_first() -> str:
        return "well"

    model = ScriptedModel([call("ask_first")], "Done.", usage=took(1000))
    agent = Agent(model, tools=[ask_first], prices=by_output)
    waiting = await agent.run("go")
    limits = Limits(cost=(1000 + LEAST - 1) * TOKEN)
    result = await agent.resume(waiting, [Approve(waiting.pending[0].call_id)], limits=limits)
    assert (result.limit, result.turns, len(model.requests)) == ("cost", 1, 1)


async def test_each_run_of_a_session_has_its_own_bound():
    limits = Limits(cost=(ANSWER + 1000) * TOKEN)
    agent = Agent(Meter(1000), prices=by_output, limits=limits)
    first = await agent.run("go")
    second = await agent.run("on", session=first)
    assert (second.status, second.cost) == ("completed", 1000 * TOKEN)


class Asked:
    """Prices that cost nothing and keep what they were asked about."""

    def __init__(self) -> None:
        self.input_tokens: list[int] = []

    def __call__(self, model: str, usage: Usage) -> float:
        self.input_tokens.append(usage.input_tokens)
        return 0.0


async def test_the_input_is_bounded_by_its_bytes():
    prices, model = Asked(), ScriptedModel("Done.")
    text = "ein Text von größerer Länge " * 100
    await Agent(model, prices=prices, limits=Limits(cost=1.0)).run(text)
    most = max(prices.input_tokens)
    assert len(text.encode()) < most <= len(model.requests[0].body()) + AROUND


async def test_what_the_server_has_counted_is_not_counted_by_bytes_again():
    prices = Asked()
    model = ScriptedModel([call("look", number=1)], "Done.", usage=took(5, input_tokens=40))
    agent = Agent(model, tools=[look], prices=prices, limits=Limits(cost=1.0))
    await agent.run("word " * 10_000)
    new = sum(len(item.encoded) for item in model.requests[1].input[1:])
    assert 40 + new + AROUND in prices.input_tokens
    assert prices.input_tokens[-1] == 40


async def test_an_answer_that_the_server_remembers_counts_with_the_tokens_it_had():
    prices = Asked()
    model = ScriptedModel("One.", "Two.", usage=took(5, input_tokens=90_000))
    agent = Agent(model, prices=prices, limits=Limits(cost=1.0), state="chained")
    first = await agent.run("a")
    prices.input_tokens.clear()
    await agent.run("b", session=first)
    assert model.requests[1].wire()["previous_response_id"] == first.log.records[-1].response.id
    assert 90_005 < max(prices.input_tokens) < 90_005 + 2 * AROUND


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 10**6},
        {"type": "input_image", "file_id": "file_1"},
        {"type": "input_file", "file_url": "https://example.org/a.pdf"},
    ],
)
async def test_an_image_or_a_file_elsewhere_counts_as_a_flat_sum(part):
    prices = Asked()
    message = {"type": "message", "role": "user", "content": [part]}
    await Agent(ScriptedModel("A cat."), prices=prices, limits=Limits(cost=1.0)).run([message])
    assert ATTACHED < max(prices.input_tokens) < ATTACHED + 2 * AROUND


class Broken:
    """A model that fails once it has begun to answer."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def stream(self, request: Request):
        yield Snapshot("response.in_progress", {"status": "in_progress", "output": []})
        raise self._error


async def test_a_lost_answer_counts_with_the_most_it_can_have_cost():
    budget = Budget(1.0)
    agent = Agent(Broken(StreamTruncatedError("gone")), prices=by_output)
    with pytest.raises(StreamTruncatedError):
        await agent.run("go", limits=Limits(budget=budget))
    assert (budget.spent, budget.reserved, budget.unpriced) == (FULL, 0.0, 1)


async def test_a_cancelled_request_counts_with_the_most_it_can_have_cost():
    budget, model = Budget(1.0), Meter(1, is_gated=True)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget))
    running = asyncio.create_task(agent.run("go"))
    await settled()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (budget.spent, budget.reserved) == (FULL, 0.0)


def unreachable() -> TransportError:
    error = TransportError("no connection")
    error.__cause__ = type("ConnectError", (Exception,), {})()
    return error


@pytest.mark.parametrize("error", [BadRequestError("no", status=400), unreachable()])
async def test_a_request_that_the_server_refused_or_never_had_costs_nothing(error):
    budget = Budget(1.0)
    agent = Agent(Broken(error), prices=by_output, limits=Limits(budget=budget))
    with pytest.raises(type(error)):
        await agent.run("go")
    assert (budget.spent, budget.reserved) == (0.0, 0.0)


async def test_a_failed_answer_without_usage_costs_nothing():
    budget = Budget(1.0)
    wire = {
        "status": "failed",
        "error": {"code": "server_error"},
        "usage": None,
        "output": [],
    }
    agent = Agent(ScriptedModel(wire), prices=by_output, limits=Limits(budget=budget))
    result = await agent.run("go")
    assert (result.status, budget.spent) == ("failed", 0.0)


async def test_an_answer_without_usage_counts_with_the_most_and_is_of_unknown_cost():
    budget = Budget(1.0)
    agent = Agent(ScriptedModel(answer(None)), prices=by_output, limits=Limits(budget=budget))
    result = await agent.run("go")
    assert (result.output, result.cost) == ("hi", None)
    assert (budget.spent, budget.unpriced) == (FULL, 1)


@pytest.mark.parametrize("limits", [Limits(budget=Budget(1.0)), Limits(cost=1.0)])
async def test_an_unknown_price_refuses_to_start(limits):
    model = ScriptedModel("hi")
    with pytest.raises(ConfigurationError) as refused:
        await Agent(model, prices=lambda model, usage: None, limits=limits).run("go")
    assert model.requests == []
    assert "prices=" in str(refused.value)
    assert "unknown='allow'" in str(refused.value)


async def test_a_refused_resume_can_be_made_good():
    @tool(approval=True)
    async def ask_first() -> str:
        return "well"

    agent = Agent(ScriptedModel([call("ask_first")], "Done."), tools=[ask_first])
    waiting = await agent.run("go")
    word = [Approve(waiting.pending[0].call_id)]
    with pytest.raises(ConfigurationError):
        await agent.resume(waiting, word, limits=Limits(cost=1.0))
    assert (await agent.resume(waiting, word)).status == "completed"


async def test_a_budget_that_allows_the_unknown_counts_what_is_told():
    tokens = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    told = [
        answer({**tokens, "cost": 0.25}),
        answer(tokens),
        answer({**tokens, "cost": 0.75}),
    ]
    budget, model = Budget(1.0, unknown="allow"), ScriptedModel(*told, "never")
    agent = Agent(model, limits=Limits(budget=budget))
    results = [await agent.run("go") for _ in range(4)]
    assert [result.cost for result in results] == [0.25, None, 0.75, None]
    assert [result.status for result in results] == ["completed"] * 3 + ["limited"]
    assert [asked(request) for request in model.requests] == [None] * 3
    assert (budget.spent, budget.unpriced) == (1.0, 1)


async def test_a_tool_that_the_server_runs_has_no_bound_so_a_budget_refuses_it():
    model = ScriptedModel("hi")
    agent = Agent(model, tools=[{"type": "web_search"}], prices=by_output)
    with pytest.raises(ConfigurationError, match="'web_search'"):
        await agent.run("go", limits=Limits(cost=1.0))
    allowed = Limits(budget=Budget(1.0, unknown="allow"))
    assert (await agent.run("go", limits=allowed)).status == "completed"


async def test_a_run_inside_a_tool_counts_against_the_budgets_around_it():
    inner = Agent(Meter(1000), prices=by_output)

    @tool
    async def ask_another() -> str:
        return str((await inner.run("go")).output)

    @tool
    def ask_in_a_thread() -> str:
        return str(inner.run_sync("go").output)

    @tool
    async def ask_in_a_stream() -> str:
        async with inner.stream("go") as stream:
            _ = [event async for event in stream]
            return str(stream.result.output)

    tools = [ask_another, ask_in_a_thread, ask_in_a_stream]
    model = ScriptedModel([call(each.name) for each in tools], "Done.", usage=took(1000))
    budget = Budget(5.0)
    agent = Agent(model, tools=tools, prices=by_output, limits=Limits(budget=budget))
    result = await agent.run("go")
    assert model.requests[1].outputs == ["Done."] * 3
    assert (result.cost, budget.spent) == (2000 * TOKEN, 5000 * TOKEN)


async def test_the_bound_of_a_run_holds_for_the_runs_inside_it():
    inner_model, ends = Meter(1000), []
    inner = Agent(inner_model, prices=by_output)

    @tool
    async def ask_another(number: int) -> str:
        result = await inner.run("go")
        ends.append((result.status, result.limit))
        return "asked"

    calls = [call("ask_another", number=number) for number in range(9)]
    model = ScriptedModel(calls, "Done.", usage=took(1000))
    limits = Limits(cost=6000 * TOKEN)
    result = await Agent(model, tools=[ask_another], prices=by_output, limits=limits).run("go")
    assert (result.status, result.limit) == ("limited", "cost")
    assert set(ends) == {("completed", None), ("limited", "cost")}
    assert (len(inner_model.requests) + len(model.requests)) * 1000 <= 6000


async def test_a_resumed_run_counts_what_runs_inside_it_cost_before():
    inner_model = Meter(1000)
    inner = Agent(inner_model, prices=by_output)

    @tool(effect="read")
    async def ask_another(number: int) -> str:
        return (await inner.run("go")).limit or "asked"

    @tool(approval=True)
    def ask_first() -> str:
        return "well"

    def calls(request: Request):
        asks = [call("ask_another", number=len(request.outputs) + n) for n in range(2)]
        return [*asks, call("ask_first")]

    model = ScriptedModel(*[calls] * 9, usage=took(1000))
    limits = Limits(cost=8000 * TOKEN, turns=None)
    agent = Agent(model, tools=[ask_another, ask_first], prices=by_output, limits=limits)
    result = await agent.run("go")
    assert (result.status, result.log.trip.cost_inside) == ("waiting", 2000 * TOKEN)
    while result.status == "waiting":
        log = Log.load(result.log.dump())
        result = await agent.resume(log, [Approve(result.pending[0].call_id)])
    assert (result.status, result.limit) == ("limited", "cost")
    inside = result.log.trip.cost_inside
    assert inside == len(inner_model.requests) * 1000 * TOKEN
    assert 6000 * TOKEN < result.cost + inside <= limits.cost


async def test_what_runs_inside_a_call_cost_is_known_without_any_limit():
    innermost = Agent(Meter(1000), prices=by_output)

    @tool
    async def ask_further() -> str:
        return (await innermost.run("go")).text

    @tool
    async def ask_another(number: int) -> str:
        model = ScriptedModel([call("ask_further")], "Done.", usage=took(500))
        return (await Agent(model, tools=[ask_further], prices=by_output).run("go")).text

    @tool
    def ask_in_a_thread() -> str:
        return innermost.run_sync("go").text

    calls = [call("ask_another", number=1), call("ask_another", number=2), call("ask_in_a_thread")]
    model = ScriptedModel(calls, "Done.", usage=took(100))
    agent = Agent(model, tools=[ask_another, ask_in_a_thread], prices=by_output)
    result = await agent.run("go")
    outputs = [record.cost_inside for record in result.log if record.kind == "output"]
    assert sorted(outputs) == [1000 * TOKEN, 2000 * TOKEN, 2000 * TOKEN]
    assert (result.log.trip.cost_inside, result.cost) == (5000 * TOKEN, 200 * TOKEN)
    again = await agent.replace(model=ScriptedModel("Hi.")).run("go on", session=result)
    assert again.log.trip.cost_inside == 0.0


async def test_every_attempt_of_a_call_counts_also_where_it_fails():
    inner = Agent(Meter(1000), prices=by_output)

    @tool(effect="read", retries=1)
    async def ask_and_fail() -> None:
        await inner.run("go")
        raise ValueError("no")

    model = ScriptedModel([call("ask_and_fail")], "Done.", usage=took(100))
    result = await Agent(model, tools=[ask_and_fail], prices=by_output).run("go")
    assert result.log.trip.cost_inside == 2000 * TOKEN


async def test_a_lost_answer_inside_a_call_counts_with_the_most_it_can_have_cost():
    inner = Agent(Broken(StreamTruncatedError("gone")), prices=by_output)

    @tool
    async def ask_another() -> None:
        await inner.run("go")

    model = ScriptedModel([call("ask_another")], "Done.", usage=took(100))
    agent = Agent(model, tools=[ask_another], prices=by_output, limits=Limits(cost=1.0))
    assert (await agent.run("go")).log.trip.cost_inside == FULL


async def test_a_log_that_does_not_say_what_runs_inside_it_cost_is_read():
    model = ScriptedModel([call("look", number=1)], "Done.")
    result = await Agent(model, tools=[look], prices=by_output).run("go")
    old = [
        {name: value for name, value in wire.items() if name != "cost_inside"}
        for wire in result.log.dump()
    ]
    assert Log.load(old).dump() == result.log.dump()


async def test_a_run_after_another_is_not_inside_it():
    agent, budget = Agent(Meter(1000), prices=by_output), Budget(1.0)
    await agent.run("go", limits=Limits(budget=budget))
    await agent.run("go")
    assert budget.spent == 1000 * TOKEN


async def test_a_model_that_asks_through_another_run_does_not_wait_for_itself():
    budget = Budget(ONE)
    inner = Agent(Meter(100), prices=by_output, limits=Limits(budget=budget))

    class Relay:
        async def stream(self, request: Request):
            said = (await inner.run("go")).text
            async for event in ScriptedModel(said, usage=took(100)).stream(request):
                yield event

    result = await Agent(Relay(), prices=by_output, limits=Limits(budget=budget)).run("go")
    assert (result.status, result.output) == ("completed", "Done.")


async def test_what_a_summary_of_the_conversation_costs_counts_too():
    budget, model = Budget(5.0), Meter(1000)
    context = Summarized(above=999, keep_turns=1)
    agent = Agent(model, prices=by_output, limits=Limits(budget=budget), context=context)
    first = await agent.run("word " * 2000)
    second = await agent.run("and now?", session=first)
    assert [record.kind for record in second.log][-3:] == ["input", "compaction", "answer"]
    assert asked(model.requests[1]) == context.max_output_tokens
    assert (budget.spent, second.log.cost) == (3000 * TOKEN, 3000 * TOKEN)


async def test_an_answer_that_middleware_kept_takes_nothing_from_a_budget():
    budget, kept = Budget(1.0), []

    async def cached(request, proceed):
        kept.append(kept[-1] if kept else await proceed(request))
        return kept[-1]

    options = {
        "prices": by_output,
        "middleware": [cached],
        "limits": Limits(budget=budget),
    }
    results = [await Agent(Meter(1000), **options).run("go") for _ in range(2)]
    assert [result.cost for result in results] == [1000 * TOKEN, None]
    assert budget.spent == 1000 * TOKEN


@pytest.mark.parametrize(
    "make",
    [
        lambda: Budget(0),
        lambda: Budget(-1.0),
        lambda: Budget(float("nan")),
        lambda: Budget(True),
        lambda: Budget("5"),
        lambda: Budget(5, spent=-1),
        lambda: Budget(5, unknown="perhaps"),
        lambda: Limits(budget=5),
        lambda: Agent(Meter(1), prices={"m": 1}),
    ],
)
def test_a_bound_that_is_none_is_an_error(make):
    with pytest.raises(ConfigurationError):
        make()


@settings(max_examples=40)
@given(
    dollars=st.floats(0.02, 1.0),
    tokens=st.lists(st.integers(1, 2 * CEILING), min_size=1, max_size=6),
    order=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    cancelled=st.sets(st.integers(0, 7), max_size=2),
)
def test_in_any_order_what_is_spent_and_set_aside_is_never_more_than_there_is(
    dollars, tokens, order, cancelled
):
    async def runs() -> None:
        budget, model = Budget(dollars), Meter(*tokens, calls=1, is_gated=True)
        agent = Agent(model, tools=[look], prices=by_output, limits=Limits(budget=budget))
        running = [asyncio.create_task(agent.run("go")) for _ in range(8)]
        step = 0
        while not all(task.done() for task in running):
            await settled()
            assert budget.spent + budget.reserved <= dollars + 1e-9
            for number in cancelled if step == 3 else ():
                running[number].cancel()
            if closed := [gate for gate in model.gates if not gate.is_set()]:
                closed[order[step % len(order)] % len(closed)].set()
            step += 1
        ended = [task.result() for task in running if not task.cancelled()]
        assert {result.status for result in ended} <= {"completed", "limited"}
        assert budget.reserved == 0.0

    asyncio.run(asyncio.wait_for(runs(), 30))
