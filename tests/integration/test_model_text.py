"""Text as models write it, spoken by the local service."""

from __future__ import annotations

import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.test_client_and_server import connected
from tests.protocol.text.strategies import MODEL_TEXTS, split_at
from tests.support import SETTINGS
from trio_cartesia import ContextOptions
from trio_cartesia.testing import on_virtual_time

SMALL: ContextOptions = {
    **SETTINGS,
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 8000},
    "add_timestamps": True,
}


@pytest.fixture(params=[10, pytest.param(200, marks=pytest.mark.slow)])
def texts(request):
    """How many texts are tried."""
    return request.param


def test_tags_take_effect_however_the_text_is_split(texts):
    """What the service receives, joined, is the text, and it speaks what it speaks of the whole."""

    @settings(max_examples=texts)
    @given(parts=MODEL_TEXTS, data=st.data())
    @on_virtual_time
    async def compare(parts, data):
        text = "".join(parts)
        async with connected() as (connection, server):
            async with connection.speak(text, **SMALL) as context:
                whole = await context.collect()
            async with connection.speak(split_at(text, data), **SMALL) as context:
                speech = await context.collect()
            record = server.journal.context(context.context_id)
        assert record.transcript == text
        assert not any(mark in word.text for word in speech.words for mark in ("/>", "spell"))
        assert (speech.words, speech.audio) == (whole.words, whole.audio)

    compare()


def peak(audio: bytes) -> int:
    """Return how loud the last half second is."""
    return max(array.array("h", audio[-8000:]))


PLAIN = "Hello there. "
TAGS = {
    '<break time="1.5s"/>': "longer by 1.5 seconds",
    '<speed ratio="1.5"/>': "shorter",
    '<volume ratio="0.5"/>': "quieter",
    '<emotion value="sad"/>': "the same",
}


@pytest.mark.parametrize("tag", TAGS)
@given(data=st.data())
@settings(max_examples=5)
@on_virtual_time
async def test_a_tag_does_what_it_says(tag, data):
    """A tag that came in any pieces is not read aloud, and changes the speech behind it."""
    async with connected() as (connection, _):
        async with connection.speak(PLAIN * 2, **SMALL) as context:
            plain = await context.collect()
        pieces = [PLAIN, *split_at(tag, data), PLAIN]
        async with connection.speak(pieces, **SMALL) as context:
            speech = await context.collect()
    assert [word.text for word in speech.words] == [word.text for word in plain.words]
    effects = {
        "longer by 1.5 seconds": len(speech.audio) == len(plain.audio) + 2 * 12_000,
        "shorter": len(speech.audio) < len(plain.audio),
        "quieter": peak(speech.audio) < peak(plain.audio),
        "the same": speech.audio == plain.audio,
    }
    assert effects[TAGS[tag]]
