"""
What goes wrong with the messages of one WebSocket.

Every message that is to be sent becomes an `Outgoing`, which the faults change in the order in
which they were asked for; `WebSocket` sends what came of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.injector import ENDINGS, SLOWNESS
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.server.messages.errors import Refusal, Refused, error_event

__all__ = ["FrameFaults", "Outgoing", "refuse_as_asked"]

NOBODY_S_CONTEXT: Final = "context-that-nobody-opened"
SURPRISE: Final[Mapping[str, Any]] = {"surprise": {"numbers": [1, 2.5, None], "text": "ü"}}
NOT_BASE64: Final = "%%% no base64 %%%"
SILENT_AUDIO: Final = "AAAA" * 80
QUOTA: Final = Refusal(  # protocol §2.11
    status=402,
    title="Quota exceeded",
    message="The account has no credits left.",
    code="quota_exceeded",
)

to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


@attrs.define(eq=False)
class Outgoing:
    """
    A message that is about to be sent, and what is to become of it.

    Attributes:
        event: What the service has to say.
        text: The message, if it is no longer that event.
        before: Messages that go out first.
        after: Messages that follow.
        refused: Why its context ends instead, if it does.
        wait_seconds: How long it waits, while others may go ahead.
        flood_bytes: The size of a message of no meaning that goes out first, if there is one.
        fragment_bytes: The size of its fragments, if it has any.
        is_binary: Whether its frame is.
        is_dropped: Whether it never goes out.
        strikes: What happens to the connection just before it, or inside it.
    """

    event: dict[str, Any]
    text: str
    before: list[str] = attrs.field(factory=list)
    after: list[str] = attrs.field(factory=list)
    refused: Refused | None = None
    wait_seconds: float = 0.0
    flood_bytes: int | None = None
    fragment_bytes: int | None = None
    is_binary: bool = False
    is_dropped: bool = False
    strikes: list[Fault] = attrs.field(factory=list)

    def like(self, kind: str, **fields: Any) -> dict[str, Any]:
        """
        Return an event of the same context, if there is one.
        """
        known = {key: self.event[key] for key in ("context_id",) if key in self.event}
        return {"type": kind, **known, "status_code": 206, "done": False, **fields}

    def replace(self, **fields: Any) -> None:
        """
        Change fields of the event.
        """
        self.event = {**self.event, **fields}
        self.text = to_json(self.event)


@attrs.define(eq=False)
class Watch:
    """
    One fault, and how many of the messages that it looks at have come by.
    """

    fault: Fault
    seen: int = 0
    has_happened: bool = False

    def is_due(self, event: Mapping[str, Any]) -> bool:
        """
        Count *event*, and return whether the fault is to happen to it.
        """
        fault = self.fault
        if fault.context_id is not None and event.get("context_id") != fault.context_id:
            return False
        if fault.name in TERMINAL:
            return event.get("done") is True
        if fault.name == "quota_exceeded" and event.get("type") == "error":
            return False  # that context has ended already
        self.seen += 1
        if fault.at_frame is None:
            return True
        if self.seen < fault.at_frame or (fault.name == "bad_base64" and "data" not in event):
            return False
        is_first, self.has_happened = not self.has_happened, True
        return is_first or self._lasts

    @property
    def _lasts(self) -> bool:
        """
        Whether it is done to each message of its context, from the first one on.
        """
        name, is_endless = self.fault.name, self.fault.seconds is None
        lasts = name in ("latency", "silence") or (name == "stall" and is_endless)
        return lasts and self.fault.context_id is not None


@attrs.define(eq=False)
class FrameFaults:
    """
    The faults of one WebSocket that happen to its messages, or when one of them is due.

    Attributes:
        stream: Where those happen that are the connection's.
    """

    stream: FaultyStream
    _watches: list[Watch]
    _version: str
    _request_id: str

    @classmethod
    def of(
        cls, faults: Iterable[Fault], *, stream: FaultyStream, version: str, request_id: str
    ) -> FrameFaults | None:
        """
        Return those of *faults* that have to do with messages; None if there is none.
        """
        watches = [Watch(_placed(fault)) for fault in faults if _is_ours(fault)]
        return cls(stream, watches, version, request_id) if watches else None

    def plan(self, message: str) -> Outgoing:
        """
        Return what is to become of the next message.
        """
        event = json.loads(message)
        outgoing = Outgoing(event, message)
        for watch in self._watches:
            if watch.is_due(event):
                self._change(watch.fault, outgoing)
        return outgoing

    def _change(self, fault: Fault, outgoing: Outgoing) -> None:
        if fault.name == "quota_exceeded":
            outgoing.refused = Refused(QUOTA, outgoing.event.get("context_id"))
        elif fault.name == "connection_error":
            refusal = refusal_of(fault)
            about = {"version": self._version, "request_id": self._request_id}
            event = error_event(refusal, context_id=None, **about)
            outgoing.before.append(to_json(event))
        elif fault.name in CHANGES:
            CHANGES[fault.name](fault, outgoing)
        elif fault.context_id is not None and fault.name in ("stall", "silence", "latency"):
            _hold_back(fault, outgoing)
        else:
            outgoing.strikes.append(fault)


def refusal_of(fault: Fault) -> Refusal:
    """
    Return the refusal that has the status of *fault*, as the service would say it.
    """
    status = 500 if fault.status is None else fault.status
    if status == QUOTA.status:
        return QUOTA
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    code = "concurrency_limited" if status == 429 else None  # protocol §1.8
    return Refusal(status=status, title=phrase, message="A fault that was asked for.", code=code)


def _is_ours(fault: Fault) -> bool:
    if fault.name in SLOWNESS:
        return fault.at_frame is not None or fault.context_id is not None
    if fault.name in ENDINGS or fault.name in ("stall", "silence"):
        return fault.at_byte is None
    return fault.name in CHANGES or fault.name in ("quota_exceeded", "connection_error", "close")


def _placed(fault: Fault) -> Fault:
    is_everywhere = fault.name in ("fragmented_frame", "unknown_fields") or fault.name in TERMINAL
    if fault.at_frame is None and not is_everywhere:
        return attrs.evolve(fault, at_frame=1)
    return fault


def _hold_back(fault: Fault, outgoing: Outgoing) -> None:
    seconds = math.inf if fault.seconds is None else fault.seconds
    if fault.name == "silence" or (seconds == math.inf and outgoing.event["type"] == "error"):
        outgoing.is_dropped = True  # nobody waits for ever who has others to answer
    else:
        outgoing.wait_seconds += seconds


def _fragment(fault: Fault, outgoing: Outgoing) -> None:
    outgoing.fragment_bytes = fault.size_bytes


def _go_binary(_: Fault, outgoing: Outgoing) -> None:
    outgoing.is_binary = True


def _flood(fault: Fault, outgoing: Outgoing) -> None:
    outgoing.flood_bytes = fault.size_bytes


def _cut_json(_: Fault, outgoing: Outgoing) -> None:
    outgoing.text = outgoing.text[: len(outgoing.text) // 2]


def _spoil_base64(_: Fault, outgoing: Outgoing) -> None:
    outgoing.replace(data=NOT_BASE64)


def _surprise(_: Fault, outgoing: Outgoing) -> None:
    outgoing.before.append(to_json(outgoing.like("surprise", **SURPRISE)))


def _add_fields(_: Fault, outgoing: Outgoing) -> None:
    outgoing.replace(**SURPRISE)


def _drop_context_id(_: Fault, outgoing: Outgoing) -> None:
    outgoing.event = {key: outgoing.event[key] for key in outgoing.event if key != "context_id"}
    outgoing.replace()


def _misdirect(_: Fault, outgoing: Outgoing) -> None:
    outgoing.replace(context_id=NOBODY_S_CONTEXT)


def _stray(_: Fault, outgoing: Outgoing) -> None:
    event = outgoing.like("done", context_id=NOBODY_S_CONTEXT, done=True)
    outgoing.before.append(to_json(event))


def _repeat(_: Fault, outgoing: Outgoing) -> None:
    outgoing.after.append(outgoing.text)


def _be_late(fault: Fault, outgoing: Outgoing) -> None:
    event = outgoing.like("chunk", step_time=0.0, flush_id=1, data=SILENT_AUDIO)
    outgoing.after += [to_json(event)] * (fault.count or 1)


CHANGES: Final[Mapping[str, Callable[[Fault, Outgoing], None]]] = {
    "fragmented_frame": _fragment,
    "binary_frame": _go_binary,
    "oversized_frame": _flood,
    "malformed_json": _cut_json,
    "bad_base64": _spoil_base64,
    "unknown_event": _surprise,
    "unknown_fields": _add_fields,
    "missing_context_id": _drop_context_id,
    "unknown_context_id": _misdirect,
    "stray_event": _stray,
    "duplicate_terminal": _repeat,
    "late_frames": _be_late,
}
TERMINAL: Final = frozenset({"duplicate_terminal", "late_frames"})


def refuse_as_asked(faults: Iterable[Fault]) -> None:
    """
    Refuse the request if one of *faults* is that.

    Raises:
        Refused: With the status that was asked for.
    """
    for fault in faults:
        if fault.name == "refused_handshake":
            raise Refused(refusal_of(fault))
