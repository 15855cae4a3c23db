"""Speech for endpoints other than those for speech: previews, and the audio of calls.

It is no context, so it does not count for the plan or the usage and is not in the journal.
"""

from __future__ import annotations

import logging

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import OUT_OF_RESOURCES, VOICE_FAILED, APIError
from trio_cartesia.server.streams import is_out_of_resources
from trio_cartesia.server.voices.interface import Utterance

__all__ = ["speak_aside"]

logger = logging.getLogger("trio_cartesia.server")


async def speak_aside(exchange: Exchange, utterance: Utterance) -> bytes:
    """Return the samples of *utterance*.

    Raises:
        APIError: The synthesis failed.
    """
    try:
        spoken = await exchange.state.voice.speak(utterance)
    except Exception as error:  # voices are pluggable; other requests must continue
        if is_out_of_resources(error):
            raise APIError(OUT_OF_RESOURCES) from error
        logger.error("synthesis failed: %s", type(error).__name__)  # noqa: TRY400  # a traceback may hold speech
        raise APIError(VOICE_FAILED) from error
    return spoken.samples
