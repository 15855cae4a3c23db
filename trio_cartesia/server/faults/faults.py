"""The faults that the service can inject, and their parameters.

A `Fault` is checked against the table `FAULTS`, which docs/how-to/faults.md shows to users.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from trio_cartesia.server.faults.syntax import parse_items

__all__ = ["FAULTS", "Fault", "FaultKind", "checked_faults"]

MIB: Final = 1024 * 1024
MAX_FAULTS: Final = 16  # per request
MAX_REASON_BYTES: Final = 123  # RFC 6455 §5.5
REQUIRED: Final = object()

# of each parameter: its type, its least and its greatest value
RANGES: Final[Mapping[str, tuple[type, float, float]]] = {
    "at_frame": (int, 1, 10**9),
    "at_byte": (int, 0, 10**12),
    "context_id": (str, 0, math.inf),
    "code": (int, 0, 65_535),
    "reason": (str, 0, MAX_REASON_BYTES),
    "status": (int, 200, 599),
    "seconds": (float, 0, 3600),
    "bytes_per_second": (float, 1, 10**12),
    "size_bytes": (int, 0, 64 * MIB),
    "count": (int, 1, 1000),
}


@attrs.frozen
class FaultKind:
    """A kind of fault.

    Attributes:
        summary: Its effect, in one sentence.
        defaults: Its parameters with their defaults; the default None omits the parameter.
    """

    summary: str
    defaults: Mapping[str, Any]


_AT: Final = {"at_frame": None, "at_byte": None}
_HERE: Final = {"at_frame": 1, "context_id": None}
_ANYWHERE: Final = {**_AT, "context_id": None}

FAULTS: Final[Mapping[str, FaultKind]] = {
    # the connection breaks
    "reset": FaultKind(
        "A TCP reset after `size_bytes` of the frame.", {**_ANYWHERE, "size_bytes": 0}
    ),
    "fin": FaultKind(
        "The stream ends without a close frame (and without TLS's `close_notify`) after "
        "`size_bytes` of the frame.",
        {**_ANYWHERE, "size_bytes": 0},
    ),
    "truncated_frame": FaultKind(
        "The stream ends inside a frame, after `size_bytes` of it; after half of it if not given.",
        {**_HERE, "size_bytes": None},
    ),
    "close": FaultKind(
        "A close frame with any code instead of the message; 1005 for one without a code.",
        {**_HERE, "code": 1011, "reason": ""},
    ),
    "truncated_body": FaultKind(
        "The stream ends after `at_byte` bytes of an HTTP response's body.", {"at_byte": 0}
    ),
    # the connection is slow or silent
    "stall": FaultKind(
        "Nothing is sent and nothing is read any more, for `seconds` or forever; with a "
        "`context_id`, only that context is silent.",
        {**_ANYWHERE, "seconds": None},
    ),
    "silence": FaultKind(
        "Half-open: what the peer sends is read, and nothing is sent any more; with a "
        "`context_id`, nothing of that context.",
        _ANYWHERE,
    ),
    "drip": FaultKind(
        "Everything is sent in pieces of `size_bytes`, one every `seconds`.",
        {**_AT, "seconds": 0.1, "size_bytes": 1},
    ),
    "latency": FaultKind(
        "Everything is sent `seconds` later; with a `context_id`, each message of that "
        "context is delayed by that time.",
        {**_ANYWHERE, "seconds": REQUIRED},
    ),
    "bandwidth": FaultKind(
        "At most `bytes_per_second` are sent.", {**_AT, "bytes_per_second": REQUIRED}
    ),
    # messages are malformed, or not expected
    "fragmented_frame": FaultKind(
        "The message is sent in fragments of `size_bytes`; every message if `at_frame` is "
        "not given.",
        {"at_frame": None, "context_id": None, "size_bytes": 100},
    ),
    "binary_frame": FaultKind("The message is sent in a binary frame.", _HERE),
    "oversized_frame": FaultKind(
        "An event of unknown type with `size_bytes` is sent before the message.",
        {**_HERE, "size_bytes": 32 * MIB},
    ),
    "malformed_json": FaultKind(
        "The message is cut in the middle, so that it is not valid JSON.", _HERE
    ),
    "bad_base64": FaultKind(
        "The `data` of the first chunk from there on is not valid base64.", _HERE
    ),
    "unknown_event": FaultKind("An event of unknown type is sent before the message.", _HERE),
    "unknown_fields": FaultKind(
        "The message has unknown fields; every message if `at_frame` is not given.",
        {"at_frame": None, "context_id": None},
    ),
    "missing_context_id": FaultKind("The message lacks its context id.", _HERE),
    "unknown_context_id": FaultKind(
        "The message has the id of a context that does not exist.", _HERE
    ),
    "stray_event": FaultKind(
        "A `done` for a context that does not exist is sent before the message.", _HERE
    ),
    "duplicate_terminal": FaultKind(
        "The terminal event is sent twice; for every context if `context_id` is not given.",
        {"context_id": None},
    ),
    "late_frames": FaultKind(
        "`count` chunks are sent after the terminal event; for every context if `context_id` "
        "is not given.",
        {"context_id": None, "count": 1},
    ),
    # errors that the client did not cause
    "quota_exceeded": FaultKind(
        "The credits run out: the context ends with `error` 402 `quota_exceeded` instead of the "
        "message.",
        _HERE,
    ),
    "connection_error": FaultKind(
        "An `error` without a context id is sent before the message.", {**_HERE, "status": 500}
    ),
    # the response to a handshake or to any other request
    "refused_handshake": FaultKind("The response is an error with that `status`.", {"status": 503}),
    "stalled_handshake": FaultKind(
        "The response stops forever after `size_bytes` of its head.", {"size_bytes": 0}
    ),
    "garbage_handshake": FaultKind(
        "Instead of a response, `size_bytes` of garbage are sent, and the stream ends.",
        {"size_bytes": 64},
    ),
}


@attrs.frozen(kw_only=True, repr=False)
class Fault:
    """A fault for the service to inject.

    Each fault takes some of these parameters; `FAULTS` lists them with their defaults, which fill
    in the parameters that are not given.

    Attributes:
        name: One of `FAULTS`.
        at_frame: Inject it at the n-th text message that the service would send on the
            connection, or for the context if there is a ``context_id``; counted from 1.
        at_byte: Inject it after this many bytes of the stream after the handshake, or of the body
            of an HTTP response.
        context_id: The context to inject it into, or whose message triggers it.
        code: The code in the close frame.
        reason: The reason in the close frame.
        status: The status of the HTTP response, or the ``status_code`` of the event.
        seconds: A duration; see `FAULTS`.
        bytes_per_second: The bandwidth.
        size_bytes: A size; see `FAULTS`.
        count: A number of messages.

    Raises:
        ValueError: There is no such fault, it has no such parameter, or the value is out of range.
        TypeError: The value is of the wrong type.

    Example::

        from trio_cartesia.server import Fault

        one, two = Fault.read("close at_frame=3 code=1013, latency seconds=0.1")
        assert one == Fault(name="close", at_frame=3, code=1013)
        assert two == Fault(name="latency", seconds=0.1)
    """

    name: str
    at_frame: int | None = None
    at_byte: int | None = None
    context_id: str | None = None
    code: int | None = None
    reason: str | None = None
    status: int | None = None
    seconds: float | None = None
    bytes_per_second: float | None = None
    size_bytes: int | None = None
    count: int | None = None

    def __attrs_post_init__(self) -> None:
        kind = FAULTS.get(self.name)
        if kind is None:
            raise ValueError(
                f"no fault is called {self.name[:40]!r}; there are {', '.join(FAULTS)}"
            )
        for field in RANGES:
            value = getattr(self, field)
            if value is None:
                default = kind.defaults.get(field)
                if default is REQUIRED:
                    raise ValueError(f"{self.name} needs {field}")
                object.__setattr__(self, field, default)  # frozen only after this
            elif field not in kind.defaults:
                takes = ", ".join(kind.defaults) or "no parameters"
                raise ValueError(f"{self.name} has no {field}; it takes {takes}")
            else:
                object.__setattr__(self, field, _checked(f"{self.name}: {field}", field, value))
        self._check_position()

    def __repr__(self) -> str:
        fields = attrs.asdict(self, filter=lambda _, value: value is not None)
        return f"Fault({', '.join(f'{name}={value!r}' for name, value in fields.items())})"

    def _check_position(self) -> None:
        if self.at_byte is not None and (self.at_frame or self.context_id) is not None:
            raise ValueError(f"{self.name}: at_byte goes with neither at_frame nor context_id")
        if self.size_bytes == 0 and self.name in ("drip", "fragmented_frame"):
            raise ValueError(f"{self.name}: size_bytes must be at least 1")

    @classmethod
    def read(cls, text: str) -> tuple[Fault, ...]:
        """Parse *text*: names with parameters, separated by commas.

        Values with white space or commas are in double quotes.

        Raises:
            ValueError: The syntax is wrong, a fault or a parameter does not exist, or there are too
                many faults.
        """
        faults: list[Fault] = []
        for name, written in parse_items(text):
            if len(faults) == MAX_FAULTS:
                raise ValueError(f"there are more than {MAX_FAULTS} faults")
            values = {key: _converted(name, key, value) for key, value in written.items()}
            faults.append(cls(name=name, **values))
        return tuple(faults)


def _converted(name: str, key: str, written: str) -> Any:
    if key not in RANGES:
        raise ValueError(f"{name} has no parameter {key}")
    kind = RANGES[key][0]
    try:
        return kind(written)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name}: {key} must be {expected}, not {written!r}") from None


def _checked(what: str, field: str, value: Any) -> Any:
    kind, least, most = RANGES[field]
    if kind is str:
        if not isinstance(value, str):
            raise TypeError(f"{what} must be a string")
        if len(value.encode(errors="replace")) > most:
            raise ValueError(f"{what} has more than {most} bytes")
        return value
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise TypeError(f"{what} must be {'a whole number' if kind is int else 'a number'}")
    if not least <= value <= most:
        raise ValueError(f"{what} must be between {least:,} and {most:,}")
    return kind(value)


def checked_faults(faults: Iterable[object]) -> tuple[Fault, ...]:
    """Return *faults*, which may come from a caller who does not check types.

    Raises:
        TypeError: There is something else among them.
    """
    checked = []
    for fault in faults:
        if not isinstance(fault, Fault):
            kind = type(fault).__name__
            raise TypeError(f"faults must be Fault objects, not {kind}; Fault.read() parses a text")
        checked.append(fault)
    return tuple(checked)
