"""Every reading of what the protocol leaves open, and what the client makes of it."""

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


def reads(behaviour: str, does: str = "Nothing: it makes no difference.", **fields: object) -> Row:
    """Return the row of a reading under which everything goes as usual, but for *fields*."""
    return Row(**{"behaviour": behaviour, "does": does, "whose": Whose.NOBODY, **fields})


CUSTOM: Final = {"max_buffer_delay_ms": 0}
ALL_FAIL: Final = "As an error without a context id: with several contexts open, all fail."
SPOKEN: Final = "Nothing: all that was said is heard."
EXPIRED: Final = "What comes later meets `ContextExpired`, which has the texts to say again."
STOPPED: Final = "Nothing: after a cancel all that comes is dropped, and nothing is waited for."
COUNTED: Final = "Nothing: only the order counts."

READINGS: Final[tuple[Row, ...]] = (
    reads("", "This is how the service does it by default."),
    *(reads(f"flush_id_base={base}", COUNTED) for base in (0, 1_048_576)),
    reads("flush_id_always=false", COUNTED),
    *(reads(f"auto_flush_done={flag}", COUNTED, options=CUSTOM) for flag in ("true", "false")),
    reads("timestamps_first=true"),
    reads("times_per_segment=true", "Times are handed out as they came."),
    reads("done_status=200"),
    *(reads(f"cancel_ends_with={way}", STOPPED) for way in ("error", "nothing")),
    *(reads(f"cancel_trailing_chunks={count}", STOPPED) for count in (0, 1000)),
    reads("cancel_unknown=error", "Nothing: there is no cancel of what has ended."),
    *(
        reads(f"late_input={way}", "Nothing: there is no input after the end.")
        for way in ("new_context", "ignore")
    ),
    reads("strict_context_fields=false"),
    reads("empty_context=done", "Nothing: it is not sent."),
    reads("wordless_start=error", "Nothing: the text begins with words."),
    reads("empty_input=error", "Nothing: it is not sent."),
    reads("empty_flush=nothing", "Nothing: no answer is waited for."),
    reads("buffer_timer=last"),
    reads(
        "expiry_seconds=0.01",
        EXPIRED,
        sends=ContextExpired,
        special={"feed": Expected(), "speak": Expected()},  # text that waits keeps it alive
    ),
    reads(
        "expiry_seconds=30",
        "Nothing: the context is there for longer.",
        within_seconds=60.0,
        special={"expire": Expected()},
    ),
    reads(
        "expiry_done=false",
        "Nothing can be known until the next input, which is answered with an error.",
        special={"expire": Expected(None, BadRequest)},
    ),
    reads("done_after_error=true", "Nothing: what comes after the end is dropped, and counted."),
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
    reads("idle_seconds=3", "What had ended has ended; new contexts meet `ConnectionLost`."),
    *(
        reads(f"idle_seconds=3, idle_close={code}", "Any code means the same.")
        for code in (1001, 4999)
    ),
    *(reads(f"chunk_bytes={size}", SPOKEN) for size in (1000, 65_536)),
    Row(
        behaviour="max_message_bytes=100",
        whose=Whose.CONNECTION,
        does="The connection is closed with 1009, which `close_code` tells.",
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
        does="The context fails with `BadRequest`, alone.",
        raises=BadRequest,
        sends=BadRequest,
        neighbour=BadRequest,  # which says as much
        heard=0,
        only=tuple(OPERATIONS),
    ),
    reads("range_errors=clamp", "Nothing: what is out of range is not sent."),
    reads("deflate=true", "Nothing: compression is not offered."),
    reads("misaligned_chunks=true, chunk_bytes=1001", "`audio()` makes whole samples of it."),
    reads("accept_mode=false", "Nothing: a voice is sent as its id."),
    reads("normalized_default=false", "Nothing: it is always said."),
    reads("unknown_emotion=ignore"),
    reads("binary_frame=close", "Nothing: there is none."),
    reads("missing_version=error", "Nothing: it is always sent."),
    reads("unknown_voice=error"),
    reads("unknown_dictionary=error"),
    *(
        reads(f"times_real_time={times}", SPOKEN, within_seconds=seconds)
        for times, seconds in ((2, 60.0), ("inf", QUICK_SECONDS))
    ),
    reads("remembered_contexts=0"),
)
