"""Where requests go and what goes with them. Opens nothing."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from agentkit.errors import ConfigurationError
from agentkit.responses.dialect import Dialect
from agentkit.secrets import Secrets

_PATHS = {"responses": "responses", "chat": "chat/completions"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_IN_NO_URL = re.compile(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]")
_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password|sig", re.IGNORECASE)
_SCHEMES = frozenset({"apikey", "basic", "bearer", "key", "token"})
# what stands before the host; a password may hold what ends the host, unless that is a port
_USER = re.compile(r"(?<=://)(?:[^/?#]*@|[^/?#@:[]*:(?!\d*(?:[/?#]|$)).*@)")


@dataclass(frozen=True, repr=False)
class Endpoint:
    """A server's address, the headers that carry the key, and what the server does differently.

    Raises ConfigurationError for an address that no request can be sent to, and for a header
    that no request can carry.
    """

    base_url: str
    """Ends before `/responses` or `/chat/completions`; a query stays behind the path."""
    headers: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = field(default_factory=Dialect)

    def __post_init__(self) -> None:
        if _IN_NO_URL.search(self.base_url) or not _is_http(self.base_url):
            raise ConfigurationError(
                f"base_url {self.shown!r} is not a URL that can be reached. "
                "Write it like https://host/v1."
            )
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ConfigurationError(f"The header {name!r} is none that a request can carry.")
            if not (value.isascii() and value.isprintable()):
                raise ConfigurationError(
                    f"The value of the header {name} has a character that no header may have, "
                    "such as a line end. Check the key."
                )

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"

    @cached_property
    def url(self) -> str:
        """The URL that requests are posted to: `…/responses`, or `…/chat/completions`."""
        path, question, query = self.base_url.partition("?")
        path = path.rstrip("/").removesuffix("/responses").removesuffix("/chat/completions")
        return f"{path}/{_PATHS[self.dialect.wire]}{question}{query}"

    @cached_property
    def shown(self) -> str:
        """The base URL as errors and reprs show it."""
        return without_secrets(self.base_url)

    @cached_property
    def route(self) -> list[tuple[str, str]]:
        """What of query and headers may lead to another model or tenant: all that is no secret."""
        query = parse_qsl(urlsplit(self.base_url).query, keep_blank_values=True)
        named = [*query, *((name.lower(), value) for name, value in self.headers.items())]
        return sorted(each for each in named if not _SECRET_NAME.search(each[0]))

    @property
    def secrets(self) -> list[str]:
        """What must not be seen of the address and the headers."""
        return [*secrets_of_headers(self.headers.items()), *secrets_of_url(self.base_url)]

    @cached_property
    def hidden(self) -> Secrets:
        """The same, in all the forms that an answer or an error may show."""
        return Secrets.of(*self.secrets, mask="[key]")


def secrets_of_headers(named: Iterable[tuple[str, str]]) -> list[str]:
    """What must not be seen of headers, or of the parameters of a URL."""
    values = [value for name, value in named if _SECRET_NAME.search(name)]
    return [each for value in values for each in _carried(value) if each]


def secrets_of_url(url: str) -> list[str]:
    """What must not be seen of a URL: the password, or a user without one, and parameters."""
    parts = urlsplit(url)
    user = unquote(parts.password or parts.username or "")
    return [*secrets_of_headers(parse_qsl(parts.query)), *([user] if user else [])]


def without_secrets(url: str) -> str:
    """The URL without user, password and query."""
    address = re.split(r"[?#]", _USER.sub("", url))[0]
    scheme, separator, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _is_http(url: str) -> bool:
    try:
        parts: SplitResult = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _carried(value: str) -> list[str]:
    """The key in the value of a header, without the scheme before it; of a user, the password."""
    scheme, _, token = value.partition(" ")
    if scheme.lower() not in _SCHEMES:
        return [value]
    if scheme.lower() != "basic":
        return [token]
    try:
        return [token, b64decode(token).decode().partition(":")[2]]
    except ValueError:
        return [token]
