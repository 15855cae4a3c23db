"""The prices of contexts and transcripts in credits (protocol §1.9)."""

from __future__ import annotations

import math
from typing import Final

from trio_cartesia.server.catalogue.models import is_ink
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord

__all__ = ["price_of", "price_of_transcription"]

INFILL_CREDITS: Final = 300  # in addition to the text
CHANGER_CREDITS_PER_SECOND: Final = 15
INK_CREDITS_PER_SECOND: Final = 3
WHISPER_CREDITS_PER_SECOND: Final = 1
BATCH_CREDITS_PER_SECOND: Final = 0.5


def price_of(record: ContextRecord) -> tuple[str, int]:
    """Return the capability of a context, and its price; what was not spoken is free."""
    kind = record.path.split("/")[1]
    if kind == "infill":
        return kind, record.credits + INFILL_CREDITS * (record.audio_bytes > 0)
    if kind == "voice-changer":
        return "voice_changer", math.ceil(CHANGER_CREDITS_PER_SECOND * record.audio_seconds)
    return kind, record.credits


def price_of_transcription(record: TranscriptionRecord) -> int:
    """Return the price of the audio of a stream, or of a request, that has ended."""
    if not record.connection:
        rate = BATCH_CREDITS_PER_SECOND
    else:
        rate = INK_CREDITS_PER_SECOND if is_ink(record.model) else WHISPER_CREDITS_PER_SECOND
    return math.ceil(rate * record.audio_seconds)
