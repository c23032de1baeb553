"""A PostgreSQL server for tests: started from what is installed, in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from psycopg import Connection

PASSWORD = "a pass@word/with:%signs"

_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
synchronous_commit = off
shared_buffers = 16MB
autovacuum = off
"""
_WHO_MAY = """
local all guarded scram-sha-256
local all all trust
"""


class NoServerError(Exception):
    """There is no PostgreSQL server to start here, and why."""


class PostgresServer:
    """A server with a database `logs`, reached by a socket in its folder."""

    def __init__(self) -> None:
        self.bin = _programs()
        self.user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self.numbers = count()
        if self.user:
            shutil.chown(self.folder, self.user["user"], self.user["group"])
        try:
            self._create()
        except BaseException:
            self.remove()
            raise

    @property
    def place(self) -> str:
        """The address of its socket."""
        return str(self.folder / ".s.PGSQL.5432")

    def own_url(self) -> str:
        """A URL at which there is nothing yet."""
        schema = f"own_{next(self.numbers)}"
        with self.connected(self._url()) as line:
            line.execute(f"CREATE SCHEMA {schema}")
        return self._url(schema)

    def at(self, url: str, address: str) -> str:
        """The same place by another address."""
        return url.replace(f"@{self._address}/", f"@{address or self._address}/")

    def connected(self, url: str) -> Connection:
        """A connection that commits each statement."""
        import psycopg

        return psycopg.connect(url, autocommit=True)

    def break_holds(self) -> None:
        """Break every connection that holds a session."""
        with self.connected(self._url()) as line:
            line.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
            )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._program("pg_ctl", "start", "-w", "-s")

    def stop(self) -> None:
        """Stop it at once, as if it were killed."""
        self._program("pg_ctl", "stop", "-w", "-s", "-m", "immediate")

    def remove(self) -> None:
        """Stop it if it runs, and leave nothing behind."""
        try:
            if (self.folder / "data" / "postmaster.pid").exists():
                self.stop()
        finally:
            shutil.rmtree(self.folder)

    @property
    def _address(self) -> str:
        return quote(str(self.folder), safe="")

    def _url(self, schema: str = "public") -> str:
        return f"postgresql://agentkit@{self._address}/logs?options=-csearch_path%3D{schema}"

    def _create(self) -> None:
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._program("initdb", "--username=agentkit", *options)
        data = self.folder / "data"
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(folder=self.folder))
        (data / "pg_hba.conf").write_text(_WHO_MAY)
        self.start()
        with self.connected(self._url().replace("/logs", "/postgres")) as line:
            line.execute("CREATE DATABASE logs")
            line.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")

    def _program(self, name: str, *arguments: str) -> None:
        command = [self.bin / name, *arguments, "-D", self.folder / "data"]
        # a file, since a server that runs on would keep a pipe open
        with (self.folder / "log").open("a+") as log:
            run = subprocess.run(command, cwd=self.folder, stdout=log, stderr=log, **self.user)
            log.seek(0)
            assert run.returncode == 0, f"{name} failed: {log.read()}"


def _programs() -> Path:
    """The folder of the newest server's programs."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    if asked := shutil.which("pg_config"):
        told = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=True)
        if (Path(told.stdout.strip()) / "initdb").exists():
            return Path(told.stdout.strip())
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if not folders:
        raise NoServerError("no PostgreSQL server is installed (initdb was not found)")
    return folders[-1].parent


def _version(program: Path) -> float:
    return float(program.parent.parent.name)


def _user() -> dict[str, Any]:
    """Who the server runs as: not root, which it refuses."""
    if os.geteuid() != 0:
        return {}
    known = {user.pw_name: user for user in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            ids = {"user": known[name].pw_uid, "group": known[name].pw_gid}
            return {**ids, "extra_groups": []}
    raise NoServerError("PostgreSQL does not run as root, and there is no user nobody")
