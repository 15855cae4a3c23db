"""What is open when the interpreter exits."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import trio

from trio_cartesia.blocking import portal as portal_module
from trio_cartesia.blocking.portal import EXIT_SECONDS, Portal
from trio_cartesia.testing import service_in_thread

OPEN = """
import sys
from trio_cartesia.blocking import Cartesia

client = Cartesia(base_url=sys.argv[1])
client.__enter__()
connection = client.tts.websocket_connect().__enter__()
context = connection.context(
    model_id="sonic-latest",
    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
).__enter__()
context.push("Hello. ")
"""
STILL_OPEN = "".join(
    f"trio_cartesia: a {name} is still open at exit: leave its block\n"
    for name in ("Context", "Connection", "Cartesia")
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [("", 0, ""), ("sys.exit(3)", 3, ""), ("raise ValueError", 1, "ValueError\n")],
)
def test_open_blocks_are_named_and_closed(code, status, error):
    """A program that leaves blocks open ends as it would without them, and names each; the service
    sees them closed.
    """
    with service_in_thread() as service:
        command = [sys.executable, "-X", "dev", "-c", OPEN + code, service.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (status, "")
        *before, rest = done.stderr.partition(error + STILL_OPEN)
        assert rest == ""
        assert "".join(before).startswith("Traceback") == bool(error)
        assert set(service.state()["open"].values()) == {0}


class Slow:
    """A client that is left only when the test says so."""

    def __init__(self) -> None:
        self.may_leave = threading.Event()

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.may_leave.wait)


def test_the_exit_waits_within_a_bound(monkeypatch, capsys):
    """What takes long to close is left as it is, so the interpreter exits all the same."""
    monkeypatch.setattr(portal_module, "EXIT_SECONDS", 0.01)
    assert EXIT_SECONDS <= 2
    client = Slow()
    portal = Portal(client)
    portal.start()
    portal_module._stop_all()
    assert capsys.readouterr().err == STILL_OPEN.splitlines(keepends=True)[-1]
    portal_module._stop_all()
    assert capsys.readouterr().err == "", "what is being left already is not reported"
    client.may_leave.set()
    portal.join()
    portal_module._stop_all()
    assert capsys.readouterr().err == ""
