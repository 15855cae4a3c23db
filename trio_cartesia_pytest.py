"""
The pytest plugin: fixtures ``cartesia`` and ``cartesia_server``, and the marker ``cartesia``.

Pytest loads it in every project that has this package installed, so it stands beside the package
and imports nothing of it until a fixture is used: that would take a quarter of a second, and would
keep a coverage measurement from seeing the package being imported. What the fixtures do is in
`trio_cartesia.testing.plugin`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trio_cartesia import Cartesia
    from trio_cartesia.server import Server

__all__ = ["cartesia", "cartesia_server", "pytest_configure"]

MARKER = (
    "cartesia(behaviour=..., faults=..., voice=..., plan=..., link=..., loopback=...): "
    "what the service of the fixtures cartesia and cartesia_server is like (trio_cartesia)"
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
async def cartesia_server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """
    Run a local service for one test, in memory unless marked otherwise.

    It speaks in tones, so it is deterministic and needs nothing but Python. Its ``journal`` knows
    what was asked and what was spoken. `@pytest.mark.cartesia(...)` makes it another one.
    """
    from trio_cartesia.testing.plugin import open_marked_server

    async with open_marked_server(request.node) as server:
        yield server


@pytest.fixture
async def cartesia(
    request: pytest.FixtureRequest, cartesia_server: Server
) -> AsyncIterator[Cartesia]:
    """
    Make a client of the test's own service (`cartesia_server`).

    With pytest-trio's ``autojump_clock`` among the test's arguments all of it runs on virtual
    time: sleeping, playing and expiring take no real time, and what hangs fails at once if the
    test has a ``trio.fail_after``. The clock must be an argument; ``usefixtures`` does not set it.
    """
    from trio_cartesia.testing.plugin import open_marked_client

    async with open_marked_client(request.node, cartesia_server) as client:
        yield client
