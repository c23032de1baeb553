"""What a listener hears of an answer adds up to it, also where not all of it came in pieces."""

from __future__ import annotations

import pytest

from agentkit import Agent, ReasoningDelta, StreamTruncatedError, TextDelta
from agentkit.events import Notice
from agentkit.responses.events import REASONING_DELTA, REFUSAL_DELTA, TEXT_DELTA, Delta, Snapshot
from agentkit.testing import ScriptedModel

KEY = "sk-proj-1234567890abcdef"


class Saying:
    """A model whose answer comes in these pieces, and ends with the whole that it then names."""

    def __init__(self, pieces, *output, kind=TEXT_DELTA):
        self._events = [Delta(kind, piece) for piece in pieces]
        wire = {"id": "resp_1", "status": "completed", "output": list(output)}
        self._events += [Snapshot("response.completed", wire)] if output else []

    async def stream(self, _):
        for event in self._events:
            yield event


def message(text, kind="output_text", **fields):
    part = {"type": kind, "text" if kind == "output_text" else "refusal": text}
    return {"type": "message", "role": "assistant", "content": [part], **fields}


async def heard_of(model, **options):
    """The texts and the notices that a listener heard, and what came of the run."""
    heard = []
    result = await Agent(model, **options).run("?", on_event=heard.append)
    texts = [each.text for each in heard if isinstance(each, TextDelta)]
    return texts, [each.text for each in heard if isinstance(each, Notice)], result


@pytest.mark.parametrize(
    ("pieces", "rest"),
    [
        (["Hel", "lo"], []),
        (["Hel"], ["lo"]),
        (["", "Hell"], ["o"]),
        ([], ["Hello"]),
        ([""], ["Hello"]),
    ],
)
async def test_what_no_piece_brought_is_told_at_the_end(pieces, rest):
    texts, notices, result = await heard_of(Saying(pieces, message("Hello")))
    assert texts == [*filter(None, pieces), *rest]
    assert (notices, result.output) == ([], "Hello")


async def test_the_rest_of_a_refusal_and_a_message_on_the_way_count_too():
    said = Saying(["I can", "not."], message("I cannot. Sorry.", "refusal"), kind=REFUSAL_DELTA)
    assert (await heard_of(said))[0] == ["I can", "not.", " Sorry."]
    output = message("One moment. ", phase="commentary"), message("Done.")
    assert (await heard_of(Saying(["One mo"], *output)))[0] == ["One mo", "ment. Done."]


async def test_reasoning_is_no_part_of_the_text():
    heard = []
    model = Saying(["Let me see."], message("Yes."), kind=REASONING_DELTA)
    await Agent(model).run("?", on_event=heard.append)
    said = [each for each in heard if isinstance(each, TextDelta | ReasoningDelta)]
    assert said == [ReasoningDelta("Let me see."), TextDelta("Yes.")]


@pytest.mark.parametrize("whole", ["Hello there", "Hello"])
async def test_a_text_that_is_another_than_the_one_heard_is_said_to_be(whole):
    texts, notices, result = await heard_of(Saying(["Hullo"], message(whole)))
    assert (texts, result.output) == (["Hullo"], whole)
    assert notices == ["The text that was heard is not that of the answer, which counts."]


@pytest.mark.parametrize(("piece", "whole"), [("Hello\n", "Hello"), ("\n\nHello", "Hello")])
async def test_white_space_around_a_text_makes_no_other_of_it(piece, whole):
    assert (await heard_of(Saying([piece], message(whole))))[:2] == ([piece], [])


@pytest.mark.parametrize("cut", range(1, len(KEY) + 8))
async def test_a_secret_that_the_rest_ends_is_hidden(cut):
    whole = f"Key {KEY} it is."
    texts, notices, _ = await heard_of(Saying([whole[:cut]], message(whole)), secrets=[KEY])
    assert "".join(texts) == "Key [secret] it is."
    assert notices == []


async def test_a_text_that_was_heard_and_cut_off_is_not_asked_for_elsewhere():
    others = ScriptedModel("Hi.")
    with pytest.raises(StreamTruncatedError):
        await heard_of([Saying(["Hel"]), others])
    assert others.requests == []
