"""What this process has learnt of the servers that it talks to.

Nothing of a run: a process that knows none of it makes the same requests, some of them twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint


@dataclass
class Known:
    """What is known of one model at one server."""

    dialect: Dialect
    """How it is spoken to: as its provider is, and without what it has refused."""
    refused: frozenset[bytes] = frozenset()
    """Reasoning that it would not take back, as it was sent."""


_KNOWN: dict[tuple[str, str, Dialect], Known] = {}


def known_of(endpoint: Endpoint, model: str) -> Known:
    """What is known of a model, the same for all who ask it from this process."""
    key = (endpoint.shown, model, endpoint.dialect)
    return _KNOWN.setdefault(key, Known(endpoint.dialect))


def forget_servers() -> None:
    """Know nothing more of any server."""
    _KNOWN.clear()
