"""What becomes of calls that are wrong, and of tools that misbehave: said by hand, held by tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from agentkit.encoding import Wire
from agentkit.testing import call


@dataclass(frozen=True)
class ToolEnding:
    """One thing that goes wrong, and what becomes of it."""

    name: str
    what: str
    """What the model or the tool does."""
    reads: tuple[str, ...] = ()
    """What the model reads, call by call."""
    then: str = ""
    """What else becomes of it, where that is not all."""

    @property
    def ending(self) -> str:
        """What becomes of it, in a line."""
        read = ", ".join(_in_a_line(text) for text in self.reads)
        said = [self._ran, f"the model reads {read}" if read else "", self.then]
        return "; ".join(part for part in said if part)

    @property
    def _ran(self) -> str:
        return ""


@dataclass(frozen=True)
class CallEnding(ToolEnding):
    """A call of the model's, or several, and with what the tool runs."""

    calls: tuple[Wire, ...] = field(default=(), repr=False)
    ran: tuple[Any, ...] = field(default=(), repr=False)
    """What the tool was given, run by run."""
    is_streamed: bool = field(default=True, repr=False)
    """Whether it can be told in deltas."""

    @property
    def _ran(self) -> str:
        times = len(self.ran)
        return {0: "does not run", 1: "runs once"}.get(times, f"each of {times} runs once")


@dataclass(frozen=True)
class RaiseEnding(ToolEnding):
    """An error that a tool raises."""

    error: Callable[[], BaseException] = field(default=ValueError, repr=False)


@dataclass(frozen=True)
class ReturnEnding(ToolEnding):
    """A value that a tool returns."""

    value: Callable[[], Any] = field(default=object, repr=False)


def _in_a_line(text: str) -> str:
    """A text as a cell of a table shows it."""
    line = " ".join(text.split("\n")).encode("utf-8", "backslashreplace").decode()
    line = line if len(line) <= 200 else f"{line[:100]}…{line[-50:]}"
    return f"```` {line} ````" if "`" in line else f"`{line}`"


TOOLS = "Tools: add, note."
ADDED = ((1, 2), (3, 4))


def add(arguments: Any, name: Any = "add", call_id: str = "c", **more: Any) -> Wire:
    """A call with arguments as they are written here."""
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return {**item, **more}


def rejected(problem: str, name: str = "add") -> tuple[str, ...]:
    return (f"{name} was not run: its arguments are not valid.\n{problem}",)


def unreadable(arguments: str, reason: str) -> tuple[str, ...]:
    shown = repr(arguments[:100])
    shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
    return rejected(f"arguments: not valid JSON, {reason}: {shown}")


def uses(*made: Any, name: str = "multi_tool_use.parallel") -> Wire:
    return call(name, "w", tool_uses=list(made))


def use(name: Any, **parameters: Any) -> Wire:
    return {"recipient_name": name, "parameters": parameters}


def no_tool(name: str, hint: str = "") -> str:
    return f"There is no tool named {name!r}.{hint} {TOOLS}"


BY_ITSELF = " Call each tool by itself: the calls of one answer run together."
ALONE = " Did you mean 'add'?"
MEGABYTES = "x" * 4_000_000


def megabytes_cut(before: str) -> str:
    """What a model reads of megabytes behind some words."""
    whole = before + MEGABYTES
    left_out, end = f"{len(whole) - 50_000:,} of {len(whole):,}", len(whole) - 25_000
    reads = f'read_output(call_id="call_1", start=25000, stop={end}) reads on'
    return f"{whole[:25_000]}… [{left_out} characters left out: {reads}] …{whole[end:]}"


NAMES = [
    CallEnding(
        "near-miss-name", "`ad` for `add`", (no_tool("ad", ALONE),), calls=(add("{}", "ad"),)
    ),
    CallEnding(
        "other-case", "`Add` for `add`", (no_tool("Add", ALONE),), calls=(add("{}", "Add"),)
    ),
    CallEnding(
        "unknown-name",
        "a tool that nobody knows",
        (no_tool("weather"),),
        calls=(add("{}", "weather"),),
    ),
    CallEnding("no-name", "no name", (no_tool("_"),), calls=(add("{}", ""),)),
    CallEnding("null-name", "null for the name", (no_tool("_"),), calls=(add("{}", None),)),
    CallEnding(
        "huge-name",
        "a name of a megabyte",
        (no_tool("y" * 64),),
        calls=(add("{}", "y" * 1_000_000),),
    ),
    CallEnding(
        "odd-name",
        "a name with what no name has in it",
        (
            no_tool(
                "search_the_web_",
            ),
        ),
        "goes back as the server takes it",
        calls=(add("{}", "search the web!"),),
    ),
    CallEnding(
        "almost-a-name",
        "`add.` for `add`",
        (no_tool("add_", ALONE),),
        calls=(add('{"a":1}', "add."),),
    ),
    CallEnding(
        "prefixed-name",
        "`functions.add` for `add`",
        ("3",),
        "goes back as `add`",
        calls=(add('{"a":1,"b":2}', "functions.add"),),
        ran=((1, 2),),
    ),
    CallEnding(
        "prefixed-unknown-name",
        "`functions.weather`, and there is no `weather`",
        (no_tool("functions_weather"),),
        calls=(add("{}", "functions.weather"),),
    ),
]

IDS = [
    CallEnding(
        "same-call-id",
        "two calls under one id",
        ("3", "7"),
        "the second gets an id of its own",
        calls=(add('{"a":1,"b":2}'), add('{"a":3,"b":4}')),
        ran=ADDED,
    ),
    CallEnding(
        "same-call-twice",
        "the same call twice, its id and all",
        ("3",),
        "it is one call",
        calls=(add('{"a":1,"b":2}'), add('{"a":1,"b":2}')),
        ran=((1, 2),),
    ),
    CallEnding(
        "no-call-id",
        "calls without an id",
        ("3", "7"),
        "each gets an id of its own",
        calls=(add('{"a":1,"b":2}', call_id=""), add('{"a":3,"b":4}', call_id="")),
        ran=ADDED,
    ),
    CallEnding(
        "equal-calls",
        "two equal calls under ids of their own",
        ("3", "3"),
        calls=(add('{"a":1,"b":2}', call_id="c"), add('{"a":1,"b":2}', call_id="d")),
        ran=((1, 2), (1, 2)),
    ),
]

ARGUMENTS = [
    CallEnding("no-arguments", '`""` for arguments', rejected("a: missing"), calls=(add(""),)),
    CallEnding("null-arguments", "null for arguments", rejected("a: missing"), calls=(add(None),)),
    CallEnding(
        "object-arguments",
        "an object where its text belongs",
        ("3",),
        "goes back as text",
        calls=(add({"a": 1, "b": 2}),),
        ran=((1, 2),),
        is_streamed=False,
    ),
    CallEnding(
        "truncated-arguments",
        "JSON that breaks off",
        unreadable('{"a":1,"b', "Unterminated string starting at: line 1 column 8 (char 7)"),
        calls=(add('{"a":1,"b'),),
    ),
    CallEnding(
        "incomplete-call",
        "a call that says it is incomplete, in an answer that says it is complete",
        ("add was not run: its arguments were cut off.",),
        calls=(add('{"a":1}', status="incomplete"),),
    ),
    CallEnding(
        "list-arguments",
        "a list",
        rejected("arguments: expected a JSON object, got [1,2]"),
        calls=(add("[1,2]"),),
    ),
    CallEnding(
        "text-arguments",
        "a text",
        rejected("arguments: expected a JSON object, got 'a=1'"),
        calls=(add('"a=1"'),),
    ),
    CallEnding(
        "two-objects",
        "two objects in a row",
        unreadable('{"a":1}{"a":2}', "Extra data: line 1 column 8 (char 7)"),
        calls=(add('{"a":1}{"a":2}'),),
    ),
    CallEnding(
        "fenced-arguments",
        "JSON within a code fence",
        unreadable('```json\n{"a":1}\n```', "Expecting value: line 1 column 1 (char 0)"),
        calls=(add('```json\n{"a":1}\n```'),),
    ),
    CallEnding(
        "wrong-types",
        "values of other types",
        rejected("a: expected an integer, got 'x'"),
        calls=(add('{"a":"x"}'),),
    ),
    CallEnding(
        "unknown-argument",
        "an argument that there is not",
        rejected("aa: unknown. Did you mean 'a'?"),
        calls=(add('{"a":1,"aa":2}'),),
    ),
    CallEnding(
        "long-argument-name",
        "the name of an argument a megabyte long",
        rejected("z" * 399 + "…"),
        calls=(add('{"a":1,"%s":2}' % ("z" * 1_000_000)),),
    ),
    CallEnding(
        "huge-arguments",
        "four megabytes that are valid",
        ("4000000",),
        calls=(call("note", "c", text=MEGABYTES),),
        ran=(4_000_000,),
    ),
    CallEnding(
        "huge-invalid-arguments",
        "four megabytes that are not valid",
        unreadable(MEGABYTES, "Expecting value: line 1 column 1 (char 0)"),
        calls=(add(MEGABYTES),),
    ),
    CallEnding(
        "deep-arguments",
        "100,000 lists within one another",
        rejected("arguments: nested more than 100 levels deep"),
        calls=(add("[" * 100_000),),
    ),
    CallEnding(
        "deep-valid-arguments",
        "300 objects within one another, well formed",
        rejected("arguments: nested more than 100 levels deep"),
        calls=(add('{"a":' * 300 + "1" + "}" * 300),),
    ),
    CallEnding(
        "nan-argument",
        "NaN for a number",
        rejected("arguments: NaN is not JSON"),
        calls=(add('{"a":NaN}'),),
    ),
    CallEnding(
        "infinite-argument",
        "Infinity for a number",
        rejected("arguments: -Infinity is not JSON"),
        calls=(add('{"a":-Infinity}'),),
    ),
    CallEnding(
        "overflowing-argument",
        "1e999 for a number",
        rejected("arguments: 1e999 is too large a number"),
        calls=(add('{"a":1e999}'),),
    ),
    CallEnding(
        "endless-number",
        "a number of 5,000 digits",
        rejected("arguments: a number has too many digits"),
        calls=(add('{"a":%s}' % ("9" * 5_000)),),
    ),
    CallEnding(
        "duplicate-keys",
        "an argument twice",
        rejected("a: given twice"),
        calls=(add('{"a":1,"b":2,"a":100}'),),
    ),
    CallEnding(
        "duplicate-inner-keys",
        "a key twice further in",
        rejected("k: given twice", "note"),
        calls=(add('{"text":"t","more":{"k":"1","k":"2"}}', "note"),),
    ),
    CallEnding(
        "duplicate-pairs",
        "a key twice in a list of keys and values",
        rejected("more.k: given twice", "note"),
        calls=(
            call(
                "note",
                "c",
                text="t",
                more=[{"key": "k", "value": "1"}, {"key": "k", "value": "2"}],
            ),
        ),
    ),
    CallEnding(
        "lone-surrogate",
        "half a character",
        ("1",),
        calls=(add('{"text":"\\ud83d"}', "note"),),
        ran=(1,),
    ),
]

WRAPPED = [
    CallEnding(
        "wrapper",
        "`multi_tool_use.parallel` around two calls",
        ("3", "7"),
        "each is validated, approved, counted and answered as a call of its own",
        calls=(uses(use("functions.add", a=1, b=2), use("functions.add", a=3, b=4)),),
        ran=ADDED,
    ),
    CallEnding(
        "short-wrapper",
        "`parallel` around two calls",
        ("3", "7"),
        calls=(uses(use("add", a=1, b=2), use("add", a=3, b=4), name="parallel"),),
        ran=ADDED,
    ),
    CallEnding(
        "wrapper-with-mistakes",
        "a wrapper around a good call, an unknown one and one with wrong arguments",
        ("3", no_tool("functions_weather"), *rejected("a: missing")),
        calls=(uses(use("functions.add", a=1, b=2), use("functions.weather"), use("add")),),
        ran=((1, 2),),
    ),
    CallEnding(
        "wrapper-in-wrapper",
        "a wrapper around a wrapper",
        (no_tool("parallel", BY_ITSELF), "3"),
        calls=(uses(use("parallel", tool_uses=[use("add", a=3)]), use("add", a=1, b=2)),),
        ran=((1, 2),),
    ),
    CallEnding(
        "empty-wrapper",
        "a wrapper around nothing",
        (no_tool("multi_tool_use_parallel", BY_ITSELF),),
        calls=(uses(),),
    ),
    CallEnding(
        "broken-wrapper",
        "a wrapper whose arguments break off",
        (no_tool("multi_tool_use_parallel", BY_ITSELF),),
        calls=(add('{"tool_uses":[{"recipient_name":"add"', "multi_tool_use.parallel"),),
    ),
    *(
        CallEnding(
            f"odd-wrapper-{number}",
            f"a wrapper around `{shape}`",
            (no_tool("parallel", BY_ITSELF),),
            calls=(call("parallel", "w", tool_uses=shape),),
        )
        for number, shape in enumerate(([5], {"add": 1}, [{"parameters": {}}], [use(7)], None), 1)
    ),
]

CALLS: list[CallEnding] = [*NAMES, *IDS, *ARGUMENTS, *WRAPPED]


class Unspeakable(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError("no words")

    __repr__ = __str__


class Deadly(Exception):
    """An error that wants to end the process when it is shown."""

    def __str__(self) -> str:
        raise SystemExit(1)

    __repr__ = __str__


class Frozen(Exception):
    """An error that does not let itself be changed."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class Root(BaseException):
    """An error that is no Exception."""


def boom(text: str) -> tuple[str, ...]:
    return (f"boom failed: {text}",)


def nested() -> BaseException:
    inner: BaseException = KeyboardInterrupt()
    for _ in range(2_000):
        inner = BaseExceptionGroup("g", [inner])
    return inner


RAISED = [
    RaiseEnding(
        "raises", "raises an error", boom("ValueError: no"), error=lambda: ValueError("no")
    ),
    RaiseEnding(
        "raises-nothing-said", "raises an error without a text", boom("KeyError"), error=KeyError
    ),
    RaiseEnding(
        "raises-system-exit",
        "calls `sys.exit`",
        boom("SystemExit: 2"),
        error=lambda: SystemExit(2),
    ),
    RaiseEnding(
        "raises-keyboard-interrupt",
        "raises `KeyboardInterrupt` of its own",
        boom("KeyboardInterrupt"),
        error=KeyboardInterrupt,
    ),
    RaiseEnding(
        "raises-generator-exit",
        "raises `GeneratorExit`",
        boom("GeneratorExit"),
        error=GeneratorExit,
    ),
    RaiseEnding(
        "raises-cancelled-error",
        "raises `CancelledError` unasked",
        boom("CancelledError: mine"),
        error=lambda: asyncio.CancelledError("mine"),
    ),
    RaiseEnding(
        "raises-timeout-error",
        "raises `TimeoutError` of its own",
        boom("TimeoutError: slow"),
        error=lambda: TimeoutError("slow"),
    ),
    RaiseEnding(
        "raises-stop-async-iteration",
        "raises `StopAsyncIteration`",
        boom("StopAsyncIteration"),
        error=StopAsyncIteration,
    ),
    RaiseEnding(
        "raises-base", "raises what is no Exception", boom("Root: x"), error=lambda: Root("x")
    ),
    RaiseEnding(
        "raises-group",
        "raises a group, as a `TaskGroup` does",
        boom("ExceptionGroup: two (2 sub-exceptions): ValueError: a; KeyError"),
        error=lambda: ExceptionGroup("two", [ValueError("a"), KeyError()]),
    ),
    RaiseEnding(
        "raises-base-group",
        "raises a `BaseExceptionGroup`",
        boom("BaseExceptionGroup: g (1 sub-exception): SystemExit: 1"),
        error=lambda: BaseExceptionGroup("g", [SystemExit(1)]),
    ),
    RaiseEnding(
        "raises-recursion-error",
        "recurses without an end",
        boom("RecursionError: too deep"),
        error=lambda: RecursionError("too deep"),
    ),
    RaiseEnding("raises-memory-error", "is out of memory", boom("MemoryError"), error=MemoryError),
    RaiseEnding(
        "raises-unspeakable",
        "raises an error whose `str` and `repr` raise",
        boom("Unspeakable: (its message cannot be read)"),
        error=Unspeakable,
    ),
    RaiseEnding(
        "raises-deadly",
        "raises an error whose `str` and `repr` raise `SystemExit`",
        boom("Deadly: (its message cannot be read)"),
        error=Deadly,
    ),
    RaiseEnding(
        "raises-frozen",
        "raises an error that cannot be changed",
        boom("Frozen: as I am"),
        error=lambda: Frozen("as I am"),
    ),
    RaiseEnding(
        "raises-megabytes",
        "raises an error with a text of four megabytes",
        (megabytes_cut("boom failed: ValueError: "),),
        error=lambda: ValueError(MEGABYTES),
    ),
]


def circle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def failing() -> Iterator[int]:
    yield 1
    raise KeyError("midway")


def pit() -> list[Any]:
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


class Opaque:
    """A value that says nothing of itself."""


class Mute:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError("no words")

    __repr__ = __str__


RETURNED = [
    ReturnEnding("returns-set", "returns a set", ("[1]",), value=lambda: {1}),
    ReturnEnding("returns-bytes", "returns bytes", ('"_w=="',), value=lambda: b"\xff"),
    ReturnEnding("returns-nan", "returns NaN", ('{"a":"NaN"}',), value=lambda: {"a": float("nan")}),
    ReturnEnding("returns-circle", "returns a list that is in itself", ("[[...]]",), value=circle),
    ReturnEnding(
        "returns-pit", "returns 100,000 lists in one another", ("<list object>",), value=pit
    ),
    ReturnEnding("returns-object", "returns an object", ('"<Opaque object>"',), value=Opaque),
    ReturnEnding(
        "returns-function", "returns a function", ('"<function pit>"',), value=lambda: pit
    ),
    ReturnEnding(
        "returns-failing-part",
        "returns a list with a generator in it that raises midway",
        ('["<generator object failing>"]',),
        value=lambda: [failing()],
    ),
    ReturnEnding(
        "returns-mute", "returns an object whose `str` raises", ('"<Mute object>"',), value=Mute
    ),
    ReturnEnding(
        "returns-pairs",
        "returns a dictionary with keys of any kind",
        ('{"1,2":3,"None":4}',),
        value=lambda: {(1, 2): 3, None: 4},
    ),
    ReturnEnding(
        "returns-surrogate", "returns half a character", ("\ud83d",), value=lambda: "\ud83d"
    ),
    ReturnEnding(
        "returns-megabytes",
        "returns four megabytes",
        (megabytes_cut(""),),
        value=lambda: MEGABYTES,
    ),
    ReturnEnding(
        "fails-midway",
        "yields, and raises midway",
        ("boom failed: KeyError: 'midway'",),
        value=failing,
    ),
]

TIMED_OUT = ("boom timed out after 0.01 s.",)

DONE = [
    ToolEnding(
        "hangs", "an async tool that never ends, with a timeout", TIMED_OUT, "it is cancelled"
    ),
    ToolEnding(
        "hangs-in-a-thread",
        "a tool that is not async and never ends, with a timeout",
        TIMED_OUT,
        "its thread goes on unheard, and does not hold up the exit",
    ),
    ToolEnding(
        "hangs-on",
        "an async tool that keeps the cancellation of its timeout to itself",
        TIMED_OUT,
        "after as long again, 4 s at most, it goes on unheard",
    ),
    ToolEnding(
        "hangs-for-ever",
        "never ends, without a timeout, in a run with `Limits(seconds=…)`",
        ("boom timed out after 0.01 s. The time of this run is used up.",),
        "the run lands",
    ),
    ToolEnding(
        "hangs-unbounded",
        "never ends, without a timeout or a limit",
        (),
        "the run goes on until it is cancelled, and then has the outputs of the others",
    ),
    ToolEnding(
        "hangs-when-cancelled",
        "keeps the cancellation of the run to itself",
        (),
        "the run ends after 4 s, and the call waits for a person, since it may have run",
    ),
    ToolEnding(
        "blocks",
        "an async tool that holds up the event loop for more than a second",
        ("blocked",),
        "nothing else goes on meanwhile, not even its timeout; a `Notice` names it",
    ),
    ToolEnding("prints", "prints", ("printed",), "the run does not care, nor adds to it"),
    ToolEnding("leaves-tasks", "leaves tasks behind that fail", ("left",), "they are its own"),
    ToolEnding(
        "raises-stop-iteration",
        "raises `StopIteration`",
        ("boom failed: RuntimeError: coroutine raised StopIteration",),
    ),
    ToolEnding("exits-its-thread", "ends its own thread", ("boom failed: SystemExit",)),
    ToolEnding(
        "cancels-itself", "cancels the task that it runs in", ("boom failed: CancelledError",)
    ),
    ToolEnding(
        "stops-the-loop",
        "stops the event loop, in a synchronous run",
        ("stopped",),
        "the loop is begun again",
    ),
    ToolEnding(
        "cancels-everything",
        "cancels every task of the event loop, the run's as well",
        (),
        "the run ends as cancelled, with the run so far",
    ),
    ToolEnding(
        "reports-late",
        "reports progress when its time is over",
        TIMED_OUT,
        "nobody hears it",
    ),
    ToolEnding(
        "validates-badly",
        "has a validator that raises anything",
        ("boom was not run: its arguments are not valid.\narguments: KeyError: 'v'",),
        "it does not run, and nobody is asked about it",
    ),
    ToolEnding(
        "approves-badly",
        "has an `approval=` function that raises anything",
        (),
        "a person is asked",
    ),
]

ROWS: list[ToolEnding] = [*CALLS, *RAISED, *RETURNED, *DONE]
