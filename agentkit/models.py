"""A model's name to a Model.

`"gpt-5-mini"`, `"cometapi:gpt-4.1"`, `"ollama:qwen3"`, `"offline"`. A key is only ever sent to
its own provider's host. Nothing is opened here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from agentkit.errors import ConfigurationError
from agentkit.responses.providers import DEFAULT_MODELS, PROVIDERS, Provider, provider_of
from agentkit.responses.response import Model
from agentkit.schema.problems import did_you_mean

if TYPE_CHECKING:
    from agentkit.responses.client import HTTPClient
    from agentkit.responses.dialect import WireName

OFFLINE = "offline"


def model_for(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    wire: WireName | None = None,
    http_client: HTTPClient | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Model:
    """The model of that name. Raises ConfigurationError for an unknown provider or a missing key.

    Without a provider in the name: the server at `base_url`, else the provider that
    `AGENTKIT_PROVIDER` names, else the first whose key is set.
    """
    # each is loaded when it is asked for: httpx takes longer to load than all of agentkit
    if _is_offline(name, base_url, environment):
        from agentkit.testing.offline import OfflineModel

        return OfflineModel()
    from agentkit.responses.client import Endpoint, ResponsesModel

    provider, model = _split(name, base_url, environment)
    url = base_url or provider.url(environment)
    is_own_host = base_url is None or provider_of(base_url) is provider
    key = api_key or (_own_key(provider, environment) if is_own_host else None)
    endpoint = Endpoint(url, provider.headers(key), provider.dialect)
    return ResponsesModel(model, endpoint, wire=wire, http_client=http_client)


def check_name(name: str, base_url: str | None = None) -> None:
    """Raise ConfigurationError for a name whose provider there is not."""
    prefix, colon, model = name.partition(":")
    if not name or (colon and prefix in PROVIDERS and not model):
        raise ConfigurationError(
            f"model: {name!r} names no model. Write it like openai:gpt-5-mini."
        )
    if colon and base_url is None and prefix not in PROVIDERS and prefix != OFFLINE:
        raise ConfigurationError(_unknown_provider(prefix, name))


def checked_models(given: Any, base_url: str | None, wire: str | None) -> tuple[str | Model, ...]:
    """The models that a caller names, the first of them the one that is asked.

    Raises ConfigurationError for what is none, and for a name whose provider there is not.
    """
    if wire not in (None, "responses", "chat"):
        raise ConfigurationError(f"wire: expected 'responses' or 'chat', got {wire!r:.80}.")
    models = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not models:
        raise ConfigurationError("model: expected at least one, got an empty list.")
    for model in models:
        if isinstance(model, str):
            check_name(model, base_url)
        elif isinstance(model, type) or not hasattr(model, "stream"):
            raise ConfigurationError(
                f"model: expected a name or an object with stream(request), got {model!r:.80}."
            )
    return models


def names_provider(model: object) -> bool:
    """Whether a model's name says whose it is, or that of the first of several."""
    if isinstance(model, list | tuple) and model:
        model = model[0]
    prefix, colon, _ = model.partition(":") if isinstance(model, str) else ("", "", "")
    return model == OFFLINE or (bool(colon) and (prefix in PROVIDERS or prefix == OFFLINE))


def default_model(environment: Mapping[str, str] = os.environ) -> str:
    """A model of the provider that `AGENTKIT_PROVIDER` or the keys that are set point to."""
    if environment.get("AGENTKIT_PROVIDER") == OFFLINE:
        return OFFLINE
    provider = _default_provider(environment)
    model = DEFAULT_MODELS.get(provider.name)
    if model is None:
        raise ConfigurationError(
            f"Which model of {provider.name}? Name one: {provider.name}:MODEL."
        )
    return f"{provider.name}:{model}"


def named_models(
    given: Sequence[str | Model], named: Callable[..., Model], base_url: str | None
) -> tuple[Model, ...]:
    """The models of an agent: those that are named by `named`, with what was given to the agent.

    The key and the address given are the first one's; a name without a provider shares them only
    where it is sure to mean the same server.
    """
    first, *others = given
    is_bound = names_provider(first) and base_url is None
    made = [named(first) if isinstance(first, str) else first]
    for each in others:
        make = named
        if is_bound or names_provider(each):
            make = partial(named, base_url=None, api_key=None)
        made.append(make(each) if isinstance(each, str) else each)
    return tuple(made)


def _is_offline(name: str, base_url: str | None, environment: Mapping[str, str]) -> bool:
    prefix, colon, _ = name.partition(":")
    if prefix == OFFLINE:
        return True
    return not colon and base_url is None and environment.get("AGENTKIT_PROVIDER") == OFFLINE


def _split(name: str, base_url: str | None, environment: Mapping[str, str]) -> tuple[Provider, str]:
    prefix, colon, model = name.partition(":")
    if colon and prefix in PROVIDERS:
        return PROVIDERS[prefix], model
    if base_url is not None:
        return provider_of(base_url), name
    check_name(name)
    return _default_provider(environment), name


def _default_provider(environment: Mapping[str, str]) -> Provider:
    named = environment.get("AGENTKIT_PROVIDER")
    if named:
        if named not in PROVIDERS:
            raise ConfigurationError(f"AGENTKIT_PROVIDER: {_unknown_provider(named)}")
        return PROVIDERS[named]
    for provider in PROVIDERS.values():
        if provider.key_variable and environment.get(provider.key_variable):
            return provider
    raise ConfigurationError(
        "No key is set. Set OPENAI_API_KEY or COMETAPI_KEY, name a local server "
        "(model 'ollama:qwen3'), or try without a model: 'offline'."
    )


def _own_key(provider: Provider, environment: Mapping[str, str]) -> str | None:
    if not provider.key_variable:
        return None
    key = environment.get(provider.key_variable)
    if not key:
        raise ConfigurationError(
            f"{provider.name} needs a key. Set {provider.key_variable}, or pass api_key."
        )
    return key


def _unknown_provider(prefix: str, name: str = "") -> str:
    hint = did_you_mean(prefix, PROVIDERS)
    colon = f" If the colon belongs to the model's name, write 'PROVIDER:{name}'." if name else ""
    known = ", ".join([*PROVIDERS, OFFLINE])
    return f"There is no provider {prefix!r}.{hint} Providers: {known}.{colon}"
