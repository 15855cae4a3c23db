"""Faults on the sockets of speech to text, and the client's reaction to each.

scene.py runs each row with each operation (operations.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import attrs

from tests.matrix.stt.operations import MANUAL, TURNS, Operation
from tests.matrix.table import CONNECT_BOUND, KEEPALIVE_BOUND
from trio_cartesia import (
    AuthenticationFailed,
    BadRequest,
    CartesiaError,
    ConcurrencyLimited,
    ConnectFailed,
    ConnectionLost,
    InboxOverflow,
    QuotaExceeded,
    RemoteProtocolError,
    ServiceFailed,
)

__all__ = ["OPERATIONS", "STT_FAULTS", "STTRow", "SessionKind", "stt_cells"]

Kind = type[CartesiaError]
SessionKind = Literal["manual", "turns"]
OPERATIONS: Final[Mapping[SessionKind, Mapping[str, Operation]]] = {
    "manual": MANUAL,
    "turns": TURNS,
}
BOTH: Final[tuple[SessionKind, ...]] = ("manual", "turns")

QUICK_SECONDS: Final = 20.0  # without a delay by a fault: the audio at real time, and the close
QUIET: Final = frozenset({"connect", "wait_connected", "leave", "close"})  # raise nothing
RECEIVES: Final = frozenset({"receive", "receive late"})
TAKES_TURNS: Final = frozenset({"turns", "turns late", "updates", "speculate"})


@attrs.frozen(kw_only=True)
class STTRow:
    """A fault or a behaviour, and the client's reaction.

    Attributes:
        fault: The value of ``X-Fault``.
        behaviour: The value of ``X-Behaviour``.
        does: The client's reaction, in words for users.
        kinds: The sessions that it concerns.
        ends: The exception that a receive loop ends with, or None.
        reports: The exception of an ``error`` event, after which a receive loop may go on, or None.
        turns: The exception that a loop over turns ends with, where it is another one.
        close_code: The close code of the `ConnectionLost`.
        within_seconds: The virtual time within which everything ends.
        misses: Whether the service keeps a part of the text to itself.
        undelivered: The number of events that come and are in no receive loop.
        only: The operations to run; all if it is empty.
        special: The exceptions of operations that differ.
    """

    fault: str = ""
    behaviour: str = ""
    does: str
    kinds: tuple[SessionKind, ...] = BOTH
    ends: Kind | None = None
    reports: Kind | None = None
    turns: Kind | None = None
    close_code: int | None = None
    within_seconds: float = QUICK_SECONDS
    misses: bool = False
    undelivered: int = 0
    only: tuple[str, ...] = ()
    special: Mapping[str, Kind | None] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """The fault or the behaviour, for messages and the page."""
        return self.fault or self.behaviour or "default"

    @property
    def is_refused(self) -> bool:
        """True if no session is opened."""
        return self.only == ("connect",) and self.ends not in (None, ConnectionLost)

    @property
    def is_lost(self) -> bool:
        """True if the connection ends before the rest of the audio is sent."""
        return self.ends is ConnectionLost

    @property
    def sends(self) -> Kind | None:
        """The exception of what is sent later, or None."""
        return ConnectionLost if self.is_lost else None

    def raised_by(self, name: str) -> Kind | None:
        """Return the exception of an operation, or None."""
        if name in self.special:
            return self.special[name]
        if name in QUIET:
            return None
        if name in RECEIVES:
            return self.ends
        if name in TAKES_TURNS:
            return self.turns or self.ends
        if name == "feed" and self.fault.startswith("silence"):
            return None  # all was sent before the silence meant anything
        return self.sends


def ends(fault: str, does: str, **fields: object) -> STTRow:
    """Return the row of a fault that ends the connection."""
    return STTRow(**{"fault": fault, "does": does, "ends": ConnectionLost, **fields})


def passes(fault: str, does: str, **fields: object) -> STTRow:
    """Return the row of a fault that fails nothing."""
    return STTRow(**{"fault": fault, "does": does, **fields})


def reports(fault: str, kind: Kind, **fields: object) -> STTRow:
    """Return the row of an ``error`` event after which the session goes on."""
    does = "A receive loop raises it, and may be called again; the session continues."
    return STTRow(**{"fault": fault, "does": does, "reports": kind, **fields})


def refused(status: int, kind: Kind) -> STTRow:
    """Return the row of a handshake that is refused with *status*."""
    does = "Entering the block raises the refusal, with its status and request id."
    return STTRow(fault=f"refused_handshake status={status}", does=does, ends=kind, only=CONNECT)


CONNECT: Final = ("connect",)
HERE: Final = "at_frame=4"
ANSWER: Final = "at_frame=6"  # the final piece of the first answer to finalize
CUT: Final = "The session is lost at that moment, after the earlier events; the error has the text."
POLITE: Final = "The session is lost, with any close code; `close_code` has the code."
RUDE: Final = "The code must not be sent, so it violates the protocol: `close_code` is 1002."
NO_PONG: Final = "After 20 s of silence it sends a ping, and 20 s later it ends the connection."
SLOW: Final = "It waits; no event is lost."
UNUSED: Final = "It ignores fields that it does not know, such as a context id."
UNREADABLE: Final = (
    "The message may have been text, so it ends the connection; `RemoteProtocolError` is the cause."
)
UNASKED: Final = (
    "The service ended a session that was not closed, so it ends the connection; "
    "`RemoteProtocolError` is the cause."
)
OUT_OF_ORDER: Final = (
    "A loop over turns ends, because the event may not come there; `receive()` and sending go on."
)
ANSWERED: Final = "The call of `finalize` that it answers raises it, and so does a receive loop."

STT_FAULTS: Final[tuple[STTRow, ...]] = (
    # the connection breaks
    ends(f"reset {HERE}", CUT),
    ends(f"reset {HERE} size_bytes=20", CUT),
    ends("reset at_byte=300", CUT),
    ends(f"fin {HERE}", CUT),
    ends(f"fin {HERE} size_bytes=20", CUT),
    ends("fin at_byte=300", CUT),
    ends("fin at_byte=2", CUT, special={"wait_connected": ConnectionLost}),
    ends(f"truncated_frame {HERE}", CUT),
    ends("truncated_body", CUT, only=CONNECT),
    ends(f"reset {ANSWER}", CUT, kinds=("manual",), only=("finalize", "receive")),
    ends(
        "close at_frame=7 code=1000",
        POLITE,
        close_code=1000,
        kinds=("manual",),
        only=("finalize", "receive", "receive late"),
    ),
    *(
        ends(f"close {HERE} code={code}", POLITE, close_code=code)
        for code in (1000, 1001, 1005, 1011, 1012, 4000)
    ),
    *(ends(f"close {HERE} code={code}", RUDE, close_code=1002) for code in (0, 1006, 1015, 65535)),
    # the connection is slow, or silent
    *(
        ends(f"{fault} {where}", NO_PONG, within_seconds=KEEPALIVE_BOUND)
        for fault in ("stall", "silence")
        for where in (HERE, "at_byte=300")
    ),
    ends(
        f"silence {ANSWER}",
        NO_PONG,
        within_seconds=KEEPALIVE_BOUND,
        kinds=("manual",),
        only=("finalize",),
    ),
    passes(f"stall {HERE} seconds=3", SLOW),
    passes("drip size_bytes=10 seconds=0.01", SLOW),
    passes("latency seconds=0.2", SLOW),
    passes("latency seconds=1", SLOW),
    passes("bandwidth bytes_per_second=1000", SLOW),
    # messages are incorrect
    passes("fragmented_frame size_bytes=10", "It joins the fragments."),
    passes(f"binary_frame {HERE}", "It reads the message like a text message."),
    passes(f"oversized_frame {HERE} size_bytes=100000", "It delivers an `UnknownEvent`."),
    passes(
        f"oversized_frame {HERE} size_bytes=1000000",
        "The event does not fit into the inbox, so the receive loop fails; `finalize`, "
        "`transcript` and sending go on.",
        ends=InboxOverflow,
    ),
    ends(
        f"oversized_frame {HERE}",
        "It closes the connection with 1009, because the message has more than 16 MiB.",
        close_code=1009,
    ),
    ends(f"malformed_json {HERE}", UNREADABLE),
    passes(f"unknown_event {HERE}", "It delivers an `UnknownEvent`, and counts it."),
    passes("unknown_fields", "It ignores the fields."),
    passes(f"bad_base64 {HERE}", "It makes no difference: no event has audio."),
    passes(f"missing_context_id {HERE}", "It makes no difference: no event has a context id."),
    passes(f"unknown_context_id {HERE}", UNUSED),
    ends(f"stray_event {HERE}", UNASKED, undelivered=1),
    passes(
        "duplicate_terminal",
        "The receive loop has ended, so it drops the event.",
        kinds=("manual",),
        undelivered=1,
    ),
    passes(
        "late_frames count=5",
        "The text is in `transcript` alone, because the receive loop ends with `done`.",
        kinds=("manual",),
        undelivered=5,
    ),
    *(
        passes(fault, OUT_OF_ORDER, turns=RemoteProtocolError, kinds=("turns",))
        for fault in ("duplicate_terminal", "late_frames count=5")
    ),
    # errors that the client did not cause
    ends(
        f"quota_exceeded {HERE}",
        "A receive loop raises it; then the service closes the connection.",
        reports=QuotaExceeded,
        close_code=1008,
    ),
    ends(
        f"quota_exceeded {ANSWER}",
        ANSWERED,
        reports=QuotaExceeded,
        close_code=1008,
        kinds=("manual",),
        only=("finalize", "receive"),
        special={"finalize": QuotaExceeded},
    ),
    *(
        reports(f"connection_error {HERE} status={status}", kind)
        for status, kind in ((400, BadRequest), (429, ConcurrencyLimited), (500, ServiceFailed))
    ),
    reports(
        f"connection_error {ANSWER} status=500",
        ServiceFailed,
        does=ANSWERED,
        kinds=("manual",),
        only=("finalize", "receive", "receive late"),
        special={"finalize": ServiceFailed},
    ),
    # before the first event
    *(
        ends(
            f"{fault} at_frame=1",
            "`wait_connected` raises it.",
            kinds=("turns",),
            only=("connect", "wait_connected"),
            within_seconds=KEEPALIVE_BOUND,
            special={"wait_connected": ConnectionLost},
        )
        for fault in ("reset", "stall", "silence", "malformed_json", "close")
    ),
    # the response to the handshake
    refused(400, BadRequest),
    refused(401, AuthenticationFailed),
    refused(402, QuotaExceeded),
    refused(429, ConcurrencyLimited),
    refused(503, ServiceFailed),
    *(
        STTRow(
            fault=fault,
            does=does,
            ends=ConnectFailed,
            within_seconds=CONNECT_BOUND,
            only=CONNECT,
        )
        for fault, does in (
            ("stalled_handshake", "It stops waiting after 30 s."),
            ("stalled_handshake size_bytes=20", "It stops waiting after 30 s."),
            ("garbage_handshake", "The response is not valid HTTP."),
        )
    ),
)


def stt_cells(rows: tuple[STTRow, ...]) -> Iterator[tuple[STTRow, SessionKind, str]]:
    """Yield every row with every session and operation that it is tried with."""
    for row in rows:
        for kind in row.kinds:
            for name in OPERATIONS[kind]:
                if name in (row.only or OPERATIONS[kind]):
                    yield row, kind, name
