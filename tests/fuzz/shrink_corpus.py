"""
Throw out of the corpus what leads nowhere that the rest does not lead to.

``python -m tests.fuzz.shrink_corpus``
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import trio_cartesia
from tests.fuzz.targets import CORPUS, TARGETS

ROOT = str(Path(trio_cartesia.__file__).parent / "_")

Arc = tuple[str, int, int]


def arcs(target: Callable[[bytes], None], data: bytes) -> set[Arc]:
    """From which line to which other *target* goes, in the codec and the runtime."""
    found: set[Arc] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        name, before = frame.f_code.co_filename, 0
        if not name.startswith(ROOT):
            return None

        def trace_line(frame: FrameType, _event: str, _argument: object) -> Any:
            nonlocal before
            found.add((name, before, frame.f_lineno))
            before = frame.f_lineno
            return trace_line

        return trace_line

    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return found


def shrink(name: str) -> None:
    """Keep the smallest file for each way through the code."""
    seen: set[Arc] = set()
    files = sorted((CORPUS / name).iterdir(), key=lambda path: path.stat().st_size)
    for path in files:
        new = arcs(TARGETS[name], path.read_bytes()) - seen
        seen |= new
        if not new:
            path.unlink()


if __name__ == "__main__":
    for name in TARGETS:
        shrink(name)
