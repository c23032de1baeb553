"""What this process has learnt of the servers that it talks to.

Nothing of a run: a process that knows none of it makes the same requests, some of them twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from weakref import WeakValueDictionary

from agentkit.encoding import JSON, Wire
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
    sources: WeakValueDictionary[int, object] = field(default_factory=WeakValueDictionary)
    """Those that were asked what others have learnt of it, by their `id`."""


_KNOWN: dict[tuple[str, str, Dialect], Known] = {}
_LIMITERS: WeakValueDictionary[tuple[str, str, bytes], Limiter] = WeakValueDictionary()

_NAMED = ("lacks", "lacks_tools", "not_strict")
"""Fields of a dialect that grow as a server refuses what they name."""
_ABLE = ("forced_choice", "lists_in_outputs", "state", "text_format", "tool_choice")
"""Fields of a dialect that become false as a server refuses what they are about."""


def known_of(endpoint: Endpoint, model: str) -> Known:
    """What is known of a model, the same for all who ask it from this process."""
    key = (endpoint.shown, model, endpoint.dialect)
    return _KNOWN.setdefault(key, Known(endpoint.dialect))


def limiter_of(endpoint: Endpoint, model: str) -> Limiter:
    """The limiter of a model at a server, the same for all who ask with the same key."""
    key = sha256(repr(sorted(endpoint.headers.items())).encode()).digest()
    return _LIMITERS.setdefault((endpoint.base_url, model, key), Limiter())


def lessons_between(before: Dialect, now: Dialect) -> Wire:
    """What was learnt from one dialect to the other, as JSON; empty where nothing was."""
    named = {key: getattr(now, key) - getattr(before, key) for key in _NAMED}
    named["chat_lacks"] = now.chat.lacks - before.chat.lacks
    unable = {key: False for key in _ABLE if getattr(before, key) and not getattr(now, key)}
    return {**{key: sorted(names) for key, names in named.items() if names}, **unable}


def taught(dialect: Dialect, lessons: Mapping[str, JSON]) -> Dialect:
    """The dialect with what was learnt; of lessons that another version wrote, those it knows."""
    named: dict[str, Any] = {
        key: getattr(dialect, key) | _names(lessons.get(key)) for key in _NAMED
    }
    unable: dict[str, Any] = {key: False for key in _ABLE if lessons.get(key) is False}
    chat = replace(dialect.chat, lacks=dialect.chat.lacks | _names(lessons.get("chat_lacks")))
    return replace(dialect, chat=chat, **named, **unable)


def forget_servers() -> None:
    """Know nothing more of any server."""
    for (_server, _model, dialect), known in list(_KNOWN.items()):
        known.dialect, known.refused = dialect, frozenset()
        known.sources.clear()
    _LIMITERS.clear()


def _names(value: JSON) -> frozenset[str]:
    listed = value if isinstance(value, list) else []
    return frozenset(each for each in listed if isinstance(each, str))
