"""The team's service over TLS on a port of this machine, and what outsiders get."""

from __future__ import annotations

import ssl

import pytest
import service

from trio_cartesia import AuthenticationFailed, Cartesia, ConnectFailed
from trio_cartesia.server import open_server


@pytest.fixture
def open_service(monkeypatch, tmp_path):
    """Return what opens a service of the team, with the same files each time."""
    monkeypatch.setenv("TEAM_KEYS", "ada-1, build-2")

    def open_it():
        return open_server(
            tls=True,
            tls_ca_file=tmp_path / "ca.pem",
            api_keys=service.read_keys(),
            store=tmp_path / "team.db",
            voice="tones",
        )

    return open_it


async def test_members_speak(open_service):
    """
    Each key of the team is accepted over TLS.
    """
    async with open_service() as server:
        for key in ("ada-1", "build-2"):
            assert await service.speak_as_member(server, key, "Hello.") > 10_000


async def test_others_do_not(open_service):
    """
    Another key is refused; a client that does not trust the authority sends no key at all.
    """
    async with open_service() as server:
        with pytest.raises(AuthenticationFailed):
            await service.speak_as_member(server, "guess", "Hello.")
        with pytest.raises(ConnectFailed, match="certificate"):
            async with Cartesia("ada-1", base_url=server.url) as client:
                await client.get_status()
        assert all(record.path != "/" for record in server.journal.requests)


async def test_the_work_of_a_day_stays(open_service):
    """
    A dictionary that was made before a restart is there after it, for its owner alone.
    """
    for is_first in (True, False):
        async with open_service() as server:
            trust = ssl.create_default_context(cafile=server.ca_file)
            settings = {"base_url": server.url, "ssl_context": trust}
            async with Cartesia("ada-1", **settings) as ada, Cartesia("build-2", **settings) as ci:
                if is_first:
                    await ada.pronunciation_dicts.create(name="names", items=[])
                assert [each.name async for each in ada.pronunciation_dicts.list()] == ["names"]
                assert [each async for each in ci.pronunciation_dicts.list()] == []
