"""Opens the rest of a text on another connection when one is lost."""

from __future__ import annotations

import attrs
from trio.lowlevel import ParkingLot

from trio_cartesia._errors import CartesiaError, LocalProtocolError
from trio_cartesia._pool.inputs import Input
from trio_cartesia._pool.mover import Mover
from trio_cartesia._pool.pooled_inbox import PooledInbox, ResumableInbox
from trio_cartesia._pool.rest_log import PushedTranscript, RestLog
from trio_cartesia._pool.resumption import Resumption
from trio_cartesia._protocol.tts.context_states import End
from trio_cartesia._protocol.tts.messages import Resumed
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.contexts import ContextTable

__all__ = ["ResumingMover"]


@attrs.define(eq=False)
class ResumingMover(Mover):
    """A mover whose context goes on where a loss has cut it, from the first undelivered word."""

    inbox: ResumableInbox = attrs.field(init=False)
    _resumption: Resumption = attrs.field(init=False)
    _transcript: PushedTranscript = attrs.field(factory=PushedTranscript, init=False)
    _room: ParkingLot = attrs.field(factory=ParkingLot, init=False)
    _is_resumed: bool = attrs.field(default=False, init=False)  # which is yet to be delivered

    def new_log(self) -> RestLog:
        """Return the log of the context's inputs."""
        self._resumption = Resumption(self._opening.settings.output_format.sample_format)
        return self._resumption.log

    def new_inbox(self, inbox_bytes: int, table: ContextTable) -> PooledInbox:
        """Return the context's inbox, which is counted in *table*."""
        return ResumableInbox(
            inbox_bytes,
            False,
            table.waiting,
            table.run_check,
            on_close=self.note_close,
            resumption=self._resumption,
            note_progress=self._room.unpark_all,
        )

    @property
    def has_received(self) -> bool:
        """True once an event of the present context has arrived."""
        return self._resumption.delivery.has_received

    @property
    def held_bytes(self) -> int:
        """Audio that has arrived and waits for word times."""
        return self._resumption.delivery.held_bytes

    async def wait_room(self) -> None:
        """Return once another input may be queued."""
        while self._resumption.log.is_full and not self._stays:
            await self._room.park()

    def prepare(self, item: Input) -> bool:
        """Prepare an input to be queued; return False if it need not be."""
        if item.flush:
            raise LocalProtocolError(
                "a context with resume=True takes no flush: it would be lost with a connection",
                context_id=self.context.context_id,
            )
        is_sent_now = self._resumption.log.prepare(item)
        if not is_sent_now:
            self._transcript.push(item.pushed)
        return is_sent_now

    def add(self, item: Input) -> None:
        """Keep an input that was queued."""
        self._resumption.add_input(item)
        self._transcript.push(item.pushed)

    def remove(self, item: Input) -> None:
        """Keep an input no more that was withdrawn."""
        self._resumption.remove_input(item)
        self._transcript.withdraw(item.pushed)

    def open_in(self, table: ContextTable) -> ContextEntry:
        """Open the context in *table*."""
        entry = super().open_in(table)
        entry.state.transcript, entry.state.words = self._transcript, None
        entry.state.find_rest = self._find_rest
        return entry

    def stop_moving(self) -> None:
        """Leave the context where it is."""
        super().stop_moving()
        self._room.unpark_all()

    def _find_rest(self) -> tuple[str, ...] | None:
        """Return the texts from the first word that was not delivered, if they are kept."""
        return self._resumption.unspoken() if self._resumption.log.is_whole else None

    def resume(self, error: CartesiaError) -> bool:
        """Move the context after it was cut short by *error*, if it can be resumed."""
        resumption, counters = self._resumption, self.admission.counters
        may_resume = resumption.may_resume()
        error.unspoken = self.context._entry.state.unspoken_texts()
        if not (may_resume and self._may_send(sum(map(len, resumption.unspoken())))):
            return False
        held_bytes = self.held_bytes
        if not resumption.cut():
            self._complete()
            return True
        self.context._entry.state.audio.size_bytes -= held_bytes  # they are dropped
        self._is_resumed = True
        counters.contexts_resumed += 1
        counters.characters_sent += sum(len(item.transcript) for item in self.log if item.is_taken)
        self.move_away(error)
        return True

    def _may_send(self, characters: int) -> bool:
        try:
            self.admission.check_characters(characters)
        except LocalProtocolError:
            return False
        return True

    def _complete(self) -> None:
        """End the context, all of whose words were delivered, as if the service had done so."""
        entry = self.context._entry
        entry.state.end = End.DONE
        entry.state.unspoken.clear(entry.state.audio.size_bytes)
        self.stop_moving()
        self._resumption.delivery.drop_times()  # of punctuation
        self.inbox.finish(entry.context_id)

    def note_opened(self) -> None:
        """Called when the context is on another connection, before anything is sent there."""
        if self._is_resumed:
            self._is_resumed = False
            resumed = Resumed(
                context_id=self.context.context_id,
                after_word=self._resumption.after_word,
                attempt=self._resumption.attempts,
            )
            self.inbox.put_due(resumed)
