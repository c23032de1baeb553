"""What this process has learnt of the servers that it talks to.

Nothing of a run: a process that knows none of it makes the same requests, some of them twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from weakref import WeakValueDictionary

from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.limiter import Limiter


@dataclass
class Known:
    """What is known of one model at one server."""

    dialect: Dialect
    """How it is spoken to: as its provider is, and without what it has refused."""
    refused: frozenset[bytes] = frozenset()
    """Reasoning that it would not take back, as it was sent."""


_KNOWN: dict[tuple[str, str, Dialect], Known] = {}
_LIMITERS: WeakValueDictionary[tuple[str, str, bytes], Limiter] = WeakValueDictionary()


def known_of(endpoint: Endpoint, model: str) -> Known:
    """What is known of a model, the same for all who ask it from this process."""
    key = (endpoint.shown, model, endpoint.dialect)
    return _KNOWN.setdefault(key, Known(endpoint.dialect))


def limiter_of(endpoint: Endpoint, model: str) -> Limiter:
    """The limiter of a model at a server, the same for all who ask with the same key."""
    key = sha256(repr(sorted(endpoint.headers.items())).encode()).digest()
    return _LIMITERS.setdefault((endpoint.base_url, model, key), Limiter())


def forget_servers() -> None:
    """Know nothing more of any server."""
    _KNOWN.clear()
    _LIMITERS.clear()
