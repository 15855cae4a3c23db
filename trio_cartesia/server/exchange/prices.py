"""The price of a context in credits (protocol §1.9)."""

from __future__ import annotations

import math
from typing import Final

from trio_cartesia.server.journal.records import ContextRecord

__all__ = ["price_of"]

INFILL_CREDITS: Final = 300  # in addition to the text
CHANGER_CREDITS_PER_SECOND: Final = 15


def price_of(record: ContextRecord) -> tuple[str, int]:
    """Return the capability of a context, and its price; what was not spoken is free."""
    kind = record.path.split("/")[1]
    if kind == "infill":
        return kind, record.credits + INFILL_CREDITS * (record.audio_bytes > 0)
    if kind == "voice-changer":
        return "voice_changer", math.ceil(CHANGER_CREDITS_PER_SECOND * record.audio_seconds)
    return kind, record.credits
