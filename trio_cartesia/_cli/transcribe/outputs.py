"""The files that texts and subtitles are written to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say.outputs import SUBTITLE_SUFFIXES, Subtitles

__all__ = ["choose_outputs", "make_directory"]

TEXT_SUFFIX: Final = ".txt"


def choose_outputs(
    files: Sequence[str], directory: str | None, subtitles: Subtitles | None
) -> list[Path | None]:
    """Return the file to write for each recording, without making any; None for standard output.

    Args:
        files: The paths of the recordings.
        directory: The directory of the files; if None, subtitles are beside their recordings.
        subtitles: The format of the subtitles, or None for texts.

    Raises:
        UsageError: Two recordings have the same file, one would be replaced, or a path has no name.
    """
    if directory is None and subtitles is None:
        return [None] * len(files)
    suffix = TEXT_SUFFIX if subtitles is None else SUBTITLE_SUFFIXES[subtitles]
    sources = {_real(file) for file in files}
    chosen: dict[str, Path] = {}
    for file in files:
        if not Path(file).name:
            raise UsageError(f"{file!r} is not the path of a file")
        place = Path(file) if directory is None else Path(directory, Path(file).name)
        path = place.with_suffix(suffix)
        if _real(path) in sources:
            raise UsageError(f"{path} is a recording, which would be replaced: choose --output")
        if _real(path) in chosen:
            raise UsageError(f"{path} would be written twice: transcribe its recordings one by one")
        chosen[_real(path)] = path
    return list(chosen.values())


def make_directory(directory: str | None) -> None:
    """Make the directory if one is named.

    Raises:
        OSError: It cannot be made.
    """
    if directory is not None:
        Path(directory).mkdir(parents=True, exist_ok=True)


def _real(path: str | Path) -> str:
    return os.path.normcase(os.path.realpath(path))
