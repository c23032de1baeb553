"""Reads a document from stdin and writes `{"title": …, "text": …}` to stdout, or `{"error": …}`.

python -m agentkit_tools.web.reader html|pdf URL CHARSET SECONDS
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable

MAX_MEMORY = 1 << 30
"""Bytes."""
MAX_TEXT = 5_000_000
"""Characters."""

Document = tuple[str, str]
"""Title and text."""


def main(kind: str, url: str, charset: str, seconds: str) -> None:
    """Read one document of that kind within so many seconds of work."""
    _bound(int(float(seconds)) + 1)
    content = sys.stdin.buffer.read()
    try:
        title, text = _reader(kind, url, charset)(content)
        told = {"title": title, "text": text[:MAX_TEXT]}
    except MemoryError:
        told = {"error": "it takes too much memory"}
    except Exception as error:  # noqa: BLE001  (whatever a parser raises for a hostile document)
        told = {"error": f"{type(error).__name__}"}
    sys.stdout.buffer.write(json.dumps(told).encode())


def _reader(kind: str, url: str, charset: str) -> Callable[[bytes], Document]:
    if kind == "pdf":
        from agentkit_tools.web.reader.pdf import read_pdf

        return read_pdf
    from agentkit_tools.web.reader.html import read_html

    return lambda content: read_html(content, url, charset or None)


def _bound(seconds: int) -> None:
    """Bound what this process may take, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, MAX_MEMORY)):
        with contextlib.suppress(ValueError, OSError):  # a lower one is set already
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main(*sys.argv[1:])
