"""Asks a server all that there is to find out, a few questions at a time.

The first question is a plain one; where it shows that nothing works, no other is asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from agentkit.errors import BadRequestError, ModelError, RateLimitError, ServerError, TransportError
from agentkit.responses.probing.judges import Heard, Verdict
from agentkit.responses.probing.probes import Fetch, Probe
from agentkit.responses.response import Fields, Request, Usage
from agentkit.responses.retry import Retries

AT_ONCE = 3
"""How many requests are under way at the same time."""
NO_ENDPOINT = frozenset({404, 405, 501})
"""What a server says that has no such address."""

_BOUND = re.compile("max_((output|completion)_)?tokens")

Hear = Callable[[Request], Awaitable[Heard]]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Finding:
    """A probe, its verdict, and what that was drawn from."""

    probe: Probe
    verdict: Verdict
    request: Request | None = None
    """What was asked, None where nothing was left to ask."""
    heard: Heard = field(default_factory=Heard)

    @property
    def works(self) -> bool:
        return self.verdict.result == "works"


@dataclass(frozen=True)
class Report:
    """What was found out about a server."""

    findings: tuple[Finding, ...]
    usage: Usage
    refused: frozenset[str] = frozenset()
    """The field that bounds an answer, by the name that the server does not know."""

    def verdict(self, name: str) -> Verdict:
        """The verdict on the probe of that name; `unknown` where it was not asked."""
        found = (each.verdict for each in self.findings if each.probe.name == name)
        return next(found, Verdict("unknown", "not asked"))

    def heard(self, name: str) -> Heard:
        """What came back to the probe of that name."""
        found = (each.heard for each in self.findings if each.probe.name == name)
        return next(found, Heard())

    @property
    def error(self) -> ModelError | None:
        """Why there is no answer at all, None where there is one."""
        opening = [each.heard for each in self.findings if each.probe.name in ("text", "stream")]
        if any(heard.response is not None for heard in opening):
            return None
        return next((heard.error for heard in opening if heard.error), None)

    @property
    def works(self) -> bool:
        """Whether all works that agents cannot do without, as far as it was asked."""
        needed = [each for each in self.findings if each.probe.is_essential]
        return bool(needed) and all(each.works for each in needed)


class Examination:
    """The probing of one model at one server. Raises no ModelError: that is a finding."""

    def __init__(
        self,
        hear: Hear,
        model: str,
        *,
        tell: Callable[[Probe], None] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._hear = hear
        self._model = model
        self._tell = tell
        self._sleep = sleep
        self._retries = Retries(attempts=2, longest_wait=20.0)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._found: dict[str, Finding] = {}
        self._usage = Usage()
        self._refused: dict[str, None] = {}
        """The field that bounds an answer, where the server refuses it."""
        self._streams = False
        """Whether the server answers only where it may stream."""

    async def report(self, probes: Sequence[Probe]) -> Report:
        """What the probes found, in their order; `text` has to be among them."""
        by_name = {probe.name: probe for probe in probes}
        if await self._begins(by_name):
            rest = [probe for probe in probes if probe.name not in self._found]
            await self._ask_all([probe for probe in rest if probe.after not in by_name])
            await self._ask_all([probe for probe in rest if probe.name not in self._found])
        found = tuple(self._found[probe.name] for probe in probes if probe.name in self._found)
        return Report(found, self._usage, frozenset(self._refused))

    async def _begins(self, by_name: dict[str, Probe]) -> bool:
        """Whether the server answers the plainest question, whole or as a stream."""
        text = await self._ask(by_name["text"])
        if name := _refused_bound(text.heard.error):
            self._refused = {name: None}
            text = await self._ask(by_name["text"])
        error, response = text.heard.error, text.heard.response
        if response is not None and not response.is_failed:
            return True
        is_refused = isinstance(error, BadRequestError) and error.status not in NO_ENDPOINT
        if not is_refused or "stream" not in by_name:
            return False
        stream = await self._ask(by_name["stream"])
        self._streams = stream.works
        return self._streams

    async def _ask_all(self, probes: Sequence[Probe]) -> None:
        async with asyncio.TaskGroup() as group:
            for probe in probes:
                group.create_task(self._ask(probe))

    async def _ask(self, probe: Probe) -> Finding:
        before = {name: found.heard for name, found in self._found.items()}
        asked = probe.ask({**before, "text": before["stream"]} if self._streams else before)
        if isinstance(asked, Verdict):
            finding = Finding(probe, asked)
        else:
            async with self._slots:
                self._tell(probe)
                request = self._of_the_model(asked)
                heard = await self._heard(request)
                finding = Finding(probe, probe.judge(heard), request, heard)
        self._found[probe.name] = finding
        return finding

    def _of_the_model(self, request: Request) -> Request:
        fields = Fields({"model": self._model, **request.fields.values})
        extra, stream = {**request.extra, **self._refused}, request.stream or self._streams
        return replace(request, fields=fields, extra=extra, stream=stream)

    async def _heard(self, request: Request) -> Heard:
        """What came back, asked once more where the server said wait, or closed in between."""
        heard = await self._hear_once(request)
        error = heard.error
        # at first the connection is a new one, and says what it has to
        kinds = (RateLimitError, ServerError, *([TransportError] if self._found else []))
        if isinstance(error, kinds) and self._retries.allows(error):
            await self._sleep(self._retries.wait(1, error))
            heard = await self._hear_once(request)
        return heard

    async def _hear_once(self, request: Request) -> Heard:
        heard = await self._hear(request)
        if heard.response is not None and not isinstance(request, Fetch):
            self._usage += heard.response.usage
        return heard


def _refused_bound(error: ModelError | None) -> str | None:
    """The name of the field that bounds an answer, where a server refuses it by that name."""
    if not isinstance(error, BadRequestError):
        return None
    named = _BOUND.search(f"{error.param} {error.message}")
    return named[0] if named else None
