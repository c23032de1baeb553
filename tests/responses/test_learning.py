"""What a server refuses is left out once, said, and remembered for that server and model."""

from __future__ import annotations

from typing import Any

import pytest

from agentkit import Agent, BadRequestError, Limits, Notice, ResponsesModel, tool
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.known import forget_servers
from agentkit.responses.providers import PROVIDERS
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
    (SETTING, refusal("temperature is not supported with this model"), "temperature"),
    (SETTING, refusal("Unrecognized request argument supplied: temperature"), "temperature"),
    (SETTING, refusal("Model 'm' does not support parameter 'temperature'."), "temperature"),
    (SETTING, refusal("Unsupported parameter: 'store'"), "store"),
    (SETTING, refusal("body: Extra inputs are not permitted", status=422, param="store"), "store"),
    (SETTING, refusal("no", code="unsupported_parameter", param="reasoning.effort"), "effort"),
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
    (TOOLS, refusal("Unknown parameter: 'tools[0].strict'.", param="tools[0].strict"), "`strict`"),
    (TOOLS, refusal("no", code="extra_forbidden", param="tools.0.strict"), "`strict`"),
    (TYPED, refusal("'response_format' of type 'json_schema' is not supported."), "text.format"),
    (TYPED, refusal("This response_format type is unavailable now"), "text.format"),
    (TOOLS, refusal("strict mode is not available here"), "strict schemas"),
    (TYPED, refusal("Invalid schema for response_format 'answer'"), "strict schema of text.format"),
    (TYPED, refusal("Unsupported parameter: 'text.format'", param="text.format"), "text.format"),
    (
        {"settings": {"tool_choice": "required"}},
        refusal("m does not support this tool_choice"),
        "forced `tool_choice`",
    ),
]


@pytest.mark.parametrize(("options", "error", "named"), REFUSALS)
async def test_what_is_refused_is_left_out_once_and_said(options, error, named):
    model = ScriptedModel(error, '{"n": 1}', '{"n": 1}')
    async with ResponsesServer(model) as server:
        result, notices = await asked(server, **options)
        again, later = await asked(server, **options)
    assert (result.status, again.status) == ("completed", "completed")
    assert len(notices) == 1 and named in notices[0] and error.message in notices[0]
    # it is remembered, also by another agent, which is told of what it asked for
    assert all("is not asked for" in each for each in later) and len(later) <= 1
    first, *others = server.requests
    assert len(others) == 2
    assert first != others[0] == others[1]


@pytest.mark.parametrize(
    "error",
    [
        refusal("Unsupported value: 'low' is not supported with m.", param="reasoning.effort"),
        refusal("Invalid type for 'temperature': expected a number.", param="temperature"),
        refusal("The input is not allowed."),
        refusal("The tools web_search cannot be used with reasoning.effort 'low'."),
        refusal("The web_search tool requires a location."),
        refusal("Unsupported value: 'x'", param="tools[1].filters"),
        refusal("Images are not supported; tool_choice was ignored."),
        refusal("temperature 0.1 is not allowed: must be <= 2"),
        refusal("temperature 0.1 is not allowed", param="temperature"),
        refusal("reasoning.effort 'low' is not supported with this model."),
        refusal("'low' is not supported", param="reasoning.effort"),
        refusal("Setting 'store' to false is not permitted."),
        refusal("The 'temperature' account is not permitted to use this model."),
        refusal("'store' is not permitted here", code="invalid_value"),
        refusal("Unknown parameter: 'text.format'.", code="unknown_parameter"),
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


async def test_what_the_dialect_asks_for_can_be_refused_like_a_setting():
    error = refusal("Encrypted content is not supported with this model.", param="include")
    async with ResponsesServer(ScriptedModel(error, "hi")) as server:
        endpoint = Endpoint(server.url, {}, Dialect(encrypted_reasoning=True))
        result = await Agent(ResponsesModel("m", endpoint)).run("?")
    assert result.output == "hi"
    assert ["include" in request for request in server.requests] == [True, False]


async def test_a_schema_that_is_refused_says_nothing_of_another_of_that_name():
    error = refusal("Invalid schema for function 'add': no.", code="invalid_function_parameters")

    @tool(name="add")
    def other(a: str) -> str:
        """Another one."""
        return a

    async with ResponsesServer(ScriptedModel(error, "hi", "hi")) as server:
        await asked(server, tools=[add])
        await asked(server, tools=[other])
    strict = [request["tools"][0]["strict"] for request in server.requests]
    assert strict == [True, False, True]


async def test_a_server_that_never_takes_reasoning_back_is_believed_the_second_time():
    lost = refusal("Item with id 'rs_1' not found.", status=404)
    first, *others = [[reasoning(f"hm {n}"), call("add", a=n, b=2)] for n in range(4)]
    model = ScriptedModel(first, lost, others[0], lost, others[1], others[2], "7")
    async with ResponsesServer(model) as server:
        result, notices = await asked(server, tools=[add])
    assert (result.output, len(notices), len(server.requests)) == ("7", 2, 7)


async def test_the_last_request_of_a_run_still_says_what_form_the_answer_has():
    error = refusal("Unknown parameter: 'text.format'.", param="text.format")
    model = ScriptedModel(error, call("add", a=1, b=2), '{"n": 3}')
    async with ResponsesServer(model) as server:
        result, _ = await asked(server, **TYPED, limits=Limits(turns=2))
    assert (result.output, result.limit) == ({"n": 3}, "turns")
    assert ['"n"' in request.get("instructions", "") for request in server.requests] == [
        False,
        True,
        True,
    ]


async def test_a_choice_among_tools_goes_with_the_last_of_them():
    error = refusal("Unsupported tool type: web_search")
    async with ResponsesServer(ScriptedModel(error, "hi")) as server:
        result, _ = await asked(server, tools=[SEARCH], settings={"tool_choice": "required"})
    assert result.output == "hi"
    assert not server.requests[1].keys() & {"tools", "tool_choice"}


async def test_a_server_that_only_streams_is_streamed_from():
    error = refusal("Stream must be set to true")
    async with ResponsesServer(ScriptedModel(error, "hi", "hi")) as server:
        agent = agent_at(server, tools=[add])
        assert [(await agent.run("?")).output for _ in range(2)] == ["hi", "hi"]
    assert [request["stream"] for request in server.requests] == [False, True, True]


async def test_what_a_caller_asks_for_and_a_provider_lacks_is_said():
    said: list[str] = []
    async with ResponsesServer(ScriptedModel("hi")) as server:
        endpoint = Endpoint(server.url, {}, PROVIDERS["huggingface"].dialect)
        settings = {"max_tool_calls": 3, "store": False, "include": []}
        agent = Agent(ResponsesModel("m", endpoint), settings=settings)
        await agent.run(
            "?", on_event=lambda each: isinstance(each, Notice) and said.append(each.text)
        )
    assert len(said) == 1 and said[0].endswith("is not asked for `max_tool_calls`.")
    assert server.requests[0]["store"] is False  # that is the caller's to say


async def test_a_server_gets_messages_with_their_type_and_no_tool_that_it_lacks():
    async with ResponsesServer(ScriptedModel("hi")) as server:
        endpoint = Endpoint(server.url, {}, PROVIDERS["llamacpp"].dialect)
        agent = Agent(ResponsesModel("m", endpoint), tools=[add, SEARCH])
        await agent.run([{"role": "user", "content": "?"}])
    assert server.requests[0]["input"] == [{"type": "message", "role": "user", "content": "?"}]
    assert [each["type"] for each in server.requests[0]["tools"]] == ["function"]


async def test_a_server_that_does_not_know_the_word_strict_is_not_told_it():
    error = refusal("Unknown parameter: 'tools[0].strict'.", code="unknown_parameter")
    async with ResponsesServer(ScriptedModel(error, '{"n": 1}')) as server:
        result, _ = await asked(server, **TYPED)
    assert result.output == {"n": 1}
    assert "strict" not in server.requests[1]["tools"][0]
    assert "strict" not in server.requests[1]["text"]["format"]


async def test_a_role_that_a_chat_server_does_not_know_is_another():
    error = refusal(
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        code="unsupported_value",
        param="messages[0].role",
    )
    async with ResponsesServer(ScriptedModel(error, "hi")) as server:
        result, _ = await asked(server, wire="chat", instructions="Be brief.", tools=[add])
    assert result.output == "hi"
    assert [each["messages"][0]["role"] for each in server.requests] == ["system", "user"]
