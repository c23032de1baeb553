"""The probing of servers that can do all or lack something, over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from dataclasses import replace

import pytest
from able import able, refusing, without
from hypothesis import given
from hypothesis import strategies as st
from loopback import (
    Loopback,
    answer,
    completed,
    delta,
    message,
    response,
)

from agentkit import ModelError
from agentkit.encoding import encode
from agentkit.errors import ModelTimeoutError
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.probing.asking import AT_ONCE, Examination, Report
from agentkit.responses.probing.dialect import dialect_from, written
from agentkit.responses.probing.hearing import Line
from agentkit.responses.probing.judges import Heard, Verdict
from agentkit.responses.probing.probes import BY_NAME, PROBES, red_square, with_what_they_need
from agentkit.responses.response import Fields, Request, read_response
from agentkit.testing import ResponsesServer

WORKS = {probe.name: "works" for probe in PROBES}


async def examined(model, probes=PROBES) -> Report:
    async with ResponsesServer(model) as server:
        return await Examination(Line(Endpoint(server.url)).ask, "m").report(probes)


async def heard_from(*answers, names=("text",)) -> Report:
    """What probes find at a server that gives raw answers."""
    async with Loopback(*answers) as server:
        line = Line(Endpoint(server.url), seconds=5)
        return await Examination(line.ask, "m", sleep=_no_time).report(with_what_they_need(names))


async def _no_time(_: float) -> None:
    pass


def results(report: Report) -> dict[str, str]:
    return {each.probe.name: each.verdict.result for each in report.findings}


async def test_a_server_that_does_all_of_it_passes_every_probe():
    report = await examined(able())
    assert results(report) == WORKS
    assert report.works
    assert dialect_from(report, Dialect()) == Dialect(
        encrypted_reasoning=True, keeps_responses=True
    )


async def test_each_probe_costs_at_most_one_request_and_they_keep_their_order():
    async with ResponsesServer(able()) as server:
        line = Line(Endpoint(server.url))
        report = await Examination(line.ask, "m").report(PROBES)
        assert len(line.sent) == len(PROBES) - 1  # usage asks nothing
        assert len(server.exchanges) == len(line.sent)
    assert [each.probe for each in report.findings] == list(PROBES)
    assert report.usage.total_tokens > 0
    assert all(16 <= each["max_output_tokens"] <= 512 for each in server.requests)


async def test_no_more_than_three_requests_are_under_way_at_a_time():
    most = now = 0
    async with ResponsesServer(able()) as server:
        line = Line(Endpoint(server.url))

        async def hear(request):
            nonlocal most, now
            now += 1
            most = max(most, now)
            heard = await line.ask(request)
            now -= 1
            return heard

        await Examination(hear, "m").report(PROBES)
    assert most == AT_ONCE == 3


LACKING = [
    (without("tool_choice"), {"forced": "ignored", "tools-off": "ignored"}, {"tool_choice": False}),
    (
        refusing(lambda r: isinstance(r.value_of("tool_choice"), dict), "Only auto is supported."),
        {"forced": "fails"},
        {"forced_choice": False},
    ),
    (
        refusing(lambda r: any(t["strict"] for t in r.value_of("tools") or ()), "No strict mode."),
        {"strict": "fails"},
        {"not_strict": frozenset({"*"})},
    ),
    (without("text"), {"structured": "ignored"}, {"text_format": False}),
    (
        refusing(lambda r: any(isinstance(each, list) for each in r.outputs), "Not a string."),
        {"list-output": "fails"},
        {"lists_in_outputs": False},
    ),
    (
        refusing(lambda r: [i.type for i in r.input][1:3] == ["function_call", "message"], "No."),
        {"calls-apart": "fails"},
        {"calls_apart": False},
    ),
    (without("max_output_tokens"), {"output-limit": "unknown"}, {}),
    (without("agentkit_probe"), {"unknown-field": "ignored"}, {}),
]


@pytest.mark.parametrize(
    ("change", "lacking", "differing"), LACKING, ids=lambda each: str(each)[:30]
)
async def test_what_a_server_lacks_is_found_and_nothing_else(change, lacking, differing):
    report = await examined(able(change))
    assert results(report) == {**WORKS, **lacking}
    able_to = Dialect(encrypted_reasoning=True, keeps_responses=True)
    assert dialect_from(report, Dialect()) == replace(able_to, **differing)


async def test_a_server_that_has_forgotten_the_response_before_ignores_its_id():
    async with ResponsesServer(able()) as server:
        line = Line(Endpoint(server.url))

        async def hear(request):
            return await line.ask(without("previous_response_id")(request))

        report = await Examination(hear, "m").report(PROBES)
    assert report.verdict("previous-response-id").result == "ignored"
    assert dialect_from(report, Dialect()).state is False


async def test_a_server_that_refuses_the_id_of_a_response_fails():
    report = await heard_from(
        answer(response(message("amber"))),
        answer({"error": {"message": "No state here.", "code": "unsupported"}}, status=400),
        names=["previous-response-id"],
    )
    verdict = report.verdict("previous-response-id")
    assert (verdict.result, verdict.why) == ("fails", "400 unsupported: No state here.")


async def test_a_model_that_does_not_say_the_word_is_not_asked_whether_it_remembers():
    async with Loopback(answer(response(message("Hello.")))) as server:
        line = Line(Endpoint(server.url))
        probes = with_what_they_need(["previous-response-id"])
        report = await Examination(line.ask, "m").report(probes)
        assert len(server.received) == 1
    assert report.verdict("previous-response-id").result == "unknown"
    assert dialect_from(report, Dialect(state=False)) == Dialect(state=False)


async def test_a_response_that_a_server_does_not_keep_is_told():
    report = await heard_from(
        answer(response(message("amber"))),
        answer({"error": {"message": "There is no such response."}}, status=404),
        names=["fetch"],
    )
    assert report.verdict("fetch").result == "fails"
    assert dialect_from(report, Dialect(keeps_responses=True)) == Dialect()


def test_a_dialect_is_written_with_what_differs():
    assert written(Dialect()) == "Dialect()"
    written_out = "Dialect(tool_choice=False, not_strict=frozenset({'*'}))"
    assert written(Dialect(tool_choice=False, not_strict=frozenset({"*"}))) == written_out


async def test_reasoning_that_a_server_does_not_take_back_is_told():
    hidden = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    report = await heard_from(
        answer(response(message("amber"))),
        answer(response(hidden, message("No."))),
        answer({"error": {"message": "Item 'rs_1' not found."}}, status=404),
        names=["reasoning-back"],
    )
    assert results(report) == {"text": "works", "reasoning": "works", "reasoning-back": "fails"}
    dialect = dialect_from(report, Dialect())
    assert (dialect.encrypted_reasoning, dialect.empty_reasoning) == (True, False)


async def test_nothing_more_is_asked_where_the_first_question_shows_that_nothing_works():
    async with Loopback(answer({"error": {"message": "No."}}, status=401)) as server:
        report = await Examination(Line(Endpoint(server.url)).ask, "m").report(PROBES)
    assert results(report) == {"text": "fails"}
    assert len(server.received) == 1
    assert not report.works
    assert isinstance(report.error, ModelError)


async def test_a_server_that_only_streams_is_asked_for_streams():
    only = refusing(lambda request: not request.stream, "Set stream to true.")
    report = await examined(able(only))
    assert results(report) == {**WORKS, "text": "fails"}
    assert report.error is None
    assert not report.works  # agents ask for whole answers unless they stream


async def test_a_stream_that_is_none_is_ignored():
    report = await heard_from(answer(response(message("amber"))), names=["stream"])
    verdict = report.verdict("stream")
    assert (verdict.result, verdict.why) == ("ignored", "the answer came whole, not as a stream")


async def test_how_a_stream_is_made_is_told():
    events = [{"type": "ping"}, delta("amb"), delta("er"), completed(message("amber"))]
    lines = [f"data: {json.dumps(each)}\n\n" for each in events] + ["data: [DONE]\n\n"]
    stream = answer("".join(lines).encode(), content_type="text/event-stream")
    report = await heard_from(answer(response(message("amber"))), stream, names=["stream"])
    assert report.verdict("stream").why == (
        "2 deltas; no sequence numbers; no event names; [DONE] at the end; other events: ping"
    )


async def test_a_server_that_does_not_know_the_bound_on_tokens_is_asked_without():
    bounded = refusing(lambda r: r.value_of("max_output_tokens"), "No max_output_tokens here.")
    report = await examined(able(bounded))
    assert results(report) == {**WORKS, "output-limit": "unknown"}
    assert dialect_from(report, Dialect()).lacks == {"max_output_tokens"}


async def test_a_chat_server_that_knows_the_other_bound_is_asked_for_that():
    said = {"role": "assistant", "content": "amber"}
    reply = {"object": "chat.completion", "choices": [{"message": said, "finish_reason": "stop"}]}
    refusal = {"error": {"message": "Unknown field: max_tokens"}}
    async with Loopback(answer(refusal, status=400), answer(reply)) as server:
        line = Line(Endpoint(server.url, dialect=Dialect(wire="chat")))
        report = await Examination(line.ask, "m").report(with_what_they_need(()))
    bounds = [
        each.body.keys() & {"max_tokens", "max_completion_tokens"} for each in server.received
    ]
    assert bounds == [{"max_tokens"}, {"max_completion_tokens"}]
    assert dialect_from(report, Dialect(wire="chat")).chat.lacks == {"max_tokens"}


async def test_a_model_that_calls_nothing_shows_nothing_of_tool_choice():
    report = await examined(able(without("tools")))
    assert results(report)["forced"] == "ignored"
    assert dialect_from(report, Dialect()).tool_choice


async def test_a_server_that_refuses_all_that_is_strict_may_hold_to_a_schema():
    strict = refusing(
        lambda r: (
            (r.value_of("text") or {}).get("format", {}).get("strict")
            or any(tool["strict"] for tool in r.value_of("tools") or ())
        ),
        "There is no strict mode.",
    )
    dialect = dialect_from(await examined(able(strict)), Dialect())
    assert (dialect.text_format, dialect.not_strict) == (True, {"*"})


async def test_a_server_that_says_wait_is_asked_once_more():
    busy = answer({"error": {"message": "Slow down."}}, status=429, retry_after="1")
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    async with Loopback(busy, answer(response(message("amber")))) as server:
        line = Line(Endpoint(server.url))
        report = await Examination(line.ask, "m", sleep=sleep).report(with_what_they_need(()))
    assert (results(report), waits, len(line.sent)) == ({"text": "works"}, [1.0], 2)


async def test_a_server_that_keeps_saying_wait_shows_nothing_of_what_it_can():
    busy = answer({"error": {"message": "Slow down."}}, status=429)
    report = await heard_from(answer(response(message("amber"))), busy, names=["tools"])
    assert results(report) == {"text": "works", "tools": "unknown"}
    assert not report.works


async def test_a_call_that_came_with_broken_arguments_fails():
    broken = {"type": "function_call", "call_id": "1", "name": "population", "arguments": "{"}
    report = await heard_from(answer(response(broken)), names=["tools"])
    verdict = report.verdict("tools")
    assert (verdict.result, verdict.why) == ("fails", 'the arguments are no JSON object: "{"')


async def test_an_answer_that_was_cut_off_before_it_showed_anything_is_unknown():
    cut = response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    report = await heard_from(answer(response(message("amber"))), answer(cut), names=["tools"])
    verdict = report.verdict("tools")
    assert verdict.result == "unknown"
    assert verdict.why == "cut off before it showed: max_output_tokens"


async def test_a_server_of_chat_completions_is_asked_in_its_own_words():
    said = {"role": "assistant", "content": "amber"}
    reply = {"object": "chat.completion", "choices": [{"message": said, "finish_reason": "stop"}]}
    async with Loopback(answer(reply)) as server:
        line = Line(Endpoint(server.url, dialect=Dialect(wire="chat")))
        probes = with_what_they_need(["previous-response-id"])
        report = await Examination(line.ask, "m").report(probes)
    assert [each.path for each in server.received] == ["/v1/chat/completions"]
    assert report.verdict("text").result == "works"
    assert report.verdict("previous-response-id").result == "fails"


async def test_a_request_that_takes_too_long_is_given_up():
    async with Loopback([asyncio.Event()]) as server:
        heard = await Line(Endpoint(server.url), seconds=0.05).ask(Request(Fields({}), ()))
    assert isinstance(heard.error, ModelTimeoutError)


def test_the_red_square_is_a_png_of_one_colour():
    png = base64.b64decode(red_square().removeprefix("data:image/png;base64,"))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    rows = zlib.decompress(png[png.index(b"IDAT") + 4 : png.index(b"IEND") - 8])
    assert rows == (b"\0" + b"\xff\0\0" * 64) * 64


def test_what_a_probe_needs_is_asked_before_it():
    names = [probe.name for probe in with_what_they_need(["reasoning-back"])]
    assert names == ["text", "reasoning", "reasoning-back"]
    assert all(probe.after in BY_NAME for probe in PROBES if probe.after)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
KINDS = st.sampled_from(["message", "function_call", "reasoning", "custom_tool_call", "?"])
NAMES = ["call_id", "name", "arguments", "content", "summary", "encrypted_content", "role", "text"]
ITEMS = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    KINDS,
    st.dictionaries(st.sampled_from(NAMES), JSON),
)
BODIES = st.fixed_dictionaries(
    {"output": st.lists(ITEMS | JSON, max_size=3) | JSON},
    optional={name: JSON for name in ("error", "status", "usage", "incomplete_details", "id")},
)


@given(BODIES, st.sampled_from(PROBES))
def test_whatever_is_answered_there_is_a_verdict_in_a_line(body, probe):
    heard = Heard(read_response(body), body=encode(body))
    verdict = probe.judge(heard)
    assert verdict.result in ("works", "ignored", "fails", "unknown")
    assert 0 < len(verdict.why) < 150
    assert verdict.why.splitlines() == [verdict.why]
    asked = probe.ask(dict.fromkeys(BY_NAME, heard))
    assert isinstance(asked, Verdict) or asked.body()
