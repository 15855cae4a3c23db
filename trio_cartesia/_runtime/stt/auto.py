"""The public face of a session with turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.stt.auto import AutoProtocol
from trio_cartesia._protocol.stt.messages import AutoFinalizeEvent
from trio_cartesia._protocol.stt.turn_settings import TurnSettings, write_config
from trio_cartesia._runtime.stt.session import TranscriptionSession
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics
from trio_cartesia._runtime.stt.turn import TurnReceiver
from trio_cartesia._runtime.stt.turn_reader import TurnReader

__all__ = ["AutoFinalizeSession"]


@no_public_constructor("client.stt.auto_finalize.websocket()")
@attrs.define(eq=False, init=False)
class AutoFinalizeSession(TranscriptionSession[AutoProtocol]):
    """A stream of audio in which the service finds the turns of the user, for voice agents.

    ``client.stt.auto_finalize.websocket()`` opens it (protocol §4.4). Leaving its block without an
    exception ends the audio, waits at most five seconds for the rest of the text, and closes the
    connection; an exception or a cancellation closes it at once.
    """

    _turns: TurnReceiver | None = attrs.field(default=None, init=False, repr=False)
    _is_raw: bool = attrs.field(default=False, init=False, repr=False)

    async def wait_connected(self) -> None:
        """Wait until the service has confirmed the session with ``connected``.

        Audio may be sent before (protocol §4.4); this is for a service that drops such audio.

        Raises:
            ConnectionLost: The connection has ended first; its cause is the service's ``error``
                event, if there was one.
        """
        handler = self._handler
        handler.run_check.check()
        await trio.lowlevel.checkpoint_if_cancelled()
        while not handler.protocol.is_connected:
            handler.raise_if_lost()
            await handler.changed.park()
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def config(
        self,
        *,
        start_threshold: float | None = None,
        eager_end_threshold: float | None = None,
        end_threshold: float | None = None,
        end_timeout_ms: float | None = None,
    ) -> None:
        """Change when turns start and end, and return once the message is on the wire.

        What is None stays as it is. The service does not confirm a change; if it refuses one, it
        sends an ``error`` event, and its settings stay as they are (protocol §7.2 S7). If cancelled
        before the writer has taken the message, nothing changes.

        Args:
            start_threshold: A turn starts when the score that the user is speaking is above it; 0.5
                to 0.9.
            eager_end_threshold: An early end is announced below it; 0.3 to 0.8.
            end_threshold: The turn ends below it; 0.05 to 0.5.
            end_timeout_ms: The longest wait after the user stops, in milliseconds; 640 to 11200.

        Raises:
            LocalProtocolError: A value is out of its range, or with the values that were given
                before, start > eager_end > end does not hold; or the audio has ended. Nothing was
                sent.
            ConnectionLost: The connection has ended; its `partial` is the text of the last turn.
        """
        update = TurnSettings(
            start_threshold=start_threshold,
            eager_end_threshold=eager_end_threshold,
            end_threshold=end_threshold,
            end_timeout_ms=end_timeout_ms,
        )
        handler = self._handler
        handler.check_sends()
        await trio.lowlevel.checkpoint_if_cancelled()
        protocol, before = handler.protocol, handler.protocol.settings
        protocol.settings = updated = before.updated(update)
        outgoing = handler.queue(write_config(update))
        try:
            await handler.wait_sent(outgoing)
        finally:
            if outgoing.is_withdrawn and protocol.settings is updated:
                protocol.settings = before

    def turns(self) -> TurnReceiver:
        """Return an asynchronous iterator of the user's turns, until the session's end.

        A turn is returned at the moment it starts, for example to stop speaking. The next iteration
        receives the rest of the turn, whatever else waits for it, and returns the one after it. So
        a turn that is left early is skipped, and a turn that others wait for goes on.

        Events are received only while something waits for a turn or for a change of it. Until then
        they wait in the inbox, at most ``inbox_bytes`` of them.

        One task receives at a time; a further call continues. Events that are not about turns are
        dropped.

        The iterator, and whatever waits for the current turn, raises these exceptions:

        Raises:
            RequestFailed: The service sent an ``error`` event. The session goes on unless the
                connection ends, too, so the iterator may be used again. An error of status 400 or
                above 499 that answers `no_more_audio`, after less than 0.3 seconds of audio and no
                turn, only says that there was no speech (protocol §4.4), and is counted alone.
            RemoteProtocolError: The service sent an event that may not come where it came; no more
                turns are received.
            InboxOverflow: More than ``inbox_bytes`` of events were not received.
            ConnectionLost: The connection has ended, with any close code, before `no_more_audio`,
                or after it and an ``error`` event that failed the session; its `partial` is the
                text of the last turn, and its cause that event, if it came last.
            LocalProtocolError: Another task is receiving; or `receive` was called before.

        Example::

            import trio
            from trio_cartesia import Cartesia

            async def main():
                settings = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
                async with (
                    Cartesia() as client,
                    client.stt.auto_finalize.websocket(**settings) as session,
                ):
                    await session.feed(bytes(32000))  # a second of silence
                    await session.no_more_audio()
                    async for turn in session.turns():
                        text = await turn.end()
                        print(text)

            trio.run(main)
        """
        self._handler.run_check.check()
        if self._is_raw:
            raise LocalProtocolError("receive() was called before: it takes the events of turns()")
        if self._turns is None:
            self._turns = create(TurnReceiver, TurnReader(self._events))
        return self._turns

    def receive(self) -> AsyncIterator[AutoFinalizeEvent]:
        """Return an asynchronous iterator of the events, until the session's end.

        It takes the place of `turns`; the order of the events is not checked. Being cancelled loses
        no event. One task receives at a time.

        The iterator raises these exceptions, each after the events before it:

        Raises:
            RequestFailed: As by `turns`.
            InboxOverflow: As by `turns`.
            ConnectionLost: As by `turns`.
            LocalProtocolError: Another task is receiving; or `turns` was called before.
        """
        self._handler.run_check.check()
        if self._turns is not None:
            raise LocalProtocolError("turns() was called before: it takes the events of receive()")
        self._is_raw = True
        return self._events

    def statistics(self) -> TranscriptionStatistics:
        """Return a snapshot of the session's counters and state.

        Of the text, only that of the last turn is kept, and is counted.
        """
        return self._statistics(len(self._handler.protocol.partial))

    @property
    def _events(self) -> AsyncIterator[AutoFinalizeEvent]:
        return cast("AsyncIterator[AutoFinalizeEvent]", self._handler.inbox)
