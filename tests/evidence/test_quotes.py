"""Whether a quote stands in what a call gave: what counts as a source, and what as the same text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from agentkit import Agent, Answer, Image, Reject, Retry, tool
from agentkit.evidence.found import Evidence
from agentkit.responses.items import FunctionCall, FunctionCallOutput, user_message
from agentkit.testing import ScriptedModel, call
from tests.evidence.looking import answer, field, looked_up, schema_of, verdict

TEXT = "Oslo has 709,037 inhabitants. It became the capital in 1814, after Christiania."


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("has 709,037 inhabitants", TEXT),
        ("Oslo has\n709,037   inhabitants", TEXT),
        ("Oslo has 709,037 inhabitants", "Oslo has\u00a0709\u202f037 inhabi\u00adtants"),
        ("709 037 inhabitants", TEXT),
        ("709'037 inhabitants", TEXT),
        ("709\u2019037 inhabitants", TEXT),
        ("7.090.370 people", "7,090,370 people"),
        ("７０９０３７ inhabitants", TEXT),
        ('the so-called "tiger city"', "the so\u2011called \u201ctiger city\u201d"),
        ("Oslo \u2013 the capital", "Oslo - the capital"),
        ("it's the \ufb01rst", "it\u2019s the first"),
        ("cafe\u0301 in Oslo", "caf\u00e9 in Oslo"),
        ('"Oslo is the capital"', "Oslo is the capital."),
        ("\u0661\u0668\u0661\u0664 in Oslo", "1814 in Oslo"),
        ("Ada Byron has led Kilden", "**Ada Byron** has led [Kilden](https://kilden.example/a_b)."),
        ("**Ada Byron** has led [Kilden]", "**Ada Byron** has led [Kilden](https://k.example)."),
        ("Ada Byron, chair, left", "Ada Byron, *chair*, ~~left~~ in May"),
        ("東京は日本の首都", "現在、東京は日本の首都である。"),
    ],
)
async def test_a_quote_stands_where_only_the_way_of_writing_differs(quote, text):
    found = await verdict(True, quote, text)
    assert (found.status, found.call_id, found.quote) == ("verified", "call_1", quote)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("has 709,038 inhabitants", TEXT),
        ("oslo has 709,037 inhabitants", TEXT),
        ("Oslo \u2026 capital in 1814", TEXT),
        ("Oslo has 709,037 inhabitants...", TEXT),
        ("Oslo has 709,037 inhabitants It became", TEXT),
        ("the capital of Norway", TEXT),
        ("037 inhabitants", TEXT),
        ("Oslo has 709", TEXT),
        ("Oslo has 709,03", TEXT),
        ("slo has 709,037", TEXT),
        ("the capital in 181", TEXT),
        ("was 5 degrees", "It was -5 degrees."),
        ("5 degrees", "It was \u22125 degrees."),
        ("is 5 metres", "It is 5\u00bd metres."),
        ("about 10", "about 10\u2076 people"),
        ("about 106 people", "about 10\u2076 people"),
        ("6 people there", "about 10\u2076 people there"),
        ("1,2341 people", "1,234\u00b9 people"),
        ("5 million", "1.5 million"),
        (".5 million", "1.5 million"),
        ("is 23 in all", "is 2*3 in all"),
        ("see kilden.example", "see [Kilden](https://kilden.example)"),
        ("snakecase is meant", "snake_case is meant"),
        ("costs 1.2 dollars", "costs 1.25 dollars"),
        ("costs 1,250 dollars", "costs 1.250,75 dollars"),
        ("$5 million", "a result of -$5 million"),
        ("5 degrees", "it was minus 5 degrees"),
        ("five rooms", "it has twenty-five rooms"),
        ("at 10:30", "at 10:30:59 sharp"),
        ("30:59 sharp", "at 10:30:59 sharp"),
        ("Oslo 709 454", "Oslo\t709\t454"),
    ],
)
async def test_a_quote_that_differs_in_a_word_or_number_stands_nowhere(quote, text):
    found = await verdict(True, quote, text)
    assert (found.status, found.call_id) == ("unverified", "call_1")
    assert "does not stand in what call_1 = look" in found.reason


PLACES = {
    "city": "Oslo",
    "people": 709037,
    "rank": 7,
    "rate": 1.5,
    "is": True,
    "said": 'He\nsaid "hi"',
}


@pytest.mark.parametrize(
    ("quote", "value"),
    [
        ('"people":709037', 709037),
        ('"people": 709037', 709037),
        ('"people": 709037, "rank": 7', 7),
        ('"rank": 7', 7),
        ("7", 7),
        ("1.5", 1.5),
        ("Oslo", "Oslo"),
        ('He said "hi"', 'He said "hi"'),
        ('"city": "Oslo"', "Oslo"),
        ("true", True),
        (r'"said": "He\nsaid \"hi\""', 'He\nsaid "hi"'),
    ],
)
async def test_json_is_quoted_as_the_model_reads_it_or_as_its_strings_read(quote, value):
    for output in (PLACES, json.dumps(PLACES, indent=2)):
        assert (await verdict(value, quote, output)).status == "verified"


@pytest.mark.parametrize(
    ("quote", "value", "output"),
    [
        ('["Oslo",709,454]', 709454, [["Oslo", 709, 454]]),
        ('"rank": 7', 7, {"rank": 71}),
        ('"rank": 7', 7, {"rank": 7.5}),
        ("Oslo Bergen", "Oslo", ["Oslo", "Bergen"]),
        ("709 454", 709454, ["709", "454"]),
        ("7", 7, {"rank": 17}),
        ("7", 7, {"text": "rank 7 of 20"}),
    ],
)
async def test_json_is_not_read_across_its_values(quote, value, output):
    assert (await verdict(value, quote, output)).status == "unverified"


async def test_the_numbers_of_a_json_list_are_read_one_by_one():
    assert (await verdict(454, '["Oslo",709,454]', [["Oslo", 709, 454]])).status == "verified"
    assert (await verdict([709, 454], "709,454", [["Oslo", 709, 454]])).status == "verified"


@pytest.mark.parametrize("quote", ["7", "a", "of", ".", '"', "7 ", "12"])
async def test_a_short_quote_shows_nothing(quote):
    found = await verdict(True, quote, "In row 7, a list of 12 cities.")
    assert (found.status, "too short" in found.reason) == ("unverified", True)


async def test_a_short_quote_may_be_all_that_a_call_gave():
    assert (await verdict(7, "7", "7")).status == "verified"
    assert (await verdict(7, "7", 7)).status == "verified"


async def test_a_quote_of_everything_shows_nothing():
    text = "word " * 500 + "Oslo"
    found = await verdict("Oslo", text, text)
    assert (found.status, found.reason) == (
        "unverified",
        "the quote has 2,504 characters; quote 300 at most",
    )


@pytest.mark.parametrize("quote", [None, "", "  \n", "\u200b"])
async def test_without_a_quote_nothing_is_shown(quote):
    assert (await verdict("Oslo", quote, TEXT)).reason == "no quote was given"


@pytest.mark.parametrize("value", [None, "", [], {}])
async def test_a_value_that_says_nothing_was_not_found(value):
    found = await verdict(value, None, TEXT)
    assert (found.status, found.source, found.reason) == ("not_found", "", "")


async def test_a_call_that_was_mixed_up_is_put_right():
    found = await verdict(1814, "the capital in 1814", "Nothing.", TEXT)
    assert (found.status, found.call_id) == ("verified", "call_2")
    assert found.reason == "The quote stands in this call, not in 'call_1', which was named."


@pytest.mark.parametrize("call_id", [None, "", "call_9", "fc_1"])
async def test_a_call_that_is_none_is_put_right_too(call_id):
    found = await verdict(1814, "the capital in 1814", TEXT, call_id=call_id)
    assert (found.status, found.call_id) == ("verified", "call_1")


async def test_a_quote_that_stands_in_several_other_calls_has_to_name_one():
    found = await verdict("Oslo", "Oslo", "Oslo is old.", "Oslo is large.", call_id=None)
    assert found.status == "unverified"
    assert "stands in the outputs of call_1, call_2: name the one" in found.reason


async def test_calls_that_gave_the_same_are_one_source():
    found = await verdict("Oslo", "Oslo is", "Oslo is old.", "Oslo is old.", call_id=None)
    assert (found.status, found.call_id) == ("verified", "call_1")


async def test_a_quote_may_not_span_two_outputs():
    found = await verdict(True, "Oslo is old and large", "Oslo is old", "and large")
    assert found.status == "unverified"


async def test_the_question_and_what_the_model_says_are_no_sources():
    @tool(effect="read")
    async def look() -> str:
        return "Nothing."

    said = answer(it=field("Oslo", "Oslo is the capital"))
    model = ScriptedModel(
        ["Oslo is the capital.", call("look", city="Oslo is the capital")], call("look"), said, said
    )
    agent = Agent(model, tools=[look], output=schema_of("it"), evidence=True)
    agent = agent.replace(instructions="Oslo is the capital.")
    result = await agent.run("Oslo is the capital, is it not?")
    assert result.evidence["it"].status == "unverified"


async def test_outputs_that_the_caller_says_there_were_are_no_sources():
    items = [
        FunctionCall({**call("look"), "call_id": "call_0"}),
        FunctionCallOutput({"type": "function_call_output", "call_id": "call_0", "output": TEXT}),
        user_message("What is it?"),
    ]
    said = answer(it=field(1814, "the capital in 1814", "call_0"))
    agent = Agent(ScriptedModel(said, said), output=schema_of("it"), evidence=True)
    result = await agent.run(items)
    assert result.evidence["it"].reason == "no tool has given anything that could be quoted"


async def of_failed_call(error: BaseException | None = None, **options: Any) -> Evidence:
    @tool(effect="read", **options)
    async def look(at: int) -> str:
        if error is not None:
            raise error
        return TEXT

    quote = "the capital in 1814"
    said = answer(it=field(1814, quote))
    model = ScriptedModel(call("look", at=1), said, said)
    agent = Agent(model, tools=[look], output=schema_of("it"), evidence=True)
    result = await agent.run("?")
    if result.pending:
        result = await agent.resume(result, [Reject("call_1", f"no: {quote}")])
    return result.evidence["it"]


@pytest.mark.parametrize("error", [ValueError(TEXT), Retry(TEXT)])
async def test_the_words_of_an_error_are_no_source(error):
    found = await of_failed_call(error)
    assert found.status == "unverified"
    assert found.reason == 'the call call_1 = look({"at":1}) failed, so its output shows nothing'


async def test_the_reason_of_a_rejection_is_no_source():
    found = await of_failed_call(approval=True)
    assert (found.status, "failed" in found.reason) == ("unverified", True)


async def test_a_result_given_by_hand_counts_as_that_of_the_call():
    @tool(approval=True)
    async def look() -> str:
        return "Nothing."

    said = answer(it=field(1814, "the capital in 1814"))
    agent = Agent(
        ScriptedModel(call("look"), said), tools=[look], output=schema_of("it"), evidence=True
    )
    result = await agent.resume(await agent.run("?"), [Answer("call_1", TEXT)])
    assert result.evidence["it"].status == "verified"


async def test_the_arguments_of_a_call_are_no_source():
    @tool(effect="read")
    async def look(what: str) -> str:
        return "Nothing."

    said = answer(it=field(1814, "the capital in 1814"))
    model = ScriptedModel(call("look", what="the capital in 1814"), said, said)
    result = await Agent(model, tools=[look], output=schema_of("it"), evidence=True).run("?")
    assert result.evidence["it"].status == "unverified"


async def test_of_a_value_that_a_call_may_only_have_given_back_the_evidence_says_so():
    @tool(effect="read")
    async def look(sql: str) -> str:
        return "leader: Ada Byron, since 2019"

    said = answer(it=field("Ada Byron", "leader: Ada Byron"), since=field(2019, "since 2019"))
    model = ScriptedModel(call("look", sql="SELECT 'Ada Byron' AS leader"), said)
    schema = schema_of("it", "since")
    result = await Agent(model, tools=[look], output=schema, evidence=True).run("?")
    assert [each.status for each in result.evidence.values()] == ["verified", "verified"]
    assert "arguments of the call say it, too" in result.evidence["it"].reason
    assert result.evidence["since"].reason == ""


async def test_what_is_noted_beside_an_output_is_no_source():
    @tool(effect="read")
    async def look() -> str:
        return "Nothing."

    said = answer(it=field(3, "call was made 3 times in this run"))
    model = ScriptedModel(*[call("look")] * 3, said, said)
    result = await Agent(model, tools=[look], output=schema_of("it"), evidence=True).run("?")
    assert "3 times in this run" in model.requests[3].outputs[2]
    assert result.evidence["it"].status == "unverified"


async def test_the_texts_among_content_parts_can_be_quoted_each_by_itself():
    parts = ["Oslo is old", Image("https://example.com/a.png"), "and large"]
    assert (await verdict(True, "Oslo is old", parts)).status == "verified"
    assert (await verdict(True, "and large", parts)).status == "verified"
    assert (await verdict(True, "old and large", parts)).status == "unverified"


async def test_what_was_left_out_of_a_long_output_can_be_quoted():
    text = "a " * 40_000 + "Oslo became the capital in 1814. " + "b " * 40_000
    result, model = await looked_up(
        text, answers=[answer(it=field(1814, "became the capital in 1814"))]
    )
    assert "capital" not in model.requests[1].outputs[0]
    assert result.evidence["it"].status == "verified"


async def test_who_reads_on_in_an_output_quotes_that_output():
    text = "a " * 40_000 + "Oslo became the capital in 1814. " + "b " * 40_000

    @tool(effect="read")
    async def look() -> str:
        return text

    for named in ("call_1", "call_2", None):
        said = answer(it=field(1814, "became the capital in 1814", named))
        on = call("read_output", call_id="call_1", start=79_990, stop=80_050)
        model = ScriptedModel(call("look"), {**on, "call_id": "call_2"}, said)
        result = await Agent(model, tools=[look], output=schema_of("it"), evidence=True).run("?")
        found = result.evidence["it"]
        assert (found.status, found.call_id, found.tool, found.reason) == (
            "verified",
            "call_1",
            "look",
            "",
        )


@pytest.mark.parametrize(
    "item",
    [
        {
            "type": "mcp_call",
            "name": "fetch",
            "arguments": "{}",
            "server_label": "s",
            "output": TEXT,
        },
        {"type": "file_search_call", "queries": ["q"], "results": [{"file_id": "f", "text": TEXT}]},
        {"type": "code_interpreter_call", "code": "1", "outputs": [{"type": "logs", "logs": TEXT}]},
    ],
)
async def test_what_a_server_ran_itself_counts_where_the_answer_has_its_text(item):
    item = {"id": "it_1", "status": "completed", **item}
    said = answer(it=field(1814, "the capital in 1814", "it_1"))
    model = ScriptedModel([item, said], [{**item, "status": "failed"}, said], said)
    agent = Agent(model, output=schema_of("it"), evidence=True)
    found = (await agent.run("?")).evidence["it"]
    assert (found.status, found.call_id) == ("verified", "it_1")
    assert (await agent.run("?")).evidence["it"].status == "unverified"


async def test_a_quote_is_found_in_a_long_output_in_no_time():
    text = ("Row of words, 1,234 and 12 345; " * 40_000)[
        :1_200_000
    ] + " Oslo became capital in 1814."

    @tool(effect="read", max_output=2_000_000)
    async def look() -> str:
        return text

    quotes = ["became capital in 1814", "Row of words, 1,234 and 12 345; Row of wards", "1 " * 900]
    fields = {f"f{number}": field(1814, quote) for number, quote in enumerate(quotes)}
    model = ScriptedModel(call("look"), *[answer(**fields)] * 2)
    agent = Agent(model, tools=[look], output=schema_of(*fields), evidence=True)
    began = time.process_time()
    result = await agent.run("?")
    assert [each.status for each in result.evidence.values()] == [
        "verified",
        "unverified",
        "unverified",
    ]
    assert time.process_time() - began < 15
