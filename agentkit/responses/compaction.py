"""`POST {base_url}/responses/compact`: something shorter that stands for a conversation.

Source: the compaction guide of the Responses API, and recorded answers. Only few servers have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeGuard

from agentkit.encoding import encode
from agentkit.errors import ModelError
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.items import COMPACTION
from agentkit.responses.response import Request, Response

_TAKEN = ("model", "instructions", "prompt_cache_key", "prompt_cache_options", "service_tier")

NOT_THERE = frozenset({404, 405, 501})
"""What a server says that does not have the endpoint."""


@dataclass(frozen=True)
class CompactRequest(Request):
    """One `POST /responses/compact`: of the fields of a request, those that it takes."""

    def body(self) -> bytes:
        """The whole body as JSON bytes."""
        given = {**self.fields.values, **self.extra}
        fields = encode({key: given[key] for key in _TAKEN if given.get(key) is not None})
        items = b",".join([item.encoded for item in self.input])
        head = fields[:-1] + b"," if len(fields) > 2 else b"{"
        return b'%b"input":[%b]}' % (head, items)


@dataclass(frozen=True, repr=False)
class CompactEndpoint(Endpoint):
    """Where a server compacts conversations."""

    @property
    def url(self) -> str:
        """The URL of `POST /responses/compact`."""
        path, question, query = super().url.partition("?")
        return f"{path}/compact{question}{query}"


class Compacts(Protocol):
    """A model whose server can compact conversations."""

    async def compact(self, request: CompactRequest) -> Response:
        """What stands for the input from here on, as `output`. Raises ModelError."""
        ...


def can_compact(model: object) -> TypeGuard[Compacts]:
    """Whether a model compacts conversations, and its server has not turned out not to."""
    return hasattr(model, "compact") and bool(getattr(model, "can_compact", True))


def has_no_endpoint(error: ModelError) -> bool:
    """Whether a server says that it does not compact conversations."""
    return error.status in NOT_THERE


def is_compaction(response: Response) -> bool:
    """Whether a response is something that may stand for a conversation: gateways give others."""
    is_one = response.wire.get("object") == "response.compaction"
    return is_one or any(item.type == COMPACTION for item in response.output)
