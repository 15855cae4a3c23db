"""A microphone, on a device of our own in the place of miniaudio's, and on its null backend."""

from __future__ import annotations

import subprocess
import sys
import threading

import attrs
import miniaudio
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import (
    CaptureFailed,
    LocalProtocolError,
    Microphone,
    MicrophoneStatistics,
    open_microphone,
)
from trio_cartesia._constructors import create
from trio_cartesia.playback import device
from trio_cartesia.testing import on_virtual_time

BUFFER_BYTES = 10 * 32000


class FakeDevice:
    """Gives what a test records with it, in the test's thread or in another one."""

    made: list[FakeDevice]
    error: Exception | None = None
    backend = "fake"

    def __init__(self, **settings):
        self.settings = settings
        self.blocks, self.is_closed = None, False
        self.made.append(self)

    def start(self, blocks):
        if self.error is not None:
            raise self.error
        self.blocks = blocks

    def record(self, audio):
        self.blocks.send(bytearray(audio))

    def close(self):
        self.is_closed = True


@pytest.fixture
def devices(monkeypatch):
    """Put our device in the place of miniaudio's; return those that are made."""
    made = []
    monkeypatch.setattr(miniaudio, "CaptureDevice", type("Fake", (FakeDevice,), {"made": made}))
    monkeypatch.setattr(device, "_has_device", lambda *_: True)
    return made


def recording_microphone():
    """A microphone without a device, for virtual time, which does not wait for threads."""
    microphone = create(Microphone, "pcm_s16le", 16000)
    blocks = microphone._queue.blocks()
    next(blocks)
    return microphone, blocks.send


async def test_what_is_recorded_is_received(devices):
    """Audio of the device's thread is received, all that has come at once."""
    async with open_microphone(sample_rate=24000) as microphone:
        assert (microphone.encoding, microphone.sample_rate) == ("pcm_s16le", 24000)
        (made,) = devices
        assert made.settings["sample_rate"] == 24000
        assert made.settings["nchannels"] == 1
        made.record(b"12")
        made.record(b"34")
        assert await anext(microphone) == b"1234"
        thread = threading.Timer(0.01, made.record, [b"56"])
        thread.start()
        assert await anext(microphone) == b"56"
        assert not made.is_closed
    assert made.is_closed


steps = st.lists(st.one_of(st.integers(1, 160_000).map(lambda n: 2 * n), st.just("receive")))


@given(steps)
@on_virtual_time
async def test_all_audio_is_received_or_counted(steps):
    """Whatever is recorded is received in its order, or it did not fit, and is counted."""
    microphone, record = recording_microphone()
    received = expected = waiting = b""
    dropped = 0
    for number, step in enumerate([*steps, 2, "receive"]):
        if step != "receive":
            record(audio := bytes([number % 256]) * step)
            if len(waiting) + step > BUFFER_BYTES:
                dropped += step
            else:
                waiting += audio
        elif waiting:
            received += await anext(microphone)
            expected, waiting = expected + waiting, b""
        assert microphone.statistics() == MicrophoneStatistics(
            audio_seconds=len(expected + waiting) / 32000,
            buffered_seconds=len(waiting) / 32000,
            buffer_limit_seconds=10,
            dropped_seconds=dropped / 32000,
        )
    assert received == expected


@on_virtual_time
async def test_a_cancelled_wait_loses_nothing():
    microphone, record = recording_microphone()
    for seconds in (0.1, 1.9):
        with trio.move_on_after(seconds) as scope:
            await anext(microphone)
        assert scope.cancelled_caught
    record(b"12")
    with trio.CancelScope() as scope:
        scope.cancel()
        await anext(microphone)
    assert await anext(microphone) == b"12"


@on_virtual_time
async def test_a_device_that_is_gone_is_an_error():
    """Two seconds without audio fail the wait, instead of hanging it."""
    microphone, _ = recording_microphone()
    with pytest.raises(CaptureFailed, match="no audio for 2 s: check that it is still"):
        await anext(microphone)
    assert trio.current_time() == 2


async def test_one_task_receives_and_only_in_the_block(devices):
    async with open_microphone() as microphone, trio.open_nursery() as nursery:

        async def receive():
            with pytest.raises(LocalProtocolError, match="block has ended"):
                await anext(microphone)

        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match="another task receives"):
            await anext(microphone)
        microphone._close()
    devices[0].record(b"12")  # a driver that stops late
    assert microphone.statistics().audio_seconds == 0
    with pytest.raises(LocalProtocolError, match="block has ended"):
        await anext(microphone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 7}, "sample_rate must be one of 8000"),
        ({"backend": "gramophone"}, "backend must be one of .*'null'"),
    ],
)
async def test_a_microphone_that_cannot_be_is_refused(options, message):
    with pytest.raises(LocalProtocolError, match=message):
        async with open_microphone(**options):
            pytest.fail("it was opened")


async def test_without_a_device_the_error_says_what_to_do(devices, monkeypatch):
    """Where there is no microphone, or another program has it, that is one error."""
    monkeypatch.setattr(FakeDevice, "error", miniaudio.MiniaudioError("busy"))
    with pytest.raises(CaptureFailed, match="the sound device does not start: busy"):
        async with open_microphone():
            pytest.fail("it was opened")
    assert devices[0].is_closed
    monkeypatch.setattr(device, "_has_device", lambda *_: False)
    with pytest.raises(CaptureFailed, match="no microphone was found: connect one"):
        async with open_microphone():
            pytest.fail("it was opened")


@pytest.mark.slow
async def test_the_null_backend_records_silence():
    """miniaudio calls us as our device does: in real time, from a thread of its own."""
    async with open_microphone(backend="null") as microphone:
        began_at, size = trio.current_time(), 0
        while size < 16000:
            audio = await anext(microphone)
            assert audio == bytes(len(audio))
            size += len(audio)
        assert trio.current_time() - began_at > 0.4
    assert attrs.astuple(microphone.statistics())[-1] == 0


@pytest.mark.slow
def test_without_miniaudio_the_error_says_what_to_install():
    code = (
        "import sys, trio, trio_cartesia; sys.modules['miniaudio'] = None\n"
        "async def main():\n"
        "    async with trio_cartesia.open_microphone():\n"
        "        pass\n"
        "trio.run(main)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    *_, last = done.stderr.splitlines()
    assert "CaptureFailed: a microphone needs miniaudio: run pip install" in last
