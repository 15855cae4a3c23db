"""Faults, and the client's reaction to each: the table of docs/reference/fault-matrix.md.

scene.py runs each row with each operation (operations.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import attrs

from trio_cartesia import (
    AuthenticationFailed,
    BadRequest,
    CartesiaError,
    ConcurrencyLimited,
    ConnectFailed,
    ConnectionLost,
    ContextStalled,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    RemoteProtocolError,
    ServiceFailed,
)

__all__ = ["FAULTS", "QUICK_SECONDS", "WITHOUT_FAST_PATH", "Expected", "Row", "Whose"]

Kind = type[CartesiaError]

QUICK_SECONDS: Final = 8.0  # without a delay by a fault: the speech, its pauses and the close
KEEPALIVE_BOUND: Final = 45.0  # 20 s of silence, 20 s for a pong, and a goodbye
STALL_BOUND: Final = 75.0  # 60 s without an event, and buffering delays
CONNECT_BOUND: Final = 32.0


class Whose(Enum):
    """The extent of the damage."""

    NOBODY = "nobody"
    CONTEXT = "the context"
    CONNECTION = "the connection"
    HANDSHAKE = "connecting"


@attrs.frozen
class Expected:
    """The expected result of one operation.

    Attributes:
        raises: The exception of the operation.
        listened: The exception of the receive loop, if it runs in another task.
        neighbour: The exception of another context on the same connection.
    """

    raises: Kind | None = None
    listened: Kind | None = None
    neighbour: Kind | None = None


@attrs.frozen(kw_only=True)
class Row:
    """A fault or a behaviour, and the client's reaction.

    Attributes:
        fault: The value of ``X-Fault``; the fault affects the context ``v``.
        behaviour: The value of ``X-Behaviour``.
        whose: The extent of the damage.
        does: The client's reaction, in words for users.
        raises: The exception of the receive loop, or None.
        sends: The exception of a later push, flush or final input, or None.
        neighbour: The exception of another context on the same connection, or None.
        heard: The number of events of ``v`` before the fault; None if it is not fixed.
        close_code: The close code of the `ConnectionLost`.
        within_seconds: The virtual time within which everything ends.
        misses: Whether audio may be missing without the client knowing.
        options: Additional settings of all contexts.
        only: The operations to run; all if it is empty.
        special: The expected results of operations that differ.
    """

    fault: str = ""
    behaviour: str = ""
    whose: Whose
    does: str
    raises: Kind | None = None
    sends: Kind | None = None
    neighbour: Kind | None = None
    heard: int | None = None
    close_code: int | None = None
    within_seconds: float = QUICK_SECONDS
    misses: bool = False
    options: Mapping[str, Any] = attrs.field(factory=dict)
    only: tuple[str, ...] = ()
    special: Mapping[str, Expected] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """The fault or the behaviour, for messages and the page."""
        return self.fault or self.behaviour or "default"

    @property
    def ends_cancelled(self) -> bool:
        """True if the service soon ends a cancelled context."""
        never = self.misses or self.behaviour == "cancel_ends_with=nothing"
        return self.whose is Whose.NOBODY and not never


def ends(fault: str, does: str, **fields: object) -> Row:
    """Return the row of a fault that ends the connection."""
    lost = {"raises": ConnectionLost, "sends": ConnectionLost, "neighbour": ConnectionLost}
    return Row(fault=fault, does=does, whose=Whose.CONNECTION, **{**lost, **fields})


def fails(fault: str, kind: Kind, does: str, **fields: object) -> Row:
    """Return the row of a fault that one context fails with."""
    return Row(fault=fault, does=does, whose=Whose.CONTEXT, raises=kind, sends=kind, **fields)


def passes(fault: str, does: str, **fields: object) -> Row:
    """Return the row of a fault that fails nothing."""
    return Row(fault=fault, does=does, whose=Whose.NOBODY, **fields)


def refused(status: int, kind: Kind) -> Row:
    """Return the row of a handshake that is refused with *status*."""
    return Row(
        fault=f"refused_handshake status={status}",
        whose=Whose.HANDSHAKE,
        does="It raises the refusal, with its status and request id.",
        raises=kind,
        only=("connect",),
    )


def unanswered(fault: str, does: str) -> Row:
    """Return the row of a handshake without a valid response."""
    return Row(
        fault=fault,
        whose=Whose.HANDSHAKE,
        does=does,
        raises=ConnectFailed,
        within_seconds=CONNECT_BOUND,
        only=("connect",),
    )


V3: Final = "context_id=v at_frame=3"
CUT: Final = "Every open context fails at that moment, after the earlier events."
POLITE: Final = "Every open context fails, with any close code; `close_code` has the code."
RUDE: Final = "The code must not be sent, so it violates the protocol: `close_code` is 1002."
NO_PONG: Final = "After 20 s of silence it sends a ping, and 20 s later it ends the connection."
SLOW: Final = "It waits; no event is lost."
IGNORED: Final = "It counts and drops the event."
WHOSE: Final = (
    "The message may belong to any context, so it ends the connection; `RemoteProtocolError` is "
    "the cause."
)
UNATTRIBUTED: Final = (
    "If one context is open, that one fails. If several are open, all fail and it ends the "
    "connection."
)
ONE_SIDED: Final = (
    "No more events arrive for that context, so it fails after `stall_seconds`, by default a "
    "minute; the others continue."
)

FAULTS: Final[tuple[Row, ...]] = (
    # the connection breaks
    ends(f"reset {V3}", CUT, heard=2),
    ends(f"reset {V3} size_bytes=100", CUT, heard=2),
    ends("reset at_byte=100000", CUT),
    ends(f"fin {V3}", CUT, heard=2),
    ends(f"fin {V3} size_bytes=100", CUT, heard=2),
    ends("fin at_byte=100000", CUT),
    ends("fin at_byte=2", CUT, heard=0),
    ends(f"truncated_frame {V3}", CUT, heard=2),
    ends(f"truncated_frame {V3} size_bytes=1", CUT, heard=2),
    ends("truncated_body", "This fault is for HTTP; a WebSocket ends at once.", only=("connect",)),
    *(
        ends(f"close {V3} code={code}", POLITE, heard=2, close_code=code)
        for code in (1000, 1001, 1005, 1011, 1012, 1013, 4000)
    ),
    ends(f'close {V3} code=1008 reason="no more"', POLITE, heard=2, close_code=1008),
    *(
        ends(f"close {V3} code={code}", RUDE, heard=2, close_code=1002)
        for code in (0, 1006, 1015, 65535)
    ),
    # the connection is slow, or silent
    ends("stall at_frame=6", NO_PONG, within_seconds=KEEPALIVE_BOUND),
    ends("stall at_byte=100000", NO_PONG, within_seconds=KEEPALIVE_BOUND),
    ends("silence at_frame=6", NO_PONG, within_seconds=KEEPALIVE_BOUND),
    ends("silence at_byte=100000", NO_PONG, within_seconds=KEEPALIVE_BOUND),
    passes("stall at_frame=6 seconds=5", SLOW, within_seconds=20.0),
    Row(
        fault=f"stall {V3}",
        whose=Whose.CONTEXT,
        does=ONE_SIDED,
        raises=ContextStalled,
        heard=2,
        within_seconds=STALL_BOUND,
    ),
    Row(
        fault=f"silence {V3}",
        whose=Whose.CONTEXT,
        does=ONE_SIDED,
        raises=ContextStalled,
        heard=2,
        within_seconds=STALL_BOUND,
    ),
    passes(f"stall {V3} seconds=0.3", SLOW),
    passes("drip size_bytes=1000 seconds=0.0005", SLOW),
    passes("latency seconds=0.2", SLOW),
    passes("latency context_id=v seconds=0.05", SLOW),
    passes("bandwidth bytes_per_second=1000000", SLOW),
    # messages are incorrect
    passes("fragmented_frame size_bytes=100", "It joins the fragments."),
    passes(f"fragmented_frame {V3} size_bytes=7", "It joins the fragments."),
    passes(f"binary_frame {V3}", "It reads the message like a text message."),
    passes(f"oversized_frame {V3} size_bytes=1000000", "It delivers an `UnknownEvent`."),
    ends(
        f"oversized_frame {V3}",
        "It closes the connection with 1009, because the message has more than 16 MiB.",
        heard=2,
        close_code=1009,
    ),
    ends(f"malformed_json {V3}", WHOSE, heard=2),
    fails(f"bad_base64 {V3}", RemoteProtocolError, "Only that context fails.", heard=2),
    passes(f"unknown_event {V3}", "It delivers an `UnknownEvent`, and counts it."),
    passes("unknown_fields", "It ignores the fields."),
    ends(f"missing_context_id {V3}", WHOSE, heard=2),
    passes(
        f"unknown_context_id {V3}",
        "It counts the message as a stray event. `Speech.complete` is False for speech that was "
        "received meanwhile, because the message may have been a part of it.",
        misses=True,
    ),
    passes(f"stray_event {V3}", IGNORED),
    passes("duplicate_terminal", IGNORED),
    passes("late_frames count=5", IGNORED),
    # errors that the client did not cause
    fails(f"quota_exceeded {V3}", QuotaExceeded, "Only that context fails.", heard=2),
    *(
        Row(
            fault=f"connection_error {V3} status={status}",
            whose=Whose.CONNECTION,
            does=UNATTRIBUTED,
            raises=kind,
            sends=kind,
            neighbour=kind,
            heard=2,
        )
        for status, kind in ((400, BadRequest), (429, ConcurrencyLimited), (500, ServiceFailed))
    ),
    # the response to the handshake
    refused(400, BadRequest),
    refused(401, AuthenticationFailed),
    refused(402, QuotaExceeded),
    refused(403, PermissionDenied),
    refused(404, NotFound),
    refused(408, ServiceFailed),
    refused(429, ConcurrencyLimited),
    refused(500, ServiceFailed),
    refused(503, ServiceFailed),
    unanswered("stalled_handshake", "It stops waiting after 30 s."),
    unanswered("stalled_handshake size_bytes=20", "It stops waiting after 30 s."),
    unanswered("garbage_handshake", "The response is not valid HTTP."),
    unanswered("garbage_handshake size_bytes=100000", "The response is not valid HTTP."),
)

# Run without the fast path as well: one fault of each kind that affects frames.
WITHOUT_FAST_PATH: Final = tuple(
    row
    for row in FAULTS
    if row.fault
    in {
        f"reset {V3} size_bytes=100",
        f"truncated_frame {V3}",
        f"close {V3} code=1000",
        "stall at_frame=6",
        "fragmented_frame size_bytes=100",
        f"binary_frame {V3}",
        f"oversized_frame {V3}",
        f"malformed_json {V3}",
        f"bad_base64 {V3}",
        "late_frames count=5",
    }
)
