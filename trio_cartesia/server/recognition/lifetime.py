"""How long a recogniser lives: one that the service opens ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition.interface import Recognizer
from trio_cartesia.server.recognition.opening import open_recognizer

__all__ = ["running_recognizer"]


@asynccontextmanager
async def running_recognizer(
    recognizer: Recognizer | str | None, journal: Journal
) -> AsyncIterator[Recognizer]:
    """Open a recogniser by its name for the block, or use one that its owner closes.

    Args:
        recognizer: A recogniser or its name; None means ``auto``.
        journal: The journal with the speech of the service.

    Raises:
        ValueError: There is no such recogniser, or the extra that it needs is not installed.
    """
    if not isinstance(recognizer, str | None):
        yield recognizer
        return
    opened = open_recognizer(recognizer or "auto", journal)
    try:
        yield opened
    finally:
        with trio.CancelScope(shield=True):
            await opened.aclose()
