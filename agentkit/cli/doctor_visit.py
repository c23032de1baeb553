"""A doctor's visit: where to ask, the questions, and what follows from the answers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from urllib.request import getproxies

from agentkit.cli.answer import write_json
from agentkit.cli.doctor_words import Diagnosis, tell, wire_of
from agentkit.cli.errors import FAILED, note
from agentkit.cli.safe_text import one_line
from agentkit.cli.show import screen_for
from agentkit.errors import ConfigurationError
from agentkit.models import OFFLINE, default_model, model_for
from agentkit.responses.client import ResponsesModel
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.probing.asking import Examination, Report
from agentkit.responses.probing.dialect import dialect_from
from agentkit.responses.probing.fixes import (
    Place,
    Surroundings,
    advice,
    first_fix,
    look_around,
    models_of,
    over,
    proxy_for,
)
from agentkit.responses.probing.hearing import Line
from agentkit.responses.probing.probes import MOST_TOKENS, PROBES, Probe, with_what_they_need
from agentkit.responses.providers import DEFAULT_MODELS, endpoint_at, provider_of
from agentkit.testing.offline import OfflineModel
from agentkit.testing.server import ResponsesServer


async def visit(arguments: argparse.Namespace) -> int:
    """Ask the server that is meant, and print what was found; the exit code."""
    name = arguments.model or ("" if arguments.base_url else default_model())
    if name.partition(":")[0] != OFFLINE:
        return _told(await _diagnosis(await _place(name, arguments), arguments), arguments)
    if arguments.base_url:
        raise ConfigurationError("--base-url: the model 'offline' has no server. Name another.")
    async with ResponsesServer(OfflineModel()) as server:
        proxy = proxy_for(server.url, getproxies())
        place = Place(Endpoint(server.url), OFFLINE, proxy=proxy, is_stand_in=True)
        return _told(await _diagnosis(place, arguments), arguments)


async def _place(name: str, arguments: argparse.Namespace) -> Place:
    """Where to ask, for which model, with which key."""
    key = os.environ.get(arguments.key_variable) if arguments.key_variable else None
    if arguments.key_variable and not key:
        raise ConfigurationError(f"--key-variable: {arguments.key_variable} is not set.")
    # a name that a server lists is its own word, which names no provider of ours
    listed = "" if name else await _some_model(arguments, key)
    model = model_for(name or "model", base_url=arguments.base_url, api_key=key)
    if not isinstance(model, ResponsesModel):
        raise ConfigurationError(f"-m {name}: there is no server behind it.")
    endpoint = over(model.endpoint, arguments.wire) if arguments.wire else model.endpoint
    variable = arguments.key_variable or provider_of(endpoint.base_url).key_variable
    proxy = proxy_for(endpoint.base_url, getproxies())
    return Place(endpoint, listed or model.name, variable if endpoint.headers else None, proxy)


async def _some_model(arguments: argparse.Namespace, key: str | None) -> str:
    """A model that the server at the base URL has, where none was named."""
    if usual := DEFAULT_MODELS.get(provider_of(arguments.base_url).name):
        return usual
    endpoint = endpoint_at(arguments.base_url, key)
    models = await models_of(Line(endpoint, seconds=arguments.timeout), endpoint)
    # a server that tells no names may heed none
    talking = [name for name in models if "embed" not in name.lower()]
    return next(iter([*talking, *models]), "default")


async def _diagnosis(place: Place, arguments: argparse.Namespace) -> Diagnosis:
    probes = _probes(arguments.only)
    line = Line(place.endpoint, seconds=arguments.timeout)
    report = await _report(place, line, probes)
    around = await look_around(line, place, report.error) if report.error else Surroundings()
    if around.chat_url == place.endpoint.shown and not arguments.wire:
        place = replace(place, endpoint=over(place.endpoint, "chat"))
        report = await _report(place, line.at(place.endpoint), probes)
    fix = first_fix(report.error, place, around) if report.error else advice(report)
    dialect = dialect_from(report, place.endpoint.dialect)
    return Diagnosis(place, report, len(line.sent), fix, dialect)


async def _report(place: Place, line: Line, probes: Sequence[Probe]) -> Report:
    is_chat = place.endpoint.dialect.wire == "chat"
    most = sum(not probe.is_free for probe in probes)
    where = "a server on this computer" if place.is_stand_in else place.endpoint.shown
    note(
        f"Asking {one_line(place.model)} at {where}{' for chat completions' if is_chat else ''}: "
        f"up to {most} request{'s' * (most > 1)}, each of at most {MOST_TOKENS} tokens of output."
    )
    screen = screen_for(sys.stderr, is_quiet=False)
    examination = Examination(
        line.ask, place.model, tell=lambda probe: screen.waiting(f"asking for {probe.name}")
    )
    try:
        return await examination.report(probes)
    finally:
        screen.still()


def _probes(names: Sequence[str]) -> tuple[Probe, ...]:
    """All of them, or those that are named, which then are what has to work."""
    if not names:
        return PROBES
    needed = {"text", *names}
    chosen = with_what_they_need(names)
    return tuple(replace(probe, is_essential=probe.name in needed) for probe in chosen)


def _told(diagnosis: Diagnosis, arguments: argparse.Namespace) -> int:
    if arguments.json:
        write_json(sys.stdout, wire_of(diagnosis, is_verbose=arguments.verbose))
    else:
        tell(diagnosis, sys.stdout, is_verbose=arguments.verbose)
    return 0 if diagnosis.report.works else FAILED
