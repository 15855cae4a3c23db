"""What a session with turns has received (protocol §4.4).

A session that reconnects sends the audio of a turn that was cut again. So the events of that turn
come twice, and what repeats is dropped: its start, and text that is the beginning of text that was
received.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import attrs

from trio_cartesia._errors import CartesiaError
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.stt.audio import InputFormat
from trio_cartesia._protocol.stt.messages import (
    Connected,
    Received,
    TurnEagerEnd,
    TurnEnd,
    TurnResume,
    TurnStart,
    TurnUpdate,
)
from trio_cartesia._protocol.stt.protocol import Link, TranscriptProtocol
from trio_cartesia._protocol.stt.session_states import State
from trio_cartesia._protocol.stt.settings import SessionSettings
from trio_cartesia._protocol.stt.turn_settings import (
    CLOSE,
    AutoFinalizeSettings,
    TurnSettings,
    write_config,
)

__all__ = ["ALMOST_NO_AUDIO_SECONDS", "AutoProtocol"]

ALMOST_NO_AUDIO_SECONDS: Final = 0.3  # less than a word, which the service may answer with an error


@attrs.define(eq=False)
class AutoProtocol(TranscriptProtocol):
    """The client's side of ``/stt/turns/websocket``.

    The order of events is checked where turns are received (`turns`), and not where events are.

    Attributes:
        settings: What was asked for so far, when the session was opened and since.
        input_format: The layout of the audio.
        is_connected: True once the service has confirmed the session.
        partial: The text of the last turn that has started, for the error that cuts it.
    """

    close_command: ClassVar[str] = CLOSE
    ends_with_connection: ClassVar[bool] = True
    has_positions: ClassVar[bool] = False

    settings: TurnSettings
    input_format: InputFormat
    is_connected: bool = attrs.field(default=False, init=False)
    partial: str = attrs.field(default="", init=False, repr=False)
    _opened_with: TurnSettings | None = attrs.field(default=None, init=False)
    _is_in_turn: bool = attrs.field(default=False, init=False)
    _has_turns: bool = attrs.field(default=False, init=False)
    _is_paused: bool = attrs.field(default=False, init=False)
    _is_repeating: bool = attrs.field(default=False, init=False)

    @property
    def is_silent(self) -> bool:
        """True between turns: a turn would have started."""
        return self.link is Link.LIVE and not self._is_in_turn

    def is_ended_by(self, *, was_closed: bool) -> bool:
        """Return whether the session is over if its connection ends now; not after an error.

        A session that was confirmed goes on after a bad request, such as a `config`.
        """
        error = self.last_error
        has_failed = error is not None and (error.status_code != 400 or not self.is_connected)
        return super().is_ended_by(was_closed=was_closed and not has_failed)

    def opening_settings(self, asked: SessionSettings) -> SessionSettings:
        """Return the settings that a connection opens with: those of turns as they are now."""
        assert isinstance(asked, AutoFinalizeSettings)
        self._opened_with = self.settings
        return attrs.evolve(asked, turn=self.settings)

    def begin(self) -> Iterator[Received]:
        """Note that another connection is open; a turn goes on there, and its end is open again."""
        yield from super().begin()
        self.is_ready = False  # before the service confirms it, audio may be dropped (S11)
        self.has_cut_turn = self._is_repeating = self._is_in_turn
        if self._is_paused:
            self._is_paused = False
            yield TurnResume()

    def go_on(self) -> None:
        """Note that the log was sent; settings that were changed meanwhile follow it."""
        super().go_on()
        if self.settings != self._opened_with and not self.is_closing:
            self.outbox.add(write_config(self.settings))

    def end_cut_turn(self) -> TurnEnd | None:
        """End a turn that the service did not find again, with the text that was received."""
        if not self.has_cut_turn:
            return None
        self.has_cut_turn = self._is_repeating = self._is_in_turn = False
        return TurnEnd(is_complete=False)

    def _receive(self, event: Received) -> Received | None:
        if isinstance(event, Connected):
            self.is_connected = self.is_ready = True
        elif isinstance(event, TurnStart):
            return self._start(event)
        elif isinstance(event, TurnResume):
            self._is_paused = False
        elif isinstance(event, (TurnUpdate, TurnEagerEnd, TurnEnd)):
            return self._add(event)
        elif isinstance(event, ErrorEvent) and self._means_no_speech(self.last_error):
            self.last_error = None
            return None
        return event

    def _means_no_speech(self, error: CartesiaError | None) -> bool:
        """Return whether an error only says that there was almost no audio (protocol §4.4)."""
        status = 0 if error is None else error.status_code or 0
        seconds = self.input_format.seconds(self.counters.audio_bytes_sent)
        is_ending = self.state is State.DRAINING and self.is_connected and not self._has_turns
        return is_ending and seconds < ALMOST_NO_AUDIO_SECONDS and (status == 400 or status >= 500)

    def _start(self, event: TurnStart) -> TurnStart | None:
        if self.has_cut_turn:
            self.has_cut_turn = False
            return None
        self._is_in_turn, self._has_turns, self.partial = True, True, ""
        return event

    def _add(self, event: TurnUpdate | TurnEagerEnd | TurnEnd) -> Received | None:
        text = event.transcript or ""
        if self._is_repeating and isinstance(event, TurnUpdate):
            if self.partial.startswith(text):
                return None
            self._is_repeating = False
        self.partial = text or self.partial
        if not isinstance(event, TurnUpdate):
            self._is_paused = isinstance(event, TurnEagerEnd)
        if isinstance(event, TurnEnd):
            self._is_in_turn = self._is_repeating = False
            if self.log is not None:
                self.log.cover(self.log.sent)
        return event
