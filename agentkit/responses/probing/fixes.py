"""What to do first where a server does not answer: the key, the address, the model, the proxy.

`look_around` asks the server's other addresses; all else decides from what is known then, and
never shows a key.
"""

from __future__ import annotations

import difflib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from agentkit.encoding import decode
from agentkit.errors import (
    AuthenticationError,
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
    TransportError,
)
from agentkit.responses.endpoint import Endpoint, without_secrets
from agentkit.responses.items import user_message
from agentkit.responses.probing.asking import NO_ENDPOINT, Report
from agentkit.responses.probing.hearing import Line
from agentkit.responses.probing.judges import Heard, refusal
from agentkit.responses.probing.probes import LEAST_TOKENS
from agentkit.responses.response import Fields, Request

MOST_MODELS = 5
"""How many of the server's models are named."""

_NO_SUCH_MODEL = re.compile(
    r"model\b.*\b(not found|does not exist|doesn't exist|unknown|not available|no such|not a valid"
    r"|invalid|not exist)|(unknown|invalid|no such) model|model_not_found",
    re.IGNORECASE | re.DOTALL,
)
_AN_HTML_PAGE = re.compile(r"an HTML page|<!doctype html|<html", re.IGNORECASE)
_TO_AN_HTTPS_PORT = re.compile(r"HTTP request.*HTTPS (port|server)|plain HTTP", re.IGNORECASE)
_TAKE_ANOTHER = "Take another model with -m, or see with -v what was said."
_ADVICE = {
    "tools": "The model does not call tools, so an agent has no use for them.",
    "tool-output": "The model does not read what a tool gives.",
}
_OTHERWISE = "Not all that was asked for works."
# what OpenSSL calls an answer in plain text, by version
_NOT_TLS = re.compile("WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL|HTTP_REQUEST")
_MISTAKEN_ENDS = ("/chat/completions", "/completions", "/responses", "/models")


@dataclass(frozen=True)
class Place:
    """Which model was asked for, where, with whose key and through what."""

    endpoint: Endpoint
    model: str
    key_variable: str | None = None
    """The environment variable that the key came from, None where none was sent."""
    proxy: str | None = None
    """The proxy in between, without its password; None where there is none."""
    is_stand_in: bool = False
    """Whether the model is the one that needs no server."""

    @property
    def scheme(self) -> str:
        return urlsplit(self.endpoint.base_url).scheme

    @property
    def host(self) -> str:
        """Host and port, as the base URL has them."""
        return urlsplit(self.endpoint.shown).netloc


@dataclass(frozen=True)
class Surroundings:
    """What else a server that has no answer turned out to have."""

    base_url: str | None = None
    """Where it has a Responses endpoint."""
    chat_url: str | None = None
    """The base URL where it has chat completions."""
    models: tuple[str, ...] = ()


def proxy_for(url: str, proxies: Mapping[str, str]) -> str | None:
    """The proxy that requests to a URL go through, of those that `urllib` finds."""
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    around = [each.strip().lstrip("*.") for each in proxies.get("no", "").split(",")]
    host = parts.hostname or ""
    is_passed_by = proxies.get("no") == "*" or any(
        each and (host == each or host.endswith(f".{each}")) for each in around
    )
    if not proxy or is_passed_by:
        return None
    return without_secrets(proxy if "://" in proxy else f"http://{proxy}")


async def look_around(line: Line, place: Place, error: ModelError) -> Surroundings:
    """Ask for what the error makes one doubt: another base URL, another wire, the models."""
    if is_about_the_model(error):
        return Surroundings(models=await models_of(line, place.endpoint))
    if not _has_no_endpoint(error):
        return Surroundings()
    others = [replace(place.endpoint, base_url=url) for url in _others(place)]
    hello = _hello(place)
    for endpoint in others:
        if _is_there(await line.at(endpoint).ask(hello)):
            return Surroundings(base_url=endpoint.shown)
    for endpoint in (place.endpoint, *others):
        if _is_there(await line.at(over(endpoint, "chat")).ask(hello)):
            return Surroundings(chat_url=endpoint.shown, models=await models_of(line, endpoint))
    return Surroundings()


def over(endpoint: Endpoint, wire: Literal["responses", "chat"]) -> Endpoint:
    """The same server, asked over that wire."""
    return replace(endpoint, dialect=replace(endpoint.dialect, wire=wire))


def first_fix(error: ModelError, place: Place, around: Surroundings) -> str:
    """What to do first, in a sentence or two."""
    if is_about_the_model(error):
        return _wrong_model(place, around)
    if _has_no_endpoint(error):
        return _wrong_address(place, around, error)
    if error.status is None:
        return _not_reached(error, place)
    if isinstance(error, TransportError):
        return f"{place.host} breaks its answer off. Look at its log.{_and_the_proxy(place)}"
    if isinstance(error, AuthenticationError):
        return _wrong_key(error, place)
    return _refused(error, place)


def advice(report: Report) -> str:
    """What to do about what agents need and does not work, where the server answers; else ""."""
    lacking = [each for each in report.findings if each.probe.is_essential and not each.works]
    if not lacking:
        return ""
    first = lacking[0]
    if first.probe.name == "text" and report.verdict("stream").result == "works":
        return "The server only streams. Ask it with agent.stream, or agentkit run --stream."
    if first.probe.name == "text" and first.verdict.result == "fails" and not first.heard.error:
        return f"The plainest question gets no answer: {first.verdict.why.rstrip('.')}."
    if first.verdict.result == "unknown":
        return f"Not all could be told ({first.verdict.why}). Try again."
    return f"{_ADVICE.get(first.probe.name, _OTHERWISE)} {_TAKE_ANOTHER}"


def is_about_the_model(error: ModelError) -> bool:
    """Whether the server says that it does not have the model."""
    says_no = error.status in (400, 404, 422)
    return says_no and bool(_NO_SUCH_MODEL.search(f"{error.code} {error.message}"))


def _has_no_endpoint(error: ModelError) -> bool:
    is_page = isinstance(error, ProtocolError) and error.status is not None and error.status < 300
    return error.status in NO_ENDPOINT or is_page


def _wrong_model(place: Place, around: Surroundings) -> str:
    if not around.models:
        return f"The server does not have the model {place.model!r}. Name another with -m."
    likely = difflib.get_close_matches(place.model, around.models, MOST_MODELS, 0.3)
    named = [*likely, *(each for each in around.models if each not in likely)][:MOST_MODELS]
    more = len(around.models) - len(named)
    listed = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    return f"The server does not have the model {place.model!r}. It has: {listed}."


def _wrong_address(place: Place, around: Surroundings, error: ModelError) -> str:
    shown = place.endpoint.shown
    if around.base_url:
        return f"Take --base-url {around.base_url}: the Responses endpoint is there."
    if around.chat_url:
        return (
            "The server has no Responses endpoint, only chat completions. "
            f"Take --base-url {around.chat_url} --wire chat."
        )
    if _AN_HTML_PAGE.search(error.message):
        return (
            f"A web page answers at {shown}, not an API. Check --base-url, and whether the network "
            f"wants a login first.{_and_the_proxy(place)}"
        )
    if error.status not in NO_ENDPOINT:
        return f"What answers at {shown} cannot be read: {refusal(error)}"
    return (
        f"There is no Responses endpoint at {shown}, nor chat completions. Check --base-url; most "
        "end in /v1."
    )


def _not_reached(error: ModelError, place: Place) -> str:
    causes = list(_causes(error))
    names = {type(cause).__name__ for cause in causes}
    proxied = _and_the_proxy(place)
    if "ProxyError" in names:
        return f"The proxy {place.proxy} does not let the request through: {error.message}"
    if place.proxy and "ConnectError" in names:
        host = urlsplit(place.endpoint.base_url).hostname
        return f"The proxy {place.proxy} cannot be reached. NO_PROXY={host} goes around it."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"There is no host named {place.host!r}. Check --base-url."
    if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
        return _no_tls(tls, place)
    if isinstance(error, ModelTimeoutError):
        return _too_slow(names, place)
    if "ConnectError" in names:
        return f"Nothing answers at {place.host}. Start the server, or check host and port."
    if place.scheme == "http":
        return (
            f"{place.host} closes the connection without an answer. If it speaks TLS, write "
            f"https:// in --base-url.{proxied}"
        )
    return f"{place.host} breaks the connection off. Try again, then look at its log.{proxied}"


def _no_tls(error: ssl.SSLError, place: Place) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {place.host} is not trusted: {_reason(error)}. Check the host, or "
            f"name the certificate of its issuer in SSL_CERT_FILE.{_and_the_proxy(place)}"
        )
    if _NOT_TLS.search(str(error)):
        return f"{place.host} does not speak TLS there. Write http:// in --base-url, or its port."
    return f"TLS with {place.host} fails: {_reason(error)}.{_and_the_proxy(place)}"


def _reason(error: ssl.SSLError) -> str:
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    return str(said or error).rstrip(".")


def _too_slow(names: set[str], place: Place) -> str:
    if "ConnectTimeout" in names:
        return (
            f"{place.host} takes no connection. Check the host, the port and the firewall."
            f"{_and_the_proxy(place)}"
        )
    return (
        f"{place.host} took the request and did not answer in time. A local server may still be "
        f"loading the model: wait, or give more time with --timeout.{_and_the_proxy(place)}"
    )


def _wrong_key(error: ModelError, place: Place) -> str:
    if _AN_HTML_PAGE.search(error.message):
        return f"A web page says no ({error.status}): a firewall in between?{_and_the_proxy(place)}"
    if place.key_variable is None:
        return (
            "No key was sent, and the server wants one. Put it into an environment variable and "
            f"name that with --key-variable.{_and_the_proxy(place)}"
        )
    if error.status == 403:
        told = f"The key in {place.key_variable} may not use {place.model!r} there."
        return f"{told}{_and_the_proxy(place)}"
    return (
        f"The server does not accept the key in {place.key_variable}. Check that it is whole, and "
        f"one for {place.host}."
    )


def _refused(error: ModelError, place: Place) -> str:
    if error.status == 407:
        return f"The proxy {place.proxy or ''} wants a name and a password.".replace("  ", " ")
    if _TO_AN_HTTPS_PORT.search(error.message):
        return f"{place.host} speaks TLS. Write https:// in --base-url."
    if isinstance(error, QuotaError):
        return "The account has no credit. Add some, or take another provider with -m."
    if isinstance(error, RateLimitError):
        return "The server is asked too often. Wait a while and try again."
    if isinstance(error, ProtocolError):
        return error.message
    if isinstance(error, ServerError | ModelTimeoutError):
        told = f"The server fails by itself ({refusal(error)}). Try again, then look at its log."
        return f"{told}{_and_no_key(place)}{_and_the_proxy(place)}"
    return f"The server refuses the plainest request: {refusal(error)}{_and_no_key(place)}"


def _and_no_key(place: Place) -> str:
    """For servers that say something else where they miss a key."""
    if place.key_variable is not None:
        return ""
    return " No key was sent; if it wants one, name its variable with --key-variable."


def _and_the_proxy(place: Place) -> str:
    if place.proxy is None:
        return ""
    host = urlsplit(place.endpoint.base_url).hostname
    return f" Requests go through the proxy {place.proxy}; NO_PROXY={host} goes around it."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that led to it."""
    if error is None:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    yield from _causes(error.__cause__)


def _others(place: Place) -> list[str]:
    """Base URLs that may have been meant, at the same host."""
    given = place.endpoint.base_url.partition("?")[0].rstrip("/")
    cut = next((given.removesuffix(end) for end in _MISTAKEN_ENDS if given.endswith(end)), given)
    version = re.search(r"/v\d+\w*$", cut)
    others = [cut, cut[: version.start()] if version else f"{cut}/v1"]
    return [url for url in others if url != given]


def _is_there(heard: Heard) -> bool:
    """Whether something other than a web page or nothing is at an address."""
    if heard.response is not None:
        return True
    error = heard.error
    if error is None or error.status is None or error.status in NO_ENDPOINT:
        return False
    return error.status >= 400 and not _AN_HTML_PAGE.search(error.message)


def _at(endpoint: Endpoint, path: str) -> str:
    base, question, query = endpoint.url.partition("?")
    return f"{base.removesuffix('responses')}{path}{question}{query}"


def _hello(place: Place) -> Request:
    fields = {"model": place.model, "max_output_tokens": LEAST_TOKENS}
    return Request(Fields(fields), (user_message("Hello"),))


async def models_of(line: Line, endpoint: Endpoint) -> tuple[str, ...]:
    """The names of the server's models, none where it does not tell them."""
    heard = await line.send("GET", _at(endpoint, "models"))
    try:
        body = decode(heard.body)
    except ValueError:
        return ()
    listed = body.get("data") if isinstance(body, dict) else None
    named = (each.get("id") for each in listed or () if isinstance(each, dict))
    return tuple(name for name in named if isinstance(name, str))
