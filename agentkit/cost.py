"""What a run cost, as far as the server says it. An unknown cost is None, never 0."""

from __future__ import annotations

from agentkit.log import Log
from agentkit.records import Answer, Input


def cost_of(log: Log) -> float | None:
    """US dollars of the last run in the log, None unless the server priced every answer.

    Source: `usage.cost` of OpenRouter, `usage.cost_in_usd_ticks` of xAI (10¹⁰ a dollar).
    """
    costs = []
    for record in reversed(log.records):
        if isinstance(record, Answer):
            costs.append(_cost(record))
        elif isinstance(record, Input) and not record.is_repair:
            break
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def _cost(answer: Answer) -> float | None:
    usage = answer.response.wire.get("usage")
    if not isinstance(usage, dict):
        return None
    cost, ticks = usage.get("cost"), usage.get("cost_in_usd_ticks")
    if isinstance(cost, (int, float)):
        return float(cost)
    return ticks / 10**10 if isinstance(ticks, (int, float)) else None
