"""The pytest plugin: its fixtures, and the marker ``cartesia``.

Pytest imports this module in every project that has the package installed, so it imports neither
Trio nor anything else of the package until a fixture is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from trio_cartesia import Cartesia
    from trio_cartesia.server import Server
    from trio_cartesia.testing import ServiceThread

__all__ = ["cartesia", "cartesia_server", "cartesia_service", "pytest_configure"]

MARKER: Final = (
    "cartesia(behaviour=..., faults=..., voice=..., recognizer=..., plan=..., link=..., "
    "loopback=..., tls=...): settings of the local service behind the fixtures of trio_cartesia"
)
NOT_TRIO: Final = (
    "the fixtures cartesia and cartesia_server are for tests that run under Trio, and this one "
    "does not. Mark an asynchronous test with @pytest.mark.trio, or set trio_mode = true under "
    "[tool.pytest.ini_options]. In a synchronous or asyncio test, use the fixture cartesia_service."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def _runs_under_trio(request: pytest.FixtureRequest) -> None:
    """Fail a test that does not run under Trio; the asynchronous fixtures use this one first."""
    if request.node.get_closest_marker("trio") is not None:  # pytest-trio
        return
    if "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend")
        if "trio" in (backend, backend[0]):  # a name, or a name and options
            return
    pytest.fail(NOT_TRIO, pytrace=False)


@pytest.fixture
async def cartesia_server(
    request: pytest.FixtureRequest,
    _runs_under_trio: None,  # pytest runs it before this one
) -> AsyncIterator[Server]:
    """Run a local service for one test, in memory unless the marker says otherwise.

    It speaks in tones, so its audio is deterministic, and recognises its own speech. Its
    ``journal`` records what clients asked and what it spoke. `@pytest.mark.cartesia(...)` changes
    its settings.
    """
    from trio_cartesia.testing.marked import open_marked_server

    async with open_marked_server(request.node) as server:
        yield server


@pytest.fixture
async def cartesia(
    request: pytest.FixtureRequest, cartesia_server: Server
) -> AsyncIterator[Cartesia]:
    """Make a client of the test's own service (`cartesia_server`).

    With pytest-trio's ``autojump_clock`` among the test's arguments, client and service run on
    virtual time: sleeping, playing and expiring take no real time, and a test that hangs inside
    ``trio.fail_after`` fails at once. The clock must be an argument; ``usefixtures`` does not set
    it.
    """
    from trio_cartesia.testing.marked import open_marked_client

    async with open_marked_client(request.node, cartesia_server) as client:
        yield client


@pytest.fixture
def cartesia_service(request: pytest.FixtureRequest) -> Iterator[ServiceThread]:
    """Run a local service in a thread for one test, at a port of this machine.

    For synchronous and asyncio tests, and for any client: point it at ``cartesia_service.url``.
    `@pytest.mark.cartesia(...)` changes its settings.
    """
    from trio_cartesia.testing.marked import marked_service_in_thread

    with marked_service_in_thread(request.node) as service:
        yield service
