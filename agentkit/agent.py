"""Agent: a model, instructions and tools, and the ways to run them.

A façade: every way begins a Run in a log, and `loop` does the rest.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agentkit.approval import Decision, Rule, decision_records
from agentkit.background import background
from agentkit.conversation import conversation_for
from agentkit.dispatch import closing_outputs
from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError, carry
from agentkit.events import Listener
from agentkit.input import UserInput, input_items
from agentkit.limits import Limits
from agentkit.log import Log
from agentkit.loop import loop
from agentkit.middleware import Middleware
from agentkit.models import check_name, model_for, names_provider
from agentkit.moves import CallTools, Finish, next_move
from agentkit.options import (
    checked_limits,
    checked_listener,
    checked_middleware,
    checked_rule,
    checked_settings,
    tools_by_name,
)
from agentkit.output import output_format
from agentkit.records import Input, Record, Setup
from agentkit.responses.dialect import dialect_of
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Model
from agentkit.result import RunResult, broken_off, result_of
from agentkit.run import Run
from agentkit.stream import Stream, SyncStream
from agentkit.tools import Tool

if TYPE_CHECKING:
    from agentkit.responses.client import HTTPClient

Session = str | RunResult | Log | None
"""The result or the log of a run to go on from, or a name for a new one."""


class Agent:
    """A model with instructions and tools. Immutable in use: run it often, also at once.

    `model` is a name (`"gpt-5-mini"`), a name with its provider (`"cometapi:gpt-4.1"`,
    `"ollama:qwen3"`, `"offline"`) or an object with the Model protocol. `tools` are functions,
    Tools, and hosted tools as the wire's own objects. `output` is `str`, any type pydantic knows,
    or a JSON schema. `settings` are request fields, passed on as they are. `state` is `"replay"`,
    `"chained"` or the id of a conversation at the server.

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
        approve: Rule | None = None,
        state: str = "replay",
        settings: Mapping[str, Any] | None = None,
        middleware: Sequence[Middleware] = (),
        base_url: str | None = None,
        api_key: str | None = None,
        http_client: HTTPClient | None = None,
        store: None = None,
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
        if store is not None:
            raise ConfigurationError("store: logs are kept in memory; pass nothing.")
        self.name = name
        self.instructions = instructions
        self.tools: dict[str, Tool] = tools_by_name(tools)
        self.hosted_tools: list[Wire] = [each for each in tools if isinstance(each, dict)]
        self.limits = checked_limits(limits) or Limits()
        self.settings = checked_settings(settings or {})
        self._output = output_format(output)
        self._given_model = model
        self._named = partial(
            model_for,
            base_url=base_url,
            api_key=api_key,
            http_client=http_client,
            environment=environment,
        )
        self._conversation = conversation_for(state)
        self._approve = checked_rule(approve)
        self._middleware = checked_middleware(middleware)
        self._clock = clock

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
    ) -> RunResult:
        """Run to the end; what it came to.

        Raises ModelError where the model could not be reached or said no. Whatever it raises,
        also when it is cancelled, the error's `.result` is the run so far. A refusal, a limit, a
        failed answer are statuses of the result.
        """
        said = Input(input_items(input))
        options = _Options(session, deps, limits, on_event)
        return await self._go_on(options, lambda log: [*closing_outputs(log), said])

    async def resume(
        self,
        session: Session,
        decisions: Sequence[Decision] = (),
        *,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
    ) -> RunResult:
        """Go on where a run stands: after a decision, a limit, an error, a cancelled call.

        Raises ConfigurationError for a decision about a call that does not wait, and where the
        same calls were resumed from the same place before.
        """
        options = _Options(session, deps, limits, on_event)
        return await self._go_on(options, lambda log: _resumed(log, decisions, self.tools))

    def run_sync(
        self,
        input: UserInput,  # noqa: A002
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
    ) -> RunResult:
        """`run` from anywhere: a script, a thread, a notebook, inside a running loop."""
        return background().run(
            partial(self.run, input, session=session, deps=deps, limits=limits, on_event=on_event)
        )

    def resume_sync(
        self,
        session: Session,
        decisions: Sequence[Decision] = (),
        *,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
    ) -> RunResult:
        """`resume` from anywhere."""
        return background().run(
            partial(self.resume, session, decisions, deps=deps, limits=limits, on_event=on_event)
        )

    def stream(
        self,
        input: UserInput,  # noqa: A002
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
    ) -> Stream:
        """`run`, heard while it goes on: `async with agent.stream(…) as stream`."""
        start = partial(self.run, input, session=session, deps=deps, limits=limits)
        return Stream(_heard_by_both(start, on_event))

    def stream_sync(
        self,
        input: UserInput,  # noqa: A002
        *,
        session: Session = None,
        deps: Any = None,
        limits: Limits | None = None,
        on_event: Listener | None = None,
    ) -> SyncStream:
        """`stream` for a plain `for`, from anywhere."""
        start = partial(self.run, input, session=session, deps=deps, limits=limits)
        return SyncStream(_heard_by_both(start, on_event))

    async def _go_on(
        self, options: _Options, opening: Callable[[Log], Sequence[Record]]
    ) -> RunResult:
        run = self._run(options)
        opened = opening(run.log)
        if run.log.setup is None or run.log.setup.digest != self._setup.digest:
            opened = [replace(self._setup, session=run.session), *opened]
        try:
            await run.append(*opened)
            end = await loop(run)
        except (Exception, asyncio.CancelledError) as error:
            carry(error, broken_off(run.log, error, run.session))
            raise
        return result_of(run.log, end, run.session, self._output)

    def _run(self, options: _Options) -> Run:
        log, session = _log_of(options.session)
        began = self._clock()
        return Run(
            log=log,
            model=self.model,
            tools=self.tools,
            conversation=self._conversation,
            limits=checked_limits(options.limits) or self.limits,
            output=self._output,
            approve=self._approve,
            middleware=self._middleware,
            session=session,
            deps=options.deps,
            listener=checked_listener(options.listener),
            clock=lambda: self._clock() - began,
        )

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
        return Setup(
            Fields(known),
            self.settings.get("tool_choice"),
            server=server,
            conversation=conversation,
        )


@dataclass(frozen=True)
class _Options:
    """What one call of `run` or `resume` says beside its input."""

    session: Session
    deps: Any
    limits: Limits | None
    listener: Listener | None


def _log_of(session: Session) -> tuple[Log, str]:
    if isinstance(session, RunResult):
        return session.log.copy(), session.session
    if isinstance(session, Log):
        return session.copy(), session.session or _new_session()
    if session is None or isinstance(session, str):
        return Log(), session or _new_session()
    raise ConfigurationError(
        "session: expected a result, a Log or a name, got a "
        f"{type(session).__name__}. Of a dumped log: Log.load(dump)."
    )


def _new_session() -> str:
    return f"run_{uuid4().hex[:12]}"


def _resumed(
    log: Log, decisions: Sequence[Decision], tools: Mapping[str, Tool]
) -> Sequence[Record]:
    """What to add to a log so that it goes on."""
    if not any(isinstance(record, Input) for record in log.records):
        raise ConfigurationError("There is no run to go on with. Pass its result or its log.")
    decided, end = decision_records(log, decisions, tools), next_move(log)
    if decided or isinstance(end, CallTools):
        log.claim()
        return decided
    status = end.status if isinstance(end, Finish) else None
    if status in ("limited", "incomplete"):
        return [Input((user_message("Go on."),))]
    return [Input(())] if status == "failed" else []


def _heard_by_both(
    start: Callable[..., Awaitable[RunResult]], listener: Listener | None
) -> Callable[[Listener], Awaitable[RunResult]]:
    def begin(stream: Listener) -> Awaitable[RunResult]:
        def hear(event: Any) -> None:
            stream(event)
            if listener is not None:
                listener(event)

        return start(on_event=hear)

    return begin
