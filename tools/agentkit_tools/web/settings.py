"""What a toolbox may do, checked when it is made. Each mistake is a ConfigurationError."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from urllib.parse import urlsplit

from agentkit import ConfigurationError
from agentkit_tools.web.addresses import address_of, may_be_reached
from agentkit_tools.web.connecting import Connector, Resolver, connect, look_up
from agentkit_tools.web.urls import DEFAULT_PORTS, Url, host_named

Origin = tuple[str, str, int]
"""Scheme, host and port."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OURS = {"accept-encoding", "connection", "content-length", "expect", "host", "te", "trailer"}
_OURS |= {"transfer-encoding", "upgrade"}


class Options(TypedDict, total=False):
    """The options of `Web`; the meaning is at the fields of `Settings`."""

    allow_private: bool
    ports: Sequence[int]
    credentials: Mapping[str, Mapping[str, str]] | None
    max_bytes: int
    max_redirects: int
    timeout: float
    pause: float
    page_size: int
    user_agent: str
    ssl_context: ssl.SSLContext | None
    resolver: Resolver
    connector: Connector
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Settings:
    """What a toolbox may do."""

    allow: Sequence[str] | None = None
    """Hosts that may be read: `example.org`, `*.example.org` for all below it, either with a port.
    None for every public one."""
    allow_private: bool = False
    """Whether addresses that are not public may be reached. Those that hand out credentials to
    whoever asks are not, all the same."""
    ports: Sequence[int] = (80, 443)
    """Ports that may be reached, beside those in `allow`."""
    credentials: Mapping[str, Mapping[str, str]] | None = field(default=None, repr=False)
    """Headers by the host that gets them, over https alone unless the host is written with
    `http://` before it."""
    max_bytes: int = 5_000_000
    """Of a page, as it comes and unpacked; the rest is not read."""
    max_redirects: int = 5
    timeout: float = 20.0
    """Seconds for a page with all its redirects, from looking up the name to the last byte."""
    pause: float = 0.5
    """Seconds between two requests to one host."""
    page_size: int = 20_000
    """Characters that the model is shown at a time."""
    user_agent: str = "agentkit"
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    """What https trusts; None for the authorities that httpx trusts."""
    resolver: Resolver = field(default=look_up, repr=False)
    connector: Connector = field(default=connect, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], Awaitable[object]] = field(default=asyncio.sleep, repr=False)
    headers: Mapping[Origin, Mapping[str, str]] = field(init=False, repr=False)
    """The credentials by where they go to."""
    patterns: tuple[tuple[str, int | None], ...] | None = field(init=False, repr=False)
    """Hosts of `allow`, each with the port that it was written with."""

    def __post_init__(self) -> None:
        _check_numbers(self)
        object.__setattr__(self, "patterns", self._patterns())
        given = self.credentials or {}
        if not isinstance(given, Mapping):
            raise ConfigurationError("credentials: expected a dict of headers by host.")
        headers = {_origin(host): _headers(host, values) for host, values in given.items()}
        object.__setattr__(self, "headers", headers)

    def may_read(self, url: Url) -> bool:
        """Whether the host is one of those that are allowed, whatever its port."""
        return self.patterns is None or any(_fits(host, url.host) for host, _ in self.patterns)

    def ports_of(self, url: Url) -> list[int]:
        """The ports that are allowed of this host: those that `allow` gives it, else `ports`."""
        own = {port for host, port in self.patterns or () if _fits(host, url.host)}
        written = [port for port in own if port is not None]
        return sorted({*written, *(self.ports if None in own or not own else ())})

    def headers_for(self, url: Url) -> Mapping[str, str]:
        """The credentials that this request carries."""
        return self.headers.get((url.scheme, url.host, url.port), {})

    def _patterns(self) -> tuple[tuple[str, int | None], ...] | None:
        if self.allow is None:
            return None
        is_list = isinstance(self.allow, Sequence) and not isinstance(self.allow, str)
        if not is_list or not all(isinstance(each, str) for each in self.allow):
            raise ConfigurationError('allow: expected a list of hosts, such as ["example.org"].')
        patterns = tuple(_pattern(each) for each in self.allow)
        for host, _ in patterns:
            address = address_of(host)
            if address and not may_be_reached(address, allow_private=self.allow_private):
                raise ConfigurationError(
                    f"allow: {host} is not a public address. Pass allow_private=True to reach it."
                )
        return patterns


def _fits(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _pattern(text: str) -> tuple[str, int | None]:
    is_below = text.startswith("*.")
    try:
        scheme, host, port = _origin(text.removeprefix("*."))
    except ConfigurationError:
        host = ""
    if not host or "://" in text:
        raise ConfigurationError(
            f"allow: {text!r:.80} is not a host. Write 'example.org', '*.example.org' for all "
            "below it, or 'example.org:8443'."
        )
    has_port = port != DEFAULT_PORTS[scheme] or text.endswith(f":{port}")
    return f"*.{host}" if is_below else host, port if has_port else None


def _origin(text: str) -> Origin:
    """Where `example.org`, `example.org:8443` or `http://example.org` is; https unless written."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        bare = (parts.path in ("", "/")) and not (parts.query or parts.fragment or parts.username)
        if not bare or parts.hostname is None or parts.scheme not in DEFAULT_PORTS:
            raise ValueError("more than a host")
        bracketed = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return parts.scheme, host_named(bracketed), parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError:
        raise ConfigurationError(
            f"credentials: {text.rpartition('@')[2]!r:.80} is not a host. Write "
            "'api.example.org', or the scheme too, 'http://intranet:8080', where it is not https."
        ) from None


def _headers(host: str, values: Any) -> dict[str, str]:
    """The headers, none of which is shown where one is wrong."""
    if not isinstance(values, Mapping) or not values:
        raise ConfigurationError(f"credentials: {host!r:.80}: expected a dict of headers.")
    for name, value in values.items():
        if not isinstance(name, str) or not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise ConfigurationError(f"credentials: {host!r:.80}: {name!r:.40} cannot be set.")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ConfigurationError(
                f"credentials: {host!r:.80}: the value of {name} must be printable ASCII, without "
                "white space around it."
            )
    return dict(values)


def _check_numbers(settings: Settings) -> None:
    ports = settings.ports
    is_list = isinstance(ports, Sequence) and not isinstance(ports, str)
    wrong = {
        "ports must be a list of numbers from 1 to 65535": not is_list
        or not all(_is_within(port, 1, 65535) for port in ports),
        "max_bytes must be 1 to 100,000,000": not _is_within(settings.max_bytes, 1, 100_000_000),
        "max_redirects must be 0 to 20": not _is_within(settings.max_redirects, 0, 20),
        "page_size must be 100 to 1,000,000": not _is_within(settings.page_size, 100, 1_000_000),
        "timeout must be seconds above 0": not _is_positive(settings.timeout),
        "pause must be seconds, 0 or more": settings.pause != 0
        and not _is_positive(settings.pause),
        "user_agent must be printable ASCII": not isinstance(settings.user_agent, str)
        or not _HEADER_VALUE.fullmatch(settings.user_agent),
        "allow_private must be True or False": not isinstance(settings.allow_private, bool),
    }
    for reason, is_wrong in wrong.items():
        if is_wrong:
            raise ConfigurationError(f"{reason}.")


def _is_within(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9
