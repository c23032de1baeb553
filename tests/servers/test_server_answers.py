"""Texts, streams and typed answers of servers that no one here wrote."""

from __future__ import annotations

from pydantic import BaseModel

from agentkit.events import TextDelta
from tests.servers.served import Server


class City(BaseModel):
    name: str
    people: int


QUESTION = "How many people live in Lyon?"
LYON = '{"name":"Lyon","people":500000}'


async def test_a_text_answer_is_the_output(server: Server):
    server.answers("Half a million.")

    result = await server.agent(instructions="Be brief.").run(QUESTION)

    assert result.status == "completed"
    assert result.output == "Half a million."
    assert server.requests[0]["messages"] == [
        {"role": "system", "content": f"{server.script} Be brief."},
        {"role": "user", "content": QUESTION},
    ]


async def test_a_streamed_text_arrives_in_pieces_and_whole(server: Server):
    server.answers({"response": {"content": "Half a million people."}, "chunkSize": 4})

    async with server.agent().stream(QUESTION) as stream:
        pieces = [event.text async for event in stream if isinstance(event, TextDelta)]

    assert len(pieces) > 1
    assert "".join(pieces) == "Half a million people." == stream.result.output
    assert len(server.heard) == 1


async def test_a_conversation_goes_on_with_all_that_was_said(server: Server):
    server.answers("Half a million.", "In France.")
    agent = server.agent()

    first = await agent.run(QUESTION)
    second = await agent.run("And where is it?", session=first)

    assert second.output == "In France."
    assert [each["role"] for each in server.heard[1]] == ["user", "assistant", "user"]
    assert "Half a million." in str(server.heard[1][1]["content"])


async def test_a_typed_answer_is_validated(server: Server):
    server.answers(LYON)

    result = await server.agent(output=City).run(QUESTION)

    assert result.output == City(name="Lyon", people=500_000)


async def test_a_typed_answer_is_streamed_too(server: Server):
    server.answers({"response": {"content": LYON}, "chunkSize": 4})

    async with server.agent(output=City).stream(QUESTION) as stream:
        async for _ in stream:
            pass

    assert stream.result.output == City(name="Lyon", people=500_000)


async def test_an_answer_that_does_not_fit_its_type_is_asked_for_again(server: Server):
    server.answers('{"name": "Lyon"}', LYON)

    result = await server.agent(output=City).run(QUESTION)

    assert result.output == City(name="Lyon", people=500_000)
    assert "people" in str(server.heard[1][-1]["content"])


async def test_reasoning_goes_back_to_the_server_without_harm(server: Server):
    server.answers(
        {"response": {"content": "Half a million.", "reasoning": "Lyon is large."}}, "In France."
    )
    agent = server.agent()

    first = await agent.run(QUESTION)
    second = await agent.run("And where is it?", session=first)

    assert first.output == "Half a million."
    assert second.output == "In France."


async def test_an_answer_cut_at_its_length_says_so(server: Server):
    server.answers({"response": {"content": "Half a", "finishReason": "length"}})

    result = await server.agent().run(QUESTION)

    assert result.status == "incomplete"
    assert result.text == "Half a"


async def test_tokens_are_counted_where_the_server_says_them(server: Server):
    used = {
        "input_tokens": 12,
        "output_tokens": 3,
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "total_tokens": 15,
    }
    server.answers({"response": {"content": "Half a million.", "usage": used}})

    result = await server.agent().run(QUESTION)

    assert (result.usage.input_tokens, result.usage.output_tokens) == (12, 3)
