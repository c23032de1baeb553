"""The names of rows' sessions: made of what is asked, and of whom.

The same in every process and every version: what a server taught us about itself is no part of it,
nor are keys. So whoever asks the same of the same finds what is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentkit.encoding import JSON, Wire, decode, encode
from agentkit.responses.items import Item
from agentkit.responses.response import Model
from agentkit.secrets import Secrets

FORM = 1
"""The form of what the names are made of. Another one would have all tables asked anew."""

_LETTERS = 32
_SECRET = frozenset({"authorization", "headers"})


@dataclass(frozen=True)
class Keys:
    """Names the sessions of rows that are asked of one agent."""

    identity: bytes
    """What the agent is, as a fingerprint."""
    secrets: Secrets

    @classmethod
    def of(
        cls, models: Sequence[Model], asked: Mapping[str, Any], rest: Wire, secrets: Secrets
    ) -> Keys:
        """The names for an agent that asks these models with `asked`, a request's fields.

        `rest` is whatever else an answer depends on. What reaches the servers of hosted tools is
        left out, and secrets are hidden.
        """
        hosted = [_without_secrets(tool) for tool in asked.get("tools") or ()]
        said = {**asked, "tools": hosted}.items()
        fields = {key: value for key, value in said if value not in (None, "", [], {})}
        whole = {"form": FORM, "models": list(map(_named, models)), "asked": fields, **rest}
        return cls(hashlib.sha256(_canonical(secrets.hide_json(whole))).digest(), secrets)

    def session_of(self, said: Iterable[Item]) -> str:
        """The name of the session in which this is asked."""
        wires = self.secrets.hide_json([item.wire for item in said])
        return f"map_{hashlib.sha256(self.identity + _canonical(wires)).hexdigest()[:_LETTERS]}"


def _named(model: Model) -> list[str]:
    """The server, without secrets, and the name of the model; of one without a name its class."""
    endpoint, name = getattr(model, "endpoint", None), getattr(model, "name", None)
    return [str(getattr(endpoint, "shown", "")), str(name or type(model).__qualname__)]


def _without_secrets(tool: Wire) -> Wire:
    return {key: value for key, value in tool.items() if key not in _SECRET}


def _canonical(value: JSON) -> bytes:
    """The same bytes for equal values, whatever the order of their keys."""
    plain = decode(encode(value))
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
