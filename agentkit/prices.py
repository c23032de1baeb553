"""What tokens cost: the server's own word, the caller's prices, else the list of genai-prices.

The list is data that comes with the library; nothing is ever fetched. A price that is not known
is None, never 0: that of a model of one's own, at a gateway, on this machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib import import_module
from math import isfinite
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from agentkit.errors import ConfigurationError
from agentkit.responses.response import Request, Response, Usage
from agentkit.secrets import Secrets, told_of

Prices = Callable[[str, Usage], float | None]
"""US dollars for the tokens of one answer of a model, None where it does not know them."""

logger = logging.getLogger("agentkit")

_LOCAL = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - only compared
# Calls that this side runs, or that cost no more than their tokens; of others only a server knows.
_TOKENS_ALONE = frozenset(
    {
        "apply_patch_call",
        "computer_call",
        "custom_tool_call",
        "function_call",
        "local_shell_call",
        "mcp_call",
    }
)
_STANDARD_TIERS = frozenset({"", "auto", "default", "on_demand", "standard"})
# Prices that depend on the time of day may change while an answer is on its way.
_ON_ITS_WAY = timedelta(hours=1)


@dataclass(frozen=True)
class Pricing:
    """The prices that one request is under."""

    server: str
    """The base URL, empty for a model that has none."""
    model: str
    """Its name in the request, empty where it has none."""
    tier: str = ""
    """The `service_tier` that the request asks for."""
    own: Prices | None = None
    """The caller's prices; what they do not know, the list is asked for."""
    secrets: Secrets | None = None
    """What is hidden in the program's log; None where nothing is."""

    def of(self, response: Response) -> float | None:
        """US dollars of an answer, None where they are not known. Never raises."""
        try:
            return self._of(response)
        except Exception as error:  # noqa: BLE001 - the caller's own code, and the answer has come
            told = told_of(error, self.secrets)
            logger.error("The price of an answer of %r is not known\n%s", self.model, told)
            return None

    def at_most(self, input_tokens: int, output_tokens: int) -> float | None:
        """US dollars that so many tokens cost at the most, None where that is not known."""
        total = input_tokens + output_tokens
        own = self._own(self.model, Usage(input_tokens, 0, output_tokens, 0, total))
        if own is not None:
            return own
        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        return highest_listed_price(self.server, self.model, tokens, self.tier)

    def _of(self, response: Response) -> float | None:
        if response.cost is not None:
            return response.cost
        wire = response.wire.get("usage")
        if not isinstance(wire, dict) or not response.usage.total_tokens:
            return None
        answered = response.model if isinstance(response.model, str) else ""
        own = self._own(self.model or answered, response.usage)
        if own is not None or _costs_more_than_tokens(response):
            return own
        tokens, tier = _tokens(wire, response.usage), response.wire.get("service_tier") or self.tier
        found = (
            listed_price(self.server, name, tokens, str(tier)) for name in (answered, self.model)
        )
        return next((price for price in found if price is not None), None)

    def _own(self, model: str, usage: Usage) -> float | None:
        price = self.own(model, usage) if self.own else None
        if price is None or is_dollars(price):
            return price
        told = repr(price) if self.secrets is None else self.secrets.hide(repr(price))
        raise ConfigurationError(f"prices: expected US dollars or None, got {told:.80}.")


def pricing_of(
    request: Request, server: str, own: Prices | None = None, secrets: Secrets | None = None
) -> Pricing:
    """The prices that a request to this server is under."""
    model, tier = request.value_of("model"), request.value_of("service_tier")
    return Pricing(server, str(model or ""), str(tier or ""), own, secrets)


def listed_price(
    server: str,
    model: str | None,
    tokens: Mapping[str, int],
    tier: str = "",
    at: datetime | None = None,
) -> float | None:
    """US dollars by the list of genai-prices, None where it has none or is not installed.

    `tokens` are counted under its names; `at` is when, now if None.
    """
    found = _found(server, model, tokens, tier, at)
    return None if found is None else float(found.total_price)


def highest_listed_price(
    server: str, model: str, tokens: Mapping[str, int], tier: str = ""
) -> float | None:
    """`listed_price` of the tokens at the most, if the server keeps them all in its cache too.

    A price that depends on the time may change while the answer is on its way.
    """
    now = datetime.now(UTC)
    found = _found(server, model, tokens, tier, now)
    if found is None:
        return None
    cached = {**tokens, "cache_write_tokens": tokens["input_tokens"]}
    ways = [tokens, *([cached] if found.model_price.cache_write_mtok is not None else [])]
    times = [now, *([now + _ON_ITS_WAY] if isinstance(found.model.prices, list) else [])]
    prices = [listed_price(server, model, way, tier, at) for way in ways for at in times]
    return max(price for price in prices if price is not None)


def has_list() -> bool:
    """Whether genai-prices is installed."""
    return _library() is not None


def is_dollars(value: Any) -> TypeGuard[float]:
    """Whether it is a sum of money: a number that is finite and not below 0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and value >= 0


@cache
def _library() -> Any:
    try:
        return import_module("genai_prices")
    except ImportError:
        return None


@lru_cache(maxsize=512)
def _is_listed(server: str, model: str) -> bool:
    # a model on this machine does not load the library, which takes a moment
    if (urlsplit(server).hostname or "") in _LOCAL or not has_list():
        return False
    library = _library()
    try:
        library.calc_price(library.Usage(), model, provider_api_url=server)
    except (LookupError, ValueError):
        return False
    return True


def _found(
    server: str,
    model: str | None,
    tokens: Mapping[str, int],
    tier: str,
    at: datetime | None,
) -> Any:
    """What the list says, None where that is nothing or not all."""
    if not model or not _is_listed(server, model):
        return None
    library, is_standard = _library(), tier in _STANDARD_TIERS
    try:
        found = library.calc_price(
            library.Usage(**tokens),
            model,
            provider_api_url=server,
            genai_request_timestamp=at,
            price_context=None if is_standard else {"service_tier": tier},
        )
    except (LookupError, ValueError):  # gone from the list, or tokens that do not add up
        return None
    is_whole = (is_standard or _has_tier(found, tier)) and _prices_all(found.model_price, tokens)
    return found if is_whole else None


def _has_tier(found: Any, tier: str) -> bool:
    """Whether the price is the tier's, and not the standard one for want of it."""
    variants = found.model.price_variants or ()
    is_own = any(found.model is model for model in found.provider.models)
    return is_own and any(variant.when == {"service_tier": tier} for variant in variants)


def _prices_all(prices: Any, tokens: Mapping[str, int]) -> bool:
    """Whether there is a price for what was used; the library counts what has none as free."""
    units = {"input_tokens": prices.input_mtok, "output_tokens": prices.output_mtok}
    return all(price is not None for name, price in units.items() if tokens.get(name))


def _tokens(wire: Mapping[str, Any], usage: Usage) -> dict[str, int]:
    """The tokens of an answer under the names of the list."""
    details = wire.get("input_tokens_details")
    written = details.get("cache_write_tokens") if isinstance(details, dict) else None
    return {
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": written if isinstance(written, int) else 0,
        "output_tokens": usage.output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }


def _costs_more_than_tokens(response: Response) -> bool:
    """Whether the server ran a tool that it may charge for."""
    kinds = {item.type for item in response.output if item.type.endswith("_call")}
    return not kinds <= _TOKENS_ALONE
