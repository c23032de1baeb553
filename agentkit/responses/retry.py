"""What to send again, and how long to wait before.

A value, so that a caller can change it, and no clock: sleeping is the client's part. Nothing is
sent again once an event has reached the caller.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentkit.errors import (
    ConfigurationError,
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    TransportError,
)

TRANSIENT = (
    RateLimitError,
    ServerError,
    ModelTimeoutError,
    TransportError,
    StreamTruncatedError,
)
OF_THE_SERVER = (*TRANSIENT, ProtocolError)
"""Errors that another server may not make."""
TRANSIENT_CODES = frozenset({"server_error", "rate_limit_exceeded"})
"""Error codes of a `failed` response that may not fail again."""
_OF_THE_REQUEST = re.compile(
    r"^(invalid|image|unsupported|empty|failed_to_download|data_residency|bio_policy|content"
    r"|insufficient_quota|context_length|string_above|model_not)"
)


@dataclass(frozen=True)
class Retries:
    """How often and when a request is sent again.

    The waits double from half a second to eight; a server's own `retry-after` goes first. One
    that asks for more than `longest_wait` is told to the caller at once.
    """

    attempts: int = 3
    """How often a request is sent at most, the first time included."""
    first_wait: float = 0.5
    """Seconds."""
    longest_backoff: float = 8.0
    """Seconds."""
    longest_wait: float = 120.0
    """Seconds."""
    jitter: Callable[[], float] = random.random
    """A number from 0 to 1 that takes up to a quarter off a wait, so that clients spread out."""

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int) or self.attempts < 1:
            raise ConfigurationError(
                f"Retries(attempts={self.attempts!r}): expected a whole number from 1 on."
            )
        for name in ("first_wait", "longest_backoff", "longest_wait"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not value >= 0:
                raise ConfigurationError(
                    f"Retries({name}={value!r}): expected a number of seconds from 0 on."
                )

    def allows(self, error: BaseException) -> bool:
        """Whether the request may be sent again after this error."""
        if not isinstance(error, ModelError):
            return False
        if error.retry_after is not None and error.retry_after > self.longest_wait:
            return False
        if error.should_retry is not None:
            return error.should_retry
        # 501 says that the server cannot, today or tomorrow
        return isinstance(error, TRANSIENT) and error.status != 501

    def wait(self, attempt: int, error: BaseException | None) -> float:
        """Seconds to wait after the attempt of that number, counted from 1."""
        asked = error.retry_after if isinstance(error, ModelError) else None
        if asked is not None and 0 < asked <= self.longest_wait:
            return asked
        backoff = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_backoff)
        return backoff * (1 - 0.25 * self.jitter())


def failed_by_itself(error: Mapping[str, Any] | None) -> bool:
    """Whether a `failed` response is the server's doing, so that another server may answer.

    Source: the codes of a response's error; servers add their own for being overloaded.
    """
    return not _OF_THE_REQUEST.match(str((error or {}).get("code") or ""))
