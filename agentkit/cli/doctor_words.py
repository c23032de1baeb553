"""What a doctor found, as a table with its conclusion, or as a JSON object."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TextIO

from agentkit.cli.safe_text import visible
from agentkit.cli.table import Table, lines_on
from agentkit.encoding import JSON, Wire, encode
from agentkit.responses.dialect import Dialect
from agentkit.responses.probing.asking import Finding, Report
from agentkit.responses.probing.dialect import written
from agentkit.responses.probing.fixes import Place
from agentkit.responses.providers import PROVIDERS, provider_of

WIDE = 200
"""Columns of a table that goes into a pipe or a file."""
MOST = 2000
"""Characters of a request or an answer that are shown."""

_STYLES = {"works": "green", "ignored": "yellow", "fails": "red", "unknown": "dim"}


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and what follows from it."""

    place: Place
    report: Report
    requests: int
    """How many were sent, those to other addresses too."""
    fix: str
    """What to do first, empty where all works that has to."""
    dialect: Dialect

    @property
    def python(self) -> str:
        """The Python for a model at this server, without the key; empty where nothing works."""
        return "" if self.report.error else _python(self.place, self.dialect)


def tell(diagnosis: Diagnosis, stream: TextIO, *, is_verbose: bool) -> None:
    """Write the table, what it took, and what follows from it."""
    hide, write = diagnosis.place.endpoint.hidden.hide, lines_on(stream)
    width = shutil.get_terminal_size().columns if stream.isatty() else WIDE
    for line, style in _table(diagnosis.report, width):
        write(hide(line), style)
    if is_verbose:
        for finding in diagnosis.report.findings:
            for line in _whole(finding):
                write(visible(hide(line)), "")
    write("", "")
    write(_took(diagnosis), "dim")
    if diagnosis.fix:
        write(visible(hide(f"First: {diagnosis.fix}")), "bold")
    if diagnosis.python:
        write(visible(f"Python: {diagnosis.python}"), "")


def wire_of(diagnosis: Diagnosis, *, is_verbose: bool) -> JSON:
    """All that was found as a JSON object, which holds no key."""
    place, report = diagnosis.place, diagnosis.report
    told: Wire = {
        "base_url": place.endpoint.shown,
        "model": place.model,
        "works": report.works,
        "first": diagnosis.fix or None,
        "probes": [_probe(each, is_verbose=is_verbose) for each in report.findings],
        "requests": diagnosis.requests,
        "usage": asdict(report.usage),
        "dialect": _plain(diagnosis.dialect),
        "python": diagnosis.python or None,
    }
    return place.endpoint.hidden.hide_json(told)


def _table(report: Report, width: int) -> Iterator[tuple[str, str]]:
    rows = [(each.probe.name, each.verdict.result, each.verdict.why) for each in report.findings]
    styles = ["bold", *(_STYLES[each.verdict.result] for each in report.findings)]
    yield from zip(Table(("PROBE", "RESULT", "WHAT CAME"), rows).lines(width), styles, strict=True)


def _whole(finding: Finding) -> Iterator[str]:
    """The request and the answer of a probe, as they went over the wire."""
    if finding.request is None:
        return
    yield f"\n{finding.probe.name}: whether {finding.probe.finds_out}"
    yield f"> {_cut(encode(finding.request.wire()).decode())}"
    heard = finding.heard
    body = heard.body.decode("utf-8", "replace").strip()
    for line in _cut(body or str(heard.error or "")).splitlines():
        yield f"< {line}".rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST]}… ({len(text):,} characters)"


def _took(diagnosis: Diagnosis) -> str:
    used, sent = diagnosis.report.usage, diagnosis.requests
    requests = f"{sent} request{'s' * (sent != 1)}"
    return (
        f"It took {requests} and {used.total_tokens:,} tokens "
        f"({used.input_tokens:,} in, {used.output_tokens:,} out)."
    )


def _probe(finding: Finding, *, is_verbose: bool) -> Wire:
    told: Wire = {"name": finding.probe.name, **asdict(finding.verdict)}
    if is_verbose:
        request, body = finding.request, finding.heard.body
        told["request"] = None if request is None else request.wire()
        told["answer"] = body.decode("utf-8", "replace")
    return told


def _plain(dialect: Dialect) -> Wire:
    values = asdict(dialect).items()
    return {key: sorted(value) if isinstance(value, frozenset) else value for key, value in values}


def _python(place: Place, dialect: Dialect) -> str:
    endpoint, model = place.endpoint, place.model
    if place.is_stand_in:
        return 'Agent("offline")'
    known = provider_of(endpoint.base_url)
    named = [each for each in PROVIDERS.values() if each.base_url == endpoint.base_url]
    for provider in named:
        if provider.dialect == dialect and provider.key_variable == (place.key_variable or ""):
            return f"Agent({_quoted(f'{provider.name}:{model}')})"
    key = f'os.environ["{place.key_variable}"]'
    if replace(known.dialect, wire=dialect.wire) == dialect:
        given = f", api_key={key}" if place.key_variable else ""
        given += f', wire="{dialect.wire}"' if dialect.wire != known.dialect.wire else ""
        return f"ResponsesModel({_quoted(model)}, {_quoted(endpoint.shown)}{given})"
    at = f"Endpoint({_quoted(endpoint.shown)}, {_headers(place, key)}, {written(dialect)})"
    return f"ResponsesModel({_quoted(model)}, {at})"


def _quoted(text: str) -> str:
    """The text as a literal, in the quotes that Python is usually written with."""
    return encode(text).decode()


def _headers(place: Place, key: str) -> str:
    """The headers, as Python that takes the key from where it is."""
    if place.key_variable is None:
        return "{}"
    name = next(iter(place.endpoint.headers))
    value = f'"Bearer " + {key}' if name == "Authorization" else key
    return f'{{"{name}": {value}}}'
