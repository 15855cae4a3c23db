"""
``GET /voices/{id}/preview``: how a voice sounds.

``preview_file_url`` leads here (protocol §5.2). The address is this service's own, and so is what
is said: the voice's name and three numbers, which are read in its language. A preview is no
context: it counts against no limit and is in no journal, as a file would be.
"""

from __future__ import annotations

import logging
import re
from typing import Final

import trio

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.containers import KINDS, Audio, playable
from trio_cartesia.server.catalogue.voices import VoiceEntry, find_voice
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import Refusal, Refused
from trio_cartesia.server.tts.context import VOICE_FAILED
from trio_cartesia.server.voices.interface import Utterance

__all__ = ["NOT_FOUND", "PREVIEW", "get_preview", "preview_url"]

logger = logging.getLogger("trio_cartesia.server")

PREVIEW: Final = "/voices/{id}/preview"
SAMPLE_RATE: Final = 24000
RAW: Final = Audio(
    container="raw", samples=SampleFormat(encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
)
NOT_FOUND: Final = Refusal(
    status=404,
    title="Voice not found",
    message="No voice with that id is available to this account.",
    code="voice_not_found",
)

_HOST: Final = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.IGNORECASE)


def preview_url(exchange: Exchange, voice: VoiceEntry) -> str | None:
    """
    Return where whoever asks can hear *voice*; None if they did not say how they reach us.
    """
    host = exchange.request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        return None
    is_secure = isinstance(exchange.connection.stream.inner, trio.SSLStream)
    scheme = "https" if is_secure else "http"
    return f"{scheme}://{host}{PREVIEW.format(id=voice.id)}"


async def get_preview(exchange: Exchange) -> None:
    """
    Answer with a short WAV.

    Raises:
        Refused: There is no such voice, or it cannot speak.
    """
    entry = find_voice(exchange.path.split("/")[2])
    if entry is None:
        raise Refused(NOT_FOUND)
    utterance = Utterance(
        text=f"{entry.name}, 1, 2, 3.",
        voice_id=entry.id,
        language=entry.locale,
        sample_rate=SAMPLE_RATE,
    )
    try:
        spoken = await exchange.state.voice.speak(utterance)
    except Exception as error:  # a voice may be anybody's; others must go on
        logger.error("a preview failed: %s", type(error).__name__)  # noqa: TRY400
        raise Refused(VOICE_FAILED) from error
    body = b"".join(playable(RAW, [spoken.samples]))
    await exchange.respond(200, body, KINDS["wav"])
