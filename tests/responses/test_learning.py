"""What a server refuses is left out once, said, and remembered for that server and model."""

from __future__ import annotations

from typing import Any

import pytest

from agentkit import Agent, BadRequestError, Notice, tool
from agentkit.responses.known import forget_servers
from agentkit.testing import ResponsesServer, ScriptedModel, call, reasoning

SEARCH = {"type": "web_search"}


@tool
def add(a: int, b: int) -> int:
    """The sum."""
    return a + b


def refusal(message: str, **facts: Any) -> BadRequestError:
    return BadRequestError(message, **{"status": 400, **facts})


def agent_at(server: ResponsesServer, **options: Any) -> Agent:
    settings = {"tools": [add, SEARCH], **options}
    return Agent("m", base_url=server.url, environment={}, **settings)


async def asked(server: ResponsesServer, **options: Any) -> tuple[Any, list[str]]:
    notices: list[str] = []

    def listen(event: Any) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)

    return await agent_at(server, **options).run("?", on_event=listen), notices


TOOLS = {"tools": [add]}
SETTING = {"settings": {"temperature": 0.1, "reasoning": {"effort": "low"}, "store": False}}
TYPED = {"output": {"type": "object", "properties": {"n": {"type": "integer"}}}, "tools": [add]}

REFUSALS: list[tuple[dict, BadRequestError, str]] = [
    (
        SETTING,
        refusal("Unknown parameter: 'temperature'.", code="unknown_parameter"),
        "temperature",
    ),
    (SETTING, refusal("temperature is not supported with this model"), ""),
    (SETTING, refusal("Unsupported parameter: 'store'"), "store"),
    (SETTING, refusal("body: Extra inputs are not permitted", status=422, param="store"), "store"),
    (SETTING, refusal("no", code="unsupported_parameter", param="reasoning.effort"), "reasoning"),
    ({}, refusal("Unsupported tool type: web_search"), "web_search"),
    ({}, refusal("Hosted tool 'web_search' is not supported with m.", param="tools"), "web_search"),
    (
        {},
        refusal(
            "Invalid value: 'web_search'. Supported values are: 'function'.", param="tools[1].type"
        ),
        "web_search",
    ),
    ({}, refusal("this kind of tool is not supported", param="tools[1]"), "web_search"),
    (
        TOOLS,
        refusal(
            "Invalid schema for function 'add': 'required' is missing.",
            code="invalid_function_parameters",
            param="tools[0].parameters",
        ),
        "strict schema of add",
    ),
    (TOOLS, refusal("Unknown parameter: 'tools[0].strict'.", param="tools[0].strict"), "add"),
    (TOOLS, refusal("strict mode is not available here"), "strict schemas"),
    (TYPED, refusal("Invalid schema for response_format 'answer'"), "strict schema of text.format"),
    (TYPED, refusal("Unsupported parameter: 'text.format'", param="text.format"), "text.format"),
    (
        {"settings": {"tool_choice": "required"}},
        refusal("m does not support this tool_choice"),
        "forced `tool_choice`",
    ),
]


@pytest.mark.parametrize(("options", "error", "named"), [row for row in REFUSALS if row[2]])
async def test_what_is_refused_is_left_out_once_and_said(options, error, named):
    model = ScriptedModel(error, '{"n": 1}', '{"n": 1}')
    async with ResponsesServer(model) as server:
        result, notices = await asked(server, **options)
        again, later = await asked(server, **options)
    assert (result.status, again.status) == ("completed", "completed")
    assert len(notices) == 1 and named in notices[0] and error.message in notices[0]
    assert later == []  # it is remembered, also by another agent
    first, *others = server.requests
    assert len(others) == 2
    assert first != others[0] == others[1]


@pytest.mark.parametrize(
    "error",
    [
        refusal("Unsupported value: 'low' is not supported with m.", param="reasoning.effort"),
        refusal("Invalid type for 'temperature': expected a number.", param="temperature"),
        refusal("The input is not allowed."),
        refusal("Unknown parameter: 'max_output_tokens'.", code="unknown_parameter"),
        refusal("Unknown parameter: 'model'.", code="unknown_parameter"),
    ],
)
async def test_what_the_answer_needs_is_not_left_out(error):
    async with ResponsesServer(ScriptedModel(error, "hi")) as server:
        with pytest.raises(BadRequestError) as caught:
            await asked(server, settings={**SETTING["settings"], "max_output_tokens": 50})
    assert len(server.requests) == 1
    assert caught.value.result.status == "failed"


async def test_what_is_refused_again_although_it_was_left_out_ends_the_run():
    error = refusal("Unknown parameter: 'temperature'.", code="unknown_parameter")
    async with ResponsesServer(ScriptedModel(error, error, "hi")) as server:
        with pytest.raises(BadRequestError):
            await asked(server, **SETTING)
    assert len(server.requests) == 2


async def test_what_one_model_refuses_another_at_the_same_server_is_asked_for():
    error = refusal("Unknown parameter: 'temperature'.", code="unknown_parameter")
    async with ResponsesServer(ScriptedModel(error, "hi", "hi", "hi")) as server:
        await asked(server, **SETTING)
        await Agent("other", base_url=server.url, environment={}, **SETTING).run("?")
        forget_servers()
        await asked(server, **SETTING)
    has = ["temperature" in request for request in server.requests]
    assert has == [True, False, True, True]


async def test_several_refusals_are_learnt_one_after_another():
    errors = [
        refusal("Unknown parameter: 'temperature'.", code="unknown_parameter"),
        refusal("Unsupported tool type: web_search"),
        refusal("Unknown parameter: 'store'.", code="unknown_parameter"),
    ]
    async with ResponsesServer(ScriptedModel(*errors, "hi")) as server:
        result, notices = await asked(server, **SETTING)
    assert (result.output, len(notices)) == ("hi", 3)
    assert [tool["type"] for tool in server.requests[-1]["tools"]] == ["function"]
    assert server.requests[-1].keys() & {"temperature", "store", "reasoning"} == {"reasoning"}


async def test_the_form_of_an_answer_is_told_in_words_where_the_server_does_not_hold_it():
    error = refusal("Unknown parameter: 'text.format'.", code="unknown_parameter", param="text")
    error.param = "text.format"
    async with ResponsesServer(ScriptedModel(error, '{"n": 7}')) as server:
        result, _ = await asked(server, **TYPED)
    assert result.output == {"n": 7}
    assert "text" not in server.requests[1]
    assert '"n"' in server.requests[1]["instructions"]


@pytest.mark.parametrize(
    "error",
    [
        refusal(
            "Item 'rs_1' of type 'reasoning' was provided without its required following item."
        ),
        refusal(
            "Item 'fc_1' of type 'function_call' was provided without its required "
            "'reasoning' item: 'rs_1'."
        ),
        refusal("Item with id 'rs_1' not found.", status=404),
        refusal("The encrypted content could not be verified.", code="invalid_encrypted_content"),
    ],
)
async def test_reasoning_that_is_not_taken_back_is_left_out_from_then_on(error):
    model = ScriptedModel(
        [reasoning("hm"), call("add", a=1, b=2)], error, [call("add", a=3, b=4)], "7"
    )
    async with ResponsesServer(model) as server:
        result, notices = await asked(server)
    assert result.output == "7"
    assert [notice for notice in notices if "reasoning" in notice] == notices != []
    kinds = [[item.get("type") for item in request["input"]] for request in server.requests]
    assert "reasoning" in kinds[1]
    assert "reasoning" not in kinds[2] + kinds[3]
    assert kinds[3].count("function_call_output") == 2


async def test_a_response_that_the_server_has_forgotten_is_replaced_by_the_conversation():
    lost = refusal(
        "Previous response with id 'resp_1' not found.", code="previous_response_not_found"
    )
    model = ScriptedModel([call("add", a=1, b=2)], lost, "3", "bye")
    async with ResponsesServer(model) as server:
        agent = agent_at(server, state="chained", tools=[add])
        result = await agent.run("1 + 2?")
        again = await agent.run("thanks", session=result)
    assert (result.output, again.output) == ("3", "bye")
    sent = server.requests
    assert [len(request["input"]) for request in sent] == [1, 1, 3, 1]
    assert ["previous_response_id" in request for request in sent] == [False, True, False, True]


async def test_a_server_without_state_is_sent_the_conversation_from_then_on():
    lost = refusal(
        "previous_response_id is not supported.",
        code="unsupported_parameter",
        param="previous_response_id",
    )
    model = ScriptedModel([call("add", a=1, b=2)], lost, [call("add", a=3, b=4)], "7")
    async with ResponsesServer(model) as server:
        result, notices = await asked(server, state="chained", tools=[add])
    assert result.output == "7"
    assert len(notices) == 1
    sent = server.requests
    assert [len(request["input"]) for request in sent] == [1, 1, 3, 5]
