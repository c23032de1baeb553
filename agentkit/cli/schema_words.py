"""`name str, population int` to a JSON schema: the short form of `--schema`.

Fields are divided by commas, or by line ends where there are any. A field is a name, a type and
`: a description`. Types are `str` (also where none is given), `int`, `float`, `bool`, `date`,
lists of these (`[str]`, `list[str]`), and any of them with `?` for one that may be null. Where
nothing but a type follows the colon, `name: str`, it is the type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.schema.problems import near_miss

TYPES: dict[str, Wire] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}

_MEANT = {"string": "str", "text": "str", "integer": "int", "number": "float", "boolean": "bool"}

_FIELD = re.compile(r"(?P<name>[^\W\d][\w-]*)(?P<nullable>\?)?(?:\s+(?P<type>.+))?")
_LIST = re.compile(r"(?:list\s*)?\[\s*(?P<of>.*?)\s*\]")


def read_schema(said: str) -> Wire:
    """The JSON schema of `--schema`: a file's path, JSON, or the short form.

    Raises ConfigurationError naming the position for what cannot be read.
    """
    text = said.strip()
    if text.startswith("{"):
        return _read_json(text, "--schema")
    path = Path(text).expanduser()
    if text.endswith(".json") or _is_file(path):
        return _read_json(_content(path), str(path))
    return schema_of_words(said)


def schema_of_words(words: str) -> Wire:
    """The schema of the short form. Raises ConfigurationError naming the column."""
    properties: dict[str, Wire] = {}
    for column, part in _parts(words):
        name, schema = _field(part, column)
        if name in properties:
            raise _unreadable(column, f"{name!r} is there twice")
        properties[name] = schema
    if not properties:
        raise _unreadable(1, "there is no field. Write for example 'name str, population int'")
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _parts(words: str) -> Iterator[tuple[int, str]]:
    """The fields, each with the column it begins at; empty ones at line ends are left out."""
    divider = "\n" if "\n" in words.strip() else ","
    start = 0
    for piece in words.split(divider):
        stripped = piece.strip()
        column = start + len(piece) - len(piece.lstrip()) + 1
        start += len(piece) + 1
        if stripped:
            yield column, stripped.rstrip(",")
        elif divider == "," and words.strip():
            raise _unreadable(column, "a field is missing between the commas")


def _field(part: str, column: int) -> tuple[str, Wire]:
    declared, _, description = (each.strip() for each in part.partition(":"))
    match = _FIELD.fullmatch(declared)
    if match is None:
        raise _unreadable(column, f"{declared!r} is not a name and a type")
    said = match["type"]
    if said is None and _is_type(description.removesuffix("?").strip()):
        said, description = description, ""
    said = said or "str"
    schema = _type(said.removesuffix("?").strip(), column + max(match.start("type"), 0))
    if match["nullable"] or said.endswith("?"):
        schema = {"anyOf": [schema, {"type": "null"}]}
    if description:
        schema = {**schema, "description": description}
    return match["name"], schema


def _is_type(said: str) -> bool:
    listed = _LIST.fullmatch(said)
    return _is_type(listed["of"]) if listed else said in TYPES


def _type(said: str, column: int) -> Wire:
    if listed := _LIST.fullmatch(said):
        return {"type": "array", "items": _type(listed["of"], column + listed.start("of"))}
    if said in TYPES:
        return dict(TYPES[said])
    near = near_miss(said, [*TYPES, *_MEANT])
    near = _MEANT.get(near or "", near)
    hint = f" Did you mean {near!r}?" if near else ""
    known = ", ".join([*TYPES, "[str]"])
    raise _unreadable(column, f"there is no type {said!r}.{hint} Types: {known}")


def _unreadable(column: int, why: str) -> ConfigurationError:
    return ConfigurationError(f"--schema, column {column}: {why}.")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # words that are too long for a path
        return False


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(f"--schema: cannot read {str(path)!r}: {reason}.") from error


def _read_json(text: str, where: str) -> Wire:
    try:
        schema: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where} is not JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise ConfigurationError(f"{where}: a JSON schema is an object, not {text[:40]!r}.")
    return schema
