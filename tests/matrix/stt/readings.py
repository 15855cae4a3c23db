"""Every behaviour that the service can choose for speech to text, and the reaction."""

from __future__ import annotations

from typing import Final

from tests.matrix.stt.table import STTRow
from trio_cartesia import ConnectionLost

__all__ = ["STT_READINGS"]


def reads(behaviour: str, does: str = "It makes no difference.", **fields: object) -> STTRow:
    """Return the row of a behaviour that fails nothing, except for *fields*."""
    return STTRow(**{"behaviour": behaviour, "does": does, **fields})


STT_READINGS: Final[tuple[STTRow, ...]] = (
    reads("", "The default behaviour of the service."),
    reads(
        "flush_done_first=true",
        "`finalize` waits up to 0.3 s longer for the final piece.",
        kinds=("manual",),
    ),
    reads("coalesce_flush=true", "It sends `finalize` only after new audio.", kinds=("manual",)),
    reads("ink2_words=true", "`Transcript.words` has the times.", kinds=("manual",)),
    *(
        reads(f"stt_close={code}", "It reacts in the same way to any close code.")
        for code in (1001, 4999)
    ),
    reads("bad_query=event", "It sends a valid query."),
    reads("bad_turns_query=http", "It sends a valid query."),
    reads(
        "stt_idle_seconds=0.3",
        "The session is lost once no audio comes for so long; `mute()` keeps it open.",
        ends=ConnectionLost,
        close_code=1000,
        only=("send_audio", "no_more_audio"),
    ),
    reads("config_invalid=ignore", "It sends valid settings.", kinds=("turns",)),
    reads(
        "empty_turn_end=true",
        "A turn keeps the text of its last update.",
        kinds=("turns",),
        misses=True,
    ),
    reads(
        "end_on_close=false",
        "The last turn ends with the text that came, and its `is_complete` is False.",
        kinds=("turns",),
        misses=True,
    ),
    reads(
        "drop_before_connected=true",
        "Audio before `wait_connected()` is lost.",
        kinds=("turns",),
    ),
    reads("wide_eager_end=true", kinds=("turns",)),
    reads("missing_version=error", "It always sends the version."),
    reads(
        "max_message_bytes=100",
        "The service closes the connection with 1009, which is in `close_code`.",
        ends=ConnectionLost,
        close_code=1009,
    ),
)
