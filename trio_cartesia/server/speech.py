"""
One connection to `/tts/websocket`: many contexts, each with a task of its own.

The reader takes messages off the socket and never waits for speech. Contexts wait for the socket,
one event each, so a peer that does not read holds all of them up and nothing piles up here.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Final

import attrs
import trio

from .accounts import Account
from .behaviour import Behaviour
from .context import Context
from .journal import Journal
from .refusals import CONTEXT_CLOSED, Refusal, Refused, error_event, invalid
from .requests import Cancel, Generation, read_request
from .sinks import EventSink
from .streams import Disconnected
from .voice import Voice
from .websocket import WebSocket

logger = logging.getLogger("trio_cartesia.server")

GOODBYE_SECONDS: Final = 0.1  # for a last word when the service stops
_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
IDLE: Final = (1000, "connection idle timeout")  # protocol §1.8, §7.1 T23
STOPPING: Final = (1001, "the service is stopping")
EMPTY: Final = invalid("There is nothing to speak: the only input of the context is empty.")


@attrs.define(eq=False, kw_only=True)
class SpeechSession:
    """
    What happens on one WebSocket.

    Attributes:
        number: Of the connection, in the journal.
        version: The API version, which decides how errors look.
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
    _traffic_at: float = attrs.field(factory=trio.current_time, init=False)
    _is_idle: bool = attrs.field(default=False, init=False)

    async def serve(self) -> None:
        """
        Serve until the peer leaves or has been idle for too long; then say goodbye.

        If cancelled, the goodbye is short. The stream stays open.
        """
        is_over = False
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, nursery.cancel_scope)
                await self._read(nursery)
                nursery.cancel_scope.cancel("the peer has left")
            is_over = True
        finally:
            for context in self._contexts.values():
                self._report(context, "lost")
            if not is_over:
                with trio.move_on_after(GOODBYE_SECONDS, shield=True):
                    await self._websocket.aclose(*STOPPING)
        if self._is_idle:
            await self._websocket.aclose(*IDLE)

    async def _watch(self, scope: trio.CancelScope) -> None:
        """
        Cancel *scope* once no message has come or gone for too long; pings do not count.
        """
        while True:
            deadline = self._traffic_at + self._behaviour.idle_seconds
            await trio.sleep_until(deadline)
            if deadline == self._traffic_at + self._behaviour.idle_seconds:
                self._is_idle = True
                scope.cancel("the connection is idle")
                return

    async def _read(self, nursery: trio.Nursery) -> None:
        try:
            while True:
                message = await self._websocket.receive()
                self._traffic_at = trio.current_time()
                await trio.lowlevel.checkpoint()  # many messages may have come at once
                try:
                    self._hear(message, nursery)
                except Refused as refused:
                    await self._refuse(refused)
        except Disconnected:
            return

    def _hear(self, message: str | bytes, nursery: trio.Nursery) -> None:
        request = read_request(message)
        context = self._contexts.get(request.context_id)
        if isinstance(request, Cancel):
            self._journal.add_cancel(self.number, request.context_id)
            if context is not None:  # protocol §7.1 T8: others are ignored
                context.cancel()
        elif context is not None:
            context.hear(request)
        elif request.context_id in self._ended:
            raise Refused(CONTEXT_CLOSED, request.context_id)
        elif not request.is_empty:
            self._open(request, nursery)

    def _open(self, request: Generation, nursery: trio.Nursery) -> None:
        if not request.transcript and not request.continues:  # protocol §7.1 T12
            self._remember(request.context_id)
            raise Refused(EMPTY, request.context_id)
        try:
            self._account.claim()
        except Refused as refused:  # protocol §7.1 T21
            raise Refused(refused.refusal, request.context_id) from None
        sink = EventSink(
            context_id=request.context_id,
            emit=self._emit,
            version=self.version,
            request_id=self.request_id,
        )
        context = Context(
            settings=request,
            record=self._journal.add_context(self.number, request),
            journal=self._journal,
            voice=self._voice,
            behaviour=self._behaviour,
            sink=sink,
        )
        self._contexts[request.context_id] = context
        nursery.start_soon(self._run, context, nursery.cancel_scope)
        context.hear(request)

    async def _run(self, context: Context, scope: trio.CancelScope) -> None:
        try:
            await context.run()
        except Disconnected:
            scope.cancel("the peer has left")
            return
        finally:
            self._account.release()
        context_id = context.settings.context_id
        del self._contexts[context_id]
        self._remember(context_id)
        self._report(context, "lost")

    def _remember(self, context_id: str) -> None:
        self._ended[context_id] = None
        if len(self._ended) > self._behaviour.remembered_contexts:
            del self._ended[next(iter(self._ended))]

    def _report(self, context: Context, otherwise: str) -> None:
        record = context.record
        record.ended = record.ended or otherwise
        logger.info(
            "connection %d, context %r: %s; %d inputs, %d chunks, %d bytes",
            *(self.number, record.context_id, record.ended),
            *(record.inputs, record.chunks, record.audio_bytes),
        )

    async def _refuse(self, refused: Refused) -> None:
        """
        Send an error; through the context's own task if there is one, so that it comes last.
        """
        context = self._contexts.get(refused.context_id or "")
        if context is None or not context.refuse(refused.refusal):
            await self._emit_error(refused.refusal, refused.context_id)

    async def _emit_error(self, refusal: Refusal, context_id: str | None) -> None:
        await self._emit(
            error_event(
                refusal, version=self.version, request_id=self.request_id, context_id=context_id
            )
        )

    async def _emit(self, event: dict[str, Any]) -> None:
        await self._websocket.send(_to_json(event))
        self._traffic_at = trio.current_time()
