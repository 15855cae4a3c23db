"""Messages on their way to the writer, first in, first out, until they are taken or dropped."""

from __future__ import annotations

import enum
from collections import OrderedDict

import attrs

from trio_cartesia._protocol.tts.encoder import write_cancel
from trio_cartesia._protocol.tts.requests import CancelRequest, GenerationRequest, Request

__all__ = ["Outbox", "Outgoing", "Status"]


class Status(enum.Enum):
    """How far a message has come."""

    QUEUED = "queued"  # may still be withdrawn
    TAKEN = "taken"  # the writer has it: from here on it counts as sent
    SENT = "sent"
    DROPPED = "dropped"  # its context was cancelled or has ended


@attrs.define(eq=False)
class Outgoing:
    """A message on its way to the writer; *payload* is None once there is no need to send it."""

    request: Request
    payload: str | None = attrs.field(repr=False)
    status: Status = Status.QUEUED

    @property
    def context_id(self) -> str:
        """The context that it belongs to."""
        return self.request.context_id

    @property
    def is_under_way(self) -> bool:
        """True until it is sent or dropped."""
        return self.status in (Status.QUEUED, Status.TAKEN)

    @property
    def is_last(self) -> bool:
        """True for a final input."""
        return isinstance(self.request, GenerationRequest) and not self.request.continue_

    @property
    def transcript(self) -> str:
        """The text that it asks for, or nothing."""
        return "" if isinstance(self.request, CancelRequest) else self.request.transcript


@attrs.define(eq=False)
class Outbox:
    """The queue before the writer.

    It holds at most one input for each task that is pushing and one cancel for each context that
    the service knows, so its bound is what callers have under way.
    """

    _queue: OrderedDict[Outgoing, None] = attrs.field(factory=OrderedDict, init=False)
    _cancels: dict[str, Outgoing] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, request: Request, text: str) -> Outgoing:
        """Queue a message."""
        outgoing = Outgoing(request, text)
        self._queue[outgoing] = None
        if isinstance(request, CancelRequest):
            self._cancels[request.context_id] = outgoing
        return outgoing

    def add_cancel(self, context_id: str) -> None:
        """Queue the cancel of a context."""
        self.add(CancelRequest(context_id=context_id), write_cancel(context_id))

    def take(self) -> Outgoing | None:
        """Take the next message, if there is one: from here on it counts as sent."""
        if not self._queue:
            return None
        outgoing, _ = self._queue.popitem(last=False)
        outgoing.status = Status.TAKEN
        self._forget_cancel(outgoing)
        return outgoing

    def drop(self, outgoing: Outgoing) -> None:
        """Remove a message that was not taken yet."""
        outgoing.status = Status.DROPPED
        del self._queue[outgoing]
        self._forget_cancel(outgoing)

    def drop_inputs(self, inputs: dict[Outgoing, None]) -> None:
        """Remove a context's messages that were not taken yet, here and there."""
        for outgoing in inputs:
            self.drop(outgoing)
        inputs.clear()

    def drop_cancel(self, context_id: str) -> None:
        """Remove the cancel of a context, if it was not taken yet."""
        if context_id in self._cancels:
            self.drop(self._cancels[context_id])

    def drop_all(self) -> None:
        """Remove every message."""
        for outgoing in list(self._queue):
            self.drop(outgoing)

    def _forget_cancel(self, outgoing: Outgoing) -> None:
        if isinstance(outgoing.request, CancelRequest):
            del self._cancels[outgoing.context_id]
