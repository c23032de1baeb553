"""Answers that are kept in a store, to be given again to an equal request.

Knows requests, responses and the effects of tools, and nothing of how a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from agentkit.ages import ANY_AGE
from agentkit.encoding import Wire, encode
from agentkit.errors import ConfigurationError
from agentkit.records import Setup
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.response import Model, Request, Response, read_response
from agentkit.secrets import Secrets
from agentkit.stores.protocol import Caches, Logs, cache_of
from agentkit.tools import Tool

FORM = 1
"""Which way of keeping answers this is; those that were kept in another are not read."""

_SAYS_WHO_ASKS = frozenset(
    {"metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "user"}
)
"""Fields of a request that no answer depends on."""

_AT_THE_SERVER = ("background", "conversation", "previous_response_id")
"""Fields with which an answer depends on what the server keeps, or is not there yet."""

_WITHOUT_EFFECT = frozenset(
    {
        "custom_tool_call",
        "file_search_call",
        "function_call",
        "message",
        "reasoning",
        "web_search_call",
    }
)
"""Items of an answer that did nothing where they were made."""


@dataclass(frozen=True)
class AnswerCache:
    """What a store keeps of models' answers, as far as it is not too old."""

    store: Caches
    within: timedelta | None
    """How old an answer may be; None for any age."""

    async def answer(self, key: str) -> Response | None:
        """The answer that is kept under a key; None, too, for one that cannot be read.

        It took nothing, so it has no usage, and no id that a server would know it by.
        """
        return _read(await self.store.cached(key, within=self.within))

    def fresher(self, within: timedelta) -> AnswerCache:
        """The same, but it gives nothing that is older than this."""
        return replace(self, within=within if self.within is None else min(self.within, within))

    async def keep(self, key: str, response: Response, setup: Setup) -> None:
        """Keep an answer under a key, in which secrets have been hidden."""
        output = [item.wire for item in response.output]
        kept = {"status": "completed", "model": response.model, "output": output}
        model = response.model or setup.model[1]
        await self.store.cache(key, {"form": FORM, "response": kept}, model=str(model))


def cache_in(store: Logs | None, within: timedelta | None) -> AnswerCache | None:
    """The cache in a run's store; None where none is asked for.

    Raises ConfigurationError for a run without a store, and for a store that has none.
    """
    if within is None:
        return None
    if store is None:
        raise ConfigurationError(
            "cache: there is no store to keep answers in. Give one: store='runs.db', or leave "
            "cache= out."
        )
    caches = cache_of(store)
    if caches is None:
        raise ConfigurationError(
            f"cache: {type(store).__name__} keeps no answers. See `Caches` in "
            "agentkit.stores.protocol for what it lacks, or leave cache= out."
        )
    return AnswerCache(caches, None if within == ANY_AGE else within)


def key_of(
    request: Request, setup: Setup, model: Model, secrets: Secrets | None = None
) -> str | None:
    """What an answer to such a request is kept under: a digest of all that it depends on.

    Of secrets it says that they are there, not which they are. None where an answer is to be had
    by asking alone: the server keeps a part of what is asked, or the model has no name.
    """
    if not request.value_of("model") or any(map(request.value_of, _AT_THE_SERVER)):
        return None
    if any(item.type == "item_reference" for item in request.input):
        return None
    endpoint = getattr(model, "endpoint", None)
    route = endpoint.route if isinstance(endpoint, Endpoint) else []
    head = [FORM, setup.server, setup.wire, sorted(_asked(request).items()), *route]
    asked = b"\n".join([encode(head), *(item.encoded for item in request.input)])
    if secrets is not None and secrets.is_in(asked):
        asked = encode(secrets.hide_json([head, [item.wire for item in request.input]]))
    return sha256(asked).hexdigest()


def must_not_run_twice(names: Iterable[str], tools: Mapping[str, Tool]) -> bool:
    """Whether any tool of these names is one that nobody knows, or whose effect is `once`."""
    called = [tools.get(name) for name in names]
    return any(tool is None or tool.effect == "once" for tool in called)


def may_be_given_again(response: Response, tools: Mapping[str, Tool]) -> bool:
    """Whether an answer is whole, says something, and calls nothing that must not run twice."""
    if not response.is_complete or response.refusal:
        return False
    if not response.text and not response.calls:
        return False
    if not all(item.type in _WITHOUT_EFFECT for item in response.output):
        return False
    return not must_not_run_twice((call.name for call in response.calls), tools)


def _asked(request: Request) -> dict[str, Any]:
    """The fields that an answer depends on, but for the input."""
    fields = {**request.fields.values, **request.extra}
    return {
        name: value
        for name, value in fields.items()
        if value is not None and name not in _SAYS_WHO_ASKS
    }


def _read(value: Wire | None) -> Response | None:
    response = value.get("response") if value and value.get("form") == FORM else None
    if not isinstance(response, dict) or not isinstance(response.get("output"), list):
        return None
    return read_response({key: response.get(key) for key in ("status", "model", "output")})
