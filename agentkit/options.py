"""The options of an agent, checked when it is made. Each mistake is a ConfigurationError."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from agentkit.ages import ANY_AGE, Age, checked_age
from agentkit.errors import ConfigurationError
from agentkit.limits import Limits
from agentkit.middleware import AroundCalls, Middleware
from agentkit.output import OutputFormat, output_format
from agentkit.rules import ApprovalRule, Rules
from agentkit.secrets import SHORTEST, Secrets
from agentkit.tools import Tool, tools_of

if TYPE_CHECKING:
    from datetime import timedelta

    from agentkit.events import Listener
    from agentkit.prices import Prices
    from agentkit.sessions import Session, WhenBusy
    from agentkit.stores.opened import Where

# Fields of a request that have an argument of their own, or that the loop sets.
_OWN_PLACE = {
    "model": "pass the model as the first argument",
    "instructions": "pass instructions=",
    "tools": "pass tools=",
    "input": "pass it to run()",
    "stream": "use agent.stream()",
    "previous_response_id": "pass state='chained'",
    "conversation": "pass state='conv_…'",
}


@dataclass(frozen=True)
class RunOptions:
    """What one call of `run` or `resume` says beside its input."""

    session: Session
    deps: Any
    limits: Limits | None
    listener: Listener | None
    store: Where | None
    when_busy: WhenBusy


def tools_by_name(tools: Sequence[Any]) -> dict[str, Tool]:
    """The tools that run here, by name; wire objects of hosted ones are left to the server."""
    if not isinstance(tools, Sequence) or isinstance(tools, str):
        raise ConfigurationError(f"tools: expected a list, got {tools!r:.80}.")
    by_name: dict[str, Tool] = {}
    for each in tools:
        if isinstance(each, dict):
            if not each.get("type"):
                keys = ", ".join(map(str, each)) or "none"
                raise ConfigurationError(f"tools: a hosted tool needs a type; its keys: {keys}.")
            if each["type"] == "function":
                raise ConfigurationError(
                    f"tools: nothing runs {each.get('name')!r}. Use Tool.from_schema, which takes "
                    "the function too."
                )
            continue
        for made in tools_of(each):
            _add_tool(by_name, made)
    return by_name


def _add_tool(by_name: dict[str, Tool], made: Tool) -> None:
    if made.receiver is not None:
        raise ConfigurationError(
            f"tools: {made.name} is a method. Give the tool of an instance: instance.{made.name}."
        )
    if made.name in by_name:
        raise ConfigurationError(f"tools: two are named {made.name!r}. Rename one: @tool(name=…).")
    by_name[made.name] = made


def checked_cache(cache: Age | bool | None, state: str) -> timedelta | None:
    """How old a cached answer may be, `ANY_AGE` for any; None where no answer is cached."""
    if cache is None or cache is False:
        return None
    if state != "replay":
        raise ConfigurationError(
            f"cache: with state={state!r} an answer depends on what the server keeps, so none is "
            "given again. Use state='replay', or leave cache= out."
        )
    return ANY_AGE if cache is True else checked_age(cache, "cache")


def checked_output(output: Any, evidence: bool | str) -> OutputFormat | None:
    """The format of the answers, with evidence for their fields where that is asked for."""
    if evidence is False or evidence is None:
        return output_format(output)
    if evidence is not True and evidence != "require":
        raise ConfigurationError(
            f"evidence: expected True, False or 'require', got {evidence!r:.80}."
        )
    # what reads logs, which takes longer to load than an agent does
    from agentkit.evidence.form import evidence_format

    return evidence_format(output, is_required=evidence == "require")


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Request fields that may be passed on as they are."""
    for name, value in (("settings", settings), *_objects_in(settings)):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{name}: expected a dict, got {value!r:.80}.")
    for key, remedy in _OWN_PLACE.items():
        if key in settings:
            raise ConfigurationError(f"settings: {key!r} has no place there; {remedy}.")
    for key, value in (settings.get("metadata") or {}).items():
        if not isinstance(value, str):
            raise ConfigurationError(
                f"settings: metadata[{key!r}] is {value!r}; the wire takes strings only."
            )
    return dict(settings)


def _objects_in(settings: Any) -> list[tuple[str, Any]]:
    """The settings that are objects on the wire."""
    names = ("metadata", "text", "reasoning")
    given = settings if isinstance(settings, Mapping) else {}
    return [(f"settings: {name!r}", given[name]) for name in names if given.get(name) is not None]


def checked_limits(limits: Limits | None) -> Limits | None:
    """The limits themselves."""
    if limits is None or isinstance(limits, Limits):
        return limits
    raise ConfigurationError(f"limits: expected Limits(turns=…), got {limits!r:.80}.")


def checked_secrets(secrets: Iterable[Any]) -> tuple[Any, ...]:
    """The texts that are to be hidden; one that is None or empty has nothing to hide."""
    if isinstance(secrets, str | bytes) or not isinstance(secrets, Iterable):
        raise ConfigurationError("secrets: expected a list of texts.")
    given = tuple(each for each in secrets if each)
    for number, each in enumerate(given, 1):
        if not Secrets.of(each):
            raise ConfigurationError(
                f"secrets: number {number} has fewer than {SHORTEST} characters, and hiding it "
                "would ruin other texts. Give a longer one, or leave it out."
            )
    return given


def checked_rule(approve: ApprovalRule | str | PathLike[str] | None) -> ApprovalRule | None:
    """The rule itself, or the rules of the file that is named."""
    if isinstance(approve, str | PathLike):
        return Rules.load(approve)
    if approve is None or (_is_plain_function(approve) and not isinstance(approve, type)):
        return approve
    raise ConfigurationError(
        "approve: expected Rules(Rule(…), …), the path of a rules file, or a function of a tool's "
        f"name and the arguments that is not async, got {approve!r:.80}."
    )


def checked_listener(listener: Listener | None) -> Listener | None:
    """The listener itself."""
    if listener is None or _is_plain_function(listener):
        return listener
    raise ConfigurationError(
        f"on_event: expected a function of one event, that is not async, got {listener!r:.80}."
    )


def checked_client(client: Any) -> Any:
    """The HTTP client itself."""
    named = all(callable(getattr(client, name, None)) for name in ("build_request", "send"))
    if client is None or (named and not isinstance(client, type)):
        return client
    raise ConfigurationError(
        f"http_client: expected an asynchronous client, such as httpx.AsyncClient(), "
        f"got {client!r:.80}."
    )


def checked_prices(prices: Prices | None) -> Prices | None:
    """The prices themselves."""
    if prices is None or _is_plain_function(prices):
        return prices
    raise ConfigurationError(
        "prices: expected a function of a model's name and its usage, that is not async, "
        f"got {prices!r:.80}."
    )


def checked_middleware(middleware: Sequence[Middleware]) -> tuple[Middleware, ...]:
    """The middleware itself."""
    for each in middleware:
        wrapped = each.wrap if isinstance(each, AroundCalls) else each
        if not callable(wrapped):
            raise ConfigurationError(
                f"middleware: expected async functions of (request, proceed), got {each!r:.80}."
            )
    return tuple(middleware)


def _is_plain_function(value: object) -> bool:
    """Whether it can be called and gives its result at once."""
    return callable(value) and not inspect.iscoroutinefunction(value)
