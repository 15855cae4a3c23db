"""The behaviour of the service where the protocol is open.

Row numbers are those of protocol §7.1 (T), §7.2 (S) and §7.3 (R). The defaults are the best guesses
of those tables. Every field takes effect, so that a client can be tested against other readings.
"""

from __future__ import annotations

from typing import Final, Literal

import attrs

from trio_cartesia.server.behaviour.fields import (
    choice,
    close_code,
    flag,
    integer,
    number,
    parse_changes,
)

__all__ = ["Behaviour"]

MIB: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Behaviour:
    """One reading of the protocol, and the limits of the service.

    A value that a field does not allow raises `ValueError`, which names the field.

    Attributes:
        flush_id_base: The first ``flush_id`` of a context (T1).
        flush_id_always: Whether audio and times carry a ``flush_id`` before the context's first
            ``flush_done`` (T1).
        auto_flush_done: Whether each input is followed by ``flush_done`` when
            ``max_buffer_delay_ms`` is 0 (T2).
        timestamps_first: Whether the times of a piece precede its first chunk, or follow it (T3).
        times_per_segment: Whether times start again at 0 after a flush (T4).
        done_status: The ``status_code`` of ``done``: 206 or 200 (T5).
        cancel_ends_with: The last event of a cancelled context: ``done``, ``error`` or
            ``nothing`` (T6).
        cancel_trailing_chunks: How many chunks of the running generation may still be sent
            after a cancel (T7).
        cancel_unknown: The reaction to a cancel of an id that is unknown or has ended: ``ignore``
            for none, ``error`` for a 400 (T8).
        late_input: The reaction to an input whose context has had its final input, was cancelled
            or has ended (T9). ``error`` refuses it, which ends the context if it still speaks;
            ``ignore`` drops it; ``new_context`` speaks it in a new context of the same id, once
            the old one has ended.
        strict_context_fields: Whether text with another model, voice, language or format ends its
            context with an error; otherwise the context's own are used (T11).
        empty_context: The reaction to a first input that is final and empty: ``error`` or
            ``done`` (T12).
        wordless_start: The reaction to a first text on a WebSocket that contains only white space
            and punctuation: ``speak`` as for any other text, or ``error`` for a 400, after which
            the id cannot be used again (protocol §6a E4, §7.1 T12). Symbols such as ``$`` and emoji
            count as words. Speech over HTTP is not affected.
        empty_input: The reaction to an input that is empty and neither final nor a flush:
            ``ignore`` for none, ``error`` for a 400 (T13).
        empty_flush: The reaction to a flush without text before it: ``flush_done``, or
            ``nothing`` (T14).
        buffer_timer: The text that the buffer delay counts from: the ``first`` that waits, or the
            ``last`` received (T16).
        expiry_seconds: The time after its last input or output at which a context without text
            ends (T17).
        expiry_done: Whether a context that expires ends with ``done``, or without an event (T17).
        done_after_error: Whether ``done`` follows the error that ends a context (T18).
        close_on_error: Whether any error closes the connection: with 1011 if the status is 500 or
            above, else with 1008 (T19).
        error_without_context: Whether errors omit their ``context_id`` (T20).
        limit_error_has_context: Whether a 429 carries the ``context_id`` (T21).
        ping_resets_idle: Whether a ping counts as traffic (T22).
        idle_seconds: The time without messages after which a connection is closed (T23). A limit.
        idle_close: The close code for an idle connection (T23).
        chunk_bytes: The most audio in one chunk (T24).
        max_message_bytes: The longest message; a longer one closes the connection with 1009 (T24).
            A limit.
        max_waiting_characters: The most text that may wait in one context (T24). A limit.
        range_errors: The reaction to a speed, volume or buffer delay out of range: ``error`` for
            a 400, ``clamp`` for the nearest allowed value (T26).
        deflate: Whether ``permessage-deflate`` is accepted if it is offered (T27).
        misaligned_chunks: Whether chunks may end within a sample (T29).
        accept_mode: Whether ``"mode": "id"`` is allowed beside a voice's id in the versions that
            have no modes (T30).
        normalized_default: The default of ``use_normalized_timestamps`` (T32).
        unknown_emotion: The reaction to an unknown emotion: ``error`` for a 400, ``ignore`` for a
            neutral voice (protocol §2.2.1).
        binary_frame: The reaction to a binary message: an ``error``, or a ``close`` with 1003
            (protocol §2.11).
        missing_version: The reaction to a request without a version: ``current`` to use the
            current one, or an ``error`` (R1).
        unknown_voice: The reaction to a valid voice id that is not in the catalogue: ``speak``,
            because an account may have voices of its own, or ``error`` for a 404 (protocol §1.2).
        unknown_dictionary: The reaction to an unknown pronunciation dictionary: ``speak`` without
            it, or ``error`` for a 404 (protocol §1.2).
        infill_has_recordings: Whether the response of `/infill/bytes` contains the recordings on
            both sides of the speech (R7).
        too_large_status: The status for a form that is too large: 413 or 400 (R2). Of the service
            alone, because such a request is refused before its overrides are applied.
        times_real_time: The pace of a context's audio after its first chunk, as a multiple of
            real time; infinity for no pacing (protocol §2.13).
        foreign_voice: The status of an attempt to change a public voice: 403 or 404.
        list_order: Whether a list begins with its ``oldest`` or its ``newest`` resource.
        training_seconds: The time that a fine-tune takes.
        remembered_contexts: The number of ended ids that a connection remembers, for late inputs
            (T9). An older id opens a new context. A limit.
        flush_done_first: Whether ``flush_done`` precedes the final transcript that it belongs to,
            or follows it (S1).
        coalesce_flush: Whether a ``finalize`` that follows another one, without audio between
            them, is not answered (S3).
        stt_close: The close code after ``done``, and after ``close`` on turns (S4).
        bad_query: The reaction to an invalid query on `/stt/websocket`: ``http`` to refuse the
            handshake, ``event`` for an error and a close after it (S5).
        bad_turns_query: The same on `/stt/turns/websocket` (protocol §6a E2, §7.2 S5).
        stt_idle_seconds: The time without messages after which a connection of speech to text is
            closed (S6). A limit.
        config_invalid: The reaction to settings in ``config`` that are not valid: ``error`` for a
            400, ``ignore`` for none; the settings stay the same (S7).
        empty_turn_end: Whether the transcript of ``turn.end`` and ``turn.eager_end`` is empty
            (S8).
        end_on_close: Whether ``close`` in a turn gives ``turn.end`` (S10).
        drop_before_connected: Whether ``connected`` is sent a tenth of a second after the
            handshake, and audio before it is dropped (S11).
        wide_eager_end: Whether ``turn_eager_end_threshold`` may be up to 0.8, and not up to 0.6
            alone (protocol §6a E1).
        ink2_words: Whether ``ink-2`` sends the times of words, as ``ink-whisper`` does (S12).
    """

    flush_id_base: int = integer(1, low=0, high=MIB)
    flush_id_always: bool = flag(True)
    auto_flush_done: bool = flag(True)
    timestamps_first: bool = flag(False)
    times_per_segment: bool = flag(False)
    done_status: int = choice(206, 200)
    cancel_ends_with: Literal["done", "error", "nothing"] = choice("done", "error", "nothing")
    cancel_trailing_chunks: int = integer(2, low=0)
    cancel_unknown: Literal["ignore", "error"] = choice("ignore", "error")
    late_input: Literal["error", "new_context", "ignore"] = choice("error", "new_context", "ignore")
    strict_context_fields: bool = flag(True)
    empty_context: Literal["error", "done"] = choice("error", "done")
    wordless_start: Literal["speak", "error"] = choice("speak", "error")
    empty_input: Literal["ignore", "error"] = choice("ignore", "error")
    empty_flush: Literal["flush_done", "nothing"] = choice("flush_done", "nothing")
    buffer_timer: Literal["first", "last"] = choice("first", "last")
    expiry_seconds: float = number(1.0)
    expiry_done: bool = flag(True)
    done_after_error: bool = flag(False)
    close_on_error: bool = flag(False)
    error_without_context: bool = flag(False)
    limit_error_has_context: bool = flag(True)
    ping_resets_idle: bool = flag(False)
    idle_seconds: float = number(300.0, is_limit=True)
    idle_close: int = close_code(1000)
    chunk_bytes: int = integer(16 * 1024, low=4, high=64 * 1024)
    max_message_bytes: int = integer(MIB, low=1, is_limit=True)
    max_waiting_characters: int = integer(MIB, low=1, is_limit=True)
    range_errors: Literal["error", "clamp"] = choice("error", "clamp")
    deflate: bool = flag(False)
    misaligned_chunks: bool = flag(False)
    accept_mode: bool = flag(True)
    normalized_default: bool = flag(True)
    unknown_emotion: Literal["error", "ignore"] = choice("error", "ignore")
    binary_frame: Literal["error", "close"] = choice("error", "close")
    missing_version: Literal["current", "error"] = choice("current", "error")
    unknown_voice: Literal["speak", "error"] = choice("speak", "error")
    unknown_dictionary: Literal["speak", "error"] = choice("speak", "error")
    infill_has_recordings: bool = flag(False)
    too_large_status: Literal[413, 400] = choice(413, 400)
    times_real_time: float = number(100.0, is_positive=True)
    foreign_voice: Literal[403, 404] = choice(403, 404)
    list_order: Literal["oldest", "newest"] = choice("oldest", "newest")
    training_seconds: float = number(5.0)
    remembered_contexts: int = integer(10_000, low=0, is_limit=True)
    flush_done_first: bool = flag(False)
    coalesce_flush: bool = flag(False)
    stt_close: int = close_code(1000)
    bad_query: Literal["http", "event"] = choice("http", "event")
    bad_turns_query: Literal["event", "http"] = choice("event", "http")
    stt_idle_seconds: float = number(180.0, is_limit=True)
    config_invalid: Literal["error", "ignore"] = choice("error", "ignore")
    empty_turn_end: bool = flag(False)
    end_on_close: bool = flag(True)
    drop_before_connected: bool = flag(False)
    wide_eager_end: bool = flag(False)
    ink2_words: bool = flag(False)

    def with_text(self, text: str) -> Behaviour:
        """Return this behaviour with the changes in *text*: ``flush_id_base=0, late_input=ignore``.

        Raises:
            ValueError: There is no such field, or the value is not allowed.
        """
        return attrs.evolve(self, **parse_changes(self, text, keep_limits=False))

    def with_overrides(self, text: str) -> Behaviour:
        """Like `with_text`, for one request: it may lower limits and not raise them."""
        return attrs.evolve(self, **parse_changes(self, text, keep_limits=True))
