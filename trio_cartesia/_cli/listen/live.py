"""Live transcription: audio goes to a session while its text is shown."""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final

import attrs
import trio

from trio_cartesia import (
    AutoFinalizeSession,
    CartesiaError,
    ManualFinalizeSession,
    Transcript,
)
from trio_cartesia._cli.audio_options import Pace
from trio_cartesia._cli.console import EXPECTED, Expected
from trio_cartesia._cli.listen.screen import Lines

__all__ = ["LiveTranscript", "Session"]

DRAIN_SECONDS: Final = 5.0  # for the text of the audio that was sent before Ctrl-C
LAST_SECONDS: Final = 1.0  # to write what came before an error

Session = AutoFinalizeSession | ManualFinalizeSession


@attrs.define(eq=False)
class LiveTranscript:
    """One session, from its first audio to its last text.

    The session and what shows its text run in a scope that is shielded while the session is open,
    so Ctrl-C ends the audio alone, and the rest of the text still comes.

    Attributes:
        audio_seconds: The audio that was sent.
    """

    _opening: AbstractAsyncContextManager[Session]
    _source: AsyncIterable[bytes]
    _pace: Pace
    _output: Lines
    audio_seconds: float = attrs.field(default=0.0, init=False)
    _session: Session | None = attrs.field(default=None, init=False)
    _failure: Expected | None = attrs.field(default=None, init=False)
    _serving: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _sending: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _has_opened: trio.Event = attrs.field(factory=trio.Event, init=False)
    _has_ended: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(self) -> None:
        """Transcribe all audio. If cancelled, the text of the audio so far still comes.

        Raises:
            CartesiaError: The session or the source has failed, after the text that came before.
            OSError: The text cannot be written, or the source not read.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            try:
                await self._has_opened.wait()
                await self._send()
                await self._end()
            except trio.Cancelled:
                with trio.move_on_after(DRAIN_SECONDS, shield=True):
                    await self._end()
                raise
            finally:
                self._serving.cancel("the text of all audio is there, or late")
        if self._failure is not None:
            raise self._failure

    async def _serve(self) -> None:
        """Open the session, and show its text to the end."""
        try:
            with self._serving:
                async with self._opening as session:
                    await trio.lowlevel.checkpoint_if_cancelled()
                    self._serving.shield, self._session = True, session
                    self._has_opened.set()
                    try:
                        await self._show(session)
                    finally:
                        self.audio_seconds = session.statistics().audio_seconds_sent
        except EXPECTED as error:
            self._failure = error
        finally:
            self._sending.cancel("the session has ended")
            self._has_opened.set()
            self._has_ended.set()

    async def _send(self) -> None:
        """Send all audio, unless the session ends before it."""
        if self._session is not None:
            try:
                with self._sending:
                    await self._session.feed(self._source, pace=self._pace)
            except EXPECTED as error:
                self._failure = error

    async def _end(self) -> None:
        """End the audio, and wait for the rest of the text."""
        if self._session is not None and not self._has_ended.is_set():
            with suppress(CartesiaError):  # what shows the text raises it, too
                await self._session.no_more_audio()
        await self._has_ended.wait()

    async def _show(self, session: Session) -> None:
        if isinstance(session, AutoFinalizeSession):
            await self._show_turns(session)
        else:
            await self._show_pieces(session)

    async def _show_turns(self, session: AutoFinalizeSession) -> None:
        async for turn in session.turns():
            try:
                async for text in turn:
                    await self._output.show(text)
            except BaseException:  # whatever has ended it
                with trio.move_on_after(LAST_SECONDS, shield=True):
                    await self._output.add(turn.text, is_complete=False)
                raise
            await self._output.add(turn.text, is_complete=turn.is_complete)

    async def _show_pieces(self, session: ManualFinalizeSession) -> None:
        try:
            async for event in session.receive():
                if isinstance(event, Transcript) and event.is_final:
                    words = [attrs.asdict(word) for word in event.words or ()]
                    details = {"words": words} if words else {}
                    await self._output.add(event.text, is_complete=True, **details)
                elif isinstance(event, Transcript):
                    await self._output.show(event.text)
        except BaseException:  # likewise
            with trio.move_on_after(LAST_SECONDS, shield=True):
                await self._output.add(session.transcript.interim, is_complete=False)
            raise
