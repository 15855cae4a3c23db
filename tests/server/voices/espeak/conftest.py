from __future__ import annotations

from collections.abc import Iterator

import pytest

from trio_cartesia.server.voices.espeak.client import EspeakClient


@pytest.fixture
def client() -> Iterator[EspeakClient]:
    """A client with a child process of its own."""
    client = EspeakClient()
    yield client
    client.close()
