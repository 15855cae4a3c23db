"""
What the service does where the protocol is open.

Row numbers are those of protocol §7.1. The defaults are the best guesses of that table, and every
field is honoured, so that a client can be tried against the other readings.
"""

from __future__ import annotations

from typing import Final

import attrs
from attrs.validators import ge, gt, in_

__all__ = ["Behaviour"]

MIB: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Behaviour:
    """
    One reading of the protocol, and the limits of the service.

    Attributes:
        flush_id_base: The first ``flush_id`` of a context (T1).
        auto_flush_done: Whether each input is followed by ``flush_done`` when
            ``max_buffer_delay_ms`` is 0 (T2).
        timestamps_first: Whether the times of a piece precede its first chunk, or follow it (T3).
        done_status: The ``status_code`` of ``done`` (T5).
        cancel_trailing_chunks: How many chunks of the running generation may still be sent
            after a cancel (T7).
        expiry_seconds: A context without text ends so long after its last input or output (T17).
        times_real_time: How many times faster than it plays a context's audio is made, after its
            first chunk; infinity for as fast as it can be (protocol §2.13).
        idle_seconds: A connection without messages is closed after that time (T22, T23).
        chunk_bytes: The most audio in one chunk; chunks hold whole frames (T24).
        max_message_bytes: A longer message closes the connection with 1009 (T24).
        max_waiting_characters: The most text that may wait in one context (T24).
        remembered_contexts: How many ended ids a connection knows, to refuse late inputs (T9).
            An older id opens a new context.
    """

    flush_id_base: int = attrs.field(default=1, validator=ge(0))
    auto_flush_done: bool = True
    timestamps_first: bool = False
    done_status: int = attrs.field(default=206, validator=in_((200, 206)))
    cancel_trailing_chunks: int = attrs.field(default=2, validator=ge(0))
    expiry_seconds: float = attrs.field(default=1.0, validator=ge(0))
    times_real_time: float = attrs.field(default=100.0, validator=gt(0))
    idle_seconds: float = attrs.field(default=300.0, validator=ge(0))
    chunk_bytes: int = attrs.field(default=16 * 1024, validator=ge(4))
    max_message_bytes: int = attrs.field(default=MIB, validator=ge(1))
    max_waiting_characters: int = attrs.field(default=MIB, validator=ge(1))
    remembered_contexts: int = attrs.field(default=10_000, validator=ge(0))
