"""One connection to `/tts/websocket`: many contexts, each with a task of its own.

The reader never waits for speech. Each context waits until its event is sent, so a peer that does
not read delays all contexts, and no events accumulate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.exchange.socket import Socket
from trio_cartesia.server.journal.access_log import log_context, log_error
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.messages.errors import (
    CONTEXT_CLOSED,
    CONTEXT_UNKNOWN,
    NOTHING_TO_DO,
    APIError,
    error_event,
    invalid,
)
from trio_cartesia.server.messages.fields import Dialect
from trio_cartesia.server.messages.inputs import Cancel, Generation, read_request
from trio_cartesia.server.streams import Disconnected
from trio_cartesia.server.text.sentences import is_wordless
from trio_cartesia.server.tts.context import Context, State
from trio_cartesia.server.tts.sinks import EventSink
from trio_cartesia.server.voices.interface import Voice

MAX_LATE: Final = 1024  # inputs that wait for the end of their context
NO_TEXT: Final = (1003, "messages are JSON in text frames")  # protocol §2.11
EMPTY: Final = invalid("There is nothing to speak: the only input of the context is empty.")
WORDLESS: Final = invalid("The transcript is empty or contains only punctuation.")
TOO_LATE: Final = invalid("Too much text waits for the end of the context.")


@attrs.define(eq=False, kw_only=True)
class TTSSession:
    """Serves one WebSocket."""

    _socket: Socket
    _voice: Voice
    _journal: Journal
    _account: Account
    _dialect: Dialect
    _meter: Callable[[ContextRecord], Callable[[], None]]
    _contexts: dict[str, Context] = attrs.field(factory=dict, init=False)
    _ended: dict[str, None] = attrs.field(factory=dict, init=False)  # oldest first
    _late: dict[str, deque[Generation]] = attrs.field(factory=dict, init=False)

    @property
    def _behaviour(self) -> Behaviour:
        return self._dialect.behaviour

    async def serve(self) -> None:
        """Serve until the peer leaves or has been idle for too long, then close the WebSocket.

        If cancelled, the close has 0.1 seconds. The stream stays open.
        """
        await self._socket.serve(self._receive_message, on_end=self._end)

    def _end(self) -> None:
        for context in self._contexts.values():
            self._log_end(context, "lost")
        self._contexts.clear()  # breaks reference cycles

    async def _receive_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes) and self._behaviour.binary_frame == "close":
            self._socket.close(*NO_TEXT)
            return
        try:
            self._receive(read_request(message, self._dialect))
        except APIError as error:
            await self.report(error)

    def _receive(self, request: Generation | Cancel) -> None:
        context = self._contexts.get(request.context_id)
        if isinstance(request, Cancel):
            self._cancel(request.context_id, context)
        elif context is not None and context.state is State.OPEN:
            context.receive(request)
        elif context is not None or request.context_id in self._ended:
            self._receive_late(request, context)
        elif not request.is_empty:
            self._open(request)
        elif self._behaviour.empty_input == "error":  # protocol §7.1 T13
            raise APIError(NOTHING_TO_DO, request.context_id)

    def _cancel(self, context_id: str, context: Context | None) -> None:
        self._journal.add_cancel(self._socket.number, context_id)
        self._late.pop(context_id, None)
        if context is not None and context.state is not State.ENDED:
            context.cancel()
        elif self._behaviour.cancel_unknown == "error":  # protocol §7.1 T8
            raise APIError(CONTEXT_UNKNOWN, context_id)

    def _receive_late(self, request: Generation, context: Context | None) -> None:
        """Handle an input whose context accepts no more inputs (protocol §2.10, §7.1 T9)."""
        if self._behaviour.late_input == "error":
            raise APIError(CONTEXT_CLOSED, request.context_id)
        if self._behaviour.late_input == "ignore":
            return
        if context is None:
            del self._ended[request.context_id]
            self._receive(request)
            return
        waiting = self._late.setdefault(request.context_id, deque())
        characters = sum(len(late.transcript) for late in waiting) + len(request.transcript)
        if characters > self._behaviour.max_waiting_characters or len(waiting) >= MAX_LATE:
            raise APIError(TOO_LATE, request.context_id)
        waiting.append(request)

    def _open(self, request: Generation) -> None:
        is_empty = not request.transcript and not request.continues
        if is_empty and self._behaviour.empty_context == "error":  # protocol §7.1 T12
            self._remember(request.context_id)
            raise APIError(EMPTY, request.context_id)
        refuses_wordless = self._behaviour.wordless_start == "error"  # protocol §6a E4
        if refuses_wordless and is_wordless(request.transcript):
            self._remember(request.context_id)
            raise APIError(WORDLESS, request.context_id)
        try:
            self._account.acquire_context()
        except APIError as error:
            raise APIError(error.body, request.context_id) from None
        record = self._journal.add_context(
            self._socket.number,
            request,
            account=self._account.id,
            request_id=self._socket.request_id,
        )
        count = self._meter(record)
        context = Context(
            settings=request,
            record=record,
            journal=self._journal,
            voice=self._voice,
            behaviour=self._behaviour,
            sink=self._sink(request.context_id),
            on_spoken=count,
            on_end=partial(self._release, count),
        )
        self._contexts[request.context_id] = context
        self._socket.nursery.start_soon(self._run, context)
        context.receive(request)

    def _release(self, count: Callable[[], None]) -> None:
        self._account.release_context()
        count()

    def _sink(self, context_id: str) -> EventSink:
        return EventSink(
            context_id=context_id,
            emit=self._socket.emit,
            version=self._socket.version,
            request_id=self._socket.request_id,
            behaviour=self._behaviour,
        )

    async def _run(self, context: Context) -> None:
        context_id = context.settings.context_id
        try:
            await context.run()
            del self._contexts[context_id]
            self._remember(context_id)
            self._log_end(context, "lost")
            await self._receive_waiting(context_id)
        except Disconnected:
            self._socket.leave()
        finally:
            context.release()

    async def _receive_waiting(self, context_id: str) -> None:
        """Receive the late inputs, up to the end of the next context, before any new input."""
        errors, waiting = [], self._late.pop(context_id, deque())
        while waiting:
            try:
                self._receive(waiting.popleft())
            except APIError as error:
                errors.append(error)
            context = self._contexts.get(context_id)
            if waiting and context is not None and context.state is not State.OPEN:
                self._late[context_id] = waiting  # for the end of this one
                break
        for failed in errors:
            await self.report(failed)

    def _remember(self, context_id: str) -> None:
        self._ended[context_id] = None
        if len(self._ended) > self._behaviour.remembered_contexts:
            del self._ended[next(iter(self._ended))]

    def _log_end(self, context: Context, otherwise: str) -> None:
        context.record.ended = context.record.ended or otherwise
        log_context(context.record)

    async def report(self, error: APIError) -> None:
        """Send an error, through the context's task if it runs, so that it is the last event."""
        body, context_id = error.body, error.context_id
        log_error(self._socket.request_id, context_id, body.status, body.title)
        if context_id is None:
            about = {"version": self._socket.version, "request_id": self._socket.request_id}
            await self._socket.emit(error_event(body, context_id=None, **about))
            return
        context = self._contexts.get(context_id)
        if context is None or not context.fail(body):
            await self._sink(context_id).error(body)
