"""Honest numbers for models that have no tokens: words, counted by the spaces between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agentkit.encoding import Wire, encode
from agentkit.responses.response import Request, Usage


def words(request: Request, output: Iterable[Wire]) -> Usage:
    """The words of the instructions and the input, and those of the output."""
    instructions = request.extra.get("instructions") or request.fields.values.get("instructions")
    read = len(str(instructions or "").split()) + sum(_count(i.encoded) for i in request.input)
    written = sum(_count(encode(item)) for item in output)
    return Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)


def allowed(usage: Usage, request: Request) -> Usage:
    """The usage with no more output tokens than the request allows."""
    most = request.value_of("max_output_tokens")
    if not isinstance(most, int) or usage.output_tokens <= most:
        return usage
    total, reasoning = usage.input_tokens + most, min(usage.reasoning_tokens, most)
    return replace(usage, output_tokens=most, reasoning_tokens=reasoning, total_tokens=total)


def usage_wire(usage: Usage) -> Wire:
    """The usage object of a response."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens or usage.input_tokens + usage.output_tokens,
    }


def _count(encoded: bytes) -> int:
    # encoded items have no white space of their own, so every space is one between words
    return encoded.count(b" ") + 1
