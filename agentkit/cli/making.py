"""`Sql("sales.db")` behind a module's name to the toolbox that it makes; nothing is evaluated."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from agentkit.errors import ConfigurationError

_CALL = re.compile(r"(?P<place>[^()]+?):(?P<call>(?P<name>[^\W\d]\w*)\s*\(.*)", re.DOTALL)


@dataclass(frozen=True)
class Making:
    """A name in a module, and what it is called with."""

    place: str
    name: str
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)

    def made_of(self, named: Any) -> Any:
        """What the class or function gives."""
        return named(*self.positional, **self.named)


def making_of(spec: str) -> Making | None:
    """The call that a spec writes, None for one that writes none.

    Raises ConfigurationError for arguments that are no plain values: texts, numbers, True, False,
    None, and lists, tuples and dicts of these.
    """
    written = _CALL.fullmatch(spec)
    if written is None:
        return None
    try:
        call = ast.parse(written["call"].strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        # not from the error: it shows what was written, a password too
        raise _no_plain_values(spec, "it cannot be read") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise _no_plain_values(spec, "it is no single call")
    named = {each.arg: _value(each.value, spec) for each in call.keywords if each.arg}
    if len(named) < len(call.keywords):
        raise _no_plain_values(spec, "** is not read")
    positional = tuple(_value(each, spec) for each in call.args)
    return Making(written["place"], written["name"], positional, named)


def _value(node: ast.expr, spec: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise _no_plain_values(spec, f"{ast.unparse(node)[:60]} is no plain value") from error


def _no_plain_values(spec: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{spec}: {why}. Write texts in quotes, numbers, True, False, None, or lists of these, "
        'such as agentkit_tools:Sql("sales.db", max_rows=50); for more, make it in a file.'
    )
