"""Speech of people, from a recording, at each endpoint."""

from __future__ import annotations

import pytest

from tests.server.recognition.people import TEXTS, recording, word_errors, words_of
from tests.server.stt.transcribing import PATHS, transcribed
from trio_cartesia import Cartesia
from trio_cartesia.server import open_server

pytestmark = pytest.mark.ears

MOST_ERRORS = 0.15


@pytest.mark.parametrize("path", PATHS)
async def test_people_are_understood_at_each_endpoint(path: str) -> None:
    """At most 15 % of the words of the recordings are wrong.

    The errors of all recordings count together: in the short one, the model gives "fare" and "fell"
    for "fail", whatever the audio is cut into, and those are 2 of its 12 words.
    """
    errors = words = 0
    async with open_server(voice="tones") as server, Cartesia(base_url=server.url) as client:
        for name, text in TEXTS.items():
            audio, sample_rate = recording(name)
            form = {"encoding": "pcm_s16le", "sample_rate": sample_rate}
            errors += word_errors(text, await transcribed(client, path, audio, **form))
            words += len(words_of(text))
    assert errors <= MOST_ERRORS * words
