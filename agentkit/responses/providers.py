"""Servers as data: where they are, which key they take, what they do differently.

A key is only ever sent to the host of its own provider. To add a server, add a line.
Source: the providers' documentation and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from agentkit.errors import ConfigurationError
from agentkit.responses.chat.dialect import ChatDialect
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint, without_secrets


@dataclass(frozen=True)
class Provider:
    """A server that speaks the Responses wire, or that of chat completions."""

    name: str
    base_url: str = ""
    """Ends before `/responses`; empty where the caller has to say it."""
    key_variable: str = ""
    """The environment variable with the key; empty where none is needed."""
    url_variable: str = ""
    """The environment variable that says, or moves, the base URL."""
    url_suffix: str = ""
    """What follows the value of `url_variable`."""
    key_header: str = "Authorization"
    dialect: Dialect = field(default_factory=Dialect)

    def url(self, environment: Mapping[str, str]) -> str:
        """The base URL. Raises ConfigurationError where it is not known."""
        said = environment.get(self.url_variable, "").strip() if self.url_variable else ""
        if said:
            root = (said if "://" in said else self._local(said)).rstrip("/")
            return root if root.endswith(self.url_suffix) else root + self.url_suffix
        if not self.base_url:
            raise ConfigurationError(
                f"Where is {self.name}? Set {self.url_variable} or pass base_url."
            )
        return self.base_url

    def _local(self, host: str) -> str:
        """The URL of a bare `host` or `host:port`, as Ollama's own variable has it."""
        port = urlsplit(self.base_url).port
        address = host if ":" in host or port is None else f"{host}:{port}"
        # the address to listen on is none to connect to
        return f"http://{address}".replace("//0.0.0.0", "//127.0.0.1")

    def headers(self, key: str | None) -> dict[str, str]:
        """The headers that carry the key."""
        if not key:
            return {}
        value = f"Bearer {key}" if self.key_header == "Authorization" else key
        return {self.key_header: value}


_KEEPS = Dialect(encrypted_reasoning=True, keeps_responses=True)
_OPENAI = replace(_KEEPS, chat=ChatDialect(lacks=frozenset({"max_tokens"})))
_STATELESS = Dialect(state=False)
_CHAT = Dialect(wire="chat", state=False)

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", dialect=_OPENAI),
        Provider("cometapi", "https://api.cometapi.com/v1", "COMETAPI_KEY"),
        Provider(
            "openrouter",
            "https://openrouter.ai/api/v1",
            "OPENROUTER_API_KEY",
            dialect=Dialect(encrypted_reasoning=True, state=False),
        ),
        Provider(
            "azure",
            key_variable="AZURE_OPENAI_API_KEY",
            url_variable="AZURE_OPENAI_ENDPOINT",
            url_suffix="/openai/v1",
            key_header="api-key",
            dialect=_OPENAI,
        ),
        Provider("xai", "https://api.x.ai/v1", "XAI_API_KEY", dialect=_KEEPS),
        Provider(
            "deepseek",
            "https://api.deepseek.com",
            "DEEPSEEK_API_KEY",
            dialect=Dialect(
                state=False,
                lists_in_outputs=False,
                calls_apart=False,
                chat=ChatDialect(thought_field="reasoning_content"),
            ),
        ),
        Provider(
            "groq",
            "https://api.groq.com/openai/v1",
            "GROQ_API_KEY",
            dialect=Dialect(
                state=False,
                lacks=frozenset({"include", "prompt_cache_key", "safety_identifier", "truncation"}),
            ),
        ),
        Provider(
            "huggingface",
            "https://router.huggingface.co/v1",
            "HF_TOKEN",
            dialect=Dialect(
                state=False,
                streams="without tools",
                lacks=frozenset(
                    {
                        "background",
                        "include",
                        "max_tool_calls",
                        "parallel_tool_calls",
                        "top_logprobs",
                        "truncation",
                    }
                ),
            ),
        ),
        Provider("together", "https://api.together.ai/v1", "TOGETHER_API_KEY", dialect=_CHAT),
        Provider(
            "fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", dialect=_CHAT
        ),
        Provider("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", dialect=_CHAT),
        Provider("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", dialect=_CHAT),
        Provider(
            "mistral",
            "https://api.mistral.ai/v1",
            "MISTRAL_API_KEY",
            dialect=replace(_CHAT, chat=ChatDialect(lacks=frozenset({"stream_options"}))),
        ),
        Provider(
            "cerebras",
            "https://api.cerebras.ai/v1",
            "CEREBRAS_API_KEY",
            dialect=replace(
                _CHAT,
                forced_choice=False,
                lacks=frozenset({"parallel_tool_calls", "service_tier"}),
            ),
        ),
        Provider(
            "moonshot",
            "https://api.moonshot.ai/v1",
            "MOONSHOT_API_KEY",
            dialect=replace(
                _CHAT,
                chat=ChatDialect(thought_field="reasoning_content", lacks=frozenset({"strict"})),
            ),
        ),
        Provider(
            "databricks",
            key_variable="DATABRICKS_TOKEN",
            url_variable="DATABRICKS_HOST",
            url_suffix="/serving-endpoints",
            dialect=_STATELESS,
        ),
        Provider(
            "ollama",
            "http://localhost:11434/v1",
            url_variable="OLLAMA_HOST",
            url_suffix="/v1",
            dialect=Dialect(
                tool_choice=False,
                lists_in_outputs=False,
                state=False,
                lacks=frozenset({"background", "include", "truncation"}),
            ),
        ),
        Provider("lmstudio", "http://localhost:1234/v1"),
        Provider("vllm", "http://localhost:8000/v1", dialect=_STATELESS),
        Provider(
            "llamacpp",
            "http://localhost:8080/v1",
            dialect=Dialect(
                text_format=False,
                tool_choice=False,
                lists_in_outputs=False,
                state=False,
                empty_reasoning=False,
                bare_messages=False,
                lacks_tools=frozenset({"*"}),
            ),
        ),
    )
}
"""Servers by name. `offline` is no server and stands in `agentkit.models`."""

DEFAULT_MODELS = {
    "openai": "gpt-5-mini",
    "cometapi": "gpt-4.1",
    "openrouter": "openai/gpt-5-mini",
    "xai": "grok-4",
    "deepseek": "deepseek-chat",
    "groq": "openai/gpt-oss-20b",
}
"""A model that a provider is known to have, for a caller who names none."""


_DATABRICKS_HOSTS = (".cloud.databricks.com", ".azuredatabricks.net", ".gcp.databricks.com")
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


def provider_of(base_url: str) -> Provider:
    """The provider at a base URL's host, or one without a name and a key for any other host."""
    scheme, host = _scheme_and_host(base_url)
    for provider in PROVIDERS.values():
        if provider.key_variable and _scheme_and_host(provider.base_url) == (scheme, host):
            return provider
    if scheme == "https" and host.endswith(_AZURE_HOSTS):
        return PROVIDERS["azure"]
    if scheme == "https" and host.endswith(_DATABRICKS_HOSTS):
        return PROVIDERS["databricks"]
    # of the ports that local servers use, this one is nobody else's
    ollama = PROVIDERS["ollama"]
    if _port(base_url) == _port(ollama.base_url):
        return Provider(host, base_url, dialect=ollama.dialect)
    return Provider(host, base_url)


def _port(base_url: str) -> int | None:
    try:
        return urlsplit(base_url).port
    except ValueError as error:
        raise ConfigurationError(
            f"base_url {without_secrets(base_url)!r}: {str(error).lower()}. Write it like "
            "https://host:8000/v1."
        ) from error


def _scheme_and_host(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if url and not parts.hostname:
        raise ConfigurationError(
            f"base_url {without_secrets(url)!r} is not a URL. Write it like https://host/v1."
        )
    return parts.scheme, parts.hostname or ""


def endpoint_at(base_url: str, api_key: str | None = None) -> Endpoint:
    """The endpoint at a base URL, in the dialect of the provider that is there."""
    provider = provider_of(base_url)
    return Endpoint(base_url, provider.headers(api_key), provider.dialect)
