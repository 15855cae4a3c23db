from __future__ import annotations

import io
import os
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.support import TAGS, read_wav
from trio_cartesia import RawOutputFormat
from trio_cartesia._cli.say.wav import MOST_BYTES, WavFile, header, write_all

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
formats = st.builds(
    RawOutputFormat, encoding=st.sampled_from(sorted(TAGS)), sample_rate=st.sampled_from(RATES)
)


@contextmanager
def temporary_file() -> Iterator[tuple[FileIO, Path]]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.wav"
        with FileIO(path, "xb") as file:
            yield file, path


@pytest.mark.slow
@given(output_format=formats, parts=st.lists(st.lists(st.binary(min_size=4, max_size=4))))
def test_the_file_is_whole_after_each_write(
    output_format: RawOutputFormat, parts: list[list[bytes]]
) -> None:
    """
    Whatever was written until now can be read back, with exact sizes and nothing behind it.
    """
    width = output_format.sample_format.bytes_per_frame
    with temporary_file() as (file, path):
        writer, written = WavFile(file, output_format), b""
        for part in parts:
            audio = b"".join(frame[:width] for frame in part)
            writer.write(audio)
            written += audio
            found = read_wav(path.read_bytes())
            assert found.audio == written
            assert found.frames in (None, len(written) // width)
        assert writer.data_bytes == len(written)


@given(output_format=formats)
def test_the_header_says_what_the_samples_are(output_format: RawOutputFormat) -> None:
    """
    The format tag, width and rate are those of the encoding, and all but PCM count their frames.
    """
    found = read_wav(header(output_format, 0))
    width = output_format.sample_format.bytes_per_frame
    assert found.tag == TAGS[output_format.encoding]
    assert (found.channels, found.rate) == (1, output_format.sample_rate)
    assert (found.bytes_per_frame, found.bits) == (width, 8 * width)
    assert found.bytes_per_second == width * output_format.sample_rate
    assert (found.frames is None) == (output_format.encoding == "pcm_s16le")


@given(rate=st.sampled_from(RATES), audio=st.lists(st.binary(min_size=2, max_size=2)).map(b"".join))
def test_the_standard_library_reads_pcm(rate: int, audio: bytes) -> None:
    """
    Python's own module finds the same format and the same frames.
    """
    output_format = RawOutputFormat(encoding="pcm_s16le", sample_rate=rate)
    with wave.open(io.BytesIO(header(output_format, len(audio)) + audio)) as found:
        assert (found.getnchannels(), found.getsampwidth(), found.getframerate()) == (1, 2, rate)
        assert found.readframes(found.getnframes()) == audio


class FullFile(FileIO):
    """A file on a disk that has room for some bytes only."""

    room = 1000

    def write(self, data: bytes, /) -> int:
        room = max(0, self.room - self.tell())
        if room < len(data) and not room:
            raise OSError(28, "No space left on device")
        return super().write(data[:room])


@pytest.mark.slow
@given(output_format=formats, sizes=st.lists(st.integers(0, 40)))
def test_a_full_disk_leaves_a_whole_file(output_format: RawOutputFormat, sizes: list[int]) -> None:
    """
    Where a write fails half-way, the file holds exactly what came before it.
    """
    width = output_format.sample_format.bytes_per_frame
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.wav"
        with FullFile(path, "xb") as file:
            file.room = 300
            writer, written = WavFile(file, output_format), b""
            try:
                for size in sizes:
                    audio = os.urandom(size * width)
                    writer.write(audio)
                    written += audio
            except OSError:
                pass
        assert read_wav(path.read_bytes()).audio == written


def test_a_file_is_never_larger_than_its_sizes_can_say() -> None:
    """
    What would not fit into 32 bits is refused, and the file stays as it was.
    """
    with temporary_file() as (file, path):
        writer = WavFile(file, RawOutputFormat(encoding="pcm_s16le", sample_rate=8000))
        writer.write(b"abcd")
        writer.data_bytes = MOST_BYTES
        with pytest.raises(OSError, match="4 GiB"):
            writer.write(b"ef")
        assert read_wav(path.read_bytes()).audio == b"abcd"
    form = RawOutputFormat(encoding="pcm_f32le", sample_rate=8000)
    assert len(header(form, MOST_BYTES)) + MOST_BYTES < 2**32


def test_all_is_written_where_a_file_takes_a_part_at_a_time() -> None:
    """
    Short writes are continued.
    """

    class Slow(FileIO):
        def write(self, data: bytes, /) -> int:
            return super().write(data[:3])

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a"
        with Slow(path, "xb") as file:
            write_all(file, b"0123456789")
        assert path.read_bytes() == b"0123456789"
