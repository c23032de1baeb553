"""Every error agentkit raises, for the person who has to act on it.

    AgentkitError
    ├── ConfigurationError          the caller's mistake; names the argument and the remedy
    │   └── ToolDefinitionError     a function that cannot become a tool
    ├── ToolArgumentError           the arguments of a call do not fit; `.problems`
    ├── OutputError                 the final answer does not fit the output type; `.problems`
    ├── StoreError                  a log cannot be kept or read; `.records` is what can be
    ├── Conflict                    another runs the session, or it has gone on meanwhile
    └── ModelError                  the model could not be reached, or said no
        ├── AuthenticationError     401, 403: the key
        ├── BadRequestError         400, 404, 413, 422: the request
        │   └── ContextLengthError  the conversation is longer than the model reads
        ├── QuotaError              402, `insufficient_quota`: waiting does not help
        ├── RateLimitError          429: waiting helps
        ├── ServerError             5xx: the server's own fault
        ├── ModelTimeoutError       no answer in time
        ├── TransportError          no connection, or a broken one
        ├── ProtocolError           an answer that cannot be read
        └── StreamTruncatedError    a stream that ended before its terminal event

What a tool or the model does wrong is no exception: it becomes text that the model reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any


class AgentkitError(Exception):
    """The root of every error agentkit raises."""


class ConfigurationError(AgentkitError, ValueError):
    """An argument, a file or a setting is wrong; the text names it and the remedy."""


class ToolDefinitionError(ConfigurationError):
    """A function cannot become a tool; the text names the parameter and why."""


class _ProblemsError(AgentkitError):
    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: list[str] = list(problems)
        """One line a problem, each with the path of the value it is about."""


class ToolArgumentError(_ProblemsError):
    """The arguments of a call were rejected, so the tool did not run."""


class OutputError(_ProblemsError):
    """The final answer does not validate against the output type."""


class StoreError(AgentkitError):
    """A log could not be kept, or what is kept cannot be read; the text says what to do.

    Where a run ends with it, `.result` is the run so far, whose log has what could not be kept.
    """

    def __init__(self, message: str, records: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.records: list[Any] = list(records)
        """The records that could be read, from the first on."""
        self.result: Any = None


class Conflict(AgentkitError):  # noqa: N818 - what it is, not that it is wrong
    """Another runs this session, or it has gone on since it was loaded.

    Raised before anything runs. Where it ends a run, since its session was taken over meanwhile,
    `.result` is the run so far.
    """

    result: Any = None


class ModelError(AgentkitError):
    """The model could not be reached or said no; `.result` is the run so far."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """The HTTP status, None where no status was received."""
        self.code = code
        """The server's own word for the error, such as `model_not_found`."""
        self.param = param
        """The request field the server complains about, such as `tools[0].parameters`."""
        self.request_id = request_id
        """The server's id of the request, to quote to its support."""
        self.retry_after = retry_after
        """Seconds the server asked to wait, None where it did not say."""
        self.should_retry: bool | None = None
        """The server's own word (`x-should-retry`), None where it gave none."""
        self.attempts = attempts
        """How many times the request was sent."""
        self.was_heard = False
        """Whether a piece of the answer had reached a listener, so that nobody is asked again."""
        self.result: Any = None
        """The run so far, a RunResult, set where the error leaves a run."""

    def __str__(self) -> str:
        facts = [
            f"status {self.status}" if self.status else "",
            f"code {self.code}" if self.code else "",
            f"request id {self.request_id}" if self.request_id else "",
            f"{self.attempts} attempts" if self.attempts > 1 else "",
        ]
        known = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({known})" if known else self.message


class AuthenticationError(ModelError):
    """The server does not accept the key (401, 403)."""


class BadRequestError(ModelError):
    """The server rejects the request as it stands (400, 404, 413, 422)."""


class ContextLengthError(BadRequestError):
    """The conversation is longer than the model reads."""


class QuotaError(ModelError):
    """The account has no credit left (402, `insufficient_quota`); a retry does not help."""


class RateLimitError(ModelError):
    """Too many requests (429); a retry after `retry_after` seconds may help."""


class ServerError(ModelError):
    """The server failed or is overloaded (5xx)."""


class ModelTimeoutError(ModelError):
    """The server did not answer in time."""


class TransportError(ModelError):
    """No connection to the server, or a broken one."""


class ProtocolError(ModelError):
    """The server's answer cannot be read as a response."""


class StreamTruncatedError(ModelError):
    """The stream ended before its terminal event, so the answer is not complete."""


def carry(error: BaseException, result: object) -> None:
    """Have an error that leaves a run carry `.result`, the run so far.

    One whose class has no place for it leaves as it is.
    """
    with suppress(AttributeError, TypeError):
        error.result = result  # type: ignore[attr-defined]
