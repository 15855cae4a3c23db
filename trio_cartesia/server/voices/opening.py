"""Voices by name: ``tones``, and ``espeak`` if its extra is installed."""

from __future__ import annotations

from trio_cartesia.server.voices.interface import Voice
from trio_cartesia.server.voices.tones import Tones

__all__ = ["default_voice", "open_voice"]


def open_voice(name: str) -> Voice:
    """Open the voice called *name*.

    Args:
        name: ``espeak`` or ``tones``.

    Raises:
        ValueError: There is no such voice, or the extra that it needs is not installed.
    """
    if name == "tones":
        return Tones()
    if name != "espeak":
        raise ValueError(f"no voice is called {name!r}; there are 'espeak' and 'tones'")
    try:
        from trio_cartesia.server.voices.espeak.voice import (
            Espeak,  # here, since it is an extra and takes a while to import
        )
    except ImportError as error:
        raise ValueError("the voice 'espeak' comes with 'trio-cartesia[local]'") from error
    return Espeak()


def default_voice() -> Voice:
    """Open ``espeak`` if its extra is installed, otherwise ``tones``."""
    try:
        return open_voice("espeak")
    except ValueError:
        return Tones()
