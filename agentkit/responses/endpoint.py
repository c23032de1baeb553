"""Where requests go and what goes with them. Opens nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlsplit

from agentkit.errors import ConfigurationError
from agentkit.responses.dialect import Dialect

_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password|sig", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class Endpoint:
    """A server's address, the headers that carry the key, and what the server does differently.

    Raises ConfigurationError for an address that no request can be sent to, and for a header
    that no request can carry.
    """

    base_url: str
    """Ends before `/responses`; a query stays behind the path."""
    headers: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = field(default_factory=Dialect)

    def __post_init__(self) -> None:
        if re.search(r"[\s\\\x00-\x1f\x7f]", self.base_url) or not _is_http(self.base_url):
            raise ConfigurationError(
                f"base_url {self.shown!r} is not a URL that can be reached. "
                "Write it like https://host/v1."
            )
        for name, value in self.headers.items():
            if not (value.isascii() and value.isprintable()):
                raise ConfigurationError(
                    f"The value of the header {name} has a character that no header may have, "
                    "such as a line end. Check the key."
                )

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"

    @property
    def url(self) -> str:
        """The URL of `POST /responses`."""
        path, question, query = self.base_url.partition("?")
        path = path.rstrip("/").removesuffix("/responses")
        return f"{path}/responses{question}{query}"

    @property
    def shown(self) -> str:
        """The base URL as errors and reprs show it."""
        return without_secrets(self.base_url)

    @property
    def secrets(self) -> list[str]:
        """What must not reach an error text."""
        parts = urlsplit(self.base_url)
        named = [*self.headers.items(), *parse_qsl(parts.query)]
        values = [value.removeprefix("Bearer ") for name, value in named if _may_be_secret(name)]
        return [value for value in (*values, parts.password) if value]


def without_secrets(url: str) -> str:
    """The URL without user, password and query."""
    address = re.split(r"[?#]", url)[0]
    scheme, separator, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _is_http(url: str) -> bool:
    try:
        parts: SplitResult = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _may_be_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))
