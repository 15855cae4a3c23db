"""Recordings in files: the audio, and word times and subtitles beside it."""

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

from trio_cartesia import SampleFormat, SubtitleWriter, WordTimes, WordTimestamps
from trio_cartesia._cli.say.outputs import Target
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.wav import AudioFile, RawFile, WavFile

__all__ = ["FileRecording", "open_files"]


@attrs.define(eq=False)
class FileRecording(Recording):
    """A recording in a file of audio, with a file of word times if the target has one.

    Writing blocks Trio's thread: a disk takes a chunk in microseconds, and the file is up to date
    whatever happens next.

    Attributes:
        target: The files.
    """

    target: Target
    _output: FileIO
    _is_raw: bool
    _words: list[dict[str, str | float]] = attrs.field(factory=list, init=False, repr=False)
    _start_seconds: float = attrs.field(default=0.0, init=False)

    @property
    def name(self) -> str:
        """The path of the audio."""
        return str(self.target.audio)

    def begin_context(self) -> None:
        """Start the audio of a further context, whose word times count from here."""
        super().begin_context()
        self._start_seconds = self.seconds

    def add_words(self, times: WordTimes) -> None:
        """Record words for the file of word times."""
        for word, start, end in zip(times.words, times.start, times.end, strict=True):
            shifted = (round(self._start_seconds + seconds, 6) for seconds in (start, end))
            self._words.append({"word": word, **dict(zip(("start", "end"), shifted, strict=True))})

    def write_words(self) -> None:
        """Write the file of word times; an incomplete recording has those with audio only."""
        if self.target.words is None or not self.is_written:
            return
        spoken = self._spoken_words()
        lines = ",\n".join(json.dumps(word, ensure_ascii=False) for word in spoken)
        self.target.words.write_text(f"[\n{lines}\n]\n", encoding="utf-8", errors="replace")

    def write_subtitles(self) -> None:
        """Write the file of subtitles, whose captions are of the words that have audio."""
        path, kind = self.target.subtitles, self.target.beside.subtitles
        if path is None or kind is None or not self.is_written:
            return
        words = self._spoken_words()
        times = WordTimes(
            words=tuple(str(word["word"]) for word in words),
            start=tuple(float(word["start"]) for word in words),
            end=tuple(float(word["end"]) for word in words),
        )
        writer = SubtitleWriter(kind)
        text = writer.add_event(WordTimestamps(context_id="", word_timestamps=times))
        text += writer.finish(duration_seconds=self.seconds)
        path.write_text(text, encoding="utf-8", errors="replace")

    def _spoken_words(self) -> list[dict[str, str | float]]:
        end = float("inf") if self.is_complete else self.seconds
        return [word for word in self._words if float(word["start"]) < end]

    def _open(self) -> AudioFile:
        if stat.S_ISREG(os.fstat(self._output.fileno()).st_mode):
            self._output.truncate(0)
        return RawFile(self._output) if self._is_raw else WavFile(self._output, self.sample_format)


@contextmanager
def open_files(
    target: Target, sample_format: SampleFormat, *, raw: bool
) -> Iterator[FileRecording]:
    """Open the files of one text for the block.

    An older file is replaced once there is audio; without audio no new file is left behind. If
    another program has taken a numbered name first, the next free one is used.

    Raises:
        OSError: The file cannot be written.
    """
    target, file, made = _open_target(target)
    recording = FileRecording(sample_format, target, file, raw)
    try:
        yield recording
    finally:
        file.close()
        if not recording.is_written:
            _remove(made)
        recording.write_words()
        recording.write_subtitles()


def _open_target(target: Target) -> tuple[Target, FileIO, Sequence[Path]]:
    """Return the target that was opened, its audio file, and the files that are new."""
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
    """Make all files of *target*, so that no other program can, or none of them."""
    file = FileIO(target.audio, "xb")
    made = [target.audio]
    try:
        for path in target.paths[1:]:
            FileIO(path, "xb").close()
            made.append(path)
    except OSError:
        file.close()
        _remove(made)
        raise
    return file


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _check_kind(path: Path) -> None:
    """Refuse named pipes and the like: a write to one may block Trio's thread forever."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode) and not stat.S_ISCHR(mode):
        message = "Not a regular file (--out - writes to a pipe)"
        raise OSError(errno.EINVAL, message, str(path))
