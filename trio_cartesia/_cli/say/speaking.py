"""
A transcript becomes a recording, in as many contexts as it takes.

The service ends a context about a second after it has nothing more to say (protocol §2.10). That
is no failure where somebody types: what comes next goes to a further context, and into the same
files. An idle connection is closed after some minutes, and that is no failure either.
"""

from __future__ import annotations

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
    WordTimestamps,
)
from trio_cartesia._cli.console import EXPECTED, Expected, UsageError
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.report import Report
from trio_cartesia._cli.say.transcript import Transcript

__all__ = ["Speaker"]


@attrs.define(eq=False, kw_only=True)
class Speaker:
    """Speaks one transcript into one recording."""

    transcript: Transcript
    recording: Recording
    report: Report
    options: ContextOptions

    async def speak_on(self, client: Cartesia, connection: Connection) -> None:
        """
        Speak all there is, on *connection* and on others of *client* where it ends idle.

        If cancelled, the service is told, and what came is recorded.

        Raises:
            CartesiaError: As `speak`, and where there is no other connection to be had.
            OSError: As `speak`.
            UsageError: As `speak`, and where there was no text at all.
        """
        is_done = await self.speak(connection)
        while not is_done:
            async with client.tts.websocket_connect() as another:
                is_done = await self.speak(another)
        if not self.transcript.pieces_read:
            raise UsageError("nothing to say came on standard input")

    async def speak(self, connection: Connection) -> bool:
        """
        Speak what there is on one connection, and return True once it is all recorded.

        Returns:
            False if the connection ended while there was nothing to say: go on with another one.

        Raises:
            CartesiaError: The service failed the text, or the connection was lost within it.
            OSError: The speech could not be written.
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
        async with connection.context(**self.options) as context, trio.open_nursery() as nursery:
            nursery.start_soon(feeder.feed, context)
            try:
                async for event in context.receive():
                    self._hear(event)
            except EXPECTED as error:
                feeder.error = error
                nursery.cancel_scope.cancel("the context has failed")
            # Where the context has expired, its feeder still waits for the next piece, and finds
            # out when it comes: cancelled, it might lose one.
        if feeder.error is not None:
            raise feeder.error
        if feeder.expiry is not None and connection.statistics().is_lost:
            return False  # the connection went after the context, with nothing of the text
        after = (self.transcript.pieces_read, self.recording.seconds)
        if feeder.expiry is not None and before == after:
            raise feeder.expiry  # another context would do no better
        return True

    def _hear(self, event: Event) -> None:
        if isinstance(event, Chunk):
            self.recording.write(event.audio)
            self.report.hear(self.recording.seconds)
        elif isinstance(event, WordTimestamps):
            self.recording.add_words(event.word_timestamps)


@attrs.define(eq=False)
class Feeder:
    """
    Pushes a transcript to one context, as long as the service takes it.

    Attributes:
        error: Why there is no use in going on.
        expiry: That the service ended the context before the text.
    """

    _transcript: Transcript
    error: Expected | None = attrs.field(default=None, init=False)
    expiry: ContextExpired | None = attrs.field(default=None, init=False)

    async def feed(self, context: Context) -> None:
        """Push until the end of the text or of the context; what was not spoken is put back."""
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
