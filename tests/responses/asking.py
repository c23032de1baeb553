"""One request to a model, and what became of it."""

from __future__ import annotations

import pytest
from loopback import Loopback

from agentkit import ModelError, Response, ResponsesModel
from agentkit.responses.client import Endpoint
from agentkit.responses.fold import collect
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Request
from agentkit.responses.retry import Retries

ONCE = Retries(attempts=1)


KEY = {"Authorization": "Bearer sk-secret-1234"}


def request(stream: bool = False, **fields) -> Request:
    return Request(Fields({"model": "m", **fields}), (user_message("?"),), stream=stream)


def model(url: str, **options) -> ResponsesModel:
    return ResponsesModel("m", Endpoint(url, KEY), **{"retries": ONCE, **options})


async def ask(model: ResponsesModel, stream: bool = False, **fields) -> Response:
    return await collect(model.stream(request(stream, **fields)))


async def error_of(*answers, stream: bool = True, **options) -> ModelError:
    async with Loopback(*answers) as server:
        with pytest.raises(ModelError) as caught:
            await ask(model(server.url, **options), stream)
    return caught.value
