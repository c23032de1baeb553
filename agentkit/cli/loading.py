"""`path.py:name` and `module:name` to what they name: an agent, or tools.

A file is loaded once, with its folder first on the import path, as if Python had run it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from agentkit.agent import Agent
from agentkit.cli.making import Making, making_of
from agentkit.cli.passwords import without_passwords
from agentkit.cli.safe_text import one_line
from agentkit.errors import ConfigurationError
from agentkit.schema.problems import did_you_mean
from agentkit.tools import Tool, tools_of

T = TypeVar("T")


def load_agent(spec: str) -> Agent:
    """The agent that a spec names; without a name, the only one there is.

    Raises ConfigurationError for everything else.
    """
    place, name = _split(spec)
    module = _load(place)
    if name:
        value = _named(module, name, spec, Agent)
        if not isinstance(value, Agent):
            raise ConfigurationError(f"{spec} is a {type(value).__name__}, not an Agent.")
        return value
    agents = _all_of(module, Agent)
    if len(agents) == 1:
        return next(iter(agents.values()))
    if not agents:
        raise ConfigurationError(f"{spec} holds no Agent. Write there: agent = Agent(…).")
    names = list(agents)
    raise ConfigurationError(
        f"{place} holds {len(names)} agents: {', '.join(names)}. Name one: {place}:{names[0]}."
    )


def load_tools(spec: str) -> list[Tool[..., Any]]:
    """The tools that a spec names: one, a list of some, or without a name all there are.

    Of a toolbox, its tools: `module:Name` or `module:Name("made", of="this")`. A module without
    tools gives its own public functions. Raises ConfigurationError for one without these, and for
    what cannot be a tool; no password of a toolbox is in it.
    """
    try:
        return _loaded(spec)
    except ConfigurationError as error:
        _leave_passwords_out(error)
        raise


def _leave_passwords_out(error: BaseException | None) -> None:
    """Change the error, and those it came from, which a traceback shows too."""
    while error is not None:
        said = (without_passwords(each) if isinstance(each, str) else each for each in error.args)
        error.args = tuple(said)
        error = error.__cause__ or error.__context__


def _loaded(spec: str) -> list[Tool[..., Any]]:
    making = making_of(spec)
    if making is not None:
        return _tools_in([_toolbox(making, spec)], spec)
    _check_is_one(spec)
    place, name = _split(spec)
    module = _load(place)
    if name:
        value = _named(module, name, spec, Tool)
        if isinstance(value, type) and _is_toolbox(value):
            value = _toolbox(Making(place, name), spec)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
    else:
        values = list(_all_of(module, Tool).values()) or _functions_of(module)
    if not values:
        raise ConfigurationError(f"{spec} holds no tools. Write a function there under @tool.")
    return _tools_in(values, spec)


def _tools_in(values: Iterable[Any], spec: str) -> list[Tool[..., Any]]:
    try:
        return [tool for each in values for tool in tools_of(each)]
    except ConfigurationError as error:
        raise ConfigurationError(f"{spec}: {error}") from error


def _toolbox(making: Making, spec: str) -> Any:
    """What a class or function of a module makes of plain values."""
    module = _load(making.place)
    named = _named(module, making.name, f"{making.place}:{making.name}", Tool)
    if not callable(named) or isinstance(named, Tool):
        raise ConfigurationError(
            f"{spec}: {making.name} takes no arguments. Write {making.place}:{making.name}."
        )

    def made() -> Any:
        try:
            return making.made_of(named)
        except ConfigurationError as error:
            return error

    _check_arguments(making, named, spec)
    toolbox = _in_words(Path.cwd(), spec, made)
    if isinstance(toolbox, ConfigurationError):
        raise ConfigurationError(f"{spec}: {toolbox}") from toolbox
    return toolbox


def _check_arguments(making: Making, named: Callable[..., Any], spec: str) -> None:
    try:
        signature = inspect.signature(named)
    except (TypeError, ValueError):  # it tells none
        return
    try:
        signature.bind(*making.positional, **making.named)
    except TypeError as error:
        known = ", ".join(signature.parameters) or "none"
        raise ConfigurationError(
            f"{spec}: {error}. Arguments of {making.name}: {known}."
        ) from error


def toolboxes_of(place: str) -> dict[str, type]:
    """The toolboxes of a module, by name: classes whose instances have `tools`."""
    kinds = _all_of(_load(place), type)
    return {name: kind for name, kind in sorted(kinds.items()) if _is_toolbox(kind)}


def _is_toolbox(kind: type) -> bool:
    return hasattr(kind, "tools") or any(
        "tools" in inspect.get_annotations(each) for each in kind.__mro__
    )


def _check_is_one(spec: str) -> None:
    place, _, listed = spec.rpartition(":")
    names = [name.strip() for name in listed.split(",")]
    if place and len(names) > 1 and all(name.isidentifier() for name in names):
        each = " and ".join(f"{place}:{name}" for name in names)
        raise ConfigurationError(
            f"{spec!r} names several tools. Give each by itself: {each}; of a run, repeat -t."
        )


def _split(spec: str) -> tuple[str, str]:
    place, colon, name = spec.rpartition(":")
    if colon and name.isidentifier():
        return place, name
    if colon and not name:
        return place, ""
    return spec, ""


def _load(place: str) -> ModuleType:
    path = Path(place).expanduser()
    if place.endswith(".py") or path.is_file():
        return _load_file(path)
    if not all(part.isidentifier() for part in place.split(".")):
        raise ConfigurationError(
            f"{place!r} is neither a file nor a module. Write path.py:name or module:name."
        )
    return _load_module(place)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigurationError(f"There is no file {str(path)!r}.")
    file = path.resolve()
    # the path as a name cannot collide with what is imported by its own name
    name = str(file)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is not a Python file. Give one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    execute = spec.loader.exec_module
    sys.modules[name] = module
    try:
        _as_a_script(file.parent, str(path), lambda: execute(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_module(name: str) -> ModuleType:
    folder = Path.cwd()
    try:
        return _as_a_script(folder, name, lambda: importlib.import_module(name))
    except ConfigurationError as error:
        missing = getattr(error.__cause__, "name", None)
        if isinstance(error.__cause__, ModuleNotFoundError) and missing in _parents(name):
            reason = f"There is no module {missing!r} here. A file is named with its .py."
            raise ConfigurationError(reason) from error.__cause__
        raise


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _as_a_script(folder: Path, shown: str, load: Callable[[], T]) -> T:
    """Load with the folder first on the import path, where imports inside functions need it too."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return _in_words(folder, shown, load)


def _in_words(folder: Path, shown: str, load: Callable[[], T]) -> T:
    """What the caller's own code gives. Raises ConfigurationError for whatever it raises."""
    try:
        return load()
    except (Exception, SystemExit) as error:  # the caller's own code
        what = f"{type(error).__name__}: {_said(error)}".removesuffix(": ")
        line = _line_of(error, folder)
        where = line if line is not None else shown
        raise ConfigurationError(f"{where}: {what}") from error


def _said(error: BaseException) -> str:
    return one_line(error.msg if isinstance(error, SyntaxError) else str(error), 500)


def _line_of(error: BaseException, folder: Path) -> str | None:
    """The innermost line of code from that folder that the error came through."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else None


def _named(module: ModuleType, name: str, spec: str, kind: type) -> Any:
    # a module may look for its names by code of its own
    if _in_words(Path.cwd(), spec, lambda: hasattr(module, name)):
        return getattr(module, name)
    public = [each for each in getattr(module, "__all__", vars(module)) if not each.startswith("_")]
    hint = did_you_mean(name, public)
    found = ", ".join(_all_of(module, kind)) or "none"
    raise ConfigurationError(
        f"{spec.rpartition(':')[0]} has no {name!r}.{hint} {kind.__name__}s in it: {found}."
    )


def _all_of(module: ModuleType, kind: type[T]) -> dict[str, T]:
    """The values of that kind by name, each once."""
    # names that a module loads on first use are in its `__all__` alone
    named = {name: getattr(module, name, None) for name in getattr(module, "__all__", ())}
    values = {**named, **vars(module)}.items()
    return _once((name, value) for name, value in values if isinstance(value, kind))


def _once(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, value in pairs:
        if all(value is not other for other in found.values()):
            found[name] = value
    return found


def _functions_of(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
