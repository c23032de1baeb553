"""What servers and networks do wrong, or differently: each on command.

    definition.py  Fault: a name, what it does, its effect    spec.py        faults as text
    plan.py        which request meets which                  catalogue.py   FAULTS, all of them
    answers.py     the right answer, in parts

    cuts.py        connections that break off or stall        endless.py     what never ends
    bodies.py      bodies that cannot be read                 refusals.py    statuses, error bodies
    streams.py     streams that end otherwise                 chat.py        as chat completions
    oddities.py    as other servers give right answers        framing.py     over unusual HTTP

Knows HTTP and the shapes of answers; nothing of who asks or what for.
"""

from __future__ import annotations

from agentkit.testing.faults.catalogue import FAULTS
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.faults.spec import fault

__all__ = ["FAULTS", "Asked", "Effect", "Fault", "fault"]
