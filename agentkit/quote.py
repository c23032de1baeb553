"""The most that a request can cost, and what of it a sum affords.

A token is at least one byte, so a request has no more input tokens than bytes; where the run's
last answer says how many tokens its request had, only what is new counts with its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from agentkit.encoding import encode
from agentkit.log import Log
from agentkit.prices import Pricing
from agentkit.records import Answer
from agentkit.responses.items import Item
from agentkit.responses.response import Request, Usage

CEILING = 16_384
"""Output tokens that a request may ask for where its settings do not say."""
LEAST = 256
"""Output tokens under which no request goes out."""
FAIR = 4_096
"""Output tokens of a request where money is short and others want some of it too."""
ANSWER = 1_024
"""Output tokens that are kept free for a run's last answer."""
AROUND = 1_000
"""Input tokens for what a server adds of its own: roles, a word on tools."""
ATTACHED = 50_000
"""Input tokens for an image, and for a file beside its bytes: what they come to nobody says."""

_IMAGES = frozenset({"input_image", "computer_screenshot"})
_ATTACHMENTS = _IMAGES | {"input_file", "item_reference"}
# Tools that this side runs. What others read and how often is up to the server.
_RUN_HERE = frozenset(
    {"apply_patch", "computer", "computer_use_preview", "custom", "function", "local_shell"}
)


@dataclass(frozen=True)
class Offer:
    """What of a request some money affords."""

    output_tokens: int
    is_last: bool
    """Whether there would be no room for an answer behind it, so that it has to be the last."""


@dataclass(frozen=True)
class Quote:
    """What a request can cost at the most, by how long its answer may become."""

    pricing: Pricing
    input_tokens: int
    """At the most."""
    most: int
    """Output tokens that it would have."""
    may_go_on: bool = False
    """Whether another request may follow its answer."""
    turn: Usage = field(default_factory=Usage)
    """What the turn before took, zeros where there was none."""
    turn_cost: float = 0.0
    """US dollars of the turn before, 0 where they are not known."""
    growth: int = 0
    """Input tokens that came with the turn before, at the most."""

    @cached_property
    def is_known(self) -> bool:
        """Whether the price is."""
        return self.pricing.at_most(self.input_tokens, self.most) is not None

    @cached_property
    def whole(self) -> float:
        """Dollars for the longest answer, and for the run's last one behind it."""
        return max(self.dollars(self.most), self._turn) + self.landing

    @cached_property
    def landing(self) -> float:
        """Dollars for the run's last answer behind this one; 0 where this is the last."""
        if not self.may_go_on:
            return 0.0
        read = self.input_tokens + self.growth + self.turn.output_tokens
        return self.pricing.at_most(read, min(ANSWER, self.most)) or self.turn_cost

    def dollars(self, output_tokens: int) -> float:
        """Dollars for an answer of that length at the most; 0 where the price is not known."""
        return self.pricing.at_most(self.input_tokens, output_tokens) or 0.0

    def offer(self, dollars: float) -> Offer | None:
        """What of it these dollars afford, None if nothing.

        It is the last where another turn like the one before and an answer would not fit.
        """
        if dollars <= 0 or dollars < self._least:
            return None
        room = dollars - self.landing
        if not self.may_go_on or room < self._turn:
            return Offer(self._longest(dollars), is_last=self.may_go_on)
        return Offer(self._longest(room), is_last=False)

    def fair(self, offer: Offer) -> Offer:
        """The offer as far as it leaves something to others, and still is worth its money."""
        usual = ANSWER if offer.is_last else FAIR
        return replace(offer, output_tokens=min(self.most, max(usual, 2 * self.turn.output_tokens)))

    def bounded(self, request: Request, offer: Offer) -> Request:
        """The request with an answer no longer than was offered."""
        tokens = offer.output_tokens
        if not self.is_known or request.value_of("max_output_tokens") == tokens:
            return request
        return replace(request, extra={**request.extra, "max_output_tokens": tokens})

    @cached_property
    def _least(self) -> float:
        """Dollars under which it does not go out at all."""
        return self.dollars(min(LEAST, self.most))

    @cached_property
    def _turn(self) -> float:
        """Dollars for a turn like the one before, with room to say twice as much."""
        output = min(self.most, max(LEAST, 2 * self.turn.output_tokens))
        return max(self.dollars(output), self.turn_cost)

    def _longest(self, dollars: float) -> int:
        """The output tokens that the dollars pay for, at least `LEAST`."""
        least, most = min(LEAST, self.most), self.most
        floor, top = self.dollars(0), self.dollars(most)
        if top <= dollars:
            return most
        tokens = int(most * (dollars - floor) / (top - floor))
        while tokens > least and self.dollars(tokens) > dollars:  # prices that are no line
            tokens //= 2
        return max(least, tokens)


@dataclass(frozen=True)
class Turn:
    """A request that was answered, and what that took."""

    request: Request
    usage: Usage
    cost: float | None


def quote_for(
    request: Request,
    log: Log,
    pricing: Pricing,
    *,
    last: Turn | None = None,
    may_go_on: bool = False,
) -> Quote:
    """What a request behind the log can cost; `last` is the one that the run sent before."""
    asked = request.value_of("max_output_tokens")
    return Quote(
        pricing,
        _input_tokens(request, log, last),
        asked if isinstance(asked, int) else CEILING,
        may_go_on,
        last.usage if last else Usage(),
        (last.cost or 0.0) if last else 0.0,
        _new(request, last) if last else 0,
    )


def _input_tokens(request: Request, log: Log, last: Turn | None) -> int:
    """The tokens that a request's input has at the most."""
    around = len(request.fields.encoded) + len(encode(dict(request.extra))) + AROUND
    around += ATTACHED if request.value_of("prompt") else 0
    whole = weight(request.input) + around
    if request.value_of("previous_response_id"):
        return (_remembered(log) or weight(log.items[: log.known_items])) + whole
    if request.value_of("conversation"):
        return (_remembered(log) or ATTACHED) + whole
    if last is None or not last.usage.input_tokens or last.request.fields is not request.fields:
        return whole
    return min(whole, last.usage.input_tokens + _new(request, last) + AROUND)


def _new(request: Request, last: Turn) -> int:
    """The tokens of what the request before did not have, at the most."""
    known = {id(item) for item in last.request.input}
    return weight(item for item in request.input if id(item) not in known)


def _remembered(log: Log) -> int:
    """The tokens that a server which keeps the conversation has counted in it."""
    answers = (each for each in reversed(log.records) if isinstance(each, Answer))
    usage = next((each.response.usage for each in answers if each.response.is_complete), Usage())
    return usage.input_tokens + usage.output_tokens


def weight(items: Iterable[Item]) -> int:
    """The tokens that items come to at the most: their bytes, and a sum for each attachment."""
    return sum(len(item.encoded) + _attached(item) for item in items)


def hosted_tools(request: Request) -> list[str]:
    """The kinds of its tools that the server runs, which no bound is known for."""
    tools = request.value_of("tools") or ()
    return [str(tool.get("type")) for tool in tools if tool.get("type") not in _RUN_HERE]


def _attached(item: Item) -> int:
    if not any(kind.encode() in item.encoded for kind in _ATTACHMENTS):
        return 0
    return sum(ATTACHED - _image_bytes(part) for part in _attachments(item.wire))


def _attachments(value: Any) -> Iterable[dict[str, Any]]:
    """Every object of the value that stands for an image or a file."""
    if isinstance(value, dict):
        if value.get("type") in _ATTACHMENTS:
            yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from _attachments(each)


def _image_bytes(part: dict[str, Any]) -> int:
    """The bytes of an image in the part; servers scale it, so it is no larger for them."""
    url = part.get("image_url")
    is_inside = part["type"] in _IMAGES and isinstance(url, str) and url.startswith("data:")
    return len(url) if is_inside and url else 0
