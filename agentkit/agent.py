"""Agent: a model, instructions and tools, and the ways to run them.

A façade: every way begins a Run in a log, and `loop` does the rest. The rooms that run are loaded
by the first run: with asyncio they take longer than everything that an agent is made of.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, Unpack

from agentkit.conversation import conversation_for, request_fields
from agentkit.limits import Limits
from agentkit.models import checked_models, model_for, named_models, names_provider
from agentkit.options import (
    RunOptions,
    checked_cache,
    checked_client,
    checked_limits,
    checked_listener,
    checked_middleware,
    checked_output,
    checked_prices,
    checked_rule,
    checked_secrets,
    checked_settings,
    tools_by_name,
)
from agentkit.stores.opened import opened_store

if TYPE_CHECKING:
    from agentkit.ages import Age
    from agentkit.approval import Decision
    from agentkit.context import ContextPolicy
    from agentkit.encoding import Wire
    from agentkit.events import Listener
    from agentkit.input import UserInput
    from agentkit.jobs.asking import Asker
    from agentkit.jobs.job import Job
    from agentkit.jobs.options import Ask, MapOptions
    from agentkit.jobs.results import MapResult
    from agentkit.middleware import Middleware
    from agentkit.prices import Prices
    from agentkit.records import Setup
    from agentkit.responses.client import HTTPClient
    from agentkit.responses.dialect import WireName
    from agentkit.responses.response import Model
    from agentkit.result import RunResult
    from agentkit.resuming import Opening
    from agentkit.rules import ApprovalRule
    from agentkit.run import Run
    from agentkit.secrets import Secrets
    from agentkit.sessions import Place, Session, WhenBusy
    from agentkit.stores.opened import Where
    from agentkit.stores.protocol import Store
    from agentkit.stream import Stream, SyncStream
    from agentkit.tables.table import Rows
    from agentkit.tools import Tool, Toolbox


class Agent:
    """A model with instructions and tools. Immutable in use: run it often, also at once.

    `model` is a name (`"gpt-5-mini"`), a name with its provider (`"cometapi:gpt-4.1"`,
    `"ollama:qwen3"`, `"offline"`) or an object with the Model protocol; of a list, the next one
    goes on where the server of the one before fails. `wire` is `"chat"` for servers that have
    `/chat/completions` and no Responses. `tools` are functions,
    Tools, and hosted tools as the wire's own objects. `output` is `str`, any type pydantic knows,
    or a JSON schema. With `evidence`, each field of it shows in which call's output it was found;
    with `"require"`, what is not found there is null. `settings` are request fields, passed on as
    they are. `state` is `"replay"`, `"chained"` or the id of a conversation at the server. `store`
    keeps the log of every run: a path (SQLite), a URL (`postgresql://…`) or a Store; without one
    nothing is written. `cache` is how old an answer of the store may be that is given again where
    the same is asked, such as `"7d"`; True is for any age. `context` says what of a long
    conversation is sent; without it, everything.

    Raises ConfigurationError for an argument that cannot work.
    """

    def __init__(  # noqa: PLR0913 - the public surface of an agent
        self,
        model: str | Model | Sequence[str | Model],
        *,
        name: str | None = None,
        instructions: str = "",
        tools: Sequence[Tool | Toolbox | Callable[..., Any] | Wire] = (),
        output: Any = str,
        evidence: bool | Literal["require"] = False,
        limits: Limits | None = None,
        approve: ApprovalRule | str | os.PathLike[str] | None = None,
        state: str = "replay",
        context: ContextPolicy | None = None,
        settings: Mapping[str, Any] | None = None,
        middleware: Sequence[Middleware] = (),
        prices: Prices | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        wire: WireName | None = None,
        http_client: HTTPClient | None = None,
        store: Where | None = None,
        cache: Age | bool | None = None,
        secrets: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._given = {key: value for key, value in locals().items() if key != "self"}
        self._given_models = checked_models(model, base_url, wire)
        self._stores: dict[Any, Store] = {}
        self.store = self._given["store"] = self._opened(store)
        self.name = name
        self.instructions = instructions
        self.tools: dict[str, Tool] = tools_by_name(tools)
        self.hosted_tools: list[Wire] = [each for each in tools if isinstance(each, dict)]
        self.limits = checked_limits(limits) or Limits()
        self.settings = {**request_fields(context), **checked_settings(settings or {})}
        self._output = checked_output(output, evidence)
        self._named = partial(
            model_for,
            base_url=base_url,
            api_key=api_key,
            wire=wire,
            http_client=checked_client(http_client),
            environment=environment,
        )
        self._conversation = conversation_for(state, context, self._given_models)
        self._approve = checked_rule(approve)
        self._cache = checked_cache(cache, state)
        self._middleware = checked_middleware(middleware)
        self._prices = checked_prices(prices)
        self._clock = clock
        self._more_secrets = checked_secrets(secrets)

    def __repr__(self) -> str:
        names = [
            each if isinstance(each, str) else type(each).__name__ for each in self._given_models
        ]
        name = names[0] if len(names) == 1 else names
        called = f", name={self.name!r}" if self.name else ""
        return f"Agent({name!r}{called}, tools=[{', '.join(self.tools)}])"

    def replace(self, **options: Any) -> Agent:
        """An agent like this one, but for these arguments of the constructor.

        A key is for one server: where `base_url` changes, or `model` names a provider, the key
        and the URL that were given before are forgotten.
        """
        given = {**self._given, **options}
        if "base_url" in options or names_provider(options.get("model")):
            given |= {key: options.get(key) for key in ("api_key", "base_url")}
        return Agent(**given)

    @property
    def model(self) -> Model:
        """The model that is asked. Raises ConfigurationError for a missing key."""
        return self.models[0]

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The model and those that follow it where its server fails, made at the first use."""
        return named_models(self._given_models, self._named, self._given["base_url"])

    async def run(
        self,
        input: UserInput,  # noqa: A002 - the wire's own word
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        store: Where | None = None,
        when_busy: WhenBusy = "conflict",
    ) -> RunResult:
        """Run to the end; what it came to.

        With a store, `session` names the conversation to go on with, or to begin; where another
        run is under way in it, `when_busy` says whether to raise Conflict or to wait for a turn.
        Raises ModelError where the model could not be reached or said no. Whatever it raises,
        also when it is cancelled, the error's `.result` is the run so far. A refusal, a limit, a
        failed answer are statuses of the result.
        """
        from agentkit.resuming import begun

        options = RunOptions(session, deps, limits, on_event, store, when_busy)
        return await self._go_on(options, begun(input))

    async def resume(
        self,
        session: Session,
        decisions: Sequence[Decision] = (),
        *,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        store: Where | None = None,
        when_busy: WhenBusy = "conflict",
    ) -> RunResult:
        """Go on where a run stands: after a crash, a decision, a limit, an error, a cancel.

        Raises ConfigurationError for a decision about a call that does not wait, and Conflict
        where the run has gone on since, or the same calls were resumed from here before.
        """
        from agentkit.resuming import resumed

        options = RunOptions(session, deps, limits, on_event, store, when_busy)
        return await self._go_on(options, resumed(decisions, self.tools))

    def run_sync(
        self,
        input: UserInput,  # noqa: A002
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        store: Where | None = None,
        when_busy: WhenBusy = "conflict",
    ) -> RunResult:
        """`run` from anywhere: a script, a thread, a notebook, inside a running loop."""
        from agentkit.background import background

        start = partial(self.run, input, session=session, deps=deps, limits=limits)
        start = partial(start, on_event=on_event, store=store, when_busy=when_busy)
        return background().run(start)

    def resume_sync(
        self,
        session: Session,
        decisions: Sequence[Decision] = (),
        *,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        store: Where | None = None,
        when_busy: WhenBusy = "conflict",
    ) -> RunResult:
        """`resume` from anywhere."""
        from agentkit.background import background

        start = partial(self.resume, session, decisions, deps=deps, limits=limits)
        start = partial(start, on_event=on_event, store=store, when_busy=when_busy)
        return background().run(start)

    def stream(
        self,
        input: UserInput,  # noqa: A002
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        store: Where | None = None,
        when_busy: WhenBusy = "conflict",
    ) -> Stream:
        """`run`, heard while it goes on: `async with agent.stream(…) as stream`."""
        from agentkit.stream import Stream, heard_by_both

        given = {"session": session, "deps": deps, "limits": limits}
        start = partial(self.run, input, **given, store=store, when_busy=when_busy)
        return Stream(heard_by_both(start, on_event))

    def stream_sync(
        self,
        input: UserInput,  # noqa: A002
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        store: Where | None = None,
        when_busy: WhenBusy = "conflict",
    ) -> SyncStream:
        """`stream` for a plain `for`, from anywhere."""
        from agentkit.stream import SyncStream, heard_by_both

        given = {"session": session, "deps": deps, "limits": limits}
        start = partial(self.run, input, **given, store=store, when_busy=when_busy)
        return SyncStream(heard_by_both(start, on_event))

    def map(self, rows: Rows, prompt: Ask, **options: Unpack[MapOptions]) -> Job:
        """Ask a prompt for each row of a table: `await` it, or `async for` the rows as they end.

        `rows` is a CSV, TSV or JSONL file, `db.sqlite::select …`, or mappings; `prompt` a text with
        `{column}` in it, or a function of a row. Nothing happens before it is awaited or iterated.
        With a store, the same again asks only what is missing. See `MapOptions`.
        """
        from agentkit.jobs.job import Job

        return Job(partial(self._asker, options), rows, prompt, options)

    def map_sync(self, rows: Rows, prompt: Ask, **options: Unpack[MapOptions]) -> MapResult:
        """`map` from anywhere, to its end."""
        from agentkit.background import STOP, background

        job = self.map(rows, prompt, **options)
        return background().run(job.run, job.grace + STOP)

    async def _go_on(self, options: RunOptions, opening: Opening) -> RunResult:
        from agentkit.resuming import go_on
        from agentkit.sessions import opened

        store = self.store if options.store is None else self._opened(options.store)
        async with opened(options.session, store, options.when_busy) as place:
            return await go_on(self._run(options, place), place, opening)

    def _opened(self, store: Where | None) -> Store | None:
        """The store at a place, the same one for every run."""
        if store is None:
            return None
        if isinstance(store, str | os.PathLike):
            at = os.fspath(store)
            return self._stores.get(at) or self._stores.setdefault(at, opened_store(at))
        return opened_store(store)

    def _run(self, options: RunOptions, place: Place) -> Run:
        from agentkit.cache import cache_in
        from agentkit.reading import with_reader
        from agentkit.run import Run

        began = self._clock()
        (model, setup), *others = zip(self.models, self._setups, strict=True)
        return Run(
            log=place.log,
            journal=place.journal,
            setup=setup,
            model=model,
            others=tuple(others),
            tools=with_reader(self.tools, place.log),
            conversation=self._conversation,
            limits=checked_limits(options.limits) or self.limits,
            output=self._output,
            approve=self._approve,
            middleware=self._middleware,
            session=place.session,
            deps=options.deps,
            listener=checked_listener(options.listener),
            clock=lambda: self._clock() - began,
            prices=self._prices,
            secrets=self.secrets or None,
            cache=cache_in(place.journal.store if place.journal else None, self._cache),
        )

    def _asker(self, options: MapOptions) -> Asker:
        """What a job has to know of it."""
        from agentkit.jobs.asking import Asker

        store, deps = options.get("store"), options.get("deps")

        def run(place: Place, limits: Limits) -> Run:
            return self._run(RunOptions(place.session, deps, limits, None, None, "wait"), place)

        return Asker(
            models=self.models,
            asked=self._asked,
            conversation=self._conversation,
            output=self._output,
            tools=self.tools,
            secrets=self.secrets,
            store=self.store if store is None else self._opened(store),
            limits=checked_limits(options.get("limits")) or self.limits,
            run=run,
            with_evidence=bool(self._given["evidence"]),
        )

    @property
    def _asked(self) -> dict[str, Any]:
        """What is asked of every model beside its input."""
        tools = [*(tool.schema() for tool in self.tools.values()), *self.hosted_tools]
        return {"instructions": self.instructions, "tools": tools, **self.settings}

    @cached_property
    def secrets(self) -> Secrets:
        """What its runs hide: the model's key, those of hosted tools, and what the caller named."""
        from agentkit.hiding import hosted_secrets
        from agentkit.secrets import secrets_of

        named = [*self._more_secrets, *hosted_secrets(self.hosted_tools)]
        return secrets_of(self.models, named)

    @cached_property
    def _setups(self) -> list[Setup]:
        """What every request to each model is made of, encoded once for all runs."""
        from agentkit.resuming import setups_for

        how = self._output, self._conversation, self.secrets
        return setups_for(self.models, self._asked, *how)
