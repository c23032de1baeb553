"""What an answer costs: the server's word, then the caller's prices, then the list; else unknown."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from agentkit import Agent, Usage
from agentkit.prices import Pricing, listed_price, pricing_of
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.providers import DEFAULT_MODELS, PROVIDERS
from agentkit.responses.response import Fields, Request, Response, read_response
from agentkit.testing import ScriptedModel

genai_prices = pytest.importorskip("genai_prices", reason="the list of prices is not installed")

OPENAI = "https://api.openai.com/v1"
TOKENS = {
    "input_tokens": 3000,
    "input_tokens_details": {"cached_tokens": 1000},
    "output_tokens": 500,
    "output_tokens_details": {"reasoning_tokens": 200},
    "total_tokens": 3500,
}
COUNTED = {"input_tokens": 3000, "cache_read_tokens": 1000, "output_tokens": 500}
# How the list names the servers that it knows.
LISTED = {
    "openai": "openai",
    "azure": "azure",
    "openrouter": "openrouter",
    "xai": "x-ai",
    "deepseek": "deepseek",
    "groq": "groq",
}


def response(**fields) -> Response:
    return read_response({"status": "completed", "usage": TOKENS, "output": [], **fields})


def by_the_list(model: str, provider: str, **counted: int) -> float:
    usage = genai_prices.Usage(**(counted or COUNTED))
    return float(genai_prices.calc_price(usage, model, provider_id=provider).total_price)


def per_token(model: str, usage: Usage) -> float | None:
    return usage.total_tokens / 1000 if model == "mine" else None


@pytest.mark.parametrize("name", LISTED)
def test_the_list_knows_the_server_by_its_address(name):
    place = {"AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com"}
    model = DEFAULT_MODELS.get(name, "gpt-5-mini")
    price = Pricing(PROVIDERS[name].url(place), model).of(response())
    assert price == pytest.approx(by_the_list(model, LISTED[name]))
    assert price > 0


@pytest.mark.parametrize("name", sorted(PROVIDERS.keys() - LISTED.keys()))
def test_a_gateway_and_a_server_of_ones_own_have_no_price(name):
    place = {"DATABRICKS_HOST": "https://me.cloud.databricks.com"}
    pricing = Pricing(PROVIDERS[name].url(place), "gpt-5-mini")
    assert pricing.of(response()) is None
    assert pricing.at_most(10, 10) is None


def test_tokens_from_the_cache_cost_what_the_list_says():
    cached = Pricing(OPENAI, "gpt-5-mini").of(response())
    whole = Pricing(OPENAI, "gpt-5-mini").of(
        response(usage={**TOKENS, "input_tokens_details": {"cached_tokens": 0}})
    )
    assert cached < whole


def test_tokens_written_to_the_cache_are_told_to_the_list():
    name = "google/gemini-2.5-pro"
    details = {"cached_tokens": 0, "cache_write_tokens": 2000}
    price = Pricing("https://openrouter.ai/api/v1", name).of(
        response(usage={**TOKENS, "input_tokens_details": details})
    )
    counted = {"input_tokens": 3000, "cache_write_tokens": 2000, "output_tokens": 500}
    assert price == pytest.approx(by_the_list(name, "openrouter", **counted))


def test_reasoning_is_part_of_the_output_and_not_counted_twice():
    price = Pricing(OPENAI, "gpt-5-mini").of(response())
    less = Pricing(OPENAI, "gpt-5-mini").of(response(usage={**TOKENS, "output_tokens_details": {}}))
    assert price == less


def test_the_model_that_answered_is_priced_and_else_the_one_that_was_asked():
    alias = Pricing("https://me.openai.azure.com/openai/v1", "my-deployment")
    assert alias.of(response()) is None
    assert alias.of(response(model="gpt-5-mini")) == pytest.approx(
        by_the_list("gpt-5-mini", "azure")
    )
    renamed = Pricing(OPENAI, "gpt-5-mini").of(response(model="no-such-model"))
    assert renamed == pytest.approx(by_the_list("gpt-5-mini", "openai"))


def test_the_servers_own_word_wins():
    own = Pricing(OPENAI, "mine", own=per_token)
    assert own.of(response(usage={**TOKENS, "cost": 0.5})) == 0.5
    assert own.of(response(usage={**TOKENS, "cost_in_usd_ticks": 25 * 10**8})) == 0.25
    assert own.of(response(usage={**TOKENS, "cost": 0})) == 0.0


def test_a_key_of_ones_own_pays_the_provider_besides():
    paid = {**TOKENS, "cost": 0.01, "is_byok": True}
    told = {**paid, "cost_details": {"upstream_inference_cost": 0.5}}
    assert response(usage=told).cost == 0.51
    assert response(usage=paid).cost is None


def test_the_callers_prices_are_asked_before_the_list():
    assert Pricing(OPENAI, "mine", own=per_token).of(response()) == 3.5
    listed = Pricing(OPENAI, "gpt-5-mini", own=per_token).of(response())
    assert listed == pytest.approx(by_the_list("gpt-5-mini", "openai"))


def test_the_most_of_the_callers_prices_is_that_of_all_tokens():
    assert Pricing("", "mine", own=per_token).at_most(1000, 500) == 1.5


def test_a_model_without_a_name_is_priced_by_the_one_that_answered():
    assert Pricing("", "", own=per_token).of(response(model="mine")) == 3.5


@pytest.mark.parametrize("odd", [7, ["gpt-5-mini"], {"name": "gpt-5-mini"}])
def test_a_name_that_is_no_text_is_none(odd, caplog):
    listed = Pricing(OPENAI, "gpt-5-mini").of(response(model=odd))
    assert listed == pytest.approx(by_the_list("gpt-5-mini", "openai"))
    assert Pricing(OPENAI, "").of(response(model=odd)) is None
    assert Pricing("", "", own=per_token).of(response(model=odd)) is None
    assert Pricing(OPENAI, "gpt-5-mini").of(response(service_tier=odd)) is None
    assert caplog.text == ""


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": 0, "output_tokens": 0}])
def test_an_answer_whose_tokens_were_not_counted_has_no_price(usage):
    assert Pricing(OPENAI, "mine", own=per_token).of(response(usage=usage)) is None


def test_more_tokens_from_the_cache_than_there_were_are_no_price():
    odd = {**TOKENS, "input_tokens_details": {"cached_tokens": 9000}}
    assert Pricing(OPENAI, "gpt-5-mini").of(response(usage=odd)) is None


def test_a_tool_that_the_server_ran_is_not_on_the_list():
    searched = response(output=[{"type": "web_search_call", "id": "ws_1"}])
    assert Pricing(OPENAI, "gpt-5-mini").of(searched) is None
    assert Pricing(OPENAI, "mine", own=per_token).of(searched) == 3.5
    called = response(output=[{"type": "function_call", "call_id": "c", "name": "f"}])
    assert Pricing(OPENAI, "gpt-5-mini").of(called) is not None


def test_another_tier_has_its_own_price_or_none():
    usage = genai_prices.Usage(**COUNTED)
    context = {"service_tier": "priority"}
    found = genai_prices.calc_price(usage, "gpt-5", provider_id="openai", price_context=context)
    told = Pricing(OPENAI, "gpt-5").of(response(service_tier="priority"))
    assert told == pytest.approx(float(found.total_price))
    assert Pricing(OPENAI, "gpt-5").of(response(service_tier="scale")) is None
    assert Pricing(OPENAI, "gpt-5").of(response(service_tier="default")) < told
    assert Pricing(OPENAI, "gpt-5", "priority").at_most(1000, 0) > Pricing(OPENAI, "gpt-5").at_most(
        1000, 0
    )


@pytest.mark.parametrize(
    ("server", "model"),
    [
        (OPENAI, "gpt-5-mini"),
        (OPENAI, "gpt-5.4"),
        ("https://openrouter.ai/api/v1", "google/gemini-2.5-pro"),
        ("https://api.deepseek.com", "deepseek-chat"),
    ],
)
@pytest.mark.parametrize("input_tokens", [10, 150_000, 300_000])
def test_the_most_is_never_less_than_what_it_comes_to(server, model, input_tokens):
    pricing = Pricing(server, model)
    most = pricing.at_most(input_tokens, 800)
    now = datetime.now(UTC)
    ways = [{"cache_write_tokens": input_tokens}, {"cache_read_tokens": input_tokens // 2}, {}]
    for way in ways:
        counted = {"input_tokens": input_tokens, "output_tokens": 800, **way}
        for at in (now, now + timedelta(minutes=30)):
            assert listed_price(server, model, counted, at=at) <= most


def test_what_the_list_has_no_price_for_is_not_free():
    silent = [
        (provider.id, model.id)
        for provider in genai_prices.data_snapshot.get_snapshot().providers
        for model in provider.models
        if provider.id == "openai" and not isinstance(model.prices, list)
        if model.prices.output_mtok is None and model.prices.input_mtok is not None
    ]
    assert silent
    for _, model in silent[:3]:
        assert Pricing(OPENAI, model).at_most(1000, 1000) is None


def test_prices_that_fail_lose_no_answer(caplog):
    def broken(model: str, usage: Usage) -> float:
        raise KeyError(model)

    result = Agent(ScriptedModel("hi"), prices=broken).run_sync("go")
    assert (result.output, result.cost) == ("hi", None)
    assert "price" in caplog.text


@pytest.mark.parametrize("price", [-1.0, float("nan"), "5", True])
def test_prices_that_are_no_dollars_are_unknown(price):
    result = Agent(ScriptedModel("hi"), prices=lambda model, usage: price).run_sync("go")
    assert result.cost is None


def test_a_request_says_which_prices_it_is_under():
    fields = Fields({"model": "a", "service_tier": "flex"})
    assert pricing_of(Request(fields, ()), OPENAI) == Pricing(OPENAI, "a", "flex")
    assert pricing_of(Request(fields, (), {"model": "b"}), OPENAI).model == "b"


class Listed(ScriptedModel):
    """A model that says it is at a server which the list knows."""

    name = "gpt-5-mini"
    endpoint = Endpoint(OPENAI)


async def test_a_run_costs_what_its_answers_do():
    usage = Usage(3000, 1000, 500, 200, 3500)
    result = await Agent(Listed("hi", usage=usage)).run("go")
    assert result.cost == pytest.approx(by_the_list("gpt-5-mini", "openai"))
    (answer,) = [each for each in result.log.dump() if each["kind"] == "answer"]
    assert answer["cost"] == result.cost


def printed(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_a_run_on_this_machine_does_not_load_the_list():
    code = (
        "import sys; from agentkit import Agent, Limits\n"
        "Agent('offline').run_sync('hi')\n"
        "print('genai_prices' in sys.modules)"
    )
    assert printed(code) == "False"


def test_without_the_list_no_price_is_known_and_a_budget_names_the_extra():
    code = (
        "import sys; sys.modules['genai_prices'] = None\n"
        "from agentkit import Agent, Limits, ConfigurationError\n"
        "from agentkit.prices import Pricing\n"
        f"print(Pricing({OPENAI!r}, 'gpt-5-mini').at_most(1, 1))\n"
        "agent = Agent('openai:gpt-5-mini', api_key='sk', limits=Limits(cost=1.0))\n"
        "try: agent.run_sync('hi')\n"
        "except ConfigurationError as error: print(error)"
    )
    first, told = printed(code).splitlines()
    assert first == "None"
    assert "pip install 'agentkit[prices]'" in told
    assert "'gpt-5-mini' at https://api.openai.com/v1" in told
