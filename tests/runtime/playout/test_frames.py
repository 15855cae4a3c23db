"""What is in the frames of a playout, and what it takes no frames of."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.playout.support import FRAME_BYTES, PHONE, Part, spoken
from tests.support import SETTINGS
from trio_cartesia import ConnectionLost, ContextExpired, ContextFailed, LocalProtocolError
from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME, SAMPLE_RATES, SILENCE
from trio_cartesia.testing import connected_pair, on_virtual_time


@given(
    encoding=st.sampled_from(sorted(BYTES_PER_FRAME)),
    sample_rate=st.sampled_from(SAMPLE_RATES),
    frame_seconds=st.sampled_from([0.02, 0.04, 0.1]),
    chunks=st.lists(st.binary(min_size=1, max_size=3000), max_size=4),
    pace=st.sampled_from(["real_time", "as_fast_as_possible"]),
)
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_frames_are_the_audio_in_equal_pieces(
    encoding, sample_rate, frame_seconds, chunks, pace
):
    """Wherever chunks were cut, frames are whole samples, all of the same size, and in order; the
    last one is filled up with the encoding's silence.
    """
    options = {**SETTINGS, "output_format": {"encoding": encoding, "sample_rate": sample_rate}}
    size = round(frame_seconds * sample_rate) * BYTES_PER_FRAME[encoding]
    async with connected_pair(pipe_bytes=2**20) as (connection, peer):
        async with connection.context(**options, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            for chunk in chunks:
                await peer.chunk("a", chunk)
            await peer.done("a")
            playout = context.playout(frame_seconds=frame_seconds, pace=pace)
            frames = [frame async for frame in playout]
    audio = b"".join(chunks)
    audio = audio[: len(audio) // BYTES_PER_FRAME[encoding] * BYTES_PER_FRAME[encoding]]
    assert {len(frame.audio) for frame in frames} <= {size}
    joined = b"".join(frame.audio for frame in frames)
    assert len(joined) < len(audio) + size
    silence = SILENCE[encoding] * size
    assert joined == audio + silence[: len(joined) - len(audio)]
    for number, frame in enumerate(frames):
        assert frame.start_seconds == pytest.approx(number * frame_seconds)
    assert playout.underruns == 0


@given(patience=st.sampled_from([0.001, 0.013, 0.02]))
@settings(max_examples=3)
@on_virtual_time
async def test_being_cancelled_loses_no_frame(patience):
    """However often waiting for a frame is cut off, all frames come, in order."""
    async with spoken([Part(0, 700), Part(0.01, 500)]) as (context, _):
        playout, audio = context.playout(lead_seconds=0.02), b""
        while True:
            with trio.move_on_after(patience):
                async for frame in playout:
                    audio += frame.audio
                break
            await trio.sleep(0.005)
    assert audio.replace(b"\xff", b"") == b"\x01" * 1200


@pytest.mark.parametrize("pace", ["real_time", "as_fast_as_possible"])
@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (lambda peer: peer.close(1011), ConnectionLost),
        (lambda peer: peer.error("a", message="no"), ContextFailed),
    ],
)
async def test_an_end_that_fails_comes_after_the_audio(pace, fail, error, autojump_clock):
    """What ended the context is raised once all that came before it was given out, and each time
    after that.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**PHONE, context_id="a") as context:
            await context.push("Hello there.")
            playout, audio = context.playout(pace=pace), b""
            await peer.words("a", [("Hello", 0, 0.1), ("there.", 0.1, 0.5)])
            await peer.chunk("a", b"\x01" * 2000)
            await fail(peer)
            with pytest.raises(error):
                async for frame in playout:
                    audio += frame.audio
            assert audio == (b"\x01" * 2000).ljust(13 * FRAME_BYTES, b"\xff")
            with pytest.raises(error):
                await anext(playout)
            await trio.sleep(1)
            heard = playout.heard
            assert (heard.text, heard.seconds, heard.cut_word.word) == ("Hello", 0.25, "there.")


async def test_the_error_has_text_that_came_while_speech_was_played(autojump_clock):
    """A context that the service ended early raises `ContextExpired` once its speech was played,
    with the text that could not be sent in the meantime.
    """

    async def pieces():
        yield "Hello there. "
        await trio.sleep(0.5)
        yield "Too late."

    async with connected_pair() as (connection, peer):
        async with connection.speak(pieces(), **PHONE, context_id="a") as context:
            await peer.receive()
            await peer.chunk("a", b"\x01" * 8000)
            await peer.done("a")
            with pytest.raises(ContextExpired) as caught:
                async for _ in context.playout():
                    pass
            assert trio.current_time() == pytest.approx(1)
            assert caught.value.unspoken == ("Too late.",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frame_seconds": 0.01}, "frame_seconds=0.01 is 220.5 samples at 22050 Hz"),
        ({"frame_seconds": 0}, "frame_seconds must be from 0.001 to 10"),
        ({"frame_seconds": float("nan")}, "frame_seconds must be from 0.001 to 10"),
        ({"frame_seconds": "20ms"}, "frame_seconds must be a number"),
        ({"lead_seconds": 0.01}, r"lead_seconds must be at least frame_seconds \(0.02\), not 0.01"),
        ({"lead_seconds": float("inf")}, "lead_seconds must be from 0 to 60"),
        ({"pace": "fast"}, "pace must be one of 'real_time', 'as_fast_as_possible', not 'fast'"),
    ],
)
async def test_arguments_that_make_no_sense_are_refused(arguments, message):
    """Each argument is checked before anything is sent, and the context stays usable."""
    options = {**SETTINGS, "output_format": {"encoding": "pcm_s16le", "sample_rate": 22050}}
    async with connected_pair() as (connection, _):
        async with connection.context(**options) as context:
            with pytest.raises(LocalProtocolError, match=message):
                context.playout(**arguments)
            context.playout()


async def test_a_context_has_one_receiver():
    """Beside a playout nothing else receives, and a playout is iterated by one task."""
    async with connected_pair() as (connection, _), trio.open_nursery() as nursery:
        async with connection.context(**PHONE) as context:
            playout = context.playout()
            for receive in (context.receive, context.audio, context.playout):
                with pytest.raises(LocalProtocolError, match="playout receives its events"):
                    receive()
            with pytest.raises(LocalProtocolError, match="playout receives its events"):
                await context.collect()
            nursery.start_soon(anext, playout)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(LocalProtocolError, match="another task"):
                await anext(playout)
            nursery.cancel_scope.cancel()
