"""What goes wrong under a model as errors of ours, and what its HTTP client logs without the key.

Works with any client that has httpx's names for errors; knows nothing of what is asked.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from agentkit.errors import (
    AgentkitError,
    ConfigurationError,
    ModelError,
    ModelTimeoutError,
    TransportError,
)
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.http.connection import ConnectError
from agentkit.responses.http.timeouts import TimedOut, Timeouts
from agentkit.secrets import Secrets


def checked_client(client: Any) -> Any:
    """The caller's client, None where there is none. Raises ConfigurationError for no client."""
    if client is None:
        return None
    methods = [getattr(client, name, None) for name in ("build_request", "send")]
    # a class has the methods, too, and so has a client that cannot be awaited
    is_another = isinstance(client, (type, getattr(_module_of(client), "Client", type)))
    if is_another or not all(map(callable, methods)):
        raise ConfigurationError(
            "http_client: expected an asynchronous client, such as httpx.AsyncClient(), "
            f"got {type(client).__name__}."
        )
    return client


@contextlib.contextmanager
def needs_an_open_client() -> Iterator[None]:
    """Say what to do about a client that is closed, or was used in another event loop."""
    try:
        yield
    except RuntimeError as error:
        raise ConfigurationError(
            f"http_client cannot be used ({_reason(error)}). Give a client that is open, "
            "and to each event loop one of its own."
        ) from error


@contextlib.contextmanager
def errors_of(
    client: Any, endpoint: Endpoint, bounds: Timeouts, hidden: Secrets | None = None
) -> Iterator[None]:
    """Turn the errors of the client's own module into ours: httpx, or one with its names.

    `hidden` is what they must not show beside what the endpoint hides by itself.
    """
    module = _module_of(client)
    try:
        yield
    except TimedOut as error:
        raise of_connection(error, endpoint, bounds) from error
    except (module.HTTPError, module.StreamError, module.InvalidURL, OSError) as error:
        if hidden is not None:
            hidden.redact(error)
        raise _of_a_client(_without_request(error), module, endpoint) from error


def _without_request(error: Any) -> Any:
    """The error, which does not lead to the key: it is in the request's URL or its headers."""
    if hasattr(type(error), "request"):
        error.request = None
    return error


def of_connection(error: Exception, endpoint: Endpoint, bounds: Timeouts) -> ModelError:
    """What a connection of our own raised."""
    if isinstance(error, TimedOut):
        return ModelTimeoutError(bounds.said(error.args[0], endpoint.shown))
    if isinstance(error, ConnectError):
        return _unreachable(error, endpoint)
    return _broken(error, endpoint)


def _of_a_client(error: Exception, module: Any, endpoint: Endpoint) -> AgentkitError:
    if isinstance(error, module.InvalidURL | module.UnsupportedProtocol):
        return ConfigurationError(
            f"base_url {endpoint.shown!r} is not a URL that can be reached: {error}"
        )
    if isinstance(error, module.TimeoutException):
        return ModelTimeoutError(
            f"{endpoint.shown} did not answer in time ({type(error).__name__})."
        )
    if isinstance(error, module.ConnectError):
        return _unreachable(error, endpoint)
    return _broken(error, endpoint)


def _unreachable(error: Exception, endpoint: Endpoint) -> TransportError:
    return TransportError(
        f"Cannot reach {endpoint.shown}: {_reason(error)}. Check the address and the network."
    )


def _broken(error: Exception, endpoint: Endpoint) -> TransportError:
    return TransportError(f"The connection to {endpoint.shown} broke: {_reason(error)}.")


_SENT: ContextVar[Secrets | None] = ContextVar("secrets of the request under way", default=None)


class _HidingFilter(logging.Filter):
    """Hides the secrets of a request in what its client logs: its URL, an answer's headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        if secrets := _SENT.get():
            record.msg, record.args = secrets.hide(record.getMessage()), ()
        return True


_FILTER = _HidingFilter()


def hide_in_logs_of(client: Any) -> None:
    """Filter what the client's library logs; a logger hands no filter down, so each gets it."""
    module = _module_of(client).__name__
    core = module.replace("httpx", "httpcore")
    below = (f"{core}.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))
    for name in (module, *below):
        logging.getLogger(name).addFilter(_FILTER)


@contextlib.contextmanager
def hidden_in_logs(secrets: Secrets) -> Iterator[None]:
    """Have what is logged within hide these."""
    before = _SENT.set(secrets)
    try:
        yield
    finally:
        _SENT.reset(before)


def _module_of(client: Any) -> Any:
    """The module whose errors the client raises: that of the class, or of one it inherits from."""
    names = [kind.__module__.partition(".")[0] for kind in type(client).__mro__]
    modules = [sys.modules[name] for name in names if name in sys.modules]
    return next(
        (module for module in modules if hasattr(module, "UnsupportedProtocol")),
        sys.modules["httpx"],
    )


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
