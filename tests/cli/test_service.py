from __future__ import annotations

import pytest

from trio_cartesia._cli.service import open_client


@pytest.mark.parametrize("name", ["CARTESIA_API_KEY", "CARTESIA_BASE_URL"])
async def test_the_environment_says_who_speaks(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    With a key or an address no local service is started, unless it was asked for.
    """
    for each in ("CARTESIA_API_KEY", "CARTESIA_BASE_URL"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with open_client(local=False):
        assert capfd.readouterr().err == ""
    async with open_client(local=True):
        assert capfd.readouterr().err.startswith("speaking with the local service (")
