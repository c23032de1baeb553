"""How a run ends that meets a fault again and again: said by hand, held by the tests, shown in docs.

A request that is sent more than once is one that is answered in the end, where the fault passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Ending:
    """What becomes of a run whose second answer does not come as it should."""

    status: str
    """The result's."""
    error: str | None = None
    """The class of what it raises, or of the result's error."""
    http: int | None = None
    """The HTTP status that the error knows of."""
    sent: int = 1
    """How often the request is sent, where the fault does not pass."""
    says: str = ""
    """What the text of the error has in it."""
    is_raised: bool = True
    """Whether the error is raised, and not the result's."""

    def __str__(self) -> str:
        if self.error is None:
            return self.status
        line = f"`{self.error}`" + (f" {self.http}" if self.http else "")
        line = line if self.is_raised else f"failed, {line}"
        return f"{line}, sent {self.sent} times" if self.sent > 1 else line


def failed(error: str, http: int | None = None, *, sent: int = 1, says: str = "") -> Ending:
    return Ending("failed", error, http, sent, says)


def told(error: str, says: str = "") -> Ending:
    """The server itself says that its answer failed, so nothing is raised."""
    return Ending("failed", error, says=says, is_raised=False)


def again(ending: Ending) -> Ending:
    """The same where the request is sent until the attempts are used up."""
    return replace(ending, sent=3)


OK = Ending("completed")
CUT_OFF = Ending("incomplete")
BROKEN = again(failed("TransportError", says="broke"))
BROKEN_BODY = again(failed("TransportError", 200, says="broke"))
SILENT = again(failed("ModelTimeoutError", says="Timeouts.first_byte"))
SILENT_BODY = again(failed("ModelTimeoutError", 200, says="Timeouts.idle"))
CUT_STREAM = again(failed("StreamTruncatedError", 200, says="not complete"))
CUT_LATE = failed("StreamTruncatedError", 200, says="not complete")
SILENT_LATE = failed("ModelTimeoutError", 200, says="Timeouts.idle")
ENDLESS = again(failed("ModelTimeoutError", 200, says="Timeouts.answer"))
ENDLESS_LATE = failed("ModelTimeoutError", 200, says="Timeouts.answer")
UNREADABLE = failed("ProtocolError", 200, says="It begins: ")
NOT_JSON = failed("ProtocolError", 200, says="is not JSON. It begins: ")
SORRY = again(failed("ServerError", 200, says="The server had an error"))
SORRY_LATE = failed("ServerError", 200, says="The server had an error")
FAILED_LATE = told("ServerError", "The server had an error")
FAILED = again(FAILED_LATE)

Pair = tuple[Ending, Ending]
"""For whoever wants JSON, and for whoever wants a stream."""

CUTS: dict[str, Pair] = {
    "refused": (again(failed("TransportError", says="Cannot reach")),) * 2,
    "reset-before-headers": (BROKEN, BROKEN),
    "close-before-headers": (BROKEN, BROKEN),
    "stall-before-headers": (SILENT, SILENT),
    "reset-in-headers": (BROKEN, BROKEN),
    "close-in-headers": (BROKEN, BROKEN),
    "stall-in-headers": (SILENT, SILENT),
    "reset-in-body": (BROKEN_BODY, CUT_STREAM),
    "close-in-body": (BROKEN_BODY, CUT_STREAM),
    "stall-in-body": (SILENT_BODY, SILENT_BODY),
    "reset-in-chunk": (BROKEN_BODY, CUT_STREAM),
    "close-in-chunk": (BROKEN_BODY, CUT_STREAM),
    "stall-in-chunk": (SILENT_BODY, SILENT_BODY),
    "reset-mid-stream": (BROKEN_BODY, CUT_LATE),
    "close-mid-stream": (BROKEN_BODY, CUT_LATE),
    "stall-mid-stream": (SILENT_BODY, SILENT_LATE),
    "reset-after-events": (BROKEN_BODY, CUT_LATE),
    "close-after-events": (BROKEN_BODY, CUT_LATE),
    "stall-after-events": (SILENT_BODY, SILENT_LATE),
    "reset-after-events=1": (BROKEN_BODY, CUT_STREAM),
    "close-after-events=2": (BROKEN_BODY, CUT_STREAM),
    "stall-after-events=0": (SILENT_BODY, SILENT_BODY),
}

LASTING: dict[str, Pair] = {
    "slow-bytes": (OK, OK),
    "endless-headers": (BROKEN, BROKEN),
    "endless-body": (
        failed("ProtocolError", 200, says="67,108,864 bytes"),
        failed("ProtocolError", 200, says="67,108,864 bytes"),
    ),
    "endless-answer": (ENDLESS, ENDLESS_LATE),
    "endless-keepalives": (ENDLESS, ENDLESS),
    "endless-keepalive-events": (ENDLESS, ENDLESS),
}

BODIES: dict[str, Pair] = {
    "garbage": (BROKEN, BROKEN),
    "bad-length": (BROKEN, BROKEN),
    "bad-chunk": (BROKEN_BODY, CUT_STREAM),
    "empty-body": (failed("ProtocolError", 200, says="an empty body"), CUT_STREAM),
    "truncated-json": (NOT_JSON, NOT_JSON),
    "invalid-json": (NOT_JSON, NOT_JSON),
    "invalid-utf8": (NOT_JSON, NOT_JSON),
    "html-page": (failed("ProtocolError", 200, says="titled 'Sign in to the network'"),) * 2,
    "error-200": (SORRY, SORRY),
    "redirect": (failed("ProtocolError", 308, says="https://example.com/v2/responses"),) * 2,
    "no-output": (UNREADABLE, UNREADABLE),
    "wrong-content-type": (OK, OK),
    "wrong-charset": (OK, OK),
    "gzip": (OK, OK),
    "broken-gzip": (BROKEN_BODY, CUT_STREAM),
    "half-gzip": (BROKEN_BODY, CUT_STREAM),
}

BUSY = again(failed("ServerError"))
NO = failed("BadRequestError")
STATUSES: dict[int, Ending] = {
    400: NO,
    401: failed("AuthenticationError"),
    402: failed("QuotaError"),
    403: failed("AuthenticationError"),
    404: NO,
    408: again(failed("ModelTimeoutError")),
    409: BUSY,
    413: NO,
    422: NO,
    429: again(failed("RateLimitError")),
    500: BUSY,
    502: BUSY,
    503: BUSY,
    504: BUSY,
    529: BUSY,
}
"""Whatever the shape of the body."""

LIMITED = again(failed("RateLimitError", 429))
TOO_LONG = failed("RateLimitError", 429)

REFUSALS: dict[str, Pair] = {
    **{f"status-{status}": (replace(each, http=status),) * 2 for status, each in STATUSES.items()},
    "status=418": (failed("BadRequestError", 418),) * 2,
    "status=204": (failed("ProtocolError", 204, says="an empty body"),) * 2,
    "status=520": (again(failed("ServerError", 520)),) * 2,
    "status-429,code=insufficient_quota": (failed("QuotaError", 429),) * 2,
    "status-400,code=context_length_exceeded": (failed("ContextLengthError", 400),) * 2,
    "status-400,code=invalid_api_key": (failed("AuthenticationError", 400),) * 2,
    "status-429,retry-after=2": (LIMITED, LIMITED),
    "status-429,retry-after-ms=250": (LIMITED, LIMITED),
    "status-429,retry-after=date+30": (LIMITED, LIMITED),
    "status-429,retry-after=date-30": (LIMITED, LIMITED),
    "status-429,retry-after=-5": (LIMITED, LIMITED),
    "status-429,retry-after=0": (LIMITED, LIMITED),
    "status-429,retry-after=soon": (LIMITED, LIMITED),
    "status-429,retry-after=nan": (LIMITED, LIMITED),
    "status-429,retry-after=86400": (TOO_LONG, TOO_LONG),
    "status-429,retry-after=inf": (TOO_LONG, TOO_LONG),
    "status-429,retry-after=date+999999": (TOO_LONG, TOO_LONG),
    "status-503,should-retry=false": (failed("ServerError", 503),) * 2,
    "status-400,should-retry=true": (again(failed("BadRequestError", 400)),) * 2,
}

STREAMS: dict[str, Pair] = {
    "error-event": (SORRY, SORRY),
    "error-event=flat": (SORRY, SORRY),
    "error-event=bare": (SORRY, SORRY),
    "error-event,code=insufficient_quota": (
        failed("QuotaError", 200, says="The server had an error"),
        failed("QuotaError", 200, says="The server had an error"),
    ),
    "error-mid-stream": (SORRY, SORRY_LATE),
    "error-mid-stream=flat": (SORRY, SORRY_LATE),
    "error-mid-stream=bare": (SORRY, SORRY_LATE),
    "response-failed": (FAILED, FAILED),
    "response-failed=rate_limit_exceeded": (again(told("RateLimitError")),) * 2,
    "response-failed=invalid_prompt": (FAILED_LATE, FAILED_LATE),
    "failed-mid-stream": (FAILED, FAILED_LATE),
    "error-and-answer": (FAILED_LATE, FAILED_LATE),
    "unfinished": (CUT_OFF, CUT_OFF),
    "unfinished=queued": (CUT_OFF, CUT_OFF),
    "unfinished=cancelled": (told("ServerError", "no reason given"),) * 2,
    "unfinished=expired": (told("ServerError", "the status 'expired'"),) * 2,
    "incomplete": (CUT_OFF, CUT_OFF),
    "incomplete=content_filter": (CUT_OFF, CUT_OFF),
    "incomplete=something_new": (CUT_OFF, CUT_OFF),
    "no-terminal-event": (OK, CUT_LATE),
    "done-instead": (OK, CUT_LATE),
    "done-alone": (OK, CUT_STREAM),
    "bare-end-of-pieces": (OK, failed("StreamTruncatedError", says="come whole")),
    "chat-cut": (OK, CUT_LATE),
}

ODDITIES: dict[str, Pair] = dict.fromkeys(
    (
        "none",
        "chat-shape",
        "unasked-stream",
        "unasked-json",
        "no-event-names",
        "crlf",
        "cr",
        "data-lines",
        "keepalives",
        "odd-payloads",
        "done-at-end",
        "one-piece",
        "out-of-order",
        "done-late",
        "done-only",
        "never-done",
        "added-whole",
        "terminal-only",
        "doubled-items",
        "bare-end",
        "rotating-ids",
        "no-ids",
        "no-indexes",
        "shared-indexes",
        "shifting-indexes",
        "negative-indexes",
        "no-numbers",
        "empty-output",
        "null-output",
        "unknown-events",
        "unknown-items",
        "nulls",
        "tiny-chunks",
        "until-close",
        "early-hints",
        "odd-headers",
        "late-timeout",
        "silent-close",
    ),
    (OK, OK),
)

GAVE_UP = told("ServerError", "ended its answer with 'error'")
_OF_RESPONSES = {
    "unfinished",
    "unfinished=queued",
    "unfinished=cancelled",
    "unfinished=expired",
    "bare-end-of-pieces",
    "incomplete=something_new",
}
CHAT: dict[str, Pair] = {
    **CUTS,
    **LASTING,
    **BODIES,
    **{name: pair for name, pair in STREAMS.items() if name not in _OF_RESPONSES},
    **{name: pair for name, pair in ODDITIES.items() if "shape" not in name},
    **dict.fromkeys(
        (
            "response-failed",
            "response-failed=rate_limit_exceeded",
            "response-failed=invalid_prompt",
        ),
        (again(GAVE_UP), GAVE_UP),
    ),
    "failed-mid-stream": (again(GAVE_UP), GAVE_UP),
    "error-and-answer": (SORRY, FAILED_LATE),
    "reset-after-events=1": (BROKEN_BODY, CUT_LATE),
    "close-after-events=2": (BROKEN_BODY, CUT_LATE),
}
"""The endings where the server is asked for chat completions: those of responses, but for a few."""

EXPECTED: dict[str, Pair] = {**CUTS, **LASTING, **BODIES, **REFUSALS, **STREAMS, **ODDITIES}
"""The endings by the fault, as it is written."""
