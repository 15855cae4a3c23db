"""One connection to `/stt/turns/websocket`: the service finds the turns (protocol §4.4)."""

from __future__ import annotations

from typing import Final

import attrs
import trio

from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Dialect, Fields, read_object
from trio_cartesia.server.recognition.interface import SAMPLE_RATE, SpeakingScore
from trio_cartesia.server.streams import Disconnected
from trio_cartesia.server.stt.growing_text import GrowingText
from trio_cartesia.server.stt.session import StreamSession
from trio_cartesia.server.stt.settings import TurnsSettings, read_config
from trio_cartesia.server.stt.turn_detector import Change, TurnDetector

__all__ = ["TurnsSession"]

CONNECT_SECONDS: Final = 0.1  # before `connected`, where audio before it is dropped
UNKNOWN_COMMAND: Final = invalid('A text message must be JSON with the type "config" or "close".')


@attrs.define(eq=False, kw_only=True)
class TurnsSession(StreamSession):
    """Serves one WebSocket."""

    _settings: TurnsSettings
    _score: SpeakingScore
    _detector: TurnDetector = attrs.field(init=False)
    _text: GrowingText = attrs.field(factory=GrowingText, init=False, repr=False)
    _is_dropping: bool = attrs.field(default=False, init=False)

    @_detector.default
    def _detector_of_settings(self) -> TurnDetector:
        return TurnDetector(self._settings.thresholds)

    async def begin(self) -> None:
        """Send ``connected``; late, where audio before it is dropped (protocol §7.2 S11)."""
        if not self._socket.behaviour.drop_before_connected:
            await self.send("connected")
            return
        self._is_dropping = True
        self._socket.nursery.start_soon(self._connect_late)

    async def _connect_late(self) -> None:
        await trio.sleep(CONNECT_SECONDS)
        self._is_dropping = False
        try:
            await self.send("connected")
        except APIError as error:  # a fault
            await self.report(error)
        except Disconnected:
            self._socket.leave()

    async def add_step(self, samples: bytes) -> None:
        """Recognise one step, and send what it changes."""
        if self._is_dropping:
            return
        await self._transcription.add(samples)
        score = self._score.add(samples)
        change = self._detector.add(score, 1000 * len(samples) / 2 / SAMPLE_RATE)
        if change is Change.END:
            await self._end_turn()
        elif change is Change.EAGER_END:
            await self._take_last(self._transcription.interim().text)
            await self.send(change.value, transcript=self._last_transcript)
        elif change is not None:
            await self.send(change.value)
        if self._detector.is_speaking and self._text.update(self._transcription.interim().text):
            await self._send_update()
        if self._transcription.is_long:
            await self._finish()

    async def receive_command(self, text: str) -> None:
        """Change the settings, or close.

        Raises:
            APIError: It is no command, or a setting is not valid.
        """
        fields = Fields(read_object(text), dialect=Dialect(behaviour=self._socket.behaviour))
        kind = fields.values.get("type")
        if kind == "config":
            self._configure(fields)
        elif kind == "close":
            await self._close()
        else:
            raise APIError(UNKNOWN_COMMAND)

    def _configure(self, fields: Fields) -> None:
        try:
            self._detector.thresholds = read_config(fields, self._detector.thresholds)
        except APIError:
            if self._socket.behaviour.config_invalid == "error":  # protocol §7.2 S7
                raise

    async def _close(self) -> None:
        await self.flush()
        if self._detector.is_in_turn and self._socket.behaviour.end_on_close:  # §7.2 S10
            await self._end_turn()
        self.close()

    async def _finish(self) -> None:
        """End the turn, or drop the text outside of turns, because there is too much audio."""
        if self._detector.is_in_turn:
            self._detector.end()
            await self._end_turn()
        else:
            await self._transcription.finish()

    async def _end_turn(self) -> None:
        recognized = await self._transcription.finish()
        await self._take_last(recognized.text)
        self._transcription.record.count_final(self._text.text)
        await self.send(Change.END.value, transcript=self._last_transcript)
        self._text = GrowingText()

    @property
    def _last_transcript(self) -> str:
        """The transcript of an end, which clients have to expect to be empty (protocol §7.2 S8)."""
        return "" if self._socket.behaviour.empty_turn_end else self._text.text

    async def _take_last(self, text: str) -> None:
        """Take all of *text*; where the end is empty, an update has what it adds."""
        if self._text.take(text) and self._socket.behaviour.empty_turn_end:
            await self._send_update()

    async def _send_update(self) -> None:
        self._transcription.record.interim_transcripts += 1
        await self.send("turn.update", transcript=self._text.text)
