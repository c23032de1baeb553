"""What is wrong with a value, one line a path, for a model to read and do better."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from agentkit.schema.words import Place, path_of, shown

MOST_LINES = 20
"""Problems named one by one; the others are counted."""

MOST_LINE = 400
"""Characters of one of them."""

_EXPECTED = {
    "an integer": "int_type int_parsing int_from_float int_parsing_size",
    "a number": "float_type float_parsing",
    "true or false": "bool_type bool_parsing",
    "a string": "string_type string_sub_type",
    "a list": "list_type tuple_type set_type frozen_set_type iterable_type arguments_type",
    "an object": "dict_type mapping_type model_type model_attributes_type dataclass_type "
    "typed_dict_type",
    "null": "none_required",
    "a date and time such as 2024-05-31T12:00:00Z": "datetime_type datetime_parsing "
    "datetime_from_date_parsing datetime_object_invalid",
    "a date such as 2024-05-31": "date_type date_parsing date_from_datetime_parsing "
    "date_from_datetime_inexact",
    "a time such as 12:00:00": "time_type time_parsing",
    "a duration such as PT1H30M": "time_delta_type time_delta_parsing",
    "a UUID": "uuid_type uuid_parsing uuid_version",
    "a decimal number": "decimal_type decimal_parsing",
    "a URL": "url_type url_parsing url_syntax_violation",
    "a string of bytes": "bytes_type",
    "a path": "path_type",
}
_TEXT_OF = {kind: text for text, kinds in _EXPECTED.items() for kind in kinds.split()}


class RejectedError(ValueError):
    """Arguments that do not fit; `.problems` has one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def problems_in(error: BaseException, what: str = "arguments") -> list[str]:
    """One line a problem, of whatever kept arguments or an answer from being read."""
    if isinstance(error, RejectedError):
        return error.problems
    if isinstance(error, RecursionError):
        return [f"{what}: nested too deeply"]
    return limited([f"{what}: {type(error).__name__}: {words_of(error)}".removesuffix(": ")])


def words_of(error: BaseException) -> str:
    """What an error says of itself, and a group of what is in it; not every one can be asked."""
    try:
        text = str(error)
        if not isinstance(error, BaseExceptionGroup):
            return text
        inner = [f"{type(each).__name__}: {words_of(each)}" for each in error.exceptions[:3]]
        return f"{text}: {'; '.join(each.removesuffix(': ') for each in inner)}"
    except BaseException:  # noqa: BLE001 - the error is the caller's own, and so is its code
        return "(its message cannot be read)"


def near_miss(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, None where none is close."""
    by_folded = {each.casefold(): each for each in names}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean 'add'?`, to follow a sentence; empty where no name is close."""
    near = near_miss(name, names)
    return f" Did you mean {near!r}?" if near else ""


def validation_problems(error: ValidationError, value: Any, names: Collection[str]) -> list[str]:
    """One line a path of a pydantic error; `names` are those that the top level knows."""
    by_path: dict[tuple[Place, ...], list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        by_path.setdefault(_place(each, value), []).append(each)
    # Of a union, what is wrong inside the branch that was meant says more than its type.
    above = {path[:length] for path in by_path for length in range(len(path))}
    kept = [path for path in by_path if path not in above]
    return limited([_line(path, by_path[path], names) for path in kept])


def limited(lines: Sequence[str]) -> list[str]:
    """The first lines, none of them long, with a count of the others."""
    named = [shortened(line, MOST_LINE) for line in lines[:MOST_LINES]]
    more = len(lines) - MOST_LINES
    return [*named, f"and {more:,} more problems"] if more > 0 else named


def shortened(text: str, most: int) -> str:
    """The text, or its beginning where it is longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def unknown(path: str, name: str, names: Collection[str]) -> str:
    """The line for a property that does not exist among `names`, as far as they are known."""
    if hint := did_you_mean(name, names):
        return f"{path}: unknown.{hint}"
    known = f"Known: {', '.join(names)}." if names else "Leave it out."
    return f"{path}: unknown. {known}"


def got(value: Any) -> str:
    """A value as a line shows it."""
    # the end of a long text is not shown, so it need not be looked at
    text = repr(value[:100]) if isinstance(value, str) else shown(value)
    return shortened(text, 80)


def _place(error: ErrorDetails, value: Any) -> tuple[Place, ...]:
    """Where in the value the error is: names of union branches are no places."""
    places: list[Place] = []
    for number, step in enumerate(error["loc"], 1):
        is_named = number == len(error["loc"]) and error["type"] == "missing"
        if _has(value, step):
            value = value[step]
        elif not is_named:
            continue
        places.append(step)
    return tuple(places)


def _has(value: Any, step: Place) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def _line(path: tuple[Place, ...], errors: list[ErrorDetails], names: Collection[str]) -> str:
    where, first = path_of(path), errors[0]
    if first["type"] == "missing":
        return f"{where}: missing"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return unknown(where, str(path[-1]), names if len(path) == 1 else ())
    texts = list(dict.fromkeys(_text(each) for each in errors))
    return f"{where}: {_joined(texts)}, got {got(first['input'])}"


def _joined(texts: list[str]) -> str:
    expected = [text.removeprefix("expected ") for text in texts if text.startswith("expected ")]
    others = [text for text in texts if not text.startswith("expected ")]
    return "; ".join([f"expected {' or '.join(expected)}"] * bool(expected) + others)


def _text(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _TEXT_OF:
        return f"expected {_TEXT_OF[kind]}"
    if kind in ("literal_error", "enum"):
        return f"expected {context.get('expected')}"
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error"))
    text = error["msg"].replace("Input should be ", "expected ")
    return text[:1].lower() + text[1:]
