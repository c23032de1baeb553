"""The agent that a session was run with, as far as its log can say.

The functions behind its tools are not in a log, and a key is looked up anew, for its own server.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from agentkit.agent import Agent
from agentkit.context import context_of
from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.evidence.fields import without_evidence
from agentkit.models import OFFLINE
from agentkit.records import Setup
from agentkit.responses.endpoint import without_secrets
from agentkit.responses.providers import PROVIDERS, Provider
from agentkit.responses.response import Model

_NO_NAME = (
    "The model of this session was an object of its agent. Name the agent with -a, or another "
    "model with -m."
)


def model_before(setup: Setup, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The session's own model, as arguments of an Agent.

    Raises ConfigurationError for one that no name leads to.
    """
    server, name = setup.model
    if not server and name == OFFLINE:
        return {"model": OFFLINE}
    if not server or not name:
        raise ConfigurationError(_NO_NAME)
    for provider in PROVIDERS.values():
        if _address(provider, environment) == server:
            return {"model": f"{provider.name}:{name}", "wire": setup.wire}
    return {"model": name, "base_url": server, "wire": setup.wire}


def check_is_the_same(model: Model, setup: Setup) -> None:
    """Raise ConfigurationError for a model that is another, or elsewhere, than the session's."""
    endpoint = getattr(model, "endpoint", None)
    if (str(getattr(endpoint, "shown", "")), getattr(model, "name", "")) != setup.model:
        raise ConfigurationError(_NO_NAME)


def kept_options(setup: Setup, *, keeps_form: bool) -> dict[str, Any]:
    """Instructions, settings and context, as arguments of an Agent; with the form where asked."""
    fields = {key: each for key, each in setup.fields.values.items() if key not in _OWN_PLACE}
    text = dict(setup.fields.values.get("text") or {})
    form = text.pop("format", None) or {}
    told, _, _ = str(setup.fields.values.get("instructions") or "").partition(_FORM_IN_WORDS)
    options: dict[str, Any] = {"instructions": told.strip()}
    options["settings"] = {**fields, **({"text": text} if text else {})}
    with suppress(ConfigurationError):  # a policy of the caller's own is in no log
        options["context"] = context_of(setup.context)
    if keeps_form and setup.tool_choice is not None:
        options["settings"]["tool_choice"] = setup.tool_choice
    if keeps_form and form.get("type") == "json_schema":
        plain = without_evidence(form["schema"])
        options |= {"output": plain or form["schema"], "evidence": plain is not None}
    return options


def tools_gone(setup: Setup | None, agent: Agent | None = None) -> list[str]:
    """The session's tools that an agent does not have; those of the server by their type."""
    before = setup.fields.values.get("tools") if setup else ()
    now = [*agent.tools, *_names(agent.hosted_tools)] if agent else ()
    return sorted(_names(before or ()) - set(now))


def needs_agent(setup: Setup | None) -> bool:
    """Whether a session cannot go on by what its log says: it had tools, or a model of no name."""
    if setup is None:
        return False
    is_named = bool(setup.model[1] and setup.server) or setup.model == ("", OFFLINE)
    return bool(tools_gone(setup)) or not is_named


def _names(tools: Iterable[Wire]) -> set[str]:
    return {str(tool.get("name") or tool.get("type")) for tool in tools}


_OWN_PLACE = ("model", "instructions", "tools", "text")

_FORM_IN_WORDS = "Answer with one JSON object and nothing else. It must fit this schema:"
"""What `OutputFormat.instruction` adds for a server without `text.format`."""


def _address(provider: Provider, environment: Mapping[str, str]) -> str:
    try:
        return without_secrets(provider.url(environment))
    except ConfigurationError:  # one that has to be told where it is
        return ""
