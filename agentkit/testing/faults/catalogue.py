"""Every fault there is, by name."""

from __future__ import annotations

from agentkit.testing.faults.bodies import BODIES
from agentkit.testing.faults.chat import CHATS
from agentkit.testing.faults.cuts import CUTS
from agentkit.testing.faults.definition import Asked, Fault
from agentkit.testing.faults.endless import ENDLESS
from agentkit.testing.faults.framing import FRAMINGS
from agentkit.testing.faults.oddities import ODDITIES
from agentkit.testing.faults.refusals import REFUSALS
from agentkit.testing.faults.streams import STREAMS
from agentkit.testing.http import Reply


async def _nothing(asked: Asked) -> Reply:
    return await asked.proceed()


NONE = Fault("none", "does what it should, so that a later request is the first to fail", _nothing)

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (NONE, *CUTS, *ENDLESS, *BODIES, *REFUSALS, *STREAMS, *CHATS, *ODDITIES, *FRAMINGS)
}
"""The faults by name, those of a kind side by side."""
