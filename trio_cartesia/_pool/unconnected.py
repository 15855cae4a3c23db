"""Where contexts are that wait for a connection: a table that never sends."""

from __future__ import annotations

import trio

from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.session import Session
from trio_cartesia._runtime.transport.interface import FrameHandler

__all__ = ["unconnected_contexts"]


class _NoTransport:
    """A transport that takes no message, so that all of them stay in the queue."""

    request_id = None
    can_send_nowait = False

    async def receive(self, handler: FrameHandler) -> None: ...

    def send_nowait(self, message: str | bytes) -> bool:  # noqa: ARG002  # the signature is given
        raise AssertionError("nothing is sent without a connection")

    async def send(self, *messages: str | bytes) -> None: ...

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


def unconnected_contexts(nursery: trio.Nursery) -> ContextTable:
    """Return a table whose contexts take inputs, may be cancelled and end, but are never spoken."""
    contexts = ContextTable(SpeechProtocol(ContextIds("waiting")))
    contexts.attach(Session(_NoTransport(), contexts, trio.CancelScope(), nursery))
    return contexts
