"""The text that errors have as not spoken, over each fault of the local service."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.pool.support import SMALL, service
from trio_cartesia import CartesiaError, Chunk, WordTimestamps
from trio_cartesia.server import FAULTS, Behaviour, Fault
from trio_cartesia.testing import on_virtual_time

TEXT = "One two three. Four five. <break time='50ms'/> Six seven! Eight, nine ten."
RATE = 8000
CUTS = st.lists(st.integers(1, len(TEXT) - 1), max_size=4, unique=True).map(sorted)
NEEDS_MORE = {"latency", "bandwidth"}  # than a place, and ends nothing
KINDS = sorted(name for name, kind in FAULTS.items() if "at_frame" in kind.defaults)
READINGS = st.builds(
    Behaviour,
    timestamps_first=st.booleans(),
    chunk_bytes=st.sampled_from([400, 1200]),
    times_real_time=st.just(1.0),
)


async def words_of_the_text():
    """Return its words and when each starts, where nothing goes wrong."""
    async with (
        service() as (client, _),
        client.tts.websocket_connect() as connection,
        connection.speak(TEXT, **SMALL, add_timestamps=True) as context,
    ):
        return (await context.collect()).words


async def listen(context):
    """Receive until an error; return it, and how much audio and how many words came."""
    audio = words = 0
    try:
        async for each in context.receive():
            audio += len(each.audio) if isinstance(each, Chunk) else 0
            words += len(each.word_timestamps.words) if isinstance(each, WordTimestamps) else 0
    except CartesiaError as error:
        return error, audio, words
    return None, audio, words


@asynccontextmanager
async def speaking(client, way, pieces, options):
    """Speak *pieces* on a connection, in a pool, or in a pool and with resuming."""
    if way == "connection":
        async with (
            client.tts.websocket_connect() as connection,
            connection.speak(pieces, **options) as context,
        ):
            yield context
        return
    if way == "resumed":
        options = {**options, "resume": True, "add_timestamps": True}
    async with (
        client.tts.websocket_pool(max_contexts=1) as pool,
        pool.speak(pieces, **options) as context,
    ):
        yield context


def bare(text):
    return text.replace("<break time='50ms'/>", "").split()


@given(
    name=st.sampled_from([name for name in KINDS if name not in NEEDS_MORE]),
    at_frame=st.integers(1, 40),
    cuts=CUTS,
    behaviour=READINGS,
    way=st.sampled_from(["connection", "pool", "resumed"]),
    has_times=st.booleans(),
    is_slow=st.booleans(),
)
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_no_text_is_lost_over_any_fault(
    name, at_frame, cuts, behaviour, way, has_times, is_slow
):
    """The texts of an error are the end of what was given. With word times no word is missing of
    which no audio came, and none is there of which some came and whose time was known.
    """
    pieces = [TEXT[a:b] for a, b in zip([0, *cuts], [*cuts, len(TEXT)], strict=True)]
    taken = []

    async def paced():
        for piece in pieces:
            taken.append(piece)
            yield piece
            await trio.sleep(0.05)

    options = {**SMALL, "add_timestamps": has_times, "inbox_bytes": 6000 if is_slow else 2**20}
    faults = (Fault(name=name, at_frame=at_frame),)
    async with service(faults=faults, behaviour=behaviour) as (client, _):
        async with speaking(client, way, paced(), options) as context:
            if is_slow:
                await trio.sleep(3)
            error, audio, words = await listen(context)
    if error is None:
        return
    event(f"{way}: {type(error).__name__}")
    text, rest = "".join(taken), "".join(error.unspoken)
    assert text.endswith(rest)
    if way == "resumed":
        assert len(bare(rest)) >= len(bare(text)) - words
    elif has_times:
        end = audio / RATE - 0.001
        begun = sum(word.start < end for word in await words_of_the_text())
        left, expected = bare(rest), bare(text)[begun:]
        assert left[len(left) - len(expected) :] == expected
        if behaviour.timestamps_first and words >= begun:  # else a time did not come
            assert left == expected
