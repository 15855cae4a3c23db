"""Opens a context on a connection, and on another one."""

from __future__ import annotations

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._constructors import create
from trio_cartesia._errors import CartesiaError, ConcurrencyLimited, ConnectionLost
from trio_cartesia._pool.admission import Admission, ContextTicket
from trio_cartesia._pool.inputs import Input, InputLog
from trio_cartesia._pool.pooled_context import PooledContext
from trio_cartesia._pool.pooled_inbox import PooledInbox
from trio_cartesia._pool.settings import Opening
from trio_cartesia._pool.slots import Lease
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.context_states import End, State
from trio_cartesia._protocol.tts.outbox import Status
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.contexts import ContextTable

__all__ = ["Mover"]


@attrs.define(eq=False)
class Mover:
    """Opens a context on a connection, and on another one where that does no harm.

    It does none where the service refuses the context for its limit of concurrency, since it has
    spoken nothing, and where the connection is lost before any input was sent. The context's inputs
    are then queued again.

    Attributes:
        context: The context; it is on no connection until `open` returns.
        log: Its inputs, as long as they may have to be queued again.
    """

    admission: Admission
    _ticket: ContextTicket
    _opening: Opening
    context: PooledContext = attrs.field(init=False)
    log: InputLog = attrs.field(init=False)
    inbox: PooledInbox = attrs.field(init=False)
    lease: Lease | None = attrs.field(default=None, init=False)
    _waiting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _stays: bool = attrs.field(default=False, init=False)  # it moves no more

    def __attrs_post_init__(self) -> None:
        table = self.admission.unconnected
        self.log = self.new_log()
        self.inbox = self.new_inbox(self._opening.inbox_bytes, table)
        entry = self.open_in(table)
        settings = self._opening.settings
        self.context = create(PooledContext, entry.context_id, settings, table, entry)
        self.context._mover = self

    # -- what is different where a context may be resumed

    def new_log(self) -> InputLog:
        """Return the log of the context's inputs."""
        return InputLog()

    def new_inbox(self, inbox_bytes: int, table: ContextTable) -> PooledInbox:
        """Return the context's inbox, which is counted in *table*."""
        return PooledInbox(
            inbox_bytes, False, table.waiting, table.run_check, on_close=self.note_close
        )

    @property
    def has_received(self) -> bool:
        """True once an event of the present context has arrived."""
        return self.inbox.has_received

    @property
    def held_bytes(self) -> int:
        """Audio that has arrived and waits to be delivered."""
        return 0

    async def wait_room(self) -> None:
        """Return once another input may be queued."""

    def prepare(self, item: Input) -> bool:  # noqa: ARG002  # the signature is given
        """Prepare an input to be queued; return False if it need not be."""
        if self.has_received:
            self.log.drop()
        return True

    def add(self, item: Input) -> None:
        """Keep an input that was queued."""
        self.log.add(item)

    def remove(self, item: Input) -> None:
        """Keep an input no more that was withdrawn."""
        self.log.remove(item)

    def resume(self, error: CartesiaError) -> bool:  # noqa: ARG002  # the signature is given
        """Move the context after it was cut short by *error*, if it can be resumed."""
        return False

    def note_opened(self) -> None:
        """Called when the context is on another connection, before anything is sent there."""

    # -- for the pool and the context

    async def open(self) -> None:
        """Wait until the context is on a connection.

        Raises:
            PoolClosed: The pool admits no more contexts.
            Exception: Why there is no connection.
        """
        while True:
            self.lease = lease = await self.admission.acquire(self._ticket)
            if self._stays:  # it was cancelled or left since the place was granted
                lease.release()
                return
            try:
                self._move(lease.table)
            except ConnectionLost:  # likewise
                lease.release()
            else:
                return

    @enable_ki_protection
    def leave(self) -> None:
        """End the context, since its block was left."""
        self.stop_moving()
        self.context._contexts.retire(self.context._entry)
        self._settle_lease()
        self.admission.note_change()

    @enable_ki_protection
    def queue(self, item: Input) -> None:
        """Queue an input.

        Raises:
            CartesiaError: As `ContextTable.queue_input`, and where the pool may not send so much.
        """
        characters = len(checks.text(item.transcript, "transcript"))
        self.admission.check_characters(characters)
        context = self.context
        if not self.prepare(item):
            return
        try:
            item.queue_in(context._contexts, context._entry)
        except ConnectionLost as loss:
            if not self._move_early(loss):
                raise
            if not self.prepare(item):
                return
            item.queue_in(context._contexts, context._entry)
        self.add(item)
        self.admission.counters.characters_sent += characters

    async def wait_sent(self, item: Input) -> None:
        """Wait until an input is on the wire; if cancelled before, withdraw it."""
        context = self.context
        try:
            while not item.was_taken:
                outgoing = item.outgoing
                assert outgoing is not None
                try:
                    await context._contexts.wait_sent(context._entry, outgoing)
                except CartesiaError as error:
                    if item.outgoing is outgoing and not self._move_early(error):
                        raise
                else:
                    return
        finally:
            self._forget_withdrawn(item)

    def _forget_withdrawn(self, item: Input) -> None:
        outgoing = item.outgoing
        if item.was_taken or outgoing is None:
            return
        self.context._contexts.protocol.withdraw(outgoing)
        if outgoing.status is Status.DROPPED:
            self.remove(item)
            self.admission.counters.characters_sent -= len(item.transcript)

    def note_close(self, error: BaseException | None) -> bool:
        """Called before the inbox is closed; return True if the context goes on elsewhere."""
        if not (self._stays or self.admission.is_over) and self._goes_on(error):
            return True
        self.stop_moving()
        if self.inbox.has_received:
            self.admission.limit.accept()
        self._settle_lease()
        return False

    def _goes_on(self, error: BaseException | None) -> bool:
        state = self.context._entry.state
        if state.state is State.CLOSED and isinstance(error, ConcurrencyLimited):
            return self._has_begun and self._go_on(error, is_free=not self.has_received)
        if state.end is End.LOST and isinstance(error, ConnectionLost):
            return self._go_on(error, is_free=not self._has_begun)
        return False

    def _go_on(self, error: CartesiaError, *, is_free: bool) -> bool:
        """Move the context where that *is_free* of harm; else resume it, if it can be."""
        if is_free and self.log.is_whole:
            self.move_away(error)
            return True
        return self.resume(error)

    def stop_moving(self) -> None:
        """Leave the context where it is."""
        self._stays = True
        self.admission.leave(self._ticket)
        self._waiting.cancel("the context has ended")

    @property
    def _has_begun(self) -> bool:
        """True once the service may have begun to speak."""
        return self.has_received or self.log.has_taken

    def _move_early(self, error: CartesiaError) -> bool:
        """Move where the connection takes nothing more, without waiting for its end."""
        is_lost = isinstance(error, ConnectionLost) and self.context._entry.state.end is None
        if not is_lost or self._stays or self.admission.is_over:
            return False
        return self._go_on(error, is_free=not self._has_begun)

    def move_away(self, error: CartesiaError) -> None:
        """Take the context off its connection, since *error* ended it, and open it on another."""
        assert self.lease is not None
        self.lease.release()
        if is_refused := isinstance(error, ConcurrencyLimited):
            self.admission.note_refusal()
        self.admission.counters.contexts_moved += 1
        self._move(self.admission.unconnected, is_refused=is_refused)
        self._waiting = trio.CancelScope()
        self.admission.nursery.start_soon(self._open_again)

    @enable_ki_protection
    async def _open_again(self) -> None:
        context = self.context
        try:
            with self._waiting:
                await self.open()
        except Exception as error:  # noqa: BLE001  # of open_stream, too, which is the user's
            if not self._stays:
                self._stays = True
                context._contexts.fail(context._entry, error)

    @enable_ki_protection
    def _move(self, table: ContextTable, *, is_refused: bool = False) -> None:
        """Open the context in *table*, queue its inputs there, and take it off where it was."""
        context = self.context
        old_table, old_entry = context._contexts, context._entry
        entry = self.open_in(table)
        entry.state.held_text = old_entry.state.held_text
        self.inbox.count_in(table.waiting)
        context.context_id, context._contexts, context._entry = entry.context_id, table, entry
        if table is not self.admission.unconnected and self.lease is not None:
            self.lease.carry(entry.context_id)
            self.note_opened()
        # the service may have taken a later input than the refused one for the first
        is_refused = is_refused and sum(item.is_taken for item in self.log) > 1
        for item in self.log:
            item.queue_in(table, entry)
        entry.go_on_from(old_entry)
        old_table.release(old_entry, is_refused=is_refused)

    def open_in(self, table: ContextTable) -> ContextEntry:
        """Open the context in *table*."""
        opening = self._opening
        return table.open(
            opening.settings,
            None,
            self.inbox,
            is_fed=opening.is_fed,
            stall_seconds=opening.stall_seconds,
        )

    def _settle_lease(self) -> None:
        """Free the place now, or once the service has ended the context."""
        if self.lease is None or self.lease.is_released:
            return
        if self.context._entry.state.state is State.DRAINING:
            self.lease.expect_end()
        else:
            self.lease.release()
