"""
Which files will be written: names that were given, or names that nobody uses yet.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from trio_cartesia._cli.console import UsageError

__all__ = ["Target", "choose"]

OTHER_FORMATS: Final = frozenset({".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus"})
NEVER_WAV: Final = OTHER_FORMATS | {".pcm", ".raw"}
NEVER_RAW: Final = OTHER_FORMATS | {".wav", ".wave"}


@attrs.frozen(kw_only=True)
class Target:
    """
    Where one text's speech goes.

    Attributes:
        audio: The file of speech.
        words: The file of word times; None if they are not wanted.
        is_given: True if the user named the file, so that an older one is replaced.
    """

    audio: Path
    words: Path | None
    is_given: bool

    @classmethod
    def at(cls, audio: Path, *, words: bool, is_given: bool) -> Target:
        """Make a target of the file of speech; the words are beside it."""
        beside = audio.with_suffix(".words.json") if words else None
        return cls(audio=audio, words=beside, is_given=is_given)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that will be written."""
        return (self.audio,) if self.words is None else (self.audio, self.words)

    def is_taken(self) -> bool:
        """Tell whether one of the files exists."""
        return any(os.path.lexists(path) for path in self.paths)


def choose(count: int, out: Sequence[Path], *, raw: bool, words: bool) -> list[Target]:
    """
    Choose a target for each of *count* texts; nothing is made or changed.

    Args:
        count: How many texts there are.
        out: A single directory, or a file for each text; empty for the current directory.
        raw: Without headers, so not ``.wav``.
        words: There will be word times too.

    Raises:
        UsageError: The names do not fit the texts, each other, or what will be in the files.
    """
    if not out or is_directory(out):
        directory = out[0] if out else Path()
        return list(itertools.islice(_free(directory, raw=raw, words=words), count))
    if len(out) != count:
        raise UsageError(f"there are {count} texts but {len(out)} files: give one --out for each")
    for path in out:
        _check_suffix(path, raw=raw)
    targets = [Target.at(path, words=words, is_given=True) for path in out]
    _check_different(targets)
    return targets


def is_directory(out: Sequence[Path]) -> bool:
    """Tell whether *out* is one directory, there or to be made, rather than files."""
    if len(out) != 1:
        return False
    return out[0].is_dir() or (not out[0].suffix and not out[0].exists())


def _free(directory: Path, *, raw: bool, words: bool) -> Iterator[Target]:
    suffix = ".pcm" if raw else ".wav"
    names = (f"speech-{number}{suffix}" for number in itertools.count(1))
    targets = (Target.at(directory / name, words=words, is_given=False) for name in names)
    return itertools.filterfalse(Target.is_taken, targets)


def _check_suffix(path: Path, *, raw: bool) -> None:
    suffix = path.suffix.lower()
    if raw and suffix in NEVER_RAW:
        raise UsageError(f"{path} would hold audio without a header: name it .pcm, or omit --raw")
    if not raw and suffix in NEVER_WAV:
        raise UsageError(f"{path} would hold WAV audio: name it .wav, or use --raw for samples")


def _check_different(targets: Sequence[Target]) -> None:
    seen: set[str] = set()
    for path in itertools.chain.from_iterable(target.paths for target in targets):
        real = os.path.normcase(os.path.realpath(path))
        if real in seen:
            raise UsageError(f"{path} would be written twice: give every text a file of its own")
        seen.add(real)
