"""Secrets in a text that comes in pieces: what is heard shows none, and waits for nothing else."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentkit import (
    Agent,
    Limits,
    ModelError,
    ReasoningDelta,
    TextDelta,
    ToolContext,
    ToolProgress,
    tool,
)
from agentkit.responses.events import Delta, OtherEvent
from agentkit.secrets import HidingStream, Secrets
from agentkit.testing import ScriptedModel, call, reasoning

KEY = "sk-proj-1234567890abcdef"
ODD = '"quoted"\\+50% öü€😀\\'
KEYS = [KEY, ODD, "\\\\share\\x%%%%", "/a/path?to=a file", "abababab\\", "a" * 8]
STREAMS = {key: Secrets.of(key) for key in KEYS} | {"both": Secrets.of(*KEYS)}


def written(key: str) -> list[str]:
    """The key as programs write it, but for base64."""
    as_json = json.dumps(key)[1:-1]
    return [key, as_json, json.dumps(as_json)[1:-1], quote(key, safe=""), quote(quote(key))]


def in_pieces(text: str, cuts: list[int]) -> list[str]:
    """The text cut after so many characters each, again and again."""
    ends, end = [0], 0
    while end < len(text):
        end += cuts[len(ends) % len(cuts)]
        ends.append(end)
    return [text[start:stop] for start, stop in pairwise(ends)]


def heard(secrets: Secrets, pieces: list[str]) -> str:
    stream = HidingStream(secrets)
    return "".join([*map(stream.add, pieces), stream.end()])


FORMS = [form for key in KEYS for form in written(key)]
near = st.sampled_from(FORMS).flatmap(
    lambda form: st.integers(0, len(form)).map(lambda end: form[:end])
)
around = st.text(st.sampled_from('sk-"\\%25uc3n/+ aé€😀\n'), max_size=12)
texts = st.lists(st.sampled_from(FORMS) | near | around, max_size=7).map("".join)
some_cuts = st.lists(st.integers(1, 9), min_size=1, max_size=8)


@given(secrets=st.sampled_from(list(STREAMS.values())), text=texts, cuts=some_cuts)
@example(STREAMS["abababab\\"], "abababab\\\\\\ abababab\\\\", [1])
@example(STREAMS["both"], f'abababab\\\\\\{ODD}"quoted', [1])
def test_a_text_in_pieces_is_hidden_as_the_whole_is(secrets, text, cuts):
    assert heard(secrets, in_pieces(text, cuts)) == secrets.hide(text)


@given(text=st.text(st.sampled_from("sk-pro1 2%\\\n"), max_size=60), cuts=some_cuts)
def test_only_the_beginning_of_a_form_waits(text, cuts):
    stream, told, come = HidingStream(STREAMS[KEY]), "", ""
    for piece in in_pieces(text, cuts):
        told, come = told + stream.add(piece), come + piece
        waiting = come.removeprefix(told)
        assert told + waiting == come
        assert not waiting or KEY.startswith(waiting) or is_base64_of(KEY, waiting)
    assert told + stream.end() == text


def is_base64_of(key: str, beginning: str) -> bool:
    """Whether it is the beginning of what the base64 of a text with the key has, in lines or not.

    What may be a line break that has only begun counts too.
    """
    alone = "".join(beginning.split()).rstrip("\\%25")
    middles = [b64encode(bytes(n) + key.encode()).decode()[(0, 2, 3)[n] :] for n in range(3)]
    return bool(alone) and any(middle.startswith(alone) for middle in middles)


def test_a_key_is_told_as_hidden_with_its_last_character_and_other_text_at_once():
    stream = HidingStream(Secrets.of(KEY))
    assert [stream.add(piece) for piece in ("It is", " ", KEY[:9], KEY[9:-1])] == [
        *("It i", "s "),
        *("", ""),
    ]
    assert stream.add(KEY[-1]) == "[secret]"
    assert [stream.add(piece) for piece in ("sk-", "no", "100%", "\\")] == [
        "",
        "sk-no",
        "100%",
        "\\",
    ]
    assert stream.end() == ""


@given(before=st.text(max_size=5), behind=st.text(max_size=5), cuts=some_cuts)
def test_of_base64_no_more_is_hidden_than_the_form(before, behind, cuts):
    whole = b64encode(f"{before}{KEY}{behind}".encode()).decode()
    told = heard(STREAMS[KEY], in_pieces(f"Basic {whole}.", cuts))
    start, stop = told.split("[secret]")
    assert f"Basic {whole}.".startswith(start)
    assert f"Basic {whole}.".endswith(stop)
    assert not Secrets.of(KEY).is_in(told.encode())


@pytest.mark.parametrize("endless", ["\\", "\n", "25"])
def test_what_goes_on_and_on_does_not_wait_for_ever(endless):
    stream = HidingStream(Secrets.of('"quoted/word"'))
    told = stream.add('%22"quote') + "".join(stream.add(endless) for _ in range(3000))
    told += "".join(stream.add(piece) for piece in ("InF1b3Rl", *[endless] * 3000))
    assert told.count(endless) > 5000


@dataclass
class Cut:
    """A model whose deltas have so many characters each, with other events among them."""

    model: ScriptedModel
    size: int
    stops: bool = False

    async def stream(self, request):
        async for event in self.model.stream(request):
            if not isinstance(event, Delta):
                yield event
                continue
            for piece in in_pieces(event.delta, [self.size]):
                yield replace(event, delta=piece)
                yield replace(event, delta="")
                yield OtherEvent({"type": "keepalive"})
            if self.stops:
                raise ModelError("The server broke off.")


def joined(events: list, kind: type) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


@tool
def look(where: str) -> str:
    """Look."""
    return where


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
async def test_a_stream_lets_no_key_be_heard_in_deltas(size):
    text = f"It is {KEY}, in JSON {json.dumps(ODD)}, sk-proj"
    first = [reasoning(f"Think of {KEY} so"), "Let us", call("look", where=KEY)]
    agent = Agent(Cut(ScriptedModel(first, text), size), tools=[look], secrets=[KEY, ODD])
    async with agent.stream("go") as stream:
        events = [event async for event in stream]
    hidden = 'It is [secret], in JSON "[secret]", sk-proj'
    assert stream.result.output == hidden
    assert joined(events, TextDelta) == f"Let us{hidden}"
    assert joined(events, ReasoningDelta) == "Think of [secret] so"
    assert not [event for event in events if KEY in repr(event) or ODD in repr(event)]


async def test_what_waits_is_heard_before_anything_of_another_kind():
    model = Cut(ScriptedModel([reasoning("Thus"), "Let us", call("look", where="s")], "Yes"), 1)
    agent, order = Agent(model, tools=[look], secrets=[KEY]), []
    await agent.run("go", on_event=lambda event: order.append(event))
    told = [type(event).__name__ for event in order if hasattr(event, "text")]
    assert told == ["ReasoningDelta"] * 4 + ["TextDelta"] * 9
    kinds = [getattr(event, "kind", type(event).__name__) for event in order]
    assert kinds.index("answer") > max(n for n, kind in enumerate(kinds[:-5]) if "Delta" in kind)


@pytest.mark.parametrize("secrets", [(), (KEY,)])
async def test_what_was_heard_of_an_answer_that_breaks_off_is_all_that_came(secrets):
    agent, events = Agent(Cut(ScriptedModel("Thus"), 2, stops=True), secrets=secrets), []
    with pytest.raises(ModelError):
        await agent.run("go", on_event=events.append)
    assert joined(events, TextDelta) == "Thus"


async def test_without_a_listener_nothing_is_told():
    agent = Agent(Cut(ScriptedModel(f"It is {KEY}"), 3), secrets=[KEY], limits=Limits(seconds=60))
    assert (await agent.run("go")).output == "It is [secret]"


@dataclass
class Step:
    """What a tool of somebody's reports."""

    url: str


class Hidden:
    def __repr__(self):
        raise ValueError(KEY)


async def test_what_a_tool_reports_shows_no_key():
    plain, hidden = Step("http://host/"), Hidden()
    reports = [f"at {KEY}", {"a": [KEY], KEY: 1}, (1, KEY), Step(KEY), b64encode(KEY.encode())]

    @tool
    def work(context: ToolContext) -> str:
        """Work."""
        for value in (*reports, plain, hidden):
            context.progress(value)
        return "done"

    events = []
    agent = Agent(ScriptedModel([call("work")], "Done."), tools=[work], secrets=[KEY])
    await agent.run("go", on_event=events.append)
    told = [event.value for event in events if isinstance(event, ToolProgress)]
    assert told == [
        "at [secret]",
        {"a": ["[secret]"], "[secret]": 1},
        (1, "[secret]"),
        "Step(url='[secret]')",
        b"[secret]",
        plain,
        hidden,
    ]
    assert told[-2] is plain


def test_a_value_that_holds_itself_is_not_shown():
    within_itself: list[object] = [KEY]
    within_itself.append(within_itself)
    assert Secrets.of(KEY).hide_any(within_itself) == "[a list that cannot be looked into]"


async def test_prices_that_fail_show_no_key_in_the_programs_log(caplog):
    def prices(model, usage):
        raise LookupError(f"no price for {KEY}") from ValueError(KEY)

    agent = Agent(ScriptedModel("Done."), prices=prices, secrets=[KEY])
    with caplog.at_level(logging.ERROR):
        assert (await agent.run("go")).output == "Done."
    assert "LookupError: no price for [secret]" in caplog.text
    assert "ValueError: [secret]" in caplog.text
    assert KEY not in caplog.text


async def test_a_price_that_is_a_key_is_not_in_the_programs_log(caplog):
    key = KEY * 5  # more than is told of it
    agent = Agent(ScriptedModel("Done."), prices=lambda *_: key, secrets=[key])
    with caplog.at_level(logging.ERROR):
        await agent.run("go")
    assert "expected US dollars or None" in caplog.text
    assert KEY not in caplog.text
