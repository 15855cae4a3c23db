"""One connection to `/stt/websocket`: the client finalises, or a long silence (protocol §4.3)."""

from __future__ import annotations

from typing import Any, Final

import attrs

from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.recognition.interface import Recognized
from trio_cartesia.server.stt.session import StreamSession
from trio_cartesia.server.stt.settings import ManualSettings
from trio_cartesia.server.stt.silence import SilenceTimer
from trio_cartesia.server.stt.transcription import word_rows

__all__ = ["ManualSession"]

UNKNOWN_COMMAND: Final = invalid(
    "A text message must be one of the words finalize, close and done."
)


@attrs.define(eq=False, kw_only=True)
class ManualSession(StreamSession):
    """Serves one WebSocket."""

    _settings: ManualSettings
    _silence: SilenceTimer = attrs.field(init=False)
    _interim: str = attrs.field(default="", init=False, repr=False)  # as it was sent
    _is_after_finalize: bool = attrs.field(default=False, init=False)

    @_silence.default
    def _silence_of_settings(self) -> SilenceTimer:
        return SilenceTimer(self._settings.min_volume, self._settings.max_silence_seconds)

    async def add_step(self, samples: bytes) -> None:
        """Recognise one step, and finalise after a long silence, or a long time without one."""
        self._is_after_finalize = False
        await self._transcription.add(samples)
        if self._silence.add(samples) or self._transcription.is_long:
            await self._finish()

    async def end_message(self) -> None:
        """Send the text since the last final one, if it has changed."""
        recognized = self._transcription.interim()
        if recognized.text != self._interim:
            self._interim = recognized.text
            self._transcription.record.interim_transcripts += 1
            await self._send_transcript(recognized, since=self._transcription.final_seconds)

    async def receive_command(self, text: str) -> None:
        """Finalise or close.

        Raises:
            APIError: It is another word (a guess: protocol §4.3).
        """
        if text == "finalize":
            await self._finalize()
        elif text in ("close", "done"):
            await self.flush()
            await self._finish()
            self._transcription.end("done")  # before the event, whose receiver may ask for it
            await self.send("done")
            self.close()
        else:
            raise APIError(UNKNOWN_COMMAND)

    async def _finalize(self) -> None:
        await self.flush()
        behaviour = self._socket.behaviour
        is_answered = not (behaviour.coalesce_flush and self._is_after_finalize)  # §7.2 S3
        self._is_after_finalize = True
        if is_answered and behaviour.flush_done_first:  # §7.2 S1
            await self.send("flush_done")
        await self._finish()
        if is_answered and not behaviour.flush_done_first:
            await self.send("flush_done")

    async def _finish(self) -> None:
        """Send the final transcript of the audio since the last one, if there is any text."""
        self._silence.reset()
        transcription = self._transcription
        start = transcription.final_seconds
        if transcription.seconds == start:
            return
        recognized = await transcription.finish()
        if recognized.text or self._interim:  # an empty one replaces an interim one
            self._interim = ""
            transcription.record.count_final(recognized.text)
            await self._send_transcript(recognized, since=start, is_final=True)

    async def _send_transcript(
        self, recognized: Recognized, *, since: float, is_final: bool = False
    ) -> None:
        fields: dict[str, Any] = {
            "is_final": is_final,
            "text": recognized.text,
            "duration": round(self._transcription.seconds - since, 3),
            "language": recognized.language or self._settings.language,  # protocol §6a E21
        }
        if is_final and self._settings.has_words:  # protocol §7.2 S12
            fields["words"] = word_rows(recognized)
        await self.send("transcript", **fields)
