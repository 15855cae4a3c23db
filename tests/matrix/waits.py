"""How long receive loops wait, seen from outside: what ``stall_seconds`` promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from unittest.mock import patch

import attrs
import trio

from tests.matrix.operations import OPERATIONS, SETTINGS, SITUATIONS, Stage
from tests.matrix.scene import Scene
from tests.matrix.table import Row
from trio_cartesia import CartesiaError, Chunk, ContextStalled, Event
from trio_cartesia._protocol.tts.outbox import Outgoing
from trio_cartesia._runtime.context_entry import DEFAULT_DELAY_MS
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.inbox import Inbox
from trio_cartesia.server import open_server
from trio_cartesia.testing import connect_in_memory

__all__ = ["Waits", "watch_cell"]

SLACK_SECONDS: Final = 0.001
ALL: Final = {**OPERATIONS, **SITUATIONS}


@attrs.define(eq=False)
class Talk:
    """What is known of one context to who sends its text and receives its events.

    Attributes:
        delay_seconds: How long the service may wait for more text.
        active_at: When something was last sent or received.
        is_owed: True if text was sent after the last audio.
        is_ending: True once the final input was sent.
    """

    delay_seconds: float
    active_at: float = 0.0
    is_owed: bool = False
    is_ending: bool = False


@attrs.define(eq=False)
class Waits:
    """Watches all receive loops.

    Attributes:
        stall_seconds: What contexts are opened with.
        wrong: What broke the promise.
        longest_seconds: That a loop has waited while text was owed.
        stalls: How many loops ended with `ContextStalled`.
    """

    stall_seconds: float
    wrong: list[str] = attrs.field(factory=list, init=False)
    longest_seconds: float = attrs.field(default=0.0, init=False)
    stalls: int = attrs.field(default=0, init=False)
    _talks: dict[Inbox, Talk] = attrs.field(factory=dict, init=False)

    def note_sent(self, table: ContextTable, message: Outgoing) -> None:
        entry = table._entries.get(message.context_id)
        if entry is None or message.payload is None:
            return
        delay_ms = entry.state.settings.max_buffer_delay_ms
        delay_seconds = (DEFAULT_DELAY_MS if delay_ms is None else delay_ms) / 1000
        talk = self._talks.setdefault(entry.inbox, Talk(delay_seconds))
        talk.active_at = trio.current_time()
        talk.is_owed |= any(map(str.isalnum, message.transcript))
        talk.is_ending |= message.is_last

    def note_result(self, inbox: Inbox, began: float, result: Event | Exception) -> None:
        """Check one wait, which is over with an event or an error."""
        if (talk := self._talks.get(inbox)) is None:
            return
        now = trio.current_time()
        if talk.is_ending or talk.is_owed:
            waited_seconds = now - max(began, talk.active_at)
            self.longest_seconds = max(self.longest_seconds, waited_seconds)
            limit_seconds = self.stall_seconds + (0 if talk.is_ending else talk.delay_seconds)
            if waited_seconds > limit_seconds + SLACK_SECONDS:
                self.wrong.append(f"waited {waited_seconds} s for {result!r}")
        if isinstance(result, ContextStalled):
            self.stalls += 1
            silent_seconds = now - talk.active_at
            if now > began and silent_seconds < self.stall_seconds - SLACK_SECONDS:
                self.wrong.append(f"failed after only {silent_seconds} s of silence")
        talk.active_at = now
        if isinstance(result, Chunk) and result.audio:
            talk.is_owed = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        receive, note_sent = Inbox.__anext__, ContextTable.note_sent

        async def watched_receive(inbox: Inbox) -> Event:
            began = trio.current_time()
            try:
                event = await receive(inbox)
            except Exception as error:
                self.note_result(inbox, began, error)
                raise
            self.note_result(inbox, began, event)
            return event

        def watched_note_sent(table: ContextTable, message: Outgoing) -> None:
            note_sent(table, message)
            self.note_sent(table, message)

        with (
            patch.object(Inbox, "__anext__", watched_receive),
            patch.object(ContextTable, "note_sent", watched_note_sent),
        ):
            yield


async def watch_cell(row: Row, name: str, stall_seconds: float) -> Waits:
    """Play one cell with a limit of its own, and return how long its loops have waited."""
    waits = Waits(stall_seconds)
    async with (
        open_server(port=None, voice="tones") as server,
        connect_in_memory(server) as open_stream,
    ):
        scene = Scene(server, open_stream, row, name)
        settings: Any = {**SETTINGS, **row.options}
        with waits.watching():
            with suppress(CartesiaError):  # of the handshake; the matrix itself checks which
                async with (
                    scene.client(stall_seconds=stall_seconds).tts.websocket_connect() as connection,
                    trio.open_nursery() as nursery,
                ):
                    nursery.start_soon(scene.neighbour, connection)
                    stage = Stage(connection, row.sends is not None, settings)
                    with suppress(CartesiaError):  # likewise
                        await ALL[name](stage, nursery)
                    nursery.cancel_scope.cancel()
    return waits
