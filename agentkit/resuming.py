"""What to add to a log so that it goes on: decisions, or a word to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentkit.approval import Decision, decision_records
from agentkit.errors import ConfigurationError
from agentkit.moves import CallTools, Finish, next_move
from agentkit.records import Input, Record
from agentkit.sessions import Place
from agentkit.steps import GO_ON
from agentkit.tools import Tool


def resumed(
    place: Place, decisions: Sequence[Decision], tools: Mapping[str, Tool]
) -> Sequence[Record]:
    """The records that have the run of a log go on: what was decided, or a word to the model.

    Raises ConfigurationError where there is no run, and for a decision that cannot be taken;
    Conflict where the open calls of a log in memory were taken up before.
    """
    log = place.log
    if not any(isinstance(record, Input) for record in log.records):
        raise ConfigurationError(
            f"There is no run to go on with in {place.session!r}. Pass its result or its log, or "
            "the store that it is in."
        )
    decided, end = decision_records(log, decisions, tools), next_move(log)
    if decided or isinstance(end, CallTools):
        if place.journal is None:
            log.claim()
        return decided
    if not isinstance(end, Finish) or log.answer is None:
        return []
    if end.status == "failed" or not log.answer.was_sent:  # nothing to go on from
        return [Input(())]
    return [Input((GO_ON,))] if end.status in ("limited", "incomplete") else []
