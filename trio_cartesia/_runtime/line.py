"""
What the runtime keeps for one context, and what it may meet.
"""

from __future__ import annotations

import attrs
from trio.lowlevel import ParkingLot

from trio_cartesia._errors import CartesiaError, InboxOverflow, LocalProtocolError
from trio_cartesia._runtime.inbox import Inbox

__all__ = ["Line", "block_has_ended", "identified", "overflow"]


@attrs.define(eq=False)
class Line:
    """
    One context's place on the connection.

    Attributes:
        inbox: What has come for it.
        is_fed: True if a task of ours pushes its text.
        sent: Where those wait who push.
    """

    inbox: Inbox
    is_fed: bool
    sent: ParkingLot = attrs.field(factory=ParkingLot, init=False)


def block_has_ended(context_id: str) -> LocalProtocolError:
    """Return what a call for a context meets whose block was left."""
    return LocalProtocolError("the context's block has ended", context_id=context_id)


def overflow(context_id: str, inbox: Inbox) -> InboxOverflow:
    """Return what a context fails with that has outgrown its budget."""
    return InboxOverflow(
        f"more than {inbox.budget_bytes} bytes of events wait to be received",
        context_id=context_id,
    )


def identified(error: Exception, request_id: str | None) -> Exception:
    """Return *error*, which names the connection's request where the service named no other."""
    if isinstance(error, CartesiaError):
        error.request_id = error.request_id or request_id
    return error
