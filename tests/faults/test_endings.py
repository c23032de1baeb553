"""Every fault has its ending: the same for everybody, known beforehand, and nothing is lost."""

from __future__ import annotations

import httpx
import pytest
from expected import BODIES, CHAT, CUTS, EXPECTED, ODDITIES, STATUSES, Ending
from meeting import SUM, Met, bounds_of, go_on, meet

from agentkit import Limits, ModelError
from agentkit.responses.items import Item
from agentkit.testing import call, commentary, reasoning
from agentkit.testing.faults import FAULTS
from agentkit.testing.faults.refusals import SHAPES

CASES = [
    pytest.param(fault, endings[streamed], bool(streamed), id=f"{fault}-{kind}")
    for fault, endings in EXPECTED.items()
    for streamed, kind in enumerate(("json", "stream"))
    if fault != "refused"
]
CHATS = [
    pytest.param(fault, endings[streamed], bool(streamed), id=f"{fault}-{kind}")
    for fault, endings in CHAT.items()
    for streamed, kind in enumerate(("json", "stream"))
    if fault != "refused"
]
# a port that refuses does so until something listens; what only a timeout ends takes long
AGAIN = [
    pytest.param(fault, stream, id=case.id)
    for case in CASES
    for fault, ending, stream in [case.values]
    if ending.sent > 1 and not fault.startswith(("refused", "stall", "endless"))
]
IN_TIME = ["stall-before-headers", "stall-in-body", "endless-keepalives"]


def test_every_fault_has_an_ending():
    assert {fault.partition("=")[0].partition(",")[0] for fault in EXPECTED} == FAULTS.keys()


@pytest.mark.parametrize(("fault", "ending", "stream"), CASES)
async def test_a_fault_that_lasts_has_its_ending(fault: str, ending: Ending, stream: bool):
    met = await meet("none", f"{fault},times=always", stream=stream, bounds=bounds_of(fault))
    check(met, ending)
    assert len(met.requests) == 1 + ending.sent
    assert met.ran == [(2, 3)]
    check_work(met)
    if ending.status == "failed":
        resumed = await go_on(met)
        assert (resumed.status, resumed.output) == ("completed", SUM)
        assert met.ran == [(2, 3)]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_server_that_is_not_there_is_asked_three_times(stream: bool):
    met = await meet("refused", stream=stream)
    check(met, EXPECTED["refused"][stream])
    resumed = await go_on(met)
    assert (resumed.status, resumed.output, met.ran) == ("completed", SUM, [])


@pytest.mark.parametrize(("fault", "stream"), AGAIN)
async def test_a_fault_that_passes_is_got_over_where_the_request_is_sent_again(
    fault: str, stream: bool
):
    met = await meet("none", fault, stream=stream)
    assert (met.result.status, met.result.output, len(met.requests)) == ("completed", SUM, 3)
    assert met.ran == [(2, 3)]


@pytest.mark.parametrize("fault", IN_TIME)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_wait_that_is_too_long_is_got_over(fault: str, stream: bool):
    met = await meet("none", fault, stream=stream, bounds=bounds_of(fault, leisure=4))
    assert (met.result.status, met.result.output, len(met.requests)) == ("completed", SUM, 3)
    assert met.ran == [(2, 3)]


SLOW = ["stall-before-headers", "stall-mid-stream", "endless-answer", "endless-keepalives"]


@pytest.mark.parametrize("fault", [*SLOW, "slow-bytes=0.02"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_limit_on_the_whole_run_ends_what_no_timeout_ends(fault: str, stream: bool):
    met = await meet("none", f"{fault},times=always", stream=stream, limits=Limits(seconds=0.2))
    assert (met.result.status, met.result.limit, met.error) == ("limited", "seconds", None)
    assert met.ran in ([], [(2, 3)])


@pytest.mark.parametrize("fault", ["status-429,retry-after=60", "status-503"])
async def test_a_wait_that_does_not_fit_into_the_run_is_not_begun(fault: str):
    limits = Limits(seconds=0.4)
    met = await meet(f"{fault},times=always", stream=False, limits=limits)
    assert (met.result.status, met.waits, len(met.requests)) == ("failed", [], 1)


@pytest.mark.parametrize(("fault", "stream"), AGAIN)
async def test_a_conversation_at_the_server_does_not_get_an_input_twice(fault: str, stream: bool):
    met = await meet("none", fault, stream=stream, state="hosted")
    was_refused = fault.startswith("status")
    assert len(met.requests) == (3 if was_refused else 2)
    assert met.result.status == ("completed" if was_refused else "failed")
    assert met.ran == [(2, 3)]


AT_ONCE = [fault for fault in (*CUTS, *BODIES) if not fault.startswith(("refused", "stall"))]


@pytest.mark.parametrize("fault", AT_ONCE)
async def test_a_fault_ends_the_same_where_the_server_keeps_the_answers(fault: str):
    ending = EXPECTED[fault][True]
    met = await meet("none", f"{fault},times=always", stream=True, state="chained")
    check(met, ending)
    assert (len(met.requests), met.ran) == (1 + ending.sent, [(2, 3)])


@pytest.mark.parametrize("fault", AT_ONCE)
async def test_a_fault_ends_the_same_with_a_client_of_ones_own(fault: str):
    ending = EXPECTED[fault][True]
    async with httpx.AsyncClient() as client:
        met = await meet("none", f"{fault},times=always", stream=True, http_client=client)
    check(met, ending)
    assert (len(met.requests), met.ran) == (1 + ending.sent, [(2, 3)])


@pytest.mark.parametrize(("fault", "ending", "stream"), CHATS)
async def test_a_fault_ends_the_same_over_chat_completions(
    fault: str, ending: Ending, stream: bool
):
    faults = "none", f"{fault},times=always"
    met = await meet(*faults, stream=stream, bounds=bounds_of(fault), wire="chat")
    check(met, ending)
    assert len(met.requests) == 1 + ending.sent
    assert met.ran == [(2, 3)]


@pytest.mark.parametrize("fault", ODDITIES)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_an_oddity_of_a_server_is_read_in_every_answer(fault: str, stream: bool):
    met = await meet(f"{fault},times=always", stream=stream)
    assert (met.result.status, met.result.text.strip()) == ("completed", SUM)
    assert (met.ran, len(met.requests)) == ([(2, 3)], 2)


WHOLE_ITEMS = ODDITIES.keys() - {"unknown-items", "chat-shape"}
STREAMED_ITEMS = sorted(WHOLE_ITEMS - {"terminal-only", "unasked-json", "unasked-stream"})
SAID = [
    [
        reasoning("First the sums."),
        commentary("I add both."),
        call("add", a=2, b=3),
        call("add", a=4, b=5),
    ],
    [reasoning("Now I know."), "Five and nine — “14” together."],
]


MIXED = [
    *(f"empty-output+{fault}" for fault in STREAMED_ITEMS),
    "rotating-ids+no-indexes+empty-output",
    "rotating-ids+shared-indexes+empty-output",
    "rotating-ids+negative-indexes+done-late",
    "no-ids+no-indexes+no-numbers+empty-output",
    "no-ids+shared-indexes+done-only+empty-output",
    "no-indexes+no-event-names+done-at-end+gzip+tiny-chunks",
]


@pytest.mark.parametrize("fault", [*sorted(WHOLE_ITEMS), *MIXED])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_an_oddity_loses_no_item_and_doubles_none(fault: str, stream: bool):
    plain = await meet("none", stream=stream, script=SAID)
    met = await meet(f"{fault},times=always", stream=stream, script=SAID)
    assert met.ran == [(2, 3), (4, 5)]
    assert list(map(said_in, met.result.items)) == list(map(said_in, plain.result.items))
    assert len(met.requests) == 2


def said_in(item: Item) -> dict[str, object]:
    """What an item says, without what differs from server to server."""
    content = item.wire.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    keys = ("type", "role", "name", "call_id", "arguments", "output", "phase", "encrypted_content")
    return {"content": texts, **{key: item.wire.get(key) for key in keys}}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_status_means_the_same_whatever_the_shape_of_its_body(status: int, stream: bool):
    for shape in SHAPES:
        met = await meet("none", f"status-{status},body={shape},times=always", stream=stream)
        error = met.raised
        assert error is not None
        assert (type(error).__name__, error.status) == (STATUSES[status].error, status), shape
        assert len(met.requests) == 1 + STATUSES[status].sent, shape
        assert ("the fault said" in str(error)) or shape in ("html", "empty"), shape


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        ("retry-after=2", 2.0, 2.2),
        ("retry-after=0.5", 0.5, 0.6),
        ("retry-after-ms=250", 0.25, 0.3),
        ("retry-after-ms=1500,retry-after=9", 1.5, 1.7),
        ("retry-after=date+30", 25.0, 33.0),
        ("retry-after=120", 120.0, 121.0),
    ],
)
async def test_a_wait_that_the_server_asks_for_is_kept(asked: str, low: float, high: float):
    met = await meet("none", f"status-429,{asked}", stream=False)
    assert met.result.output == SUM
    assert len(met.waits) == 1
    assert low - 0.01 <= met.waits[0] <= high


@pytest.mark.parametrize("asked", ["0", "-5", "soon", "nan", "date-30", ""])
async def test_a_wait_that_makes_no_sense_is_half_a_second(asked: str):
    met = await meet("none", f"status-503,retry-after={asked}", stream=False)
    assert met.result.output == SUM
    assert met.waits == pytest.approx([0.5], abs=0.1)


@pytest.mark.parametrize("fault", [each for each in EXPECTED if "mid-stream" in each])
async def test_nothing_that_was_heard_is_heard_again(fault: str):
    met = await meet("none", fault, stream=True, bounds=bounds_of(fault))
    assert met.heard == ["The"]
    assert len(met.requests) == 2


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
async def test_a_call_that_was_broken_off_never_runs(reason: str, stream: bool):
    met = await meet(f"incomplete={reason}", stream=stream)
    assert (met.result.status, met.ran, len(met.requests)) == ("incomplete", [], 1)


def check(met: Met, ending: Ending) -> None:
    """The run has ended so, and says why."""
    assert met.result.status == ending.status, met.error
    error = met.error
    assert (type(error).__name__ if error else None) == ending.error, repr(error)
    if ending.status == "completed":
        assert met.result.text.strip() == SUM
    if error is None:
        return
    assert isinstance(error, ModelError)
    assert ending.says in str(error)
    assert len(str(error)) < 700
    assert (met.raised is not None) == ending.is_raised
    if met.raised is None:
        return
    assert met.raised.attempts == ending.sent
    assert met.raised.status == ending.http
    if ending.http is not None:
        assert met.raised.request_id == f"req_{len(met.requests)}"


def check_work(met: Met) -> None:
    """What had been done before is in the log."""
    kinds = [record.kind for record in met.result.log]
    assert kinds[:5] == ["setup", "input", "answer", "started", "output"]
    assert met.result.usage.total_tokens > 0
