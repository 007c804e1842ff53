"""The database that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.plant.servers import NoServer, PostgresServer
from tests.ports import free_port


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    try:
        opened = PostgresServer(free_port())
    except NoServer as error:
        pytest.skip(f"the database is NOT tested: {error}")
    with opened:
        yield opened


@pytest.fixture
def dsn(server: PostgresServer) -> str:
    """Of a new database."""
    return server.database()
