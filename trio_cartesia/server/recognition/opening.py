"""Recognisers by name: ``own``, ``moonshine``, ``auto`` and ``none``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

import trio

from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition.activity import load_model
from trio_cartesia.server.recognition.interface import (
    NOTHING_RECOGNIZED,
    Recognized,
    Recognizer,
)

__all__ = ["RECOGNIZERS", "open_recognizer"]

RECOGNIZERS: Final = ("auto", "own", "moonshine", "none")


class NoRecognition:
    """The recogniser ``none``, whose text is empty; it is also its only stream."""

    name: Final = "none"

    def open_stream(self, *, language: str, keyterms: Sequence[str]) -> NoRecognition:  # noqa: ARG002  # it recognises nothing
        """Start a stream."""
        return self

    async def add(self, samples: bytes) -> None:  # noqa: ARG002  # as above
        """Ignore the samples."""
        await trio.lowlevel.checkpoint()

    def interim(self) -> Recognized:
        """Return no text."""
        return NOTHING_RECOGNIZED

    async def finish(self) -> Recognized:
        """Return no text."""
        await trio.lowlevel.checkpoint()
        return NOTHING_RECOGNIZED

    async def aclose(self) -> None:
        """Do nothing."""
        await trio.lowlevel.checkpoint()


def open_recognizer(name: str, journal: Journal) -> Recognizer:
    """Open the recogniser called *name*.

    Args:
        name: ``own`` recognises what the service has spoken, ``moonshine`` English speech of
            people, ``none`` nothing. ``auto`` is ``own``, with ``moonshine`` for any other audio,
            as far as they are installed.
        journal: The journal of the service, whose new speech only one recogniser can follow.

    Raises:
        ValueError: There is no such recogniser, or the extra that it needs is not installed.
    """
    if name == "none":
        return NoRecognition()
    if name == "own":
        return _open_own(journal)
    if name == "moonshine":
        recognizer = _open_moonshine()
        load_model()
        return recognizer
    if name != "auto":
        raise ValueError(f"no recogniser is called {name!r}; there are {', '.join(RECOGNIZERS)}")
    return _open_auto(journal)


def _open_own(journal: Journal) -> Recognizer:
    try:
        from trio_cartesia.server.recognition.own_speech import (
            OwnSpeech,  # here, since NumPy is an extra
        )
    except ImportError as error:
        raise ValueError(
            "the recogniser 'own' needs NumPy, which comes with 'trio-cartesia[local]'"
        ) from error
    return OwnSpeech(journal)


def _open_moonshine() -> Recognizer:
    try:
        from trio_cartesia.server.recognition.moonshine import (
            Moonshine,  # here, since it is an extra and takes a while to import
        )
    except (ImportError, OSError) as error:  # OSError: a library for another system
        raise ValueError(
            "the recogniser 'moonshine' comes with 'trio-cartesia[ears]', on Linux with glibc 2.34 "
            "or newer and on Windows"
        ) from error
    return Moonshine()


def _open_auto(journal: Journal) -> Recognizer:
    try:
        from trio_cartesia.server.recognition.joined import JoinedRecognizer
        from trio_cartesia.server.recognition.own_speech import OwnSpeech
    except ImportError:
        return NoRecognition()
    own = OwnSpeech(journal)
    if find_spec("moonshine_voice") is None:
        return own  # else each service would load our module anew, up to the import that fails
    try:
        return JoinedRecognizer(own, _open_moonshine())
    except ValueError:
        return own
