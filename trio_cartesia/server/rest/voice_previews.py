"""``GET /voices/{id}/preview``: a sample of a voice.

``preview_file_url`` has this path (protocol §5.2), which the real API does not have. The text is
the voice's name and three numbers, in its language.
"""

from __future__ import annotations

from typing import Final

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.containers import KINDS, Audio, playable
from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import VOICE_NOT_FOUND, APIError
from trio_cartesia.server.rest.synthesis import speak_aside
from trio_cartesia.server.voices.interface import Utterance

__all__ = ["PREVIEW", "get_preview", "preview_url"]

PREVIEW: Final = "/voices/{id}/preview"
SAMPLE_RATE: Final = 24000
RAW: Final = Audio(
    container="raw", samples=SampleFormat(encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
)


def preview_url(exchange: Exchange, voice: VoiceEntry) -> str | None:
    """Return the URL of a preview, with the host in the request; None without a host."""
    origin = exchange.origin
    return None if origin is None else f"{origin}{PREVIEW.format(id=voice.id)}"


async def get_preview(exchange: Exchange) -> None:
    """Respond with a short WAV.

    Raises:
        APIError: There is no such voice, or the synthesis failed.
    """
    entry = exchange.find_voice(exchange.ids[0])
    if entry is None:
        raise APIError(VOICE_NOT_FOUND)
    utterance = Utterance(
        text=f"{entry.name}, 1, 2, 3.",
        voice_id=entry.id,
        voice=entry,
        language=entry.locale,
        sample_rate=SAMPLE_RATE,
    )
    body = b"".join(playable(RAW, [await speak_aside(exchange, utterance)]))
    await exchange.respond(200, body, KINDS["wav"])
