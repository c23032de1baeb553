"""What was fetched as a page of text: by its type, or by how it begins where it has none.

HTML and PDF are read in a process of their own, which gets no variables of the environment but
those that Python needs, and is ended when it takes too long.
"""

from __future__ import annotations

import asyncio
import codecs
import importlib.util
import json
import os
import re
import sys
from email.message import Message
from weakref import WeakKeyDictionary

from agentkit import ConfigurationError, Retry
from agentkit_tools.web.fetching import Fetched
from agentkit_tools.web.pages import MOST_TITLE, Page
from agentkit_tools.web.seeing import seen

READING_TIMEOUT = 15.0
"""Seconds for the reading process."""
READING_WAIT = 60.0
"""Seconds that a page may wait for its turn to be read."""
MAX_TYPE = 200
"""Characters of a Content-Type that are looked at."""

HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = """
application/csv application/javascript application/json application/sql application/toml
application/x-javascript application/x-ndjson application/x-yaml application/xml application/yaml
"""
TEXT = frozenset(_TEXT.split())

_CHARSETS = """
ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 latin_1 iso8859-1 iso8859-2 iso8859-3
iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-13 iso8859-14
iso8859-15 iso8859-16 cp866 cp874 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
koi8-r koi8-u mac-roman mac-cyrillic gb2312 gbk gb18030 big5 big5hkscs euc_jp shift_jis cp932
iso2022_jp euc_kr cp949 tis-620
"""
CHARSETS = frozenset(_CHARSETS.split())
"""What text may be in. Of Python's other codecs some take quadratic time, and some are none."""

NEEDED = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_KIND = re.compile(r"[a-z0-9.+*_-]{1,60}/[a-z0-9.+*_-]{1,100}")


def check_libraries() -> None:
    """Raise ConfigurationError where what reads HTML is not installed."""
    if not all(importlib.util.find_spec(name) for name in ("bs4", "lxml", "markdownify")):
        raise ConfigurationError("Web needs libraries that read HTML: pip install 'agentkit[web]'")


class Desks:
    """Places for reading processes: so many at a time, so that none is late because of others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]()

    def one(self) -> asyncio.Semaphore:
        """A place, once there is one: `async with desks.one()`."""
        # a semaphore is of one event loop, and a toolbox may be used in several
        return self._free.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._most))


async def page_of(fetched: Fetched, desks: Desks) -> Page:
    """The page as text. Raises Retry for one that cannot be read."""
    kind, charset = _kind_and_charset(fetched)
    title = ""
    if kind == "application/pdf":
        title, text = await _pdf(fetched, desks)
    elif kind in HTML:
        title, text = await _read(fetched, desks, "html", charset)
    elif _is_text(kind):
        text = _decoded(fetched.content, charset)
    else:
        text = "(This is no text, so it is not shown.)"
    return Page(
        str(fetched.url),
        kind,
        len(fetched.content),
        seen(text.replace("\r\n", "\n").replace("\r", "\n")),
        " ".join(seen(title).split())[:MOST_TITLE],
        fetched.is_cut,
    )


def _kind_and_charset(fetched: Fetched) -> tuple[str, str]:
    written = " ".join(fetched.content_type[:MAX_TYPE].split())
    message = Message()
    message["content-type"] = written
    said = message.get_content_type() if "/" in written else ""
    said = said if _KIND.fullmatch(said) else ""
    charset = _known_charset(str(message.get_param("charset") or ""))
    return _looked_at(fetched.content, said), charset


def _looked_at(content: bytes, said: str) -> str:
    """The type that it has by its first bytes, where these speak against what is said."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if (not said or _is_text(said)) and b"\0" in content[:1024] and not is_wide:
        return "application/octet-stream"
    if said:
        return said
    return "text/html" if content.lstrip()[:1] == b"<" else "text/plain"


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind in TEXT or kind.endswith(("+json", "+xml"))


def _known_charset(name: str) -> str:
    try:
        known = codecs.lookup(name).name if name.isascii() else ""
    except (LookupError, ValueError):
        return ""
    return known if known in CHARSETS else ""


def _decoded(content: bytes, charset: str) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if wide else charset or "utf-8", errors="replace")
    return text.removeprefix("\ufeff")


async def _pdf(fetched: Fetched, desks: Desks) -> tuple[str, str]:
    if importlib.util.find_spec("pypdf") is None:
        return "", "(This is a PDF. Reading it needs a library: pip install 'agentkit[pdf]')"
    if fetched.is_cut:
        size = len(fetched.content)
        raise Retry(f"{fetched.url} is a PDF of more than {size} bytes, which is not read.")
    return await _read(fetched, desks, "pdf", "")


async def _read(fetched: Fetched, desks: Desks, kind: str, charset: str) -> tuple[str, str]:
    """Title and text, read in a process of its own."""
    words = (kind, str(fetched.url), charset, str(READING_TIMEOUT))
    try:
        async with desks.one(), asyncio.timeout(READING_TIMEOUT):
            told = await _told_by_a_process(words, fetched.content)
    except TimeoutError:
        told = {"error": f"it takes more than {READING_TIMEOUT:g} s"}
    if "error" in told:
        raise Retry(f"{fetched.url} cannot be read as text: {told['error']}. Try another page.")
    return str(told["title"]), str(told["text"])


async def _told_by_a_process(words: tuple[str, ...], content: bytes) -> dict[str, str]:
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "agentkit_tools.web.reader",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
    )
    try:
        output, _ = await reader.communicate(content)
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    try:
        told = json.loads(output)
    except ValueError:  # it was ended from outside: its time or its memory was used up
        return {"error": "its reader was stopped"}
    return dict(told)


def _environment() -> dict[str, str]:
    """What the process needs to find the modules that are found here, and no more."""
    kept = {name: os.environ[name] for name in NEEDED if name in os.environ}
    path = os.pathsep.join(each for each in sys.path if each)
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
