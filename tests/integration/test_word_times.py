"""Word times that start anew with each segment, wherever the package uses them."""

from __future__ import annotations

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pool.support import SMALL, service
from tests.support import examples
from trio_cartesia.server import Behaviour
from trio_cartesia.testing import on_virtual_time

# Inputs; None is a flush. No segment begins with a silence as long as what was spoken before.
INPUTS = st.lists(
    st.sampled_from(["One ", "two. ", "Three <break time='60ms'/> four. ", "Five! ", None]),
    min_size=1,
    max_size=8,
).map(lambda inputs: ["Zero. ", *inputs])
READINGS = st.builds(
    Behaviour,
    times_per_segment=st.booleans(),
    timestamps_first=st.booleans(),
    chunk_bytes=st.sampled_from([160, 4000]),
    times_real_time=st.sampled_from([1.0, 8.0]),
)
OPTIONS = st.sampled_from([{}, {"max_buffer_delay_ms": 0}, {"add_phoneme_timestamps": True}])


async def push_all(context, inputs):
    for text in inputs:
        if text is None:
            await context.flush()
        else:
            await context.push(text)
    await context.no_more_inputs()


@given(inputs=INPUTS, behaviour=READINGS, options=OPTIONS)
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_words_and_subtitles_of_speech_are_those_of_the_audio(inputs, behaviour, options):
    """The words of `collect`, its phonemes and its subtitles have the times of the audio."""
    found = []
    for each in (behaviour, attrs.evolve(behaviour, times_per_segment=False)):
        async with (
            service(behaviour=each) as (client, network),
            client.tts.websocket_connect() as connection,
            connection.context(context_id="a", **SMALL, add_timestamps=True, **options) as context,
        ):
            await push_all(context, inputs)
            speech = await context.collect()
            record = network.server.journal.context("a")
        for got, sent in ((speech.words, record.words), (speech.phonemes, record.phonemes)):
            if got or sent is record.words:
                assert [one.text for one in got] == [one.text for one in sent]
                assert [one.start for one in got] == pytest.approx([one.start for one in sent])
                assert [one.end for one in got] == pytest.approx([one.end for one in sent])
        found.append(([word.text_end for word in speech.timeline()], speech.subtitles("srt")))
    assert found[0] == found[1]


@given(inputs=INPUTS, behaviour=READINGS, options=OPTIONS)
@settings(max_examples=examples(12))
@on_virtual_time
async def test_heard_is_never_ahead_of_the_audio(inputs, behaviour, options):
    """A word counts as heard once all of its audio has been played, and not before."""
    text, seen = "".join(filter(None, inputs)), []
    async with (
        service(behaviour=behaviour) as (client, network),
        client.tts.websocket_connect() as connection,
        connection.context(context_id="a", **SMALL, add_timestamps=True, **options) as context,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(push_all, context, inputs)
        playout = context.playout()

        async def watch():
            while True:
                await trio.sleep(0.047)
                heard = playout.heard
                seen.append((heard.seconds, heard.words))
                assert text.startswith(heard.text)

        nursery.start_soon(watch)
        async for _ in playout:
            pass
        nursery.cancel_scope.cancel()
        spoken = network.server.journal.context("a").words
    assert playout.heard.text == text
    for played_seconds, words in seen:
        assert [word.word for word in words] == [word.text for word in spoken[: len(words)]]
        assert all(word.end <= played_seconds + 0.001 for word in spoken[: len(words)])
        assert len(words) >= sum(word.end <= played_seconds - 0.001 for word in spoken)
