"""Places and toolboxes as they may be shown: without what nobody else may read."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SECRET = re.compile(r"auth|key|token|secret|password|sig", re.IGNORECASE)
_IN_A_URL = re.compile(r"(://[^\s/:@\"']*):(?!\d+[/\s]|password@host[:/])[^\"'\n]*@")
_IN_A_QUERY = re.compile(
    r"([?&][^=&\s\"']*(?:auth|key|token|secret|passw|sig)[^=&\s\"']*=|\bpassw\w*\s*=\s*)[^&\s\"')]+",
    re.IGNORECASE,
)
_AN_ARGUMENT = re.compile(
    r"((?:auth\w*|credentials|key|token|secret|password|passwd)\s*=\s*)"
    r"(\"[^\"]*\"|'[^']*'|[\"'][^\"'\s]*|\{[^}]*\}?)",
    re.IGNORECASE,
)


def without_password(place: str) -> str:
    """A path or a URL, the latter without what nobody else may read and else as it is.

    What stands before the first slash names the user, as libpq and HTTP clients take it.
    """
    scheme, separator, rest = place.partition("://")
    if not separator or scheme == "sqlite":
        return place
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    path, _, query = f"{host}{slash}{path}".partition("?")
    pairs = [pair for pair in query.split("&") if not _SECRET.search(unquote(pair.split("=")[0]))]
    asked = "&".join(pairs)
    return f"{scheme}://{user.partition(':')[0]}{at}{path}{'?' if asked else ''}{asked}"


def without_passwords(text: str) -> str:
    """A toolbox as it was written, or what was said of it, without the passwords of URLs in it.

    Arguments whose names say that they are secret stand there as `"…"`. It need not be well
    written, and what only may be part of a password is left out too.
    """
    text = _IN_A_QUERY.sub(r"\1…", _IN_A_URL.sub(r"\1@", text))
    return _AN_ARGUMENT.sub(r'\1"…"', text)
