from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import trio

from tests.cli.support import LONG_TEXT, is_speech, read_all, read_wav, start, wait_size
from trio_cartesia._cli.signals import run_until_signalled
from trio_cartesia.server import Tones, open_server

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_leaves_whole_files(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The service gets a cancel, the file is exact, and there is a code but no traceback."""
    async with open_server(voice=Tones()) as server, trio.open_nursery() as nursery:
        process = await start(
            *(nursery, "say", LONG_TEXT, "--words", "--out", "a.wav"),
            cwd=tmp_path,
            env={"CARTESIA_BASE_URL": server.url},
        )
        await wait_size(tmp_path / "a.wav", 20_000)  # two chunks: the words follow the first
        process.send_signal(number)
        assert await read_all(process.stdout) == "a.wav\n"
        err = await read_all(process.stderr)
        with trio.fail_after(5):
            assert await process.wait() == code
            await trio.sleep(0.1)
        (record,) = server.journal.contexts
    assert record.cancels == 1
    assert record.ended in ("cancelled", "lost")  # the connection may close before the context ends
    assert "Traceback" not in err
    assert "stopped early" in err
    audio = read_wav((tmp_path / "a.wav").read_bytes()).audio
    assert is_speech(audio)
    assert record.audio.startswith(audio)
    assert json.loads((tmp_path / "a.words.json").read_text())


async def test_a_second_signal_waits_for_nothing(tmp_path: Path) -> None:
    """Whatever the goodbye waits for, a second Ctrl-C ends the process."""

    was_asked = trio.Event()

    async def swallow(stream: trio.SocketStream) -> None:
        async for _ in stream:
            was_asked.set()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, swallow, [listener])
        process = await start(
            *(nursery, "say", "Hello."),
            cwd=tmp_path,
            env={"CARTESIA_BASE_URL": f"http://127.0.0.1:{listener.socket.getsockname()[1]}"},
        )
        await was_asked.wait()
        with trio.fail_after(5):
            while process.returncode is None:
                process.send_signal(signal.SIGINT)
                await trio.sleep(0.05)
        assert process.returncode in (130, -signal.SIGINT)
        assert "Traceback" not in await read_all(process.stderr)
        nursery.cancel_scope.cancel("the test is over")


async def test_ctrl_c_ends_a_wait_for_input(tmp_path: Path) -> None:
    """Ctrl-C ends a read of standard input, and no file without speech is left."""
    async with trio.open_nursery() as nursery:
        process = await start(nursery, "say", "-", "--local", cwd=tmp_path)
        assert process.stderr is not None
        await process.stderr.receive_some()
        await trio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        with trio.fail_after(5):
            assert await process.wait() == 130
        assert "Traceback" not in await read_all(process.stderr)
    assert os.listdir(tmp_path) == []


async def test_work_that_ends_gives_its_own_code() -> None:
    """Without a signal, the exit code and the exceptions are those of the work."""

    async def succeed() -> int:
        await trio.lowlevel.checkpoint()
        return 7

    async def fail() -> int:
        await trio.lowlevel.checkpoint()
        raise ValueError("as it was")

    assert await run_until_signalled(succeed) == 7
    with pytest.raises(ValueError, match="as it was"):
        await run_until_signalled(fail)


async def test_a_signal_cancels_the_work() -> None:
    """The work is cancelled, and the code counts from 128."""

    async def wait() -> int:
        signal.raise_signal(signal.SIGTERM)
        await trio.sleep_forever()
        raise AssertionError

    before = signal.getsignal(signal.SIGTERM)
    assert await run_until_signalled(wait) == 143
    assert signal.getsignal(signal.SIGTERM) is before
