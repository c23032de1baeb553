"""A PostgreSQL server for the tests that want one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.stores.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of this process, begun at the first test that asks for it."""
    pytest.importorskip("psycopg")
    pytest.importorskip("pwd", reason="PostgreSQL is tested where there is Unix")
    from tests.stores.postgres_server import NoServerError, PostgresServer

    try:
        server = PostgresServer()
    except NoServerError as error:
        pytest.skip(str(error))
    yield server
    server.remove()


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """The URL of a place in the server where there is nothing yet."""
    return postgres.own_url()
