"""A context that goes from one connection to another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import CartesiaError, ConcurrencyLimited, ConnectionLost
from trio_cartesia._pool.admission import Admission, ContextTicket
from trio_cartesia._pool.inputs import Input, InputLog
from trio_cartesia._pool.pooled_inbox import PooledInbox
from trio_cartesia._pool.slots import Lease
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.context_states import End, State
from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.outbox import Status
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._runtime.context import Context
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.contexts import ContextTable

__all__ = ["Mover", "Opening", "PooledContext"]


@attrs.frozen(kw_only=True)
class Opening:
    """What a context is opened with, as often as that is done."""

    settings: ContextSettings
    inbox_bytes: int
    stall_seconds: float
    is_fed: bool


@no_public_constructor("pool.context()")
@attrs.define(eq=False, init=False)
class PooledContext(Context):
    """A context of a pool: all that a `Context` is, on whichever connection carries it."""

    _mover: Mover = attrs.field(init=False, repr=False)

    def _queue(
        self,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> Callable[[], Awaitable[None]]:
        item = Input(transcript, flush=flush, last=last, generation_config=generation_config)
        self._mover.queue(item)
        return partial(self._mover.wait_sent, item)


@attrs.define(eq=False)
class Mover:
    """Opens a context on a connection, and on another one where that does no harm.

    It does none where the service refuses the context for its limit of concurrency, since it has
    spoken nothing, and where the connection is lost before any input was sent. The context's inputs
    are then queued again.

    Attributes:
        context: The context; it is on no connection until `open` returns.
    """

    _admission: Admission
    _ticket: ContextTicket
    _opening: Opening
    context: PooledContext = attrs.field(init=False)
    _inbox: PooledInbox = attrs.field(init=False)
    _log: InputLog = attrs.field(factory=InputLog, init=False)
    _lease: Lease | None = attrs.field(default=None, init=False)
    _waiting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _stays: bool = attrs.field(default=False, init=False)  # it moves no more

    def __attrs_post_init__(self) -> None:
        table, opening = self._admission.unconnected, self._opening
        self._inbox = PooledInbox(
            opening.inbox_bytes, False, table.waiting, table.run_check, on_close=self._note_close
        )
        entry = self._open_in(table)
        self.context = create(PooledContext, entry.context_id, opening.settings, table, entry)
        self.context._mover = self

    async def open(self) -> None:
        """Wait until the context is on a connection.

        Raises:
            PoolClosed: The pool admits no more contexts.
            Exception: Why there is no connection.
        """
        while True:
            self._lease = lease = await self._admission.acquire(self._ticket)
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
        self._stop_moving()
        self.context._contexts.retire(self.context._entry)
        self._settle_lease()
        self._admission.note_change()

    @enable_ki_protection
    def queue(self, item: Input) -> None:
        """Queue an input.

        Raises:
            CartesiaError: As `ContextTable.queue_input`, and where the pool may not send so much.
        """
        characters = len(checks.text(item.transcript, "transcript"))
        self._admission.check_characters(characters)
        if self._inbox.has_received:
            self._log.drop()
        context = self.context
        try:
            item.queue_in(context._contexts, context._entry)
        except ConnectionLost as loss:
            if not self._move_early(loss):
                raise
            item.queue_in(context._contexts, context._entry)
        self._log.add(item)
        self._admission.counters.characters_sent += characters

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
            self._log.remove(item)
            self._admission.counters.characters_sent -= len(item.transcript)

    def _note_close(self, error: BaseException | None) -> bool:
        """Called before the inbox is closed; return True if the context goes on elsewhere."""
        state = self.context._entry.state
        is_refused = state.state is State.CLOSED and isinstance(error, ConcurrencyLimited)
        is_lost = state.end is End.LOST and isinstance(error, ConnectionLost)
        if (is_refused and self._log.has_taken and self._can_move) or (
            is_lost and not self._log.has_taken and self._can_move
        ):
            self._move_away(is_refused=is_refused)
            return True
        self._stop_moving()
        if self._inbox.has_received:
            self._admission.limit.accept()
        self._settle_lease()
        return False

    def _stop_moving(self) -> None:
        self._stays = True
        self._admission.leave(self._ticket)
        self._waiting.cancel("the context has ended")

    @property
    def _can_move(self) -> bool:
        """True while nothing was spoken, and all inputs can be sent again."""
        is_over = self._stays or self._admission.is_over
        return not is_over and not self._inbox.has_received and self._log.is_whole

    def _move_early(self, error: CartesiaError) -> bool:
        """Move where the connection takes nothing more, without waiting for its end."""
        is_lost = isinstance(error, ConnectionLost) and self.context._entry.state.end is None
        if is_lost and self._can_move and not self._log.has_taken:
            self._move_away(is_refused=False)
            return True
        return False

    def _move_away(self, *, is_refused: bool) -> None:
        assert self._lease is not None
        self._lease.release()
        if is_refused:
            self._admission.note_refusal()
        self._admission.counters.contexts_moved += 1
        self._move(self._admission.unconnected, is_refused=is_refused)
        self._waiting = trio.CancelScope()
        self._admission.nursery.start_soon(self._open_again)

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
        entry = self._open_in(table)
        entry.state.held_text = old_entry.state.held_text
        self._inbox.count_in(table.waiting)
        context.context_id, context._contexts, context._entry = entry.context_id, table, entry
        if self._lease is not None and not self._lease.is_released:
            self._lease.carry(entry.context_id)
        # the service may have taken a later input than the refused one for the first
        is_refused = is_refused and sum(item.is_taken for item in self._log) > 1
        for item in self._log:
            item.queue_in(table, entry)
        entry.go_on_from(old_entry)
        old_table.release(old_entry, is_refused=is_refused)

    def _open_in(self, table: ContextTable) -> ContextEntry:
        opening = self._opening
        return table.open(
            opening.settings,
            None,
            self._inbox,
            is_fed=opening.is_fed,
            stall_seconds=opening.stall_seconds,
        )

    def _settle_lease(self) -> None:
        """Free the place now, or once the service has ended the context."""
        if self._lease is None or self._lease.is_released:
            return
        if self.context._entry.state.state is State.DRAINING:
            self._lease.expect_end()
        else:
            self._lease.release()
