"""`TranscriptRecorder`: speak a transcript in as many contexts and connections as it takes.

The service ends a context about a second after it has no more text (protocol §2.10), and an idle
connection after some minutes. Neither is a failure while the user types: further lines are spoken
in a further context or connection, into the same recording.
"""

from __future__ import annotations

from typing import Literal

import attrs
import trio

from trio_cartesia import (
    Cartesia,
    Chunk,
    Connection,
    Context,
    ContextExpired,
    ContextOptions,
    Event,
    Speaker,
    WordTimestamps,
)
from trio_cartesia._cli.console import EXPECTED, Expected, UsageError
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.report import Report
from trio_cartesia._cli.say.transcript import Transcript

__all__ = ["TranscriptRecorder"]


@attrs.define(eq=False, kw_only=True)
class TranscriptRecorder:
    """Speaks one transcript, and records the speech.

    Attributes:
        transcript: The text.
        recording: The output.
        report: Updated with each piece of audio.
        options: The settings of all contexts.
        overflow: As in `Connection.context`.
        speaker: Plays the speech while it is recorded.
    """

    transcript: Transcript
    recording: Recording
    report: Report
    options: ContextOptions
    overflow: Literal["fail", "block"] = "fail"
    speaker: Speaker | None = None

    async def record_all(self, client: Cartesia, connection: Connection) -> None:
        """Record the whole transcript, on *connection* and, if that ends idle, on further ones.

        If cancelled, the service is sent a cancel, and the audio received so far is recorded.

        Raises:
            CartesiaError: As `record`, or a further connection failed.
            OSError: As `record`.
            UsageError: As `record`, or standard input had no text.
        """
        is_done = not connection.statistics().is_lost and await self.record(connection)
        while not is_done:
            async with client.tts.websocket_connect() as another:
                is_done = await self.record(another)
        if not self.transcript.pieces_read:
            raise UsageError("standard input had no text")

    async def record(self, connection: Connection) -> bool:
        """Record the transcript on one connection.

        Returns:
            True once all of it is recorded; False if the connection ended between two texts, so
            that another one is needed for the rest.

        Raises:
            CartesiaError: The service failed the text, or the connection was lost during it.
            OSError: The audio could not be written.
            UsageError: The text could not be read.
        """
        while True:
            was_lost = connection.statistics().is_lost
            if not await self.transcript.has_more():
                return True
            if connection.statistics().is_lost and not was_lost:
                return False
            if not await self._speak_context(connection):
                return not await self.transcript.has_more()

    async def _speak_context(self, connection: Connection) -> bool:
        before = (self.transcript.pieces_read, self.recording.seconds)
        feeder = Feeder(self.transcript)
        self.report.begin()
        self.recording.begin_context()
        async with (
            connection.context(overflow=self.overflow, **self.options) as context,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(feeder.feed, context)
            try:
                if self.speaker is not None:
                    await self._play(context, self.speaker)
                else:
                    await self._receive(context)
            except EXPECTED as error:
                feeder.error = error
                nursery.cancel_scope.cancel("the context has failed")
            # If the context has expired, its feeder still waits for the next piece, which it would
            # lose if it were cancelled. It raises when the piece arrives.
        if feeder.error is not None:
            raise feeder.error
        if feeder.expiry is not None and connection.statistics().is_lost:
            return False  # it ended after the context, so no text was lost with it
        after = (self.transcript.pieces_read, self.recording.seconds)
        if feeder.expiry is not None and before == after:
            raise feeder.expiry  # this context spoke nothing, and the next one would not either
        return True

    async def _play(self, context: Context, speaker: Speaker) -> None:
        try:
            await speaker.play(context, on_event=self._record)
        finally:
            if speaker.heard is not None:
                self.report.add_heard(speaker.heard)

    async def _receive(self, context: Context) -> None:
        async for event in context.receive():
            self._record(event)
            if isinstance(event, Chunk):
                await self.recording.flush()

    def _record(self, event: Event) -> None:
        if isinstance(event, Chunk):
            self.recording.write(event.audio)
            self.report.receive(self.recording.seconds)
        elif isinstance(event, WordTimestamps):
            self.recording.add_words(event.from_start())


@attrs.define(eq=False)
class Feeder:
    """Pushes a transcript to one context until the context ends.

    Attributes:
        error: The error that ends the recording.
        expiry: Set if the service ended the context before the end of the text.
    """

    _transcript: Transcript
    error: Expected | None = attrs.field(default=None, init=False)
    expiry: ContextExpired | None = attrs.field(default=None, init=False)

    async def feed(self, context: Context) -> None:
        """Push until the end of the text or of the context; put unspoken pieces back."""
        try:
            while await self._transcript.has_more():
                await context.push(self._transcript.take())
            await context.no_more_inputs()
        except ContextExpired as expiry:
            self._transcript.put_back(expiry.unspoken)
            self.expiry = expiry
        except EXPECTED as error:
            self.error = self.error or error
            context.cancel()
