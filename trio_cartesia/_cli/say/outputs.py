"""The files to write: names from the command line, or unused numbered names."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import attrs

from trio_cartesia._cli.console import UsageError

__all__ = ["Beside", "Subtitles", "Target", "choose", "make_directory"]

OTHER_FORMATS: Final = frozenset({".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus"})
NEVER_WAV: Final = OTHER_FORMATS | {".pcm", ".raw"}
Subtitles = Literal["srt", "vtt", "textgrid", "json"]
SUBTITLE_SUFFIXES: Final[Mapping[Subtitles, str]] = MappingProxyType(
    {"srt": ".srt", "vtt": ".vtt", "textgrid": ".TextGrid", "json": ".subtitles.json"}
)
NEVER_RAW: Final = OTHER_FORMATS | {".wav", ".wave"}


@attrs.frozen
class Beside:
    """The files that are written beside the audio.

    Attributes:
        words: Whether there is one of word times.
        subtitles: The format of the one of subtitles, or None.
    """

    words: bool = False
    subtitles: Subtitles | None = None


@attrs.frozen
class Target:
    """The files of one text.

    Attributes:
        audio: The file of audio.
        beside: The files that are written beside it.
        others: The next targets, in case another program takes this one first; None if the user
            named the file, which then replaces an older one.
    """

    audio: Path
    beside: Beside = Beside()
    others: Iterator[Target] | None = attrs.field(default=None, eq=False, repr=False, kw_only=True)

    @property
    def words(self) -> Path | None:
        """The file of word times, or None."""
        return self.audio.with_suffix(".words.json") if self.beside.words else None

    @property
    def subtitles(self) -> Path | None:
        """The file of subtitles, or None."""
        if self.beside.subtitles is None:
            return None
        return self.audio.with_suffix(SUBTITLE_SUFFIXES[self.beside.subtitles])

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files to write."""
        return tuple(filter(None, (self.audio, self.words, self.subtitles)))

    def is_taken(self) -> bool:
        """Return whether one of the files exists."""
        return any(os.path.lexists(path) for path in self.paths)


def choose(count: int, out: Sequence[str], beside: Beside, *, raw: bool) -> list[Target]:
    """Choose a target for each of *count* texts, without creating or changing any file.

    Args:
        count: The number of texts.
        out: A single directory, or a file for each text; empty for the current directory.
        beside: The files that are written beside the audio.
        raw: Write no headers, so not ``.wav``.

    Raises:
        UsageError: The names do not match the number of texts, each other, or the format.
    """
    if not out or is_directory(out):
        free = _free(Path(*out), beside, raw=raw)
        return [attrs.evolve(target, others=free) for target in itertools.islice(free, count)]
    if len(out) != count:
        raise UsageError(f"there are {count} texts but {len(out)} files: give one --out for each")
    for name in out:
        _check_name(name, raw=raw)
    targets = [Target(Path(name), beside) for name in out]
    _check_different(targets)
    return targets


def is_directory(out: Sequence[str]) -> bool:
    """Return whether *out* is one directory, existing or to be created, rather than files."""
    if len(out) != 1:
        return False
    path = Path(out[0])
    return _ends_as_directory(out[0]) or path.is_dir() or not (path.suffix or path.exists())


def make_directory(out: Sequence[str]) -> None:
    """Create the directory if *out* is one.

    Raises:
        OSError: It cannot be created.
    """
    if is_directory(out):
        Path(out[0]).mkdir(parents=True, exist_ok=True)


def _ends_as_directory(name: str) -> bool:
    return os.path.basename(name) in ("", os.curdir, os.pardir)


def _free(directory: Path, beside: Beside, *, raw: bool) -> Iterator[Target]:
    suffix = ".pcm" if raw else ".wav"
    names = (f"speech-{number}{suffix}" for number in itertools.count(1))
    targets = (Target(directory / name, beside) for name in names)
    return itertools.filterfalse(Target.is_taken, targets)


def _check_name(name: str, *, raw: bool) -> None:
    suffix = Path(name).suffix.lower()
    if _ends_as_directory(name):
        raise UsageError(f"{name} is a directory: give it alone, or a file for each text")
    if raw and suffix in NEVER_RAW:
        raise UsageError(f"{name} would hold audio without a header: name it .pcm, or omit --raw")
    if not raw and suffix in NEVER_WAV:
        raise UsageError(f"{name} would hold WAV audio: name it .wav, or use --raw for samples")


def _check_different(targets: Sequence[Target]) -> None:
    seen: set[str] = set()
    for path in itertools.chain.from_iterable(target.paths for target in targets):
        real = os.path.normcase(os.path.realpath(path))
        if real in seen:
            raise UsageError(f"{path} would be written twice: give every text a file of its own")
        seen.add(real)
