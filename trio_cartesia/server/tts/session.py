"""One connection to `/tts/websocket`: many contexts, each with a task of its own.

The reader never waits for speech. Each context waits until its event is sent, so a peer that does
not read delays all contexts, and no events accumulate.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs
import trio

from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.behaviour.behaviour import Behaviour
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
from trio_cartesia.server.net.websocket import WebSocket
from trio_cartesia.server.streams import Disconnected
from trio_cartesia.server.text.sentences import is_wordless
from trio_cartesia.server.tts.context import Context, State
from trio_cartesia.server.tts.sinks import EventSink
from trio_cartesia.server.voices.interface import Voice

STOPPING_CLOSE_SECONDS: Final = 0.1  # for the close frame when the service stops
MAX_LATE: Final = 1024  # inputs that wait for the end of their context
_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
IDLE: Final = "connection idle timeout"  # protocol §1.8, §7.1 T23
STOPPING: Final = (1001, "the service is stopping")
NO_TEXT: Final = (1003, "messages are JSON in text frames")  # protocol §2.11
EMPTY: Final = invalid("There is nothing to speak: the only input of the context is empty.")
WORDLESS: Final = invalid("The transcript is empty or contains only punctuation.")
TOO_LATE: Final = invalid("Too much text waits for the end of the context.")


@attrs.define(eq=False, kw_only=True)
class TTSSession:
    """Serves one WebSocket.

    Attributes:
        number: The connection's number in the journal.
        request_id: The request id of the handshake.
    """

    number: int
    request_id: str
    _websocket: WebSocket
    _voice: Voice
    _journal: Journal
    _account: Account
    _dialect: Dialect
    _charge: Callable[[ContextRecord], None]
    _contexts: dict[str, Context] = attrs.field(factory=dict, init=False)
    _ended: dict[str, None] = attrs.field(factory=dict, init=False)  # oldest first
    _late: dict[str, deque[Generation]] = attrs.field(factory=dict, init=False)
    _traffic_at: float = attrs.field(factory=trio.current_time, init=False)
    _in_flight: int = attrs.field(default=0, init=False)  # events
    _closing: tuple[int, str] | None = attrs.field(default=None, init=False)
    _nursery: trio.Nursery = attrs.field(init=False)

    @property
    def version(self) -> str:
        """The API version, which determines how requests are parsed and the form of errors."""
        return self._dialect.version

    @property
    def _behaviour(self) -> Behaviour:
        return self._dialect.behaviour

    async def serve(self) -> None:
        """Serve until the peer leaves or has been idle for too long, then close the WebSocket.

        If cancelled, the close has 0.1 seconds. The stream stays open.
        """
        is_over = False
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._close_idle)
                await self._read()
                nursery.cancel_scope.cancel("the peer has left")
            is_over = True
        finally:
            for context in self._contexts.values():
                self._log_end(context, "lost")
            self._contexts.clear()  # breaks reference cycles
            if not is_over:
                with trio.move_on_after(STOPPING_CLOSE_SECONDS, shield=True):
                    await self._websocket.aclose(*STOPPING)
        if self._closing:
            await self._websocket.aclose(*self._closing)

    def _close(self, code: int, reason: str) -> None:
        """End the session once no event is being sent, and close the connection with *code*."""
        self._closing = self._closing or (code, reason)
        if not self._in_flight:
            self._nursery.cancel_scope.cancel(reason)

    async def _close_idle(self) -> None:
        """End the session once no message was sent or received for too long."""
        while True:
            deadline = self._active_at + self._behaviour.idle_seconds
            await trio.sleep_until(deadline)
            if deadline == self._active_at + self._behaviour.idle_seconds:
                self._closing = self._closing or (self._behaviour.idle_close, IDLE)
                self._nursery.cancel_scope.cancel(IDLE)  # even while an event is being sent
                return

    @property
    def _active_at(self) -> float:
        """The time of the last traffic, with or without pings (protocol §7.1 T22)."""
        if not self._behaviour.ping_resets_idle:
            return self._traffic_at
        return max(self._traffic_at, self._websocket.pinged_at)

    async def _read(self) -> None:
        try:
            while True:
                message = await self._websocket.receive()
                self._traffic_at = trio.current_time()
                await trio.lowlevel.checkpoint()  # many messages may be buffered
                if isinstance(message, bytes) and self._behaviour.binary_frame == "close":
                    self._close(*NO_TEXT)
                    continue
                try:
                    self._receive(read_request(message, self._dialect))
                except APIError as error:
                    await self.report(error)
        except Disconnected:
            return

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
        self._journal.add_cancel(self.number, context_id)
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
        record = self._journal.add_context(self.number, request, request_id=self.request_id)
        context = Context(
            settings=request,
            record=record,
            journal=self._journal,
            voice=self._voice,
            behaviour=self._behaviour,
            sink=self._sink(request.context_id),
            on_end=partial(self._release, record),
        )
        self._contexts[request.context_id] = context
        self._nursery.start_soon(self._run, context)
        context.receive(request)

    def _release(self, record: ContextRecord) -> None:
        self._account.release_context()
        self._charge(record)

    def _sink(self, context_id: str) -> EventSink:
        return EventSink(
            context_id=context_id,
            emit=self._emit,
            version=self.version,
            request_id=self.request_id,
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
            self._nursery.cancel_scope.cancel("the peer has left")
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
        log_error(self.request_id, context_id, body.status, body.title)
        if context_id is None:
            about = {"version": self.version, "request_id": self.request_id}
            await self._emit(error_event(body, context_id=None, **about))
            return
        context = self._contexts.get(context_id)
        if context is None or not context.fail(body):
            await self._sink(context_id).error(body)

    async def _emit(self, event: dict[str, Any]) -> None:
        if self._closing:
            await trio.sleep_forever()  # until the event that is being sent has been sent
        self._in_flight += 1
        try:
            await self._websocket.send(_to_json(event))
            self._traffic_at = trio.current_time()
        finally:
            self._in_flight -= 1
            if event["type"] == "error" and self._behaviour.close_on_error:  # protocol §7.1 T19
                self._closing = 1011 if event["status_code"] >= 500 else 1008, "after an error"
            if self._closing:
                self._close(*self._closing)
