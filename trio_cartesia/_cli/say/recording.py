"""
One text's speech on its way into files: the audio, and the words beside it.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

import attrs

from trio_cartesia import RawOutputFormat, WordTimes
from trio_cartesia._cli.say.outputs import Target
from trio_cartesia._cli.say.wav import WavFile, write_all

__all__ = ["Recording", "open_recording"]


@attrs.define(eq=False)
class RawFile:
    """Writes audio without a header."""

    _file: FileIO
    data_bytes: int = attrs.field(default=0, init=False)

    def write(self, audio: bytes) -> None:
        """Append whole frames."""
        write_all(self._file, audio)
        self.data_bytes += len(audio)


@attrs.define(eq=False)
class Recording:
    """
    The speech of one text, which may come in several contexts.

    Writing is done at once, in Trio's thread: a disk takes a chunk in microseconds, and what was
    written is there whatever happens next.

    Attributes:
        target: The files.
        is_complete: True once nothing more is to come.
    """

    target: Target
    is_complete: bool = attrs.field(default=False, init=False)
    _file: FileIO
    _format: RawOutputFormat
    _is_raw: bool
    _audio: WavFile | RawFile | None = attrs.field(default=None, init=False)
    _part_of_frame: bytes = attrs.field(default=b"", init=False, repr=False)
    _words: list[dict[str, str | float]] = attrs.field(factory=list, init=False, repr=False)
    _start_seconds: float = attrs.field(default=0.0, init=False)

    @property
    def is_written(self) -> bool:
        """True if the file holds speech, or all that there was, if that was nothing."""
        return self.is_complete or (self._audio is not None and self._audio.data_bytes > 0)

    @property
    def seconds(self) -> float:
        """How long the audio plays."""
        return self._format.sample_format.seconds(self._audio.data_bytes if self._audio else 0)

    def begin_context(self) -> None:
        """Note that times of words count from here on."""
        self._start_seconds = self.seconds
        self._part_of_frame = b""

    def write(self, audio: bytes) -> None:
        """Append audio that may end within a frame."""
        data = self._part_of_frame + audio
        end = len(data) - len(data) % self._format.sample_format.bytes_per_frame
        self._part_of_frame = data[end:]
        if end:
            self._begun().write(data[:end])

    def add_words(self, times: WordTimes) -> None:
        """Keep words for the file of words."""
        for word, start, end in zip(times.words, times.start, times.end, strict=True):
            shifted = (round(self._start_seconds + seconds, 6) for seconds in (start, end))
            self._words.append({"word": word, **dict(zip(("start", "end"), shifted, strict=True))})

    def complete(self) -> None:
        """Note that this was all; where there was no audio, the file is there and holds none."""
        self._begun()
        self.is_complete = True

    def write_words(self) -> None:
        """Write the file of words: all of them, or those that are heard where audio is missing."""
        if self.target.words is None or not self.is_written:
            return
        end = float("inf") if self.is_complete else self.seconds
        heard = [word for word in self._words if float(word["start"]) < end]
        lines = ",\n".join(json.dumps(word, ensure_ascii=False) for word in heard)
        self.target.words.write_text(f"[\n{lines}\n]\n", encoding="utf-8", errors="replace")

    def _begun(self) -> WavFile | RawFile:
        if self._audio is None:
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.truncate(0)
            self._audio = RawFile(self._file) if self._is_raw else WavFile(self._file, self._format)
        return self._audio


@contextmanager
def open_recording(
    target: Target, output_format: RawOutputFormat, *, raw: bool
) -> Iterator[Recording]:
    """
    Open the files of one text, for the block.

    An older file is left as it was until there is audio to replace it; where none ever comes, no
    file is left behind. A name of our own that somebody else has taken gives way to the next.

    Raises:
        OSError: The file cannot be written.
    """
    target, file, made = _open(target)
    recording = Recording(target, file, output_format, raw)
    try:
        yield recording
    finally:
        file.close()
        if not recording.is_written:
            _remove(made)
        recording.write_words()


def _open(target: Target) -> tuple[Target, FileIO, Sequence[Path]]:
    """Return what was opened: the target, its file of speech, and which files are new."""
    while target.others is not None:
        with suppress(FileExistsError):
            return target, _reserve(target), target.paths
        target = next(target.others)
    path = target.audio
    with suppress(FileExistsError):
        return target, FileIO(path, "xb"), (path,)
    _check_kind(path)
    return target, FileIO(path, "r+b"), ()


def _reserve(target: Target) -> FileIO:
    """Make all files of *target*, so that nobody else can, or none."""
    file = FileIO(target.audio, "xb")
    try:
        if target.words is not None:
            FileIO(target.words, "xb").close()
    except OSError:
        file.close()
        _remove([target.audio])
        raise
    return file


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _check_kind(path: Path) -> None:
    """Refuse pipes and the like: a write to one may wait for ever, and nothing else would run."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode) and not stat.S_ISCHR(mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
