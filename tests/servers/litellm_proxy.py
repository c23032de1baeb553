"""The litellm proxy in front of other servers, in a virtual environment of its own.

It answers `/responses` in two ways, by the model that is asked: it passes the request through, or
it makes a chat completion of it and a response of what comes back. It has `/chat/completions` too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agentkit.encoding import encode
from tests.servers.processes import started

PROXIED = {"bridged": "responses", "passed-through": "responses", "chat": "chat"}
"""The models of the proxy, and on which wire they are asked."""

# Nothing is fetched and nothing reported; what it fails at is left to the client to repeat.
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOG": "INFO",
    "NO_DOCS": "True",
}


def program() -> Path | None:
    """Where litellm is, if `make test-servers` says in which environment."""
    environment = os.environ.get("AGENTKIT_LITELLM")
    return Path(environment, "bin", "litellm") if environment else None


@contextmanager
def running(program: Path, backends: Mapping[str, str], folder: Path) -> Iterator[tuple[str, str]]:
    """The base URL of a proxy in front of these, and its key.

    `backends` are base URLs by what the names of their models begin with.
    """
    key = f"sk-{secrets.token_hex(24)}"
    config = folder / "litellm.json"
    config.write_bytes(encode(_configuration(backends)))
    with started(
        [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", "0"],
        r"running on (http://\S+)",
        {**QUIET, "LITELLM_MASTER_KEY": key},
    ) as url:
        yield f"{url}/v1", key


def _configuration(backends: Mapping[str, str]) -> dict[str, object]:
    models = [each for prefix, url in backends.items() for each in _models(prefix, url)]
    return {
        "model_list": models,
        "litellm_settings": {"telemetry": False, "drop_params": True, "num_retries": 0},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


def _models(prefix: str, url: str) -> list[dict[str, object]]:
    return [
        _model(f"{prefix}bridged", url, use_chat_completions_api=True),
        _model(f"{prefix}passed-through", url),
        _model(f"{prefix}chat", url),
    ]


def _model(name: str, url: str, **options: object) -> dict[str, object]:
    where = {"model": f"openai/{name}", "api_base": url, "api_key": "none", "max_retries": 0}
    return {"model_name": name, "litellm_params": {**where, **options}}
