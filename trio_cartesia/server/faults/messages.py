"""Faults in the messages of one WebSocket.

Every message becomes a `PlannedMessage`, which the faults change in the order in which they were
requested; `WebSocket` sends the result.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.injector import ENDINGS, SHAPING
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.server.messages.errors import APIError, ErrorBody

__all__ = ["MessageFaults", "PlannedMessage", "check_refused_handshake"]

UNKNOWN_CONTEXT: Final = "context-that-nobody-opened"
SURPRISE: Final[Mapping[str, Any]] = {"surprise": {"numbers": [1, 2.5, None], "text": "ü"}}
NOT_BASE64: Final = "%%% no base64 %%%"
SILENT_AUDIO: Final = "AAAA" * 80
# the last events on speech-to-text (protocol §4.3, §4.4), and what a late event there differs in
SPEECH_TO_TEXT_ENDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "done": {"type": "transcript", "is_final": True, "text": " late"},
    "turn.end": {"type": "turn.update"},
}
QUOTA: Final = ErrorBody(  # protocol §2.11
    status=402,
    title="Quota exceeded",
    message="The account has no credits left.",
    code="quota_exceeded",
)

MakeErrorEvent = Callable[..., dict[str, Any]]  # `error_event` or `transcription_error_event`

to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


@attrs.define(eq=False)
class PlannedMessage:
    """A message that is about to be sent, and the changes that faults make to it.

    Attributes:
        event: The event in the message.
        text: The message, which is the event in JSON unless a fault damages it.
        before: Messages to send first.
        after: Messages to send afterwards.
        error: An error that ends the context instead of the message; None if there is none.
        wait_seconds: A delay, during which other messages are sent.
        flood_bytes: The size of an event of unknown type to send first, if any.
        fragment_bytes: The size of its fragments; None for one frame.
        is_binary: Whether it is sent in a binary frame.
        is_dropped: Whether it is not sent at all.
        stream_faults: Faults of the connection that happen just before the message, or inside it.
    """

    event: dict[str, Any]
    text: str
    before: list[str] = attrs.field(factory=list)
    after: list[str] = attrs.field(factory=list)
    error: APIError | None = None
    wait_seconds: float = 0.0
    flood_bytes: int | None = None
    fragment_bytes: int | None = None
    is_binary: bool = False
    is_dropped: bool = False
    stream_faults: list[Fault] = attrs.field(factory=list)

    def similar_event(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return an event of that type, for the same context if there is one."""
        known = {key: self.event[key] for key in ("context_id",) if key in self.event}
        return {"type": kind, **known, "status_code": 206, "done": False, **fields}

    def replace(self, **fields: Any) -> None:
        """Change fields of the event."""
        self.event = {**self.event, **fields}
        self.text = to_json(self.event)


@attrs.define(eq=False)
class ArmedFault:
    """A fault that waits for its message.

    Attributes:
        seen: The number of messages so far that count for `Fault.at_frame`.
    """

    fault: Fault
    seen: int = 0
    has_happened: bool = False

    def is_due(self, event: Mapping[str, Any]) -> bool:
        """Count *event*, and return whether the fault happens to it."""
        fault = self.fault
        if fault.context_id is not None and event.get("context_id") != fault.context_id:
            return False
        if fault.name in TERMINAL:
            return event.get("done") is True or event.get("type") in SPEECH_TO_TEXT_ENDS
        if fault.name == "quota_exceeded" and event.get("type") == "error":
            return False  # the context is ending already
        self.seen += 1
        if fault.at_frame is None:
            return True
        if self.seen < fault.at_frame or (fault.name == "bad_base64" and "data" not in event):
            return False
        is_first, self.has_happened = not self.has_happened, True
        return is_first or self._lasts

    @property
    def _lasts(self) -> bool:
        """True if it affects every later message of its context, too."""
        name, is_endless = self.fault.name, self.fault.seconds is None
        lasts = name in ("latency", "silence") or (name == "stall" and is_endless)
        return lasts and self.fault.context_id is not None


@attrs.define(eq=False)
class MessageFaults:
    """The faults of one WebSocket that change its messages, or happen when one is due.

    Attributes:
        stream: The stream that injects byte-level faults.
    """

    stream: FaultyStream
    _armed: list[ArmedFault]
    _version: str
    _request_id: str
    _make_error: MakeErrorEvent

    @classmethod
    def of(
        cls,
        faults: Iterable[Fault],
        *,
        stream: FaultyStream,
        version: str,
        request_id: str,
        make_error: MakeErrorEvent,
    ) -> MessageFaults | None:
        """Return the faults in *faults* that concern messages; None if there are none."""
        armed = [ArmedFault(_with_position(fault)) for fault in faults if _concerns_messages(fault)]
        return cls(stream, armed, version, request_id, make_error) if armed else None

    def plan(self, message: str) -> PlannedMessage:
        """Return the next message with the changes that faults make to it."""
        event = json.loads(message)
        planned = PlannedMessage(event, message)
        for armed in self._armed:
            if armed.is_due(event):
                self._change(armed.fault, planned)
        return planned

    def _change(self, fault: Fault, planned: PlannedMessage) -> None:
        if fault.name == "quota_exceeded":
            planned.error = APIError(QUOTA, planned.event.get("context_id"))
        elif fault.name == "connection_error":
            error = error_of(fault)
            about = {"version": self._version, "request_id": self._request_id}
            event = self._make_error(error, **about)
            planned.before.append(to_json(event))
        elif fault.name in CHANGES:
            CHANGES[fault.name](fault, planned)
        elif fault.context_id is not None and fault.name in ("stall", "silence", "latency"):
            _delay_or_drop(fault, planned)
        else:
            planned.stream_faults.append(fault)


def error_of(fault: Fault) -> ErrorBody:
    """Return the error that the service would send with the status of *fault*."""
    status = 500 if fault.status is None else fault.status
    if status == QUOTA.status:
        return QUOTA
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    code = "concurrency_limited" if status == 429 else None  # protocol §1.8
    return ErrorBody(status=status, title=phrase, message="A fault that was requested.", code=code)


def _concerns_messages(fault: Fault) -> bool:
    if fault.name in SHAPING:
        return fault.at_frame is not None or fault.context_id is not None
    if fault.name in ENDINGS or fault.name in ("stall", "silence"):
        return fault.at_byte is None
    return fault.name in CHANGES or fault.name in ("quota_exceeded", "connection_error", "close")


def _with_position(fault: Fault) -> Fault:
    is_everywhere = fault.name in ("fragmented_frame", "unknown_fields") or fault.name in TERMINAL
    if fault.at_frame is None and not is_everywhere:
        return attrs.evolve(fault, at_frame=1)
    return fault


def _delay_or_drop(fault: Fault, planned: PlannedMessage) -> None:
    seconds = math.inf if fault.seconds is None else fault.seconds
    if fault.name == "silence" or (seconds == math.inf and planned.event["type"] == "error"):
        planned.is_dropped = True  # the receiving task sends errors, and must not wait forever
    else:
        planned.wait_seconds += seconds


def _fragment(fault: Fault, planned: PlannedMessage) -> None:
    planned.fragment_bytes = fault.size_bytes


def _make_binary(_: Fault, planned: PlannedMessage) -> None:
    planned.is_binary = True


def _flood(fault: Fault, planned: PlannedMessage) -> None:
    planned.flood_bytes = fault.size_bytes


def _truncate_json(_: Fault, planned: PlannedMessage) -> None:
    planned.text = planned.text[: len(planned.text) // 2]


def _corrupt_base64(_: Fault, planned: PlannedMessage) -> None:
    planned.replace(data=NOT_BASE64)


def _add_unknown_event(_: Fault, planned: PlannedMessage) -> None:
    planned.before.append(to_json(planned.similar_event("surprise", **SURPRISE)))


def _add_fields(_: Fault, planned: PlannedMessage) -> None:
    planned.replace(**SURPRISE)


def _drop_context_id(_: Fault, planned: PlannedMessage) -> None:
    planned.event = {key: planned.event[key] for key in planned.event if key != "context_id"}
    planned.replace()


def _replace_context_id(_: Fault, planned: PlannedMessage) -> None:
    planned.replace(context_id=UNKNOWN_CONTEXT)


def _add_stray_event(_: Fault, planned: PlannedMessage) -> None:
    event = planned.similar_event("done", context_id=UNKNOWN_CONTEXT, done=True)
    planned.before.append(to_json(event))


def _duplicate(_: Fault, planned: PlannedMessage) -> None:
    planned.after.append(planned.text)


def _add_late_chunks(fault: Fault, planned: PlannedMessage) -> None:
    kind = str(planned.event["type"])
    if "context_id" in planned.event or kind not in SPEECH_TO_TEXT_ENDS:
        event = planned.similar_event("chunk", step_time=0.0, flush_id=1, data=SILENT_AUDIO)
    else:
        event = {**planned.event, **SPEECH_TO_TEXT_ENDS[kind]}
    planned.after += [to_json(event)] * (fault.count or 1)


CHANGES: Final[Mapping[str, Callable[[Fault, PlannedMessage], None]]] = {
    "fragmented_frame": _fragment,
    "binary_frame": _make_binary,
    "oversized_frame": _flood,
    "malformed_json": _truncate_json,
    "bad_base64": _corrupt_base64,
    "unknown_event": _add_unknown_event,
    "unknown_fields": _add_fields,
    "missing_context_id": _drop_context_id,
    "unknown_context_id": _replace_context_id,
    "stray_event": _add_stray_event,
    "duplicate_terminal": _duplicate,
    "late_frames": _add_late_chunks,
}
TERMINAL: Final = frozenset({"duplicate_terminal", "late_frames"})


def check_refused_handshake(faults: Iterable[Fault]) -> None:
    """Raise the error of the fault ``refused_handshake``, if it is among *faults*.

    Raises:
        APIError: The fault is among them.
    """
    for fault in faults:
        if fault.name == "refused_handshake":
            raise APIError(error_of(fault))
