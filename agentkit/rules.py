"""Rules over the calls of a whole agent: which may run, which need a person, which never do.

Patterns over names and arguments, in Python or in a file in which nothing can run. Knows nothing
of logs, of runs or of what tools do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

from agentkit.encoding import JSON
from agentkit.errors import ConfigurationError
from agentkit.schema.problems import did_you_mean, unknown
from agentkit.tool_output import plain

Word = Literal["allow", "ask", "reject", "default"]
"""What becomes of a call; `default` leaves it to the tool's own `approval`."""


AfterUntrusted = Literal["ask", "reject", "default"]
"""What becomes of calls that do something, once something from outside has been read; `default`
makes no difference."""


@dataclass(frozen=True)
class Ruling:
    """A rule's word on a call, with a reason."""

    word: Word
    reason: str = ""
    """What the model reads where the call is rejected."""


ApprovalRule = Callable[[str, Mapping[str, Any]], Word | bool | Ruling]
"""Given a tool's name and the arguments: what becomes of the call. True allows it, False asks."""


@dataclass(frozen=True)
class Rule:
    """A decision on the calls that its patterns match: all of them have to.

    A pattern is a glob: `*` stands for any text, `?` for one character, `[ab]` for one of these.
    Of a list of patterns one has to match. Raises ConfigurationError for what is no rule.
    """

    decision: Word
    tool: str | Sequence[str] = "*"
    """Patterns for the tool's name."""
    arguments: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    """Patterns for arguments by name; `address.city` reaches into an object."""
    reason: str = ""
    """What the model reads where the call is rejected."""

    def __post_init__(self) -> None:
        _check_decision(self.decision)
        _check_names(self.arguments)
        if not isinstance(self.reason, str):
            raise ConfigurationError(f"reason: expected a text, got {self.reason!r:.80}.")
        own = {name: _patterns(f"arguments.{name}", each) for name, each in self.arguments.items()}
        object.__setattr__(self, "arguments", own)
        object.__setattr__(self, "tool", _patterns("tool", self.tool))
        if not all(self.tool):
            raise ConfigurationError("tool: the pattern is empty. Leave it out for every tool.")

    def matches(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Whether the rule is about this call. An argument that is not there matches nothing."""
        if not _any_matches(self.tool, tool):
            return False
        texts = {name: _text_at(name, arguments) for name in self.arguments}
        return all(_any_matches(self.arguments[name], text) for name, text in texts.items())

    @property
    def ruling(self) -> Ruling:
        """What it says of a call that it matches."""
        return Ruling(self.decision, self.reason)


@dataclass(frozen=True, init=False)
class Rules:
    """Rules in order, for an agent's `approve`: the first that matches a call decides on it.

    Where none matches, the tool's own `approval` does. `after_untrusted` is `"ask"` or `"reject"`:
    once the model has read something from outside (`@tool(untrusted=True)`, a server's web search
    or MCP), calls whose effect is `once` are asked about, or rejected, also where a rule allows
    them.
    """

    rules: tuple[Rule, ...]
    after_untrusted: AfterUntrusted

    def __init__(self, *rules: Rule, after_untrusted: AfterUntrusted = "default") -> None:
        for each in rules:
            if not isinstance(each, Rule):
                raise ConfigurationError(f"Rules: expected Rule(…), …, got {each!r:.80}.")
        if after_untrusted not in get_args(AfterUntrusted):
            raise ConfigurationError(
                f"after_untrusted: expected 'ask' or 'reject', got {after_untrusted!r:.80}."
            )
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "after_untrusted", after_untrusted)

    def __call__(self, tool: str, arguments: Mapping[str, Any]) -> Ruling:
        """The word on a call of a tool that runs here."""
        matching = (rule.ruling for rule in self.rules if rule.matches(tool, arguments))
        return next(matching, Ruling("default"))

    def on_server_tool(self, label: str, tool: str, arguments: Mapping[str, Any]) -> Ruling:
        """The word on a call that a server would run itself and asks for the leave to.

        Its name is `label.tool`. The bare name does as well, but not to allow: the server chose
        it, and it may be that of a tool which runs here.
        """
        full = f"{label}.{tool}"
        for rule in self.rules:
            names = (full,) if rule.decision == "allow" else (full, tool)
            if any(rule.matches(name, arguments) for name in names):
                return rule.ruling
        return Ruling("default")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Rules:
        """The rules of a `.toml` or `.json` file, a table `rule` for each.

        Raises ConfigurationError that names the file, the rule's number and key, and the remedy.
        """
        try:
            content = _content(Path(path))
            rules = tuple(_rules_in(content))
            return cls(*rules, after_untrusted=content.get("after_untrusted", "default"))
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error


def _check_decision(decision: object) -> None:
    words = get_args(Word)
    if decision not in words:
        hint = did_you_mean(str(decision), words)
        known = ", ".join(words)
        raise ConfigurationError(f"decision: expected one of {known}, got {decision!r:.80}.{hint}")


def _check_names(arguments: object) -> None:
    if not isinstance(arguments, Mapping):
        raise ConfigurationError(f"arguments: expected patterns by name, got {arguments!r:.80}.")
    for name in arguments:
        if not isinstance(name, str) or not all(name.split(".")):
            raise ConfigurationError(
                f"arguments: expected names such as city or address.city, got {name!r:.80}."
            )


def _patterns(name: str, given: object) -> tuple[str, ...]:
    patterns = [given] if isinstance(given, str) else given
    if not isinstance(patterns, list | tuple):
        patterns = [None]
    if not all(isinstance(each, str) for each in patterns):
        raise ConfigurationError(
            f'{name}: expected a text such as "a*", or a list of texts, got {given!r:.80}.'
        )
    if not patterns:
        raise ConfigurationError(f"{name}: the list is empty, so nothing matches. Name a pattern.")
    return tuple(patterns)


def _any_matches(patterns: Sequence[str], text: str | None) -> bool:
    return text is not None and any(fnmatchcase(text, pattern) for pattern in patterns)


def _text_at(name: str, arguments: Mapping[str, Any]) -> str | None:
    """What patterns for an argument are held against; None where there is no such argument."""
    first, *inner = name.split(".")
    if first not in arguments:
        return None
    value = plain(arguments[first])
    for part in inner:
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _content(path: Path) -> JSON:
    """What the file says, as plain values."""
    if path.suffix.lower() not in _READERS:
        raise ConfigurationError("rules are read from files whose name ends in .toml or .json.")
    form, read = _READERS[path.suffix.lower()]
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path.absolute()} cannot be read: {reason}.") from error
    try:
        return read(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"line {line} is not UTF-8. Save the file as UTF-8.") from error
    except RecursionError as error:
        raise ConfigurationError("it is nested too deeply for rules.") from error
    except ValueError as error:
        raise ConfigurationError(f"it is not {form}: {error}.") from error


def _toml(text: str) -> JSON:
    import tomllib  # not at import agentkit: few have a file of rules

    return tomllib.loads(text)


def _json(text: str) -> JSON:
    return json.loads(text, object_pairs_hook=_each_key_once)


def _each_key_once(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    """The object; JSON lets a key stand twice, of which one would be lost in silence."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return values


_READERS: dict[str, tuple[str, Callable[[str], JSON]]] = {
    ".toml": ("TOML", _toml),
    ".json": ("JSON", _json),
}


def _rules_in(content: JSON) -> Iterator[Rule]:
    form = 'Write a [[rule]] table for each; in JSON, {"rule": [{…}, …]}.'
    if not isinstance(content, dict):
        raise ConfigurationError(f"expected rules, got {content!r:.80}. {form}")
    for key in content:
        if key not in ("rule", "after_untrusted"):
            raise ConfigurationError(f"{unknown(key, key, ['rule', 'after_untrusted'])} {form}")
    tables = content.get("rule", [] if "after_untrusted" in content else None)
    if not isinstance(tables, list) or not (tables or "after_untrusted" in content):
        raise ConfigurationError(f"there are no rules in it. {form}")
    for number, table in enumerate(tables, 1):
        try:
            yield _rule(table)
        except ConfigurationError as error:
            raise ConfigurationError(f"rule {number}: {error}") from error


def _rule(table: JSON) -> Rule:
    if not isinstance(table, dict):
        raise ConfigurationError(f"expected a table of {', '.join(_KEYS)}, got {table!r:.80}.")
    for key in table:
        if key not in _KEYS:
            raise ConfigurationError(unknown(key, key, _KEYS))
    if "decision" not in table:
        raise ConfigurationError(f"decision: missing. Write one of {', '.join(get_args(Word))}.")
    return Rule(**table)


_KEYS = tuple(each.name for each in fields(Rule))
