"""Agent: a model, instructions and tools, and the ways to run them.

A façade: every way begins a Run in a log, and `loop` does the rest.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from agentkit.approval import Decision
from agentkit.background import background
from agentkit.context import ContextPolicy, context_wire, request_fields
from agentkit.conversation import conversation_for
from agentkit.dispatch import closing_outputs
from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError, Conflict, StoreError, carry
from agentkit.events import Listener
from agentkit.hiding import hosted_secrets
from agentkit.input import UserInput, input_items
from agentkit.limits import Limits
from agentkit.loop import loop
from agentkit.middleware import Middleware
from agentkit.models import check_name, model_for, names_provider
from agentkit.options import (
    checked_limits,
    checked_listener,
    checked_middleware,
    checked_prices,
    checked_rule,
    checked_secrets,
    checked_settings,
    tools_by_name,
)
from agentkit.output import output_format
from agentkit.paying import check_prices, purse_behind
from agentkit.prices import Prices
from agentkit.records import Input, Record, Setup
from agentkit.responses.dialect import dialect_of
from agentkit.responses.response import Fields, Model
from agentkit.result import RunResult, broken_off, result_of
from agentkit.resuming import resumed
from agentkit.rules import ApprovalRule
from agentkit.run import Run
from agentkit.secrets import Secrets, secrets_of
from agentkit.sessions import Place, Session, WhenBusy, opened
from agentkit.stores.opened import Where, opened_store
from agentkit.stores.protocol import Store
from agentkit.stream import Stream, SyncStream, heard_by_both
from agentkit.tools import Tool

if TYPE_CHECKING:
    from agentkit.responses.client import HTTPClient


class Agent:
    """A model with instructions and tools. Immutable in use: run it often, also at once.

    `model` is a name (`"gpt-5-mini"`), a name with its provider (`"cometapi:gpt-4.1"`,
    `"ollama:qwen3"`, `"offline"`) or an object with the Model protocol. `tools` are functions,
    Tools, and hosted tools as the wire's own objects. `output` is `str`, any type pydantic knows,
    or a JSON schema. `settings` are request fields, passed on as they are. `state` is `"replay"`,
    `"chained"` or the id of a conversation at the server. `store` keeps the log of every run: a
    path (SQLite), a URL (`postgresql://…`) or a Store; without one nothing is written. `context`
    says what of a long conversation is sent; without it, everything.

    Raises ConfigurationError for an argument that cannot work.
    """

    def __init__(  # noqa: PLR0913 - the public surface of an agent
        self,
        model: str | Model,
        *,
        name: str | None = None,
        instructions: str = "",
        tools: Sequence[Tool | Callable[..., Any] | Wire] = (),
        output: Any = str,
        limits: Limits | None = None,
        approve: ApprovalRule | str | os.PathLike[str] | None = None,
        state: str = "replay",
        context: ContextPolicy | None = None,
        settings: Mapping[str, Any] | None = None,
        middleware: Sequence[Middleware] = (),
        prices: Prices | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        http_client: HTTPClient | None = None,
        store: Where | None = None,
        secrets: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._given = {key: value for key, value in locals().items() if key != "self"}
        if isinstance(model, str):
            check_name(model, base_url)
        elif isinstance(model, type) or not hasattr(model, "stream"):
            raise ConfigurationError(
                f"model: expected a name or an object with stream(request), got {model!r:.80}."
            )
        self._stores: dict[Any, Store] = {}
        self.store = self._given["store"] = self._opened(store)
        self.name = name
        self.instructions = instructions
        self.tools: dict[str, Tool] = tools_by_name(tools)
        self.hosted_tools: list[Wire] = [each for each in tools if isinstance(each, dict)]
        self.limits = checked_limits(limits) or Limits()
        self.settings = {**request_fields(context), **checked_settings(settings or {})}
        self._output = output_format(output)
        self._given_model = model
        self._named = partial(
            model_for,
            base_url=base_url,
            api_key=api_key,
            http_client=http_client,
            environment=environment,
        )
        self._conversation = conversation_for(state, context, model)
        self._approve = checked_rule(approve)
        self._middleware = checked_middleware(middleware)
        self._prices = checked_prices(prices)
        self._clock = clock
        self._more_secrets = checked_secrets(secrets)

    def __repr__(self) -> str:
        given = self._given_model
        name = given if isinstance(given, str) else type(given).__name__
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

    @cached_property
    def model(self) -> Model:
        """The model, made at the first use. Raises ConfigurationError for a missing key."""
        if isinstance(self._given_model, str):
            return self._named(self._given_model)
        return self._given_model

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
        said = Input(input_items(input))
        options = _Options(session, deps, limits, on_event, store, when_busy)
        return await self._go_on(options, lambda place: [*closing_outputs(place.log), said])

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
        options = _Options(session, deps, limits, on_event, store, when_busy)
        return await self._go_on(options, lambda place: resumed(place, decisions, self.tools))

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
        return background().run(
            partial(
                self.run,
                input,
                session=session,
                deps=deps,
                limits=limits,
                on_event=on_event,
                store=store,
                when_busy=when_busy,
            )
        )

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
        return background().run(
            partial(
                self.resume,
                session,
                decisions,
                deps=deps,
                limits=limits,
                on_event=on_event,
                store=store,
                when_busy=when_busy,
            )
        )

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
        given = {"session": session, "deps": deps, "limits": limits}
        start = partial(self.run, input, **given, store=store, when_busy=when_busy)
        return SyncStream(heard_by_both(start, on_event))

    async def _go_on(
        self, options: _Options, opening: Callable[[Place], Sequence[Record]]
    ) -> RunResult:
        store = self.store if options.store is None else self._opened(options.store)
        async with opened(options.session, store, options.when_busy) as place:
            run = self._run(options, place)
            check_prices(run)
            first = opening(place)
            setup = run.log.setup
            if not setup or (setup.digest, setup.session) != (self._setup.digest, run.session):
                first = [replace(self._setup, session=run.session), *first]
            if purse := purse_behind(run, first):
                run = replace(run, purse=purse)
            try:
                run.hold(*first)
                with purse or nullcontext():
                    end = await loop(run)
                if run.journal is not None:
                    await run.journal.end(run.log)
            except (Exception, asyncio.CancelledError) as error:
                self.secrets.redact(error)
                result = broken_off(run.log, error, run.session)
                carry(error, result)
                await _kept_so_far(run, error, result)
                raise
        return result_of(run.log, end, run.session, self._output)

    def _opened(self, store: Where | None) -> Store | None:
        """The store at a place, the same one for every run."""
        if store is None:
            return None
        if isinstance(store, str | os.PathLike):
            at = os.fspath(store)
            return self._stores.get(at) or self._stores.setdefault(at, opened_store(at))
        return opened_store(store)

    def _run(self, options: _Options, place: Place) -> Run:
        began = self._clock()
        return Run(
            log=place.log,
            journal=place.journal,
            setup=self._setup,
            model=self.model,
            tools=self.tools,
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
        )

    @cached_property
    def secrets(self) -> Secrets:
        """What its runs hide: the model's key, those of hosted tools, and what the caller named."""
        return secrets_of(self.model, [*self._more_secrets, *hosted_secrets(self.hosted_tools)])

    @cached_property
    def _setup(self) -> Setup:
        """What every request of this agent is made of, encoded once for all its runs."""
        dialect = dialect_of(self.model)
        settings = {k: v for k, v in self.settings.items() if k != "tool_choice"}
        told, text = self.instructions, dict(settings.pop("text", None) or {})
        if self._output is not None and dialect.text_format:
            text["format"] = self._output.text_format()
        elif self._output is not None:
            told = f"{told}\n\n{self._output.instruction()}".strip()
        tools = [*(tool.schema() for tool in self.tools.values()), *self.hosted_tools]
        fields = {
            "model": getattr(self.model, "name", None),
            "instructions": told,
            "tools": tools,
            "text": text,
            **settings,
        }
        known = {key: value for key, value in fields.items() if value not in (None, "", [], {})}
        endpoint = getattr(self.model, "endpoint", None)
        server = str(getattr(endpoint, "shown", ""))
        conversation = getattr(self._conversation, "conversation", "")
        context = context_wire(getattr(self._conversation, "context", None))
        return Setup(
            Fields(known),
            self.settings.get("tool_choice"),
            server=server,
            conversation=conversation,
            context=context,
            secrets=self.secrets,
        )


@dataclass(frozen=True)
class _Options:
    """What one call of `run` or `resume` says beside its input."""

    session: Session
    deps: Any
    limits: Limits | None
    listener: Listener | None
    store: Where | None
    when_busy: WhenBusy


async def _kept_so_far(run: Run, error: BaseException, result: RunResult) -> None:
    """Keep what a run that breaks off has come to, and how it ended; the error goes first."""
    if run.journal is None or isinstance(error, StoreError | Conflict):
        return
    try:
        with suppress(StoreError, Conflict):
            await run.journal.end(run.log, result.status)
    except asyncio.CancelledError as cancelled:
        carry(cancelled, result)
        raise
