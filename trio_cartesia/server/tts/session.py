"""One connection to `/tts/websocket`: many contexts, each with a task of its own.

The reader takes messages off the socket and never waits for speech. Contexts wait for the socket,
one event each, so a peer that does not read holds all of them up and nothing piles up here.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Final

import attrs
import trio

from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.journal.access_log import log_context, log_error
from trio_cartesia.server.journal.journal import Journal
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

GOODBYE_SECONDS: Final = 0.1  # for a last word when the service stops
MAX_LATE: Final = 1024  # inputs that wait for the end of their context, however short
_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
IDLE: Final = "connection idle timeout"  # protocol §1.8, §7.1 T23
STOPPING: Final = (1001, "the service is stopping")
NO_TEXT: Final = (1003, "messages are JSON in text frames")  # protocol §2.11
EMPTY: Final = invalid("There is nothing to speak: the only input of the context is empty.")
WORDLESS: Final = invalid("The transcript is empty or contains only punctuation.")
TOO_LATE: Final = invalid("Too much text waits for the end of the context.")


@attrs.define(eq=False, kw_only=True)
class TTSSession:
    """What happens on one WebSocket.

    Attributes:
        number: Of the connection, in the journal.
        version: The API version, which decides how errors look and what requests mean.
        request_id: Of the handshake.
    """

    number: int
    version: str
    request_id: str
    _websocket: WebSocket
    _voice: Voice
    _behaviour: Behaviour
    _journal: Journal
    _account: Account
    _contexts: dict[str, Context] = attrs.field(factory=dict, init=False)
    _ended: dict[str, None] = attrs.field(factory=dict, init=False)  # oldest first
    _late: dict[str, deque[Generation]] = attrs.field(factory=dict, init=False)
    _traffic_at: float = attrs.field(factory=trio.current_time, init=False)
    _on_their_way: int = attrs.field(default=0, init=False)  # events
    _goodbye: tuple[int, str] | None = attrs.field(default=None, init=False)
    _nursery: trio.Nursery = attrs.field(init=False)

    async def serve(self) -> None:
        """Serve until the peer leaves or has been idle for too long; then say goodbye.

        If cancelled, the goodbye is short. The stream stays open.
        """
        is_over = False
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._watch)
                await self._read()
                nursery.cancel_scope.cancel("the peer has left")
            is_over = True
        finally:
            for context in self._contexts.values():
                self._report(context, "lost")
            self._contexts.clear()  # they know of us, and we of them
            if not is_over:
                with trio.move_on_after(GOODBYE_SECONDS, shield=True):
                    await self._websocket.aclose(*STOPPING)
        if self._goodbye:
            await self._websocket.aclose(*self._goodbye)

    def _leave(self, code: int, reason: str) -> None:
        """End the session once no event is being sent, and close the connection with *code*."""
        self._goodbye = self._goodbye or (code, reason)
        if not self._on_their_way:
            self._nursery.cancel_scope.cancel(reason)

    async def _watch(self) -> None:
        """Leave once no message has come or gone for too long."""
        while True:
            deadline = self._last_sign + self._behaviour.idle_seconds
            await trio.sleep_until(deadline)
            if deadline == self._last_sign + self._behaviour.idle_seconds:
                self._goodbye = self._goodbye or (self._behaviour.idle_close, IDLE)
                self._nursery.cancel_scope.cancel(IDLE)  # though somebody still may want to send
                return

    @property
    def _last_sign(self) -> float:
        """When there was traffic last. Pings are none, unless so wished (protocol §7.1 T22)."""
        if not self._behaviour.ping_resets_idle:
            return self._traffic_at
        return max(self._traffic_at, self._websocket.pinged_at)

    async def _read(self) -> None:
        dialect = Dialect(version=self.version, behaviour=self._behaviour)
        try:
            while True:
                message = await self._websocket.receive()
                self._traffic_at = trio.current_time()
                await trio.lowlevel.checkpoint()  # many messages may have come at once
                if isinstance(message, bytes) and self._behaviour.binary_frame == "close":
                    self._leave(*NO_TEXT)
                    continue
                try:
                    self._receive(read_request(message, dialect))
                except APIError as refused:
                    await self.refuse(refused)
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
        """Take an input whose context takes no more (protocol §2.10, §7.1 T9)."""
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
        except APIError as refused:
            raise APIError(refused.refusal, request.context_id) from None
        context = Context(
            settings=request,
            record=self._journal.add_context(self.number, request, request_id=self.request_id),
            journal=self._journal,
            voice=self._voice,
            behaviour=self._behaviour,
            sink=self._sink(request.context_id),
            on_end=self._account.release_context,
        )
        self._contexts[request.context_id] = context
        self._nursery.start_soon(self._run, context)
        context.receive(request)

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
            self._report(context, "lost")
            await self._receive_again(context_id)
        except Disconnected:
            self._nursery.cancel_scope.cancel("the peer has left")
        finally:
            context.leave()

    async def _receive_again(self, context_id: str) -> None:
        """Hear what came late, as far as the next context takes it, before anything yet to come."""
        refusals, waiting = [], self._late.pop(context_id, deque())
        while waiting:
            try:
                self._receive(waiting.popleft())
            except APIError as refused:
                refusals.append(refused)
            context = self._contexts.get(context_id)
            if waiting and context is not None and context.state is not State.OPEN:
                self._late[context_id] = waiting  # for the end of this one
                break
        for refusal in refusals:
            await self.refuse(refusal)

    def _remember(self, context_id: str) -> None:
        self._ended[context_id] = None
        if len(self._ended) > self._behaviour.remembered_contexts:
            del self._ended[next(iter(self._ended))]

    def _report(self, context: Context, otherwise: str) -> None:
        context.record.ended = context.record.ended or otherwise
        log_context(context.record)

    async def refuse(self, refused: APIError) -> None:
        """Send an error; through the context's own task if there is one, so that it comes last."""
        refusal, context_id = refused.refusal, refused.context_id
        log_error(self.request_id, context_id, refusal.status, refusal.title)
        if context_id is None:
            about = {"version": self.version, "request_id": self.request_id}
            await self._emit(error_event(refusal, context_id=None, **about))
            return
        context = self._contexts.get(context_id)
        if context is None or not context.refuse(refusal):
            await self._sink(context_id).error(refusal)

    async def _emit(self, event: dict[str, Any]) -> None:
        if self._goodbye:
            await trio.sleep_forever()  # until the last event that was on its way has gone
        self._on_their_way += 1
        try:
            await self._websocket.send(_to_json(event))
            self._traffic_at = trio.current_time()
        finally:
            self._on_their_way -= 1
            if event["type"] == "error" and self._behaviour.close_on_error:  # protocol §7.1 T19
                self._goodbye = 1011 if event["status_code"] >= 500 else 1008, "after an error"
            if self._goodbye:
                self._leave(*self._goodbye)
