"""Connections to a PostgreSQL server, each for one call, in a transaction that it cannot leave."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from agentkit import ConfigurationError
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Blob, Exact

if TYPE_CHECKING:
    import psycopg

    Line = psycopg.Connection[tuple[Any, ...]]
    Cursor = psycopg.Cursor[tuple[Any, ...]]

_DEFAULTS = {
    "connect_timeout": 10,
    "fallback_application_name": "agentkit",
    # a server that is gone is noticed, and not waited for
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What the URL may say otherwise. Source: libpq, "Parameter Key Words"."""

_BOOL, _BYTEA = 16, 17
# Source: PostgreSQL, pg_type.dat: numbers, dates and times, which read as they stand
_EXACT = frozenset({20, 21, 23, 26, 700, 701, 1700, 1082, 1083, 1114, 1184, 1186, 1266})

_NO_LIBRARY = "url_or_path: PostgreSQL needs psycopg: pip install 'agentkit[postgres]'."
_NO_URL = (
    "url_or_path: the PostgreSQL URL cannot be read. Expected "
    "postgresql://user:password@host:port/database, with what is no letter or digit in the "
    "password percent-encoded (@ as %40)."
)
_SUPERUSER = (
    "The role of the URL is a superuser, which no transaction holds back. Give a role that may "
    "only read what is meant to be read, or say allow_superuser=True."
)


class Server:
    """A database on a server, as a URL names it. Raises ConfigurationError for what is no URL."""

    def __init__(self, url: str, allow_superuser: bool) -> None:
        self._params = _params(url)
        self._allow_superuser = allow_superuser

    @contextmanager
    def transaction(self, begin: str, deadline: Deadline) -> Iterator[Line]:
        """A connection in a transaction, rolled back in the end; none of it is used again."""
        line = self._connected()
        try:
            _bound(line, deadline)
            line.execute(begin)
            if self._is_superuser(line):
                raise ConfigurationError(_SUPERUSER)
            with deadline.interrupting(lambda: line.cancel_safe(timeout=5)):
                yield line
        finally:
            # what goes wrong here is rolled back by the server, which sees the connection end
            with suppress(Exception):
                line.rollback()
            line.close()

    @property
    def database(self) -> str:
        """Its name, as far as the URL says it."""
        return str(self._params.get("dbname") or "postgres")

    def hidden(self, text: str) -> str:
        """The text without the password of the URL."""
        password = self._params.get("password")
        return text.replace(str(password), "…") if password else text

    def _connected(self) -> Line:
        import psycopg

        settings = {**_DEFAULTS, **self._params, "client_encoding": "utf8"}
        try:
            return psycopg.connect(autocommit=True, context=_as_text(), **settings)
        except psycopg.Error as error:
            # not chained: the text of the error may hold what the URL does
            said = self.hidden(str(error).strip().partition("\n")[0])
        raise ConnectionError(f"The PostgreSQL server cannot be asked: {said}")

    def _is_superuser(self, line: Line) -> bool:
        (told,) = line.execute("SELECT pg_catalog.current_setting('is_superuser')").fetchone() or (
            "",
        )
        return told == "on" and not self._allow_superuser


def _bound(line: Line, deadline: Deadline) -> None:
    """Have the server itself end what takes too long, and keep reading what begins as reading."""
    most = max(1, int(deadline.left * 1000))
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": most,
        "lock_timeout": most,
        "idle_in_transaction_session_timeout": most + 5_000,
        "standard_conforming_strings": "on",
        "DateStyle": "ISO",
        "bytea_output": "hex",
    }
    for name, value in settings.items():
        line.execute(f"SET {name} = '{value}'")


def rows_of(cursor: Cursor, fetch: str) -> Generator[Sequence[object]]:
    """The rows of a FETCH as they arrive; no more of them are kept."""
    return _values(cursor, cursor.stream(fetch))


def values_of(cursor: Cursor) -> Iterator[Sequence[object]]:
    """The rows of what was run."""
    return _values(cursor, cursor)


def _values(cursor: Cursor, rows: Iterable[tuple[Any, ...]]) -> Generator[Sequence[object]]:
    """Each value as the server has put it into words."""
    types: list[int] = []
    for row in rows:
        types = types or [column.type_code for column in cursor.description or ()]
        yield [_value(value, code) for value, code in zip(row, types, strict=True)]


def _value(text: str | None, code: int) -> object:
    if text is None:
        return None
    if code == _BOOL:
        return text == "t"
    if code == _BYTEA:
        return Blob((len(text) - 2) // 2)
    return Exact(text) if code in _EXACT else text


def _as_text() -> Any:
    """Adapters that leave values in the server's words, where Python has no year -44 or 10000."""
    from psycopg import adapters
    from psycopg.adapt import AdaptersMap
    from psycopg.types.string import TextLoader

    plain = AdaptersMap(types=adapters.types)
    plain.register_loader(0, TextLoader)
    return plain


def _params(url: str) -> Mapping[str, Any]:
    try:
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise ConfigurationError(_NO_LIBRARY) from error
    params: Mapping[str, Any] | None = None
    # the text of the error has parts of the URL, the password among them
    with suppress(Error):
        params = conninfo_to_dict(url)
    # a "/" or an "@" of the password that is not encoded puts the rest of it into another part
    if params is None or any("@" in str(params.get(part)) for part in ("host", "port", "dbname")):
        raise ConfigurationError(_NO_URL)
    return params
