"""Every behaviour that the service can choose where the protocol is open, and the reaction."""

from __future__ import annotations

from typing import Final

from tests.matrix.operations import OPERATIONS
from tests.matrix.table import QUICK_SECONDS, Expected, Row, Whose
from trio_cartesia import (
    BadRequest,
    ConcurrencyLimited,
    ConnectionLost,
    ContextExpired,
    ModelNotFound,
)

__all__ = ["READINGS"]


def reads(behaviour: str, does: str = "It makes no difference.", **fields: object) -> Row:
    """Return the row of a behaviour that makes no difference, except for *fields*."""
    return Row(**{"behaviour": behaviour, "does": does, "whose": Whose.NOBODY, **fields})


CUSTOM: Final = {"max_buffer_delay_ms": 0}
ALL_FAIL: Final = "The error names no context, so all open contexts fail."
SPOKEN: Final = "It receives all of the speech."
EXPIRED: Final = "A later push raises `ContextExpired`, which has the texts to repeat."
STOPPED: Final = "It drops all events after a cancel, and waits for none of them."
COUNTED: Final = "It makes no difference, because the client uses only the order of events."

READINGS: Final[tuple[Row, ...]] = (
    reads("", "The default behaviour of the service."),
    *(reads(f"flush_id_base={base}", COUNTED) for base in (0, 1_048_576)),
    reads("flush_id_always=false", COUNTED),
    *(reads(f"auto_flush_done={flag}", COUNTED, options=CUSTOM) for flag in ("true", "false")),
    reads("timestamps_first=true"),
    reads("times_per_segment=true", "It delivers times with the place that they count from."),
    reads("done_status=200"),
    *(reads(f"cancel_ends_with={way}", STOPPED) for way in ("error", "nothing")),
    *(reads(f"cancel_trailing_chunks={count}", STOPPED) for count in (0, 1000)),
    reads("cancel_unknown=error", "It never cancels a context that has ended."),
    *(
        reads(f"late_input={way}", "It sends no input after the final one.")
        for way in ("new_context", "ignore")
    ),
    reads("strict_context_fields=false"),
    reads("empty_context=done", "It sends nothing for a context without text."),
    reads("wordless_start=error", "The text begins with words, so it makes no difference."),
    reads("empty_input=error", "It sends no empty input."),
    reads("empty_flush=nothing", "It does not wait for `flush_done`."),
    reads("buffer_timer=last"),
    reads(
        "expiry_seconds=0.01",
        EXPIRED,
        sends=ContextExpired,
        special={"feed": Expected(), "speak": Expected()},  # waiting text prevents the expiry
    ),
    reads(
        "expiry_seconds=30",
        "The context accepts inputs for longer.",
        within_seconds=60.0,
        special={"expire": Expected()},
    ),
    reads(
        "expiry_done=false",
        "It cannot detect the expiry before the next input, to which the service sends an error.",
        special={"expire": Expected(None, BadRequest)},
    ),
    reads("done_after_error=true", "It drops events after the end, and counts them."),
    reads(
        "close_on_error=true",
        "The context fails with its error, the others with `ConnectionLost`.",
        special={
            "refused": Expected(ModelNotFound, neighbour=ConnectionLost),
            "limited": Expected(ConcurrencyLimited, neighbour=ConnectionLost),
        },
    ),
    reads(
        "error_without_context=true",
        ALL_FAIL,
        special={
            "refused": Expected(ModelNotFound, neighbour=ModelNotFound),
            "limited": Expected(ConcurrencyLimited, neighbour=ConcurrencyLimited),
        },
    ),
    reads(
        "limit_error_has_context=false",
        ALL_FAIL,
        special={"limited": Expected(ConcurrencyLimited, neighbour=ConcurrencyLimited)},
    ),
    reads("ping_resets_idle=true"),
    reads("idle_seconds=3", "The connection ends: opening a context raises `ConnectionLost`."),
    *(
        reads(f"idle_seconds=3, idle_close={code}", "It reacts in the same way to any close code.")
        for code in (1001, 4999)
    ),
    *(reads(f"chunk_bytes={size}", SPOKEN) for size in (1000, 65_536)),
    Row(
        behaviour="max_message_bytes=100",
        whose=Whose.CONNECTION,
        does="The service closes the connection with 1009, which is in `close_code`.",
        raises=ConnectionLost,
        sends=ConnectionLost,
        neighbour=ConnectionLost,
        heard=0,
        close_code=1009,
        only=tuple(OPERATIONS),
    ),
    Row(
        behaviour="max_waiting_characters=10",
        whose=Whose.CONTEXT,
        does="Only the context fails, with `BadRequest`.",
        raises=BadRequest,
        sends=BadRequest,
        neighbour=BadRequest,  # its text is as long
        heard=0,
        only=tuple(OPERATIONS),
    ),
    reads("range_errors=clamp", "It refuses values out of range before sending them."),
    reads("deflate=true", "It does not offer compression."),
    reads("misaligned_chunks=true, chunk_bytes=1001", "`audio()` yields whole samples."),
    reads("accept_mode=false", "It sends a voice as its id."),
    reads("normalized_default=false", "It always sends the setting."),
    reads("unknown_emotion=ignore"),
    reads("binary_frame=close", "It sends no binary messages."),
    reads("missing_version=error", "It always sends the version."),
    reads("unknown_voice=error"),
    reads("unknown_dictionary=error"),
    reads("foreign_voice=404"),
    reads("list_order=newest"),
    reads("training_seconds=0"),
    reads("infill_has_recordings=true"),
    reads("too_large_status=400"),
    *(
        reads(f"times_real_time={times}", SPOKEN, within_seconds=seconds)
        for times, seconds in ((2, 60.0), ("inf", QUICK_SECONDS))
    ),
    reads("remembered_contexts=0"),
    *(
        reads(f"{name}={value}", "It concerns speech to text alone.")
        for name, value in (
            ("flush_done_first", "true"),
            ("coalesce_flush", "true"),
            ("stt_close", "1001"),
            ("bad_query", "event"),
            ("bad_turns_query", "http"),
            ("stt_idle_seconds", "3"),
            ("config_invalid", "ignore"),
            ("empty_turn_end", "true"),
            ("end_on_close", "false"),
            ("drop_before_connected", "true"),
            ("wide_eager_end", "true"),
            ("ink2_words", "true"),
        )
    ),
)
