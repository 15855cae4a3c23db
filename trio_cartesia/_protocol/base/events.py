"""Events that any WebSocket of the service may send, and what reprs show of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import attrs

__all__ = ["ErrorEvent", "UnknownEvent", "size_of"]


def size_of(value: object) -> str:
    """Return the size of a value, for reprs that must not show its contents."""
    unit = "bytes" if isinstance(value, bytes) else "items"
    return f"<{len(value)} {unit}>" if isinstance(value, (bytes, tuple, Mapping)) else "<...>"


@attrs.frozen(kw_only=True)
class ErrorEvent:
    """An error of a context, of an unknown one or of a session; it is raised, never delivered.

    Attributes:
        context_id: The context, if there is one and the service could attribute the error.
        fields: The event's members as they came, of either generation (protocol §1.7).
    """

    type: ClassVar[Literal["error"]] = "error"

    context_id: str | None
    fields: Mapping[str, object] = attrs.field(repr=size_of)


@attrs.frozen(kw_only=True)
class UnknownEvent:
    """An event of a type that this release does not know; it is delivered and counted.

    Attributes:
        context_id: The context id in the event, or None.
        wire_type: Its ``type`` on the wire.
        fields: Its members as they came.
    """

    type: ClassVar[Literal["unknown"]] = "unknown"

    context_id: str | None
    wire_type: str
    fields: Mapping[str, object] = attrs.field(repr=size_of)
