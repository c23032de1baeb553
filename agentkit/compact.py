"""The effect of a policy that shortens the log's conversation: one request, then one record.

Decided by the policy before a request to the model, and done before that goes out. What fails
leaves the conversation as it is: a run is not to end because it could not be made shorter.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import assert_never, cast

from agentkit.context import Beginning, Compacted, Summarized
from agentkit.errors import ModelError
from agentkit.middleware import wrapped_ask
from agentkit.pairing import paired_calls
from agentkit.paying import Sent, paid
from agentkit.records import Compaction, Setup
from agentkit.responses.compaction import CompactRequest, Compacts, can_compact, is_compaction
from agentkit.responses.events import Notice
from agentkit.responses.fold import Fold
from agentkit.responses.items import Item, user_message
from agentkit.responses.response import Request, Response
from agentkit.run import Run

HEADING = "[What was said before, in short]"
"""The first line of the message that stands for what was summarized."""

WRITE = user_message("Write it down now, as you were told.")
"""Said behind what is to be summarized, so that the model does not answer to that."""

# Fields of a request that are about its answer, and none that a summary should be.
_OF_THE_ANSWER = frozenset(
    {
        "context_management",
        "max_tool_calls",
        "parallel_tool_calls",
        "text",
        "tool_choice",
        "tools",
    }
)


async def shorten(run: Run, policy: Compacted | Summarized) -> None:
    """Have something shorter stand for the beginning of the conversation, where it is too long.

    What it took is in the record, so that it counts for the run. Raises no ModelError.
    """
    if run.is_out_of_tool_time:
        return
    if isinstance(policy, Compacted) and not can_compact(run.model):
        return
    beginning = policy.beginning(run.log)
    if beginning is None:
        return
    try:
        async with asyncio.timeout(run.tool_time_left) as scope:
            record = await _record(run, policy, beginning)
    except ModelError as error:
        run.notify(f"The conversation could not be shortened, so all of it is sent: {error}")
    except TimeoutError:
        if not scope.expired():
            raise
        run.notify("The conversation could not be shortened in time, so all of it is sent.")
    else:
        await run.append(record)


async def _record(run: Run, policy: Compacted | Summarized, beginning: Beginning) -> Compaction:
    """What stands for the beginning; the beginning itself, where what came cannot stand for it."""
    request = shortening_request(run.setup, policy, beginning)
    response, sent = await _answered(run, request)
    items = _stand_in(policy, response)
    if not items:
        why = sent.limit or response.incomplete_reason or "what came may not stand for it"
        run.notify(f"The conversation could not be shortened, so all of it is sent: {why}")
        return Compaction((), 0, response.usage, sent.cost)
    return beginning.replaced_by(items, response.usage, sent.cost)


def shortening_request(
    setup: Setup, policy: Compacted | Summarized, beginning: Beginning
) -> Request:
    """What is sent for something shorter that stands for the beginning."""
    fields = setup.fields
    match policy:
        case Compacted():
            return CompactRequest(fields, beginning.items)
        case Summarized():
            extra = {
                **dict.fromkeys(_OF_THE_ANSWER & fields.values.keys()),
                "instructions": policy.instructions,
                "max_output_tokens": policy.max_output_tokens,
            }
            return Request(fields, (*beginning.items, WRITE), extra)
        case _:
            assert_never(policy)


def _stand_in(policy: Compacted | Summarized, response: Response) -> tuple[Item, ...]:
    """The items of an answer that may stand for others; none where it is something else."""
    match policy:
        case Compacted():
            return response.output if is_compaction(response) else ()
        case Summarized():
            text = "" if response.is_failed else response.text.strip()
            cut = "" if response.is_complete else " […]"
            return (user_message(f"{HEADING}\n\n{text}{cut}"),) if text else ()
        case _:
            assert_never(policy)


async def _answered(run: Run, request: Request) -> tuple[Response, Sent]:
    """The answer, and what is known of the requests behind it."""
    sent = Sent(is_aside=True)
    send = partial(paid, run, sent, partial(_receive, run))
    return await wrapped_ask(run.middleware, send)(request), sent


async def _receive(run: Run, request: Request) -> Response:
    if run.middleware:
        paired_calls(request.input, "middleware")
    if isinstance(request, CompactRequest):
        return await cast("Compacts", run.model).compact(request)
    fold = Fold()
    async for event in run.model.stream(request):
        fold.add(event)
        if isinstance(event, Notice):
            run.notify(event.text)
    return fold.response()
