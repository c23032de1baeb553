"""Where a PostgreSQL database is, and its errors in words. The password stays in here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agentkit.errors import ConfigurationError, StoreError
from agentkit.stores.postgres_schema import migrate

if TYPE_CHECKING:
    import psycopg

    from agentkit.stores.postgres_pool import Connection

KEEPALIVES_IDLE, KEEPALIVES_INTERVAL, KEEPALIVES_COUNT = 30, 10, 3
"""Seconds of silence until either side asks for the other, and between asking; and how often."""

_NO_LIBRARY = "A PostgreSQL store needs psycopg: pip install 'agentkit[postgres]'."
_NO_URL = (
    "store: the PostgreSQL URL cannot be read. Expected "
    "postgresql://user:password@host:port/database, with what is no letter or digit in the "
    "password percent-encoded (@ as %40)."
)
_NO_ANSWER = "Is the server running, and are host, user and password of the URL right?"

# Source: PostgreSQL, appendix "PostgreSQL Error Codes"; a class is its first two characters.
_REMEDIES = {
    "08": "The connection broke. Is the server running?",
    "28": "Check the user and the password of the URL.",
    "3F": "Create the schema that the URL names, or let its user work in one.",
    "3D": "Create the database, or correct its name in the URL.",
    "22P05": "The database has to keep text in UTF8. Create it anew with that encoding.",
    "25006": "This server only reads. Give the URL of the one that is written to.",
    "40": "Try again.",
    "42501": "Give the user of the URL the right to create and use tables there.",
    "42P01": "The tables were taken away while they were in use. Open the store anew.",
    "53100": "The server's disk is full. Make room, and resume the session.",
    "53300": "The server has no connection left. Give fewer `connections`, or allow it more.",
    "53": "The server lacks memory, disk or connections. Look into its log.",
    "57014": "Look for what keeps the server busy, or give a longer `timeout`.",
    "57P": "The server is starting, stopping or was restarted. Resume the session once it is up.",
}


class Place:
    """A database on a server, as a URL names it. Raises ConfigurationError for what is none."""

    def __init__(self, url: str, connect_timeout: float, timeout: float) -> None:
        self._params = _params(url)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._has_tables = False

    def __str__(self) -> str:
        host = self._params.get("host") or self._params.get("hostaddr") or "localhost"
        port = f":{self._params['port']}" if "port" in self._params else ""
        return f"{host}{port}/{self._params.get('dbname', '')}"

    def connect(self) -> Connection:
        """A new connection to a database that has its tables, which waits for nothing for ever."""
        import psycopg

        connection = psycopg.connect(autocommit=True, **{**self._defaults(), **self._params})
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: Connection) -> None:
        from psycopg import IsolationLevel

        connection.isolation_level = IsolationLevel.READ_COMMITTED
        # set here and not in the startup packet, which poolers in front of a server refuse
        connection.execute(
            "SELECT set_config('statement_timeout', %(limit)s, false),"
            " set_config('idle_in_transaction_session_timeout', %(limit)s, false),"
            " set_config('TimeZone', 'UTC', false),"
            # the server's own default is to hold the sessions of a lost machine for two hours
            " set_config('tcp_keepalives_idle', %(idle)s, false),"
            " set_config('tcp_keepalives_interval', %(interval)s, false),"
            " set_config('tcp_keepalives_count', %(count)s, false),"
            # what a commit has acknowledged has to survive the server
            " set_config('synchronous_commit',"
            " coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), false)",
            {
                "limit": str(int(self._timeout * 1000)),
                "idle": str(KEEPALIVES_IDLE),
                "interval": str(KEEPALIVES_INTERVAL),
                "count": str(KEEPALIVES_COUNT),
            },
        )
        if not self._has_tables:
            migrate(connection)
        self._has_tables = True

    def explained(self, error: BaseException) -> BaseException:
        """An error of the database in words for whoever has to act on it; any other as it is."""
        from psycopg import Error

        if not isinstance(error, Error):
            return error
        said = error.diag.message_primary or str(error).partition("\n")[0]
        text = f"The log at {self}: {self._shown(said).rstrip('.')}. {_remedy(error)}"
        store_error = StoreError(text.rstrip())
        if self._shown(str(error)) == str(error):
            store_error.__cause__ = error
        return store_error

    def _shown(self, text: str) -> str:
        password = self._params.get("password")
        return text.replace(str(password), "…") if password else text

    def _defaults(self) -> dict[str, Any]:
        """What the URL may say otherwise. Source: libpq, "Parameter Key Words"."""
        return {
            "client_encoding": "utf8",
            "connect_timeout": max(2, round(self._connect_timeout)),
            "fallback_application_name": "agentkit",
            "keepalives_idle": KEEPALIVES_IDLE,
            "keepalives_interval": KEEPALIVES_INTERVAL,
            "keepalives_count": KEEPALIVES_COUNT,
            "tcp_user_timeout": int(self._timeout * 1000),
        }


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


def _remedy(error: psycopg.Error) -> str:
    code = error.sqlstate
    if code is None:
        return _NO_ANSWER
    known = (code[:length] for length in (5, 3, 2))
    return next((_REMEDIES[start] for start in known if start in _REMEDIES), "")
