"""The stores that runs are killed in: a file, and a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores.conftest import postgres, url  # noqa: F401 - fixtures


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is empty, for stores of both kinds."""
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    return str(request.getfixturevalue("url"))
