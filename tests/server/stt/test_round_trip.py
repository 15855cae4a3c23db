"""What the service speaks is recognised word for word at each endpoint."""

from __future__ import annotations

from itertools import product

import pytest

from tests.server.stt.transcribing import PATHS, transcribed
from trio_cartesia import Cartesia
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server import Behaviour, open_server

STARTS = (
    *("The quick brown", "A small", "An old grey", "My friendly", "The very last"),
    *("Every second", "No other", "One more careful", "Her youngest", "That famous"),
)
ENDS = (
    "fox jumps over the lazy dog.",
    "teacher wrote a letter to the mayor.",
    "sailor crossed the northern sea in winter.",
    "engineer repaired the broken bridge.",
    "child found seven coins under the table.",
    "doctor answered three difficult questions.",
)
SENTENCES = [f"{start} {end}" for start, end in product(STARTS, ENDS)]
FORMATS = [
    SampleFormat(encoding="pcm_s16le", sample_rate=16_000),
    SampleFormat(encoding="pcm_mulaw", sample_rate=8_000),
]


@pytest.mark.slow
@pytest.mark.parametrize("samples", FORMATS, ids=lambda samples: samples.encoding)
async def test_own_speech_is_recognised_word_for_word(samples: SampleFormat) -> None:
    """Sixty sentences are the same as a recording, on both WebSockets, and after 8 kHz mu-law."""
    form = {"encoding": samples.encoding, "sample_rate": samples.sample_rate}
    second = samples.silence(samples.sample_rate)
    behaviour = Behaviour(times_real_time=float("inf"))
    wrong = []
    async with (
        open_server(voice="espeak", behaviour=behaviour, recognizer="own") as server,
        Cartesia(base_url=server.url) as client,
        client.tts.websocket_connect() as connection,
    ):
        for text in SENTENCES:
            speaking = connection.speak(
                text,
                model_id="sonic-latest",
                voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                output_format=form,
            )
            async with speaking as context:
                audio = second + (await context.collect()).audio + 2 * second
            for path in PATHS:
                found = await transcribed(client, path, audio, **form)
                if found != text:
                    wrong.append((path, text, found))
    assert not wrong
