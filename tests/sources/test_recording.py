"""Recordings from files, pipes and streams."""

from __future__ import annotations

import io
import os
import struct
import threading
from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_cartesia import LocalProtocolError, SampleFormat, open_recording
from trio_cartesia.sources.recording import CHUNK_BYTES

SPEECH = SampleFormat(encoding="pcm_s16le", sample_rate=16000)


def wav(audio, sample_format=SPEECH):
    return sample_format.wav_header(len(audio)) + audio


async def samples_of(file, **options):
    """Return what is read, after a check of the promises of each chunk."""
    chunks = []
    async with open_recording(file, **options) as recording:
        width = 4 if "32" in recording.encoding else 2 if "16" in recording.encoding else 1
        async for chunk in recording:
            assert 0 < len(chunk) <= CHUNK_BYTES
            assert len(chunk) % width == 0
            chunks.append(chunk)
    return b"".join(chunks)


@pytest.mark.parametrize("size", [2, 1000, CHUNK_BYTES, 3 * CHUNK_BYTES + 2])
async def test_a_wav_file_is_read_in_chunks(tmp_path, size):
    """The samples are those of the file, and the format is that of its header."""
    audio = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "speech.wav"
    path.write_bytes(wav(audio[:size]))
    assert await samples_of(path) == await samples_of(str(path)) == audio[:size]
    async with open_recording(path) as recording:
        assert (recording.encoding, recording.sample_rate) == ("pcm_s16le", 16000)
        assert repr(recording) == "Recording(encoding='pcm_s16le', sample_rate=16000)"


async def test_an_incomplete_sample_at_the_end_is_dropped():
    raw = {"encoding": "pcm_s16le", "sample_rate": 8000}
    assert await samples_of(io.BytesIO(b"12345"), **raw) == b"1234"
    assert await samples_of(io.BytesIO(wav(b"1234")[:-1])) == b"12"


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=6),
    is_wav=st.booleans(),
)
def test_however_a_pipe_gives_it(pieces, is_wav):
    """A recording from a pipe has the same samples, however its writer has cut them."""

    class Pipe:
        def __init__(self):
            header = SPEECH.wav_header()
            self.pieces = [*([header[:20], header[20:]] if is_wav else []), *pieces]

        def seekable(self):
            return False

        def read(self, _):
            return self.pieces.pop(0) if self.pieces else b""

    audio = b"".join(pieces)
    options = {} if is_wav else {"encoding": "pcm_s16le", "sample_rate": 16000}
    if whole := audio[: len(audio) // 2 * 2]:
        assert trio.run(partial(samples_of, Pipe(), **options)) == whole


async def test_a_pipe_gives_what_it_has():
    """Samples are there as soon as their writer has written them; a read that waits can be
    cancelled, and then the recording cannot be read on.
    """
    reading, writing = os.pipe()
    with io.FileIO(reading) as reader, io.FileIO(writing, "wb") as writer:
        writer.write(SPEECH.wav_header() + b"12")
        async with open_recording(reader) as recording:
            assert await anext(recording) == b"12"
            writer.write(b"3")
            writer.write(b"4")
            assert await anext(recording) == b"34"
            with trio.move_on_after(0.01):
                await anext(recording)
            with pytest.raises(LocalProtocolError, match="a read of it was cancelled"):
                await anext(recording)


async def test_a_cancelled_read_of_a_file_loses_nothing():
    async with open_recording(io.BytesIO(wav(b"1" * CHUNK_BYTES * 2))) as recording:
        received = await anext(recording)
        with trio.CancelScope() as scope:
            scope.cancel()
            received += await anext(recording)
        assert scope.cancelled_caught
        received += b"".join([chunk async for chunk in recording])
    assert received == b"1" * CHUNK_BYTES * 2


async def test_a_read_that_was_cancelled_before_it_began_can_be_repeated():
    """Where all threads are busy, a read waits for one, and giving up then loses nothing."""
    threads, may_end = trio.to_thread.current_default_thread_limiter(), threading.Event()
    async with open_recording(io.BytesIO(wav(b"1" * CHUNK_BYTES * 2))) as recording:
        received = await anext(recording)
        async with trio.open_nursery() as nursery:
            threads.total_tokens = 1
            nursery.start_soon(trio.to_thread.run_sync, may_end.wait)
            await wait_all_tasks_blocked()
            with trio.move_on_after(0.01) as scope:
                await anext(recording)
            may_end.set()
        assert scope.cancelled_caught
        received += b"".join([chunk async for chunk in recording])
    assert received == b"1" * CHUNK_BYTES * 2


async def test_files_that_cannot_be_read_as_bytes(tmp_path):
    """A file that is open for text, and one that is closed, are refused as what they are."""
    path = tmp_path / "speech.wav"
    path.write_bytes(wav(b"\xff" * 100))
    with path.open(encoding="utf-8") as file:
        with pytest.raises(LocalProtocolError, match="this one is open for text"):
            async with open_recording(file):
                pytest.fail("it was opened")
    with pytest.raises(LocalProtocolError, match="the recording is closed"):
        async with open_recording(file):
            pytest.fail("it was opened")


async def test_the_file_is_closed_with_the_block_if_it_was_opened_there(tmp_path):
    path = tmp_path / "speech.wav"
    path.write_bytes(wav(b"1" * CHUNK_BYTES * 2))
    async with open_recording(path) as recording:
        await anext(recording)
    with pytest.raises(LocalProtocolError, match="the recording is closed"):
        await anext(recording)
    with path.open("rb") as file:
        async with open_recording(file) as recording:
            await anext(recording)
        assert not file.closed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the recording is empty"),
        (wav(b""), "the recording is empty: it has no samples"),
        (wav(b"12")[:-1], "the recording is empty"),
        (wav(b"")[:30], "cut short"),
        (b"ID3" + bytes(20), "not a WAV file: samples without a header need encoding and sample"),
        (wav(b"1234").replace(struct.pack("<HH", 1, 1), struct.pack("<HH", 1, 2)), "2 channels"),
    ],
)
async def test_recordings_that_cannot_be_transcribed(tmp_path, content, message):
    """What the service does not take is refused before a session is opened."""
    path = tmp_path / "speech.wav"
    path.write_bytes(content)
    with pytest.raises(LocalProtocolError, match=message):
        async with open_recording(path):
            pytest.fail("it was opened")


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        (io.StringIO("text"), {}, "binary reads: a read returned str"),
        (7, {}, "must be a path, or a file .* not int"),
        (io.BytesIO(b"1"), {"encoding": "pcm_s16le"}, "need encoding and sample_rate"),
        (io.BytesIO(b"1"), {"encoding": "mp3", "sample_rate": 8000}, "encoding must be one of"),
        (io.BytesIO(b"1"), {"encoding": "pcm_s16le", "sample_rate": 0}, "sample_rate must be"),
        (io.BytesIO(), {"encoding": "pcm_s16le", "sample_rate": 8000}, "the recording is empty"),
    ],
)
async def test_arguments_that_are_not_valid(file, options, message):
    with pytest.raises(LocalProtocolError, match=message):
        async with open_recording(file, **options):
            pytest.fail("it was opened")


async def test_a_file_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        async with open_recording(tmp_path / "nothing.wav"):
            pytest.fail("it was opened")
