from __future__ import annotations

import logging
import signal
import socket
import sys
from pathlib import Path

import pytest
import trio

from trio_cartesia import Cartesia
from trio_cartesia._cli.main import main
from trio_cartesia._cli.serve import serve

from .support import OPTIONS, full_output, is_speech, read_all, start


@pytest.mark.slow
async def test_the_url_comes_first_and_can_be_used(tmp_path: Path) -> None:
    """
    The first line is the address of a service that speaks; Ctrl-C ends it quietly.
    """
    async with trio.open_nursery() as nursery:
        process = await start(nursery, "serve", "--voice", "tones", cwd=tmp_path)
        assert process.stdout is not None
        url = bytes(await process.stdout.receive_some()).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        async with (
            Cartesia(api_key="secret", base_url=url) as client,
            client.tts.websocket_connect() as connection,
            connection.speak("A private text.", **OPTIONS) as context,
        ):
            assert is_speech((await context.collect()).audio)
        process.send_signal(signal.SIGINT)
        assert await read_all(process.stdout) == ""
        err = await read_all(process.stderr)
    assert process.returncode == 130
    assert f"export CARTESIA_BASE_URL={url}\n" in err
    (line,) = [line for line in err.splitlines() if ": done;" in line]
    assert "context" in line
    assert "private" not in err
    assert "secret" not in err
    assert "Traceback" not in err


@pytest.mark.slow
async def test_a_service_of_the_command_line_speaks_to_it(tmp_path: Path) -> None:
    """
    CARTESIA_BASE_URL is all that say needs.
    """
    async with trio.open_nursery() as nursery:
        service = await start(nursery, "serve", "--voice", "tones", cwd=tmp_path)
        assert service.stdout is not None
        url = bytes(await service.stdout.receive_some()).decode().strip()
        env = {"CARTESIA_BASE_URL": url}
        client = await start(nursery, "say", "Hello.", cwd=tmp_path, env=env)
        assert await read_all(client.stdout) == "speech-1.wav\n"
        assert "local" not in await read_all(client.stderr)
        service.terminate()
        await read_all(service.stderr)
    assert client.returncode == 0
    assert service.returncode == 143


def test_a_port_in_use_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """
    The line names the port, and says what to do.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"trio-cartesia: cannot listen on 127.0.0.1, port {port}: ")
    assert "--port" in line


def test_a_voice_that_is_not_installed_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The line names the extra, and the voice that is always there.
    """
    monkeypatch.setitem(sys.modules, "trio_cartesia.server.espeak", None)
    assert main(["serve", "--voice", "espeak"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "pip install 'trio-cartesia[local]'" in line
    assert "pip install '.[local]'" in line
    assert "tones" in line


async def test_serving_ends_with_its_scope(capfd: pytest.CaptureFixture[str]) -> None:
    """
    Cancelled, the service is gone, and with it what it logged to.
    """
    handlers = list(logging.getLogger("trio_cartesia.server").handlers)
    with trio.move_on_after(0.05):
        await serve(host="127.0.0.1", port=0, voice="tones", debug=False)
    out, err = capfd.readouterr()
    assert out.startswith("http://127.0.0.1:")
    assert out.strip() in err
    assert logging.getLogger("trio_cartesia.server").handlers == handlers


async def test_a_service_that_nobody_can_find_ends(capfd: pytest.CaptureFixture[str]) -> None:
    """
    Where its URL is lost, it says so and does not go on.
    """
    with full_output(), trio.fail_after(5):
        assert await serve(host="127.0.0.1", port=0, voice="tones", debug=False) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("trio-cartesia: standard output: No space left on device.")
