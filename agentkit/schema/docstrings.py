"""What a docstring says of a function and of its parameters.

Reads Google, NumPy, reST and epydoc; the reading library is only loaded for a docstring that has
a section of parameters.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_DIALECTS = (
    ("EPYDOC", re.compile(r"^\s*@(param|return|raise|type|rtype)\b.*:", re.MULTILINE)),
    ("REST", re.compile(r"^\s*:(param|parameter|arg|argument|return|returns|raises)\b", re.M)),
    ("NUMPYDOC", re.compile(r"^\s*[A-Z][\w ]+\n\s*-{3,}\s*$", re.MULTILINE)),
    (
        "GOOGLE",
        re.compile(r"^\s*(Args|Arguments|Parameters|Params|Returns|Raises|Yields)\s*:\s*$", re.M),
    ),
)


@dataclass(frozen=True)
class Docs:
    """The text before the sections, and one text a parameter."""

    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def read_docstring(docstring: str | None) -> Docs:
    """The parts of a docstring; one that cannot be parsed is all text."""
    text = inspect.cleandoc(docstring or "").strip()
    dialect = next((name for name, marks in _DIALECTS if marks.search(text)), None)
    return _parsed(text, dialect) if dialect else Docs(text)


def _parsed(text: str, dialect: str) -> Docs:
    from docstring_parser import DocstringStyle, ParseError, parse

    try:
        parts = parse(text, style=DocstringStyle[dialect])
    except ParseError:
        return Docs(text)
    described = filter(None, (parts.short_description, parts.long_description))
    names = {
        name.strip().lstrip("*"): " ".join((each.description or "").split())
        for each in parts.params
        for name in each.arg_name.split(",")
    }
    return Docs("\n\n".join(described), {name: said for name, said in names.items() if said})
