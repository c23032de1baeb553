"""A URL, taken apart once: what is checked is what is asked for, since nobody parses it again.

Whatever two parsers read in two ways is refused before it is read at all: backslashes, white
space, control characters, user names, percent signs in hosts, numbers that some take for addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit

import idna

from agentkit import Retry
from agentkit_tools.web.addresses import address_of

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 4096
"""Characters, also of what it is in ASCII."""
TOO_LONG = f"This URL has more than {MAX_URL} characters. Give a shorter one."

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\\\s\ud800-\udfff]")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# what quote() leaves as it is: all that has a meaning of its own in a path or a query
_MEANINGFUL = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True)
class Url:
    """Where a page is."""

    scheme: str
    host: str
    """In ASCII and lower case, without a dot at its end; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query, in ASCII."""

    @property
    def is_secure(self) -> bool:
        """Whether it is https."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as they are written, the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parsed(text: str) -> Url:
    """The URL that is written. Raises Retry, which says what is wrong with it."""
    _check_characters(text)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Retry(f"{text!r:.200} is not a URL: its host cannot be read.") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise Retry(f"{text!r:.200} cannot be read. Give a whole URL that begins with https://.")
    host, port = _host_and_port(parts.netloc, text)
    target = quote(parts.path or "/", safe=_MEANINGFUL.replace("?", ""))
    if not target.startswith("/"):
        raise Retry(f"{text!r:.200} is not a URL: its path does not begin with a slash.")
    if parts.query:
        target += "?" + quote(parts.query, safe=_MEANINGFUL)
    if len(target) > MAX_URL:
        raise Retry(TOO_LONG)
    return Url(scheme, host, DEFAULT_PORTS[scheme] if port is None else port, target)


def joined(base: Url, location: str) -> Url:
    """Where a page leads to, by a whole URL or a part of one. Raises Retry as `parsed` does."""
    _check_characters(location)
    try:
        if location.startswith("///"):
            raise ValueError("a host to some, a path to others")
        return parsed(urljoin(str(base), location))
    except ValueError:
        raise Retry(f"{base} leads to what is not a URL.") from None


def host_named(text: str) -> str:
    """A host in ASCII and lower case; an IPv6 address without brackets, shortened.

    Raises ValueError for what cannot be a host, and for addresses in any form but the usual ones.
    """
    if text.startswith("["):
        return str(IPv6Address(text[1:-1]))
    ascii_host = text if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    host = ascii_host.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("not a host")
    if _NUMBER.fullmatch(labels[-1]) and str(address_of(host)) != host:
        raise ValueError("neither a name nor an address of four numbers")
    return host


def _check_characters(text: str) -> None:
    if len(text) > MAX_URL:
        raise Retry(TOO_LONG)
    if found := _NOT_IN_A_URL.search(text):
        raise Retry(
            f"{text!r:.200} is not a URL: {found[0]!r} may not be in one. "
            "Write a space as %20, and a slash as /."
        )


def _host_and_port(authority: str, text: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise Retry(
            "A URL may not have a user name or a password in it. Leave out what is before @."
        )
    written = _AUTHORITY.fullmatch(authority)
    try:
        if written is None:
            raise ValueError("no host")
        return host_named(written[1]), int(written[2]) if written[2] else None
    except ValueError:  # also what idna raises
        raise Retry(
            f"{text!r:.200} has no host that can be looked up. Give a name such as example.org, or "
            "an address as four numbers."
        ) from None
