"""A function as a tool: what the model is told of it, and what runs when the model calls it.

Knows nothing of runs, of models or of the log.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    Protocol,
    Union,
    cast,
    get_args,
    get_origin,
    overload,
)

from typing_extensions import ParamSpec, TypedDict, TypeVar, Unpack

from agentkit.encoding import Wire
from agentkit.errors import AgentkitError, ConfigurationError, ToolArgumentError
from agentkit.responses.response import Usage
from agentkit.schema.annotations import NotYetDefinedError, plain
from agentkit.schema.docstrings import read_docstring
from agentkit.schema.problems import problems_in
from agentkit.schema.raw import RawSignature
from agentkit.schema.signature import BoundCall, Signature
from agentkit.schema.strict import StrictSchema

Effect = Literal["read", "idempotent", "once"]
"""What a second run of a call would do: nothing, nothing more, or the thing again."""

Approval = bool | Callable[[Mapping[str, Any]], bool]
"""Whether a person must agree first; asked with the argument values by name where callable."""

Deps = TypeVar("Deps", default=Any)
P = ParamSpec("P", default=...)
R = TypeVar("R", default=Any)
S = TypeVar("S")
Q = ParamSpec("Q")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def _say_nothing(_: object) -> None:
    """Progress that nobody listens to."""


@dataclass(frozen=True)
class ToolContext(Generic[Deps]):
    """What a tool may know of the run it is called in; any parameter annotated with it gets it."""

    deps: Deps = field(default=cast(Any, None))
    """What the caller passed to the run for its tools."""
    session: str = ""
    call_id: str = ""
    usage: Usage = field(default_factory=Usage)
    """Tokens of the run so far."""
    on_progress: Callable[[object], None] = field(default=_say_nothing, repr=False)

    @property
    def idempotency_key(self) -> str:
        """The same for every try of the same call, also after a crash."""
        return f"{self.session}/{self.call_id}"

    def progress(self, value: object) -> None:
        """Tell whoever listens to the run how far this call is."""
        self.on_progress(value)


@dataclass(frozen=True)
class Final:
    """Returned by a tool: ends the run with this value as its output."""

    value: Any


class Retry(AgentkitError):  # noqa: N818  (said by a tool, not an error of its own)
    """Raised by a tool: its text goes to the model, which may call again with other arguments."""


class Bounds(TypedDict, total=False):
    """How a tool may be called; the meaning is at the fields of `Tool`."""

    effect: Effect
    approval: Approval
    timeout: float | None
    max_calls: int | None
    retries: int
    max_output: int | None
    untrusted: bool


class Options(Bounds, total=False):
    """The options of `@tool`."""

    name: str | None
    description: str | None
    strict: bool


class _Arguments(Protocol):
    @property
    def wire(self) -> StrictSchema: ...
    @property
    def context_places(self) -> list[int | str]: ...
    def read(self, arguments: str) -> BoundCall: ...


@dataclass(frozen=True, eq=False)
class Tool(Generic[P, R]):
    """A function with what the model is told of it; calling it calls the function."""

    name: str
    description: str
    function: Callable[P, R] = field(repr=False)
    arguments: _Arguments = field(repr=False)
    """How JSON becomes a call of the function."""
    effect: Effect = "once"
    approval: Approval = False
    timeout: float | None = None
    """Seconds one call may take."""
    max_calls: int | None = None
    """Calls in one run, None for as many as the model likes."""
    retries: int = 0
    """How often a call that raised is run again before the model hears of it."""
    max_output: int | None = None
    """Characters of the output, None for the default."""
    untrusted: bool = False
    """Whether its output is from outside, where others may have written it: a page, a mail."""
    receiver: Literal["instance", "class"] | None = field(default=None, repr=False)
    """What has to be bound before the tool can be called."""

    def __post_init__(self) -> None:
        _check_options(self)
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            if (value := getattr(self.function, name, None)) is not None:
                object.__setattr__(self, name, value)
        object.__setattr__(self, "__wrapped__", self.function)

    @property
    def parameters(self) -> Wire:
        """The JSON schema of the arguments as it is sent."""
        return self.arguments.wire.schema

    @functools.cached_property
    def is_async(self) -> bool:
        """Whether the function does its work on the event loop; if not, in a thread."""
        callables = (self.function, type(self.function).__call__)
        return any(
            inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
            for each in callables
        )

    @property
    def strict(self) -> bool:
        """Whether the schema holds to the strict subset."""
        return self.arguments.wire.is_strict

    def schema(self) -> Wire:
        """The tool as a request carries it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
            "strict": self.strict,
        }

    def bind(self, arguments: str) -> BoundCall:
        """The call that JSON arguments stand for.

        Raises ToolArgumentError, whose text tells the model what to do better.
        """
        if self.receiver:
            reason = f"{self.name} is a method. Give the tool of an instance: instance.{self.name}."
            raise ConfigurationError(reason)
        try:
            return self.arguments.read(arguments)
        except AgentkitError:
            raise
        except (Exception, SystemExit) as error:  # validators may be the caller's own code
            problems = problems_in(error)
            lines = [f"{self.name} was not run: its arguments are not valid.", *problems]
            raise ToolArgumentError("\n".join(lines), problems) from error

    async def call(self, bound: BoundCall, context: ToolContext[Any] | None = None) -> Any:
        """Run the function and return what it gives; exceptions are the function's own.

        A function that is not async runs in a thread. What a generator yields is progress; its
        result is what it returns or else yielded last.
        """
        # what runs functions is loaded for the first call: asyncio takes as long as all of a tool
        from agentkit.schema.calling import on_this_loop, run

        given: ToolContext[Any] = context or ToolContext()
        if not self.is_async:
            given = replace(given, on_progress=on_this_loop(given.on_progress))
        args, kwargs = list(bound.args), dict(bound.kwargs)
        for place in self.arguments.context_places:
            if isinstance(place, int):
                args.insert(place, given)
            else:
                kwargs[place] = given
        progress = given.on_progress
        return await run(self.function, args, kwargs, progress, on_the_loop=self.is_async)

    async def invoke(self, arguments: str, context: ToolContext[Any] | None = None) -> Any:
        """Validate JSON arguments and run the function with them."""
        return await self.call(self.bind(arguments), context)

    def explain(self) -> str:
        """The schema as it is sent, and how what comes back is read."""
        wire = self.arguments.wire
        notes = "\n".join(f"- {note}" for note in wire.notes) or "- values are read as they come"
        schema = json.dumps(self.schema(), indent=2, ensure_ascii=False)
        return f"{self.name}: {'strict' if wire.is_strict else 'not strict'}\n{notes}\n{schema}"

    @classmethod
    def from_schema(
        cls,
        name: str,
        description: str,
        parameters: Wire,
        function: Callable[..., Any],
        *,
        strict: bool = True,
        **bounds: Unpack[Bounds],
    ) -> Tool[..., Any]:
        """A tool of a JSON schema; the function gets the validated arguments by keyword.

        Raises ToolDefinitionError for a schema that is none, or not of an object.
        """
        arguments = RawSignature(name, parameters, function, _is_context, strict)
        return Tool(name, description, function, arguments, **bounds)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool[..., R]:
        """The tool bound like a method, where its function is one."""
        target = (owner or type(instance)) if self.receiver == "class" else instance
        if self.receiver is None or target is None:
            return self
        return replace(self, function=types.MethodType(self.function, target), receiver=None)


class Toolbox(Protocol):
    """Any object with tools that share what it was made with; an agent takes it in their place."""

    @property
    def tools(self) -> Sequence[Tool[..., Any]]: ...


@overload
def tool(function: Callable[Q, S], /, **options: Unpack[Options]) -> Tool[Q, S]: ...
@overload
def tool(
    function: None = None, /, **options: Unpack[Options]
) -> Callable[[Callable[Q, S]], Tool[Q, S]]: ...
def tool(function: Any = None, /, **options: Unpack[Options]) -> Any:
    """Make a function a tool, bare (`@tool`) or with options (`@tool(effect="read")`).

    Raises ToolDefinitionError for a parameter that no JSON value can be, ConfigurationError for
    an option that is out of range.
    """
    if function is None:
        return lambda function: tool(function, **options)
    if isinstance(function, types.MethodType) and isinstance(function.__func__, Tool):
        function = function.__func__.__get__(function.__self__)
    if not callable(function) and not isinstance(function, (classmethod, staticmethod)):
        raise ConfigurationError(f"{function!r} cannot be a tool. Give a function.")
    return _tool(function, **options)


def as_tool(value: object) -> Tool[..., Any]:
    """The tool itself, or one with default options of any callable."""
    if isinstance(value, Tool):
        return value
    if isinstance(value, types.MethodType) and isinstance(value.__func__, Tool):
        return value.__func__.__get__(value.__self__)
    if callable(value):
        return tool(value)
    reason = f"{value!r} is no tool. Give a function, or what @tool made of one."
    raise ConfigurationError(reason)


def tools_of(value: object) -> list[Tool[..., Any]]:
    """The tools that a value stands for: itself, or those of a Toolbox."""
    tools = None if isinstance(value, Tool) else getattr(value, "tools", None)
    if isinstance(tools, list | tuple) and tools and all(isinstance(each, Tool) for each in tools):
        return list(tools)
    return [as_tool(value)]


def _tool(
    function: Any,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
    **bounds: Unpack[Bounds],
) -> Tool[..., Any]:
    name = name or _name(function)
    docs = read_docstring(_docstring(function))
    receiver = _receiver(function)
    called = function.__func__ if isinstance(function, (classmethod, staticmethod)) else function
    arguments = Signature(
        called,
        name,
        docs.parameters,
        _is_context,
        is_method=receiver is not None,
        strict=strict,
    )
    text = docs.text if description is None else description
    made: Tool[..., Any] = Tool(name, text, called, arguments, receiver=receiver, **bounds)
    with contextlib.suppress(NotYetDefinedError):  # tried again at the first use
        arguments.wire  # noqa: B018
    return made


def _name(function: Any) -> str:
    named = getattr(function, "__name__", None) or getattr(plain(function), "__name__", "")
    return type(function).__name__ if named == "__call__" else str(named)


def _docstring(function: Any) -> str:
    if inspect.isroutine(function) or inspect.isclass(function):
        return str(function.__doc__ or "")
    if isinstance(function, functools.partial):
        return str(plain(function).__doc__ or "")
    return str(plain(function).__doc__ or type(function).__doc__ or "")


def _receiver(function: Any) -> Literal["instance", "class"] | None:
    """A function defined in a class body whose first parameter is `self` or `cls`."""
    if isinstance(function, classmethod):
        return "class"
    if not inspect.isfunction(function):
        return None
    owner = function.__qualname__.rpartition(".")[0]
    code = getattr(plain(function), "__code__", None)
    names = code.co_varnames[:1] if code else ()
    is_method = owner and not owner.endswith("<locals>") and names in (("self",), ("cls",))
    return "instance" if is_method else None


def _is_context(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated or origin in (Union, types.UnionType):
        return any(_is_context(each) for each in get_args(annotation))
    kind = origin or annotation
    return isinstance(kind, type) and issubclass(kind, ToolContext)


def _check_options(tool: Tool[..., Any]) -> None:
    if not _NAME.fullmatch(tool.name):
        reason = "1 to 128 letters, digits, underscores and hyphens: pass name="
        raise ConfigurationError(f"The name {tool.name!r} of a tool must be {reason}.")
    wrong = {
        f"effect must be one of {', '.join(get_args(Effect))}": tool.effect not in get_args(Effect),
        "approval must be a bool or a function": not callable(tool.approval)
        and not isinstance(tool.approval, bool),
        "timeout must be seconds above 0, or None": not _at_least(tool.timeout, 0, above=True),
        "max_calls must be 1 or more, or None": not _at_least(tool.max_calls, 1),
        "retries must be 0 or more": tool.retries is None or not _at_least(tool.retries, 0),
        "max_output must be 1 or more, or None": not _at_least(tool.max_output, 1),
        "untrusted must be a bool": not isinstance(tool.untrusted, bool),
    }
    for reason, is_wrong in wrong.items():
        if is_wrong:
            raise ConfigurationError(f"{tool.name}: {reason}.")


def _at_least(value: object, least: int, *, above: bool = False) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return value > least if above else value >= least and isinstance(value, int)
