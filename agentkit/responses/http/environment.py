"""What the environment says of the way to a server: proxies, and the certificates to trust.

Knows nothing of requests, and opens nothing.
"""

from __future__ import annotations

import os
import urllib.request
from functools import lru_cache
from urllib.parse import unquote

from agentkit.errors import ConfigurationError
from agentkit.secrets import Secrets


def has_proxy(scheme: str, place: str) -> bool:
    """Whether requests to a host, given with its port, go through a proxy."""
    proxies = urllib.request.getproxies()
    if not (proxies.get(scheme) or proxies.get("all")):
        return False
    return not urllib.request.proxy_bypass(place)


def with_proxies_hidden(secrets: Secrets) -> Secrets:
    """These, and the passwords of the proxies, which a proxy's error may repeat."""
    proxies = urllib.request.getproxies()
    users = [url.rpartition("@")[0] for name, url in proxies.items() if name != "no"]
    known = tuple(user.rpartition("://")[2] for user in users if user)
    return _with_users(secrets, known) if known else secrets


@lru_cache(maxsize=100)
def _with_users(secrets: Secrets, users: tuple[str, ...]) -> Secrets:
    passwords = [user.partition(":")[2] or user for user in users]
    return secrets | Secrets.of(*passwords, *map(unquote, passwords))


def unusable_proxy(error: Exception | None) -> ConfigurationError:
    """What to say where no client can be made with the proxies there are; `None` of no URL."""
    if error is None:  # which shows a piece of what it could not read, maybe of the password
        why = "one of them is no URL"
    else:
        with_proxies_hidden(Secrets()).redact(error)
        why = str(error).rstrip(".")
    return ConfigurationError(
        "The proxy in the environment cannot be used. Write HTTP_PROXY, HTTPS_PROXY and "
        f"ALL_PROXY like http://host:3128, and NO_PROXY as names of hosts: {why}."
    )


def trusted_files() -> tuple[str | None, str | None]:
    """The file, and the folder, of the certificates to trust; None where it is not said."""
    return os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def unusable_certificates(error: OSError) -> ConfigurationError:
    """What to say where the certificates to trust cannot be read."""
    name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
    if not (place := os.environ.get(name)):
        return ConfigurationError(f"The certificates to trust cannot be read: {error}.")
    return ConfigurationError(
        f"{name} is {place!r}, where no certificates can be read ({error.strerror or error}). "
        "Name one with certificates in PEM format, or unset it."
    )
