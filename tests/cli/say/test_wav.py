from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.support import TAGS, read_wav
from trio_cartesia import SampleFormat
from trio_cartesia._cli.say.wav import WavFile, WavStream, write_all

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
formats = st.builds(
    SampleFormat, encoding=st.sampled_from(sorted(TAGS)), sample_rate=st.sampled_from(RATES)
)


@contextmanager
def temporary_file() -> Iterator[tuple[FileIO, Path]]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.wav"
        with FileIO(path, "xb") as file:
            yield file, path


@pytest.mark.slow
@given(sample_format=formats, parts=st.lists(st.lists(st.binary(min_size=4, max_size=4))))
def test_the_file_is_whole_after_each_write(
    sample_format: SampleFormat, parts: list[list[bytes]]
) -> None:
    """Whatever was written until now can be read back, with exact sizes and nothing behind it."""
    width = sample_format.bytes_per_frame
    with temporary_file() as (file, path):
        writer, written = WavFile(file, sample_format), b""
        for part in parts:
            audio = b"".join(frame[:width] for frame in part)
            writer.write(audio)
            written += audio
            found = read_wav(path.read_bytes())
            assert found.audio == written
            assert found.frames in (None, len(written) // width)
        assert writer.data_bytes == len(written)


class FullFile(FileIO):
    """A file on a disk that has room for some bytes only."""

    room = 1000

    def write(self, data: bytes, /) -> int:
        room = max(0, self.room - self.tell())
        if room < len(data) and not room:
            raise OSError(28, "No space left on device")
        return super().write(data[:room])


@pytest.mark.slow
@given(sample_format=formats, sizes=st.lists(st.integers(0, 40)))
def test_a_full_disk_leaves_a_whole_file(sample_format: SampleFormat, sizes: list[int]) -> None:
    """Where a write fails half-way, the file holds exactly what came before it."""
    width = sample_format.bytes_per_frame
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.wav"
        with FullFile(path, "xb") as file:
            file.room = 300
            writer, written = WavFile(file, sample_format), b""
            try:
                for size in sizes:
                    audio = os.urandom(size * width)
                    writer.write(audio)
                    written += audio
            except OSError:
                pass
        assert read_wav(path.read_bytes()).audio == written


def test_a_file_is_never_larger_than_its_sizes_can_say() -> None:
    """What would not fit into 32 bits is refused, and the file stays as it was."""
    form = SampleFormat(encoding="pcm_s16le", sample_rate=8000)
    with temporary_file() as (file, path):
        writer = WavFile(file, form)
        writer.write(b"abcd")
        writer.data_bytes = form.max_wav_bytes
        with pytest.raises(OSError, match="4 GiB"):
            writer.write(b"ef")
        assert read_wav(path.read_bytes()).audio == b"abcd"


def test_all_is_written_where_a_file_takes_a_part_at_a_time() -> None:
    """Short writes are continued."""

    class Slow(FileIO):
        def write(self, data: bytes, /) -> int:
            return super().write(data[:3])

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a"
        with Slow(path, "xb") as file:
            write_all(file, b"0123456789")
        assert path.read_bytes() == b"0123456789"


@given(sample_format=formats, frames=st.lists(st.binary(min_size=4, max_size=4), min_size=1))
def test_a_stream_has_a_header_that_leaves_the_size_open(
    sample_format: SampleFormat, frames: list[bytes]
) -> None:
    """Where the file cannot seek, the header comes first, once, and the samples follow."""
    width = sample_format.bytes_per_frame
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as source, FileIO(writer, "wb") as file:
        stream = WavStream(file, sample_format)
        for frame in frames:
            stream.write(frame[:width])
        assert stream.data_bytes == len(frames) * width
        data = source.read(100_000)
    audio = b"".join(frame[:width] for frame in frames)
    assert data == sample_format.wav_header() + audio


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    """Where another program has made the pipe non-blocking, all is written all the same."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data, received = os.urandom(300_000), bytearray()

    def receive() -> None:
        while part := os.read(reader, 10_000):
            received.extend(part)

    thread = threading.Thread(target=receive)
    thread.start()
    with FileIO(writer, "wb") as file:
        write_all(file, data)
    thread.join()
    os.close(reader)
    assert received == data
