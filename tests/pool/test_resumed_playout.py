"""The playout of a text that goes on over lost connections."""

from __future__ import annotations

import pytest
import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.pool.support import SMALL, letters, service
from tests.pool.test_resuming import lose_at, texts
from trio_cartesia import ConnectionLost
from trio_cartesia.server import Behaviour
from trio_cartesia.testing import on_virtual_time

RATE = 8000
READINGS = st.builds(
    Behaviour,
    timestamps_first=st.booleans(),
    times_per_segment=st.booleans(),
    chunk_bytes=st.sampled_from([400, 4000]),
    times_real_time=st.sampled_from([1.0, 4.0]),
)


def check(playout, words, pieces):
    """What was heard is the start of the text, with its words in order and none twice."""
    heard, text = playout.heard, "".join(pieces)
    assert text.startswith(heard.text + heard.unheard_text)
    heard_words = letters(word.word for word in heard.words)
    assert heard_words == words[: len(heard_words)]
    ends = [word.text_end for word in heard.words]
    assert ends == sorted(ends)
    assert heard.text in (text, text[: max(ends, default=0)])
    assert all(word.end_seconds <= heard.seconds + 0.003 for word in heard.words)
    return heard


async def check_audio(client, played, words):
    """Compare the audio at the times of each word with that of the word in another context."""
    async with (
        client.tts.websocket_connect() as connection,
        connection.speak(
            " ".join(word.word for word in words), **SMALL, add_timestamps=True
        ) as context,
    ):
        speech = await context.collect()
    for word, again in zip(words, speech.words, strict=True):
        audio = played[round(word.start_seconds * RATE) : round(word.end_seconds * RATE)]
        assert audio == speech.audio[round(again.start * RATE) : round(again.end * RATE)]


@pytest.mark.slow
@given(
    text=texts(),
    pause=st.sampled_from([None, 0.0, 0.4]),
    losses=st.lists(st.floats(0, 2), min_size=1, max_size=6),
    behaviour=READINGS,
    options=st.sampled_from([{}, {"max_buffer_delay_ms": 0}]),
    pace=st.sampled_from(["real_time", "as_fast_as_possible"]),
)
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_heard_over_any_pattern_of_losses(text, pause, losses, behaviour, options, pace):
    """Whatever is lost when, what was heard and what was not make the text, the words heard are its
    words in order, none twice, and each has the times of its own audio.
    """
    words, pieces = letters(text[0]), text[1]
    pushed, played, error = [], bytearray(), None

    async def paced():
        for piece in pieces:
            await trio.sleep(pause)
            pushed.append(piece)
            yield piece

    async def watch():
        while True:
            await trio.sleep(0.047)
            check(playout, words, pieces)

    async with (
        service(behaviour=behaviour, plan="free") as (client, network),
        client.tts.websocket_pool(plan="free") as pool,
    ):
        source = "".join(pieces) if pause is None else paced()
        async with pool.speak(source, resume=True, **SMALL, **options) as context:
            playout = context.playout(pace=pace)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lose_at, network, losses)
                nursery.start_soon(watch)
                try:
                    async for frame in playout:
                        played += frame.audio
                except ConnectionLost as lost:
                    error = lost
                nursery.cancel_scope.cancel()
            await trio.sleep(60)  # until the far end has played all that was given out
        heard = check(playout, words, pieces)
        event(f"resumed {pool.statistics().contexts_resumed} times")
        if heard.words and pace == "as_fast_as_possible" and "speed" not in "".join(pieces):
            await check_audio(client, played, heard.words)
    if error is None:
        assert heard.text == "".join(pieces)
        assert letters(word.word for word in heard.words) == words
    else:
        event("gave up")
        assert heard.text + heard.unheard_text == "".join(pieces if pause is None else pushed)
