"""What goes wrong, and what the client makes of it: the table of docs/reference/fault-matrix.md.

Each row is tried with each operation (operations.py) by scene.py.
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

QUICK_SECONDS: Final = 8.0  # for all that no fault holds up: the speech itself, its pauses, goodbye
KEEPALIVE_BOUND: Final = 45.0  # 20 s of silence, 20 s for a pong, and a goodbye
STALL_BOUND: Final = 75.0  # 60 s without an event, and buffering delays
CONNECT_BOUND: Final = 32.0


class Whose(Enum):
    """Who is harmed."""

    NOBODY = "nobody"
    CONTEXT = "the context"
    CONNECTION = "the connection"
    HANDSHAKE = "connecting"


@attrs.frozen
class Expected:
    """What comes of one operation.

    Attributes:
        raises: What it raises itself.
        listened: What receiving ends with, where that is another task's.
        neighbour: What another context of the same connection raises.
    """

    raises: Kind | None = None
    listened: Kind | None = None
    neighbour: Kind | None = None


@attrs.frozen(kw_only=True)
class Row:
    """One thing that goes wrong.

    Attributes:
        fault: As ``X-Fault`` has it; the context that it strikes is ``v``.
        behaviour: As ``X-Behaviour`` has it.
        whose: Who is harmed.
        does: What the client does, in words for users.
        raises: What receiving raises, if it does.
        sends: What a push, flush or final input raises that comes after it.
        neighbour: What another context of the same connection raises.
        heard: How many events of ``v`` come first; None: not fixed.
        close_code: Of the `ConnectionLost`.
        within_seconds: Everything has ended after so much virtual time.
        misses: Whether audio may be missing that the client cannot know of.
        options: Settings of all contexts, beside the usual ones.
        only: The operations it is tried with; empty: all of them.
        special: What differs with some operations.
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
        """What it is called."""
        return self.fault or self.behaviour or "as usual"

    @property
    def ends_cancelled(self) -> bool:
        """Whether the service tells soon that a cancelled context has ended."""
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
    """Return the row of a fault that is outlived."""
    return Row(fault=fault, does=does, whose=Whose.NOBODY, **fields)


def refused(status: int, kind: Kind) -> Row:
    """Return the row of a handshake that is answered with *status*."""
    return Row(
        fault=f"refused_handshake status={status}",
        whose=Whose.HANDSHAKE,
        does="The refusal is raised, with its status and request id.",
        raises=kind,
        only=("connect",),
    )


def unanswered(fault: str, does: str) -> Row:
    """Return the row of a handshake that comes to nothing."""
    return Row(
        fault=fault,
        whose=Whose.HANDSHAKE,
        does=does,
        raises=ConnectFailed,
        within_seconds=CONNECT_BOUND,
        only=("connect",),
    )


V3: Final = "context_id=v at_frame=3"
CUT: Final = "Every open context ends at that moment, after what had come."
POLITE: Final = "A close, however polite, cuts short what is open; `close_code` tells its code."
RUDE: Final = "A code that may not be sent breaks the protocol: `close_code` is 1002."
NO_PONG: Final = "After 20 s of silence a ping asks, and 20 s later the connection is given up."
SLOW: Final = "It takes longer; nothing is lost."
IGNORED: Final = "Nothing: it is counted."
WHOSE: Final = (
    "A message that names no context may be anybody's: the connection is given up, and "
    "`RemoteProtocolError` is the cause."
)
UNATTRIBUTED: Final = (
    "With one context open it is that one's; with several, all fail and the connection is given up."
)
ONE_SIDED: Final = (
    "Nothing of that context arrives any more: it fails after `stall_seconds`, a minute unless you "
    "say otherwise, and the others go on."
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
    ends("truncated_body", "It is for HTTP; a WebSocket ends at once.", only=("connect",)),
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
    # messages are not what they should be
    passes("fragmented_frame size_bytes=100", "Nothing: fragments are put together."),
    passes(f"fragmented_frame {V3} size_bytes=7", "Nothing: fragments are put together."),
    passes(f"binary_frame {V3}", "Nothing: it is read like text."),
    passes(f"oversized_frame {V3} size_bytes=1000000", "It is handed out as an `UnknownEvent`."),
    ends(
        f"oversized_frame {V3}",
        "A message of more than 16 MiB is not taken: the connection is closed with 1009.",
        heard=2,
        close_code=1009,
    ),
    ends(f"malformed_json {V3}", WHOSE, heard=2),
    fails(f"bad_base64 {V3}", RemoteProtocolError, "That context fails, alone.", heard=2),
    passes(f"unknown_event {V3}", "It is handed out as an `UnknownEvent`, and counted."),
    passes("unknown_fields", "Nothing: they are ignored."),
    ends(f"missing_context_id {V3}", WHOSE, heard=2),
    passes(
        f"unknown_context_id {V3}",
        "The message is counted as a stray event, and speech that was received meanwhile is not "
        "called complete: the message may have been a part of it.",
        misses=True,
    ),
    passes(f"stray_event {V3}", IGNORED),
    passes("duplicate_terminal", IGNORED),
    passes("late_frames count=5", IGNORED),
    # errors that come of nothing the client did
    fails(f"quota_exceeded {V3}", QuotaExceeded, "That context fails, alone.", heard=2),
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
    # the answer to the handshake
    refused(400, BadRequest),
    refused(401, AuthenticationFailed),
    refused(402, QuotaExceeded),
    refused(403, PermissionDenied),
    refused(404, NotFound),
    refused(408, ServiceFailed),
    refused(429, ConcurrencyLimited),
    refused(500, ServiceFailed),
    refused(503, ServiceFailed),
    unanswered("stalled_handshake", "It is given up after 30 s."),
    unanswered("stalled_handshake size_bytes=20", "It is given up after 30 s."),
    unanswered("garbage_handshake", "There is no answer that could be understood."),
    unanswered(
        "garbage_handshake size_bytes=100000", "There is no answer that could be understood."
    ),
)

# Tried without the fast path as well: one of each kind that frames may come to grief with.
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
