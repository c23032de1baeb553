"""Text of a model or a tool, made harmless for a terminal.

Control characters, escape sequences and characters that turn the reading direction are shown as
visible escapes; nothing is taken away. Knows nothing of where the text goes.
"""

from __future__ import annotations

_REORDERING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_DEPRECATED_FORMATS = range(0x206A, 0x2070)
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
_SEPARATORS = (0x2028, 0x2029)

_UNSAFE = frozenset(
    {*_CONTROLS, *map(ord, _REORDERING), *_DEPRECATED_FORMATS, *_SEPARATORS} - {0x09, 0x0A}
)
_VISIBLE = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _UNSAFE}
# In JSON these can only stand inside strings, where the escape has the same meaning.
_JSON = {code: f"\\u{code:04x}" for code in {*_UNSAFE, *range(0xD800, 0xE000)} if code >= 0x7F}


def visible(text: str) -> str:
    r"""The text with what could act on a terminal shown as `\x1b` or `\u202e`.

    Line ends and tabs stay as they are; a CRLF becomes a line end.
    """
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def one_line(text: str, most: int | None = None) -> str:
    """The text on one harmless line, cut at `most` characters."""
    line = visible(" ".join(text.split()))
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"


def safe_json(text: str) -> str:
    """A JSON text of the same value, harmless for a terminal and free of lone surrogates."""
    return text.translate(_JSON)
