"""Secrets and speech that are planted, and a search for them in everything that comes out."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs

KEY: Final = "sk_car_CANARYkey1234567890"
TOKEN: Final = "CANARYtoken1234567890"
HEADER: Final = "CANARYheader1234567890"
TEXT: Final = "CANARYtext"
SOUND: Final = "CANARYsound"
WORD: Final = "CANARYword"
TERM: Final = "CANARYterm"
AUDIO: Final = b"CANARYaudio-CANARYaudio-"

SECRETS: Final = (KEY, TOKEN, HEADER)
SPEECH: Final = (TEXT, SOUND, WORD, TERM, AUDIO.decode(), base64.b64encode(AUDIO).decode()[:20])
LOGGERS: Final = ("trio_cartesia", "trio-websocket", "trio_websocket")


@attrs.define(eq=False)
class Emitted(logging.Handler):
    """Everything that came out, as text."""

    texts: list[str] = attrs.field(factory=list)
    locals_of_ours: list[str] = attrs.field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter("%(name)s %(message)s").format(record))
        self.show(record.args)

    def show(self, *things: object) -> None:
        """Note what things look like to who prints them."""
        for thing in things:
            self.texts += [repr(thing), str(thing)]
            if isinstance(thing, BaseException):
                self._show_error(thing)

    def _show_error(self, error: BaseException) -> None:
        self.texts += traceback.format_exception(error)
        for link in links(error):
            self.texts += [repr(link.args), repr(getattr(link, "__notes__", ())), str(link)]
            partial = getattr(link, "partial", None)
            if not isinstance(partial, str):  # which is the text, for whoever asks for it
                self.texts.append(repr(partial))
            for frame, _ in traceback.walk_tb(link.__traceback__):
                if not frame.f_globals.get("__name__", "").startswith("tests."):
                    self._show_locals(frame.f_locals.values())

    def _show_locals(self, values: object) -> None:
        for value in list(values):  # type: ignore[call-overload]
            self.locals_of_ours.append(repr(value))
            if type(value).__module__.startswith("trio_cartesia"):
                self.texts.append(repr(value))

    def check(self) -> None:
        """Fail if a canary is in there."""
        for canary in SECRETS + SPEECH:
            assert not [text for text in self.texts if canary in text], canary
        for secret in SECRETS:  # also in what tools that show local variables would show
            assert not [text for text in self.locals_of_ours if secret in text], secret


def links(error: BaseException) -> Iterator[BaseException]:
    """All exceptions that *error* is made of, or follows from."""
    todo, seen = [error], []
    while todo:
        link = todo.pop()
        if any(link is other for other in seen):
            continue
        seen.append(link)
        yield link
        todo += [other for other in (link.__cause__, link.__context__) if other is not None]
        todo += getattr(link, "exceptions", ())


@contextmanager
def listening() -> Iterator[Emitted]:
    """Hear what all loggers say, at their most talkative; at the end, search it."""
    emitted, levels = Emitted(), {}
    root = logging.getLogger()
    for name in LOGGERS:
        logger = logging.getLogger(name)
        levels[name] = logger.level, logger.propagate
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(emitted)
    root.addHandler(emitted)
    try:
        yield emitted
    finally:
        root.removeHandler(emitted)
        for name, (level, propagates) in levels.items():
            logger = logging.getLogger(name)
            logger.removeHandler(emitted)
            logger.setLevel(level)
            logger.propagate = propagates
    emitted.check()
