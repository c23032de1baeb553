"""Images and files as content parts, for what the user says and what a tool returns.

Nothing is fetched or uploaded: a path is read when the part is made, a URL is passed on.
"""

from __future__ import annotations

import base64
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import SchemaSerializer, core_schema

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError

Source = str | Path | bytes

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"%PDF-": "application/pdf",
}


def _in_json(part: object) -> str:
    kind = type(part).__name__
    return f"[{kind}: a tool has to return it alone or in a list, not inside another value]"


class _Part:
    """What is no JSON value: inside of one, it says so instead of spelling out its bytes."""

    __pydantic_serializer__ = SchemaSerializer(
        core_schema.any_schema(
            serialization=core_schema.plain_serializer_function_ser_schema(_in_json)
        )
    )


@dataclass(frozen=True)
class Image(_Part):
    """An image to look at: a path, the bytes, or a URL (`https:`, `data:`)."""

    source: Source
    detail: str | None = None
    """`low`, `high`, `auto` or `original`; the server's default where None."""

    def part(self) -> Wire:
        """The `input_image` content part. Raises ConfigurationError for a file that is none."""
        part: Wire = {"type": "input_image", "image_url": _url(self.source, "image/png")}
        return {**part, "detail": self.detail} if self.detail else part


@dataclass(frozen=True)
class File(_Part):
    """A file to read: a path, the bytes, or a URL (`https:`)."""

    source: Source
    name: str | None = None
    """The file's name for the model; taken from a path where None."""

    def part(self) -> Wire:
        """The `input_file` content part. Raises ConfigurationError for a path that is none."""
        if _is_url(self.source) and not str(self.source).startswith("data:"):
            return {"type": "input_file", "file_url": self.source}
        name = self.name or (
            "file"
            if isinstance(self.source, bytes) or _is_url(self.source)
            else Path(self.source).name
        )
        data = _url(self.source, mimetypes.guess_type(name)[0] or "application/octet-stream")
        return {"type": "input_file", "filename": name, "file_data": data}


Part = Image | File


def _is_url(source: Source) -> bool:
    return isinstance(source, str) and source.startswith(("https:", "http:", "data:"))


def _url(source: Source, fallback: str) -> str:
    if isinstance(source, str) and _is_url(source):
        return source
    content = source if isinstance(source, bytes) else _read(Path(source))
    kind = _kind_of(content) or fallback
    if not isinstance(source, bytes) and not _kind_of(content):
        kind = mimetypes.guess_type(str(source))[0] or fallback
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _kind_of(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"Cannot read {path}: {reason}. Give an existing file.") from error
