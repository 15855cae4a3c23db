"""The bridge between a telephone and the local service, in memory and on virtual time."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing
from bridge import CALLS, GREETING, SETTINGS, SpeechDetector, handle_call
from telephone import SILENCE, VOICE, Telephone
from trio_websocket import (
    open_websocket_url,
    serve_websocket,
    wrap_client_stream,
    wrap_server_stream,
)

from trio_cartesia.testing import Link, bounded_stream_pair

ANSWER = "It is a long story, and I am not sure that I know it all, but it begins with a telephone."
LATENCY = 0.04
FRAME_BYTES, BYTES_PER_SECOND = 160, 8000


class Bridge:
    """The bridge with a fixed answer, and its calls over links with a latency."""

    def __init__(self, pool):
        self.pool = pool
        self.answer = ANSWER
        self.histories = []
        self.asked = []

    async def think(self, history):
        await trio.sleep(0.3)
        self.asked.append([dict(message) for message in history])
        return self.answer

    async def transcribe(self, audio):
        await trio.lowlevel.checkpoint()
        return f"{audio.count(VOICE) * 0.02:.2f} seconds"

    async def handle(self, request):
        history = await handle_call(
            request, pool=self.pool, transcribe=self.transcribe, think=self.think
        )
        self.histories.append(history)

    @asynccontextmanager
    async def call(self, latency_seconds=LATENCY):
        """Call the bridge, and hang up when the block ends."""
        ours, theirs = bounded_stream_pair(2**20, link=Link(latency_seconds=latency_seconds))
        async with trio.open_nursery() as nursery:

            async def serve():
                async with trio.open_nursery() as inner:
                    await self.handle(await wrap_server_stream(inner, theirs))
                    await theirs.aclose()
                    inner.cancel_scope.cancel()

            nursery.start_soon(serve)  # noqa: ASYNC113  # what is sent before waits in the stream
            async with trio.open_nursery() as inner:
                telephone = Telephone(await wrap_client_stream(inner, ours, "bridge", "/"))
                inner.start_soon(telephone.run)
                yield telephone
                await telephone.websocket.aclose()


@pytest.fixture
async def bridge(cartesia):
    async with cartesia.tts.websocket_pool(max_contexts=CALLS) as pool:
        yield Bridge(pool)


async def test_the_greeting_is_played_whole(bridge, cartesia_server, autojump_clock):
    """
    The caller hears every byte of the greeting, and the history has its text.
    """
    async with bridge.call() as telephone:
        await telephone.wait_silence(seconds=1)
    (record,) = cartesia_server.journal.contexts
    assert record.transcript == GREETING
    audio = bytes(telephone.played)
    assert audio[: len(record.audio)] == record.audio
    assert audio[len(record.audio) :] in SILENCE  # of the last frame
    assert bridge.histories == [[{"role": "assistant", "content": GREETING}]]


@pytest.mark.parametrize("seconds", [0.5, 1.003, 1.777, 2.6])
async def test_barge_in(seconds, bridge, cartesia_server, autojump_clock):
    """
    When the caller speaks, the telephone is cleared at once, and the history ends with the last
    word of which the telephone has reported the end.
    """
    async with bridge.call() as telephone:
        await trio.sleep(seconds)
        telephone.talk(seconds=0.5)
        spoke_at = trio.current_time()
        await trio.sleep(0.4)
        detected_at = spoke_at + SpeechDetector.BEGIN_FRAMES * 0.02 + LATENCY
        assert telephone.cleared_at <= detected_at + LATENCY + 0.001
        played_seconds = len(telephone.played) / BYTES_PER_SECOND
        await trio.sleep(0.5)
        assert len(telephone.played) / BYTES_PER_SECOND == played_seconds
        await telephone.wait_silence(seconds=2)
    greeting, said, answer = bridge.histories[0]
    assert said == {"role": "user", "content": "0.50 seconds"}
    assert answer == {"role": "assistant", "content": ANSWER}
    assert bridge.asked == [[greeting, said]]
    known_seconds = played_seconds - 2 * LATENCY - 0.02  # when the bridge detected the caller
    words = cartesia_server.journal.contexts[0].words
    surely = [word.text for word in words if word.end <= known_seconds]
    at_most = [word.text for word in words if word.end <= played_seconds]
    heard = greeting["content"].split()
    assert heard in (at_most[:count] for count in range(len(surely), len(at_most) + 1))


async def test_the_service_gets_a_cancel(bridge, cartesia_server, autojump_clock):
    """
    The rest of a long answer that is interrupted is neither generated nor played.
    """
    bridge.answer = "One word after the other. " * 300
    async with bridge.call() as telephone:
        telephone.talk(seconds=0.5)
        await trio.sleep(3)
        record = cartesia_server.journal.contexts[-1]
        assert (record.transcript, record.cancels) == (bridge.answer, 0)
        telephone.talk(seconds=0.2)
        await trio.sleep(0.5)
        assert record.cancels == 1
    heard = bridge.histories[0][-1]["content"]
    assert heard
    assert bridge.answer.startswith(heard)


async def test_marks_of_dropped_frames_do_not_count(bridge, cartesia_server, autojump_clock):
    """
    A telephone service returns the marks of frames that it drops; the history does not have them.
    """
    async with bridge.call(latency_seconds=0) as telephone:
        await trio.sleep(1)
        telephone.talk(seconds=0.2)
        await trio.sleep(0.5)
    (record,) = cartesia_server.journal.contexts
    played_seconds = len(telephone.played) / BYTES_PER_SECOND
    heard = [word.text for word in record.words if word.end <= played_seconds]
    assert bridge.histories[0][0]["content"].split() == heard


async def test_a_caller_who_hangs_up_is_not_spoken_to(bridge, autojump_clock):
    """
    If the caller hangs up, the context is ended, and the next call is answered.
    """
    async with bridge.call():
        await trio.sleep(1)
    assert bridge.pool.statistics().contexts_open == 0
    assert 0 < len(bridge.histories[0][0]["content"]) < len(GREETING)
    async with bridge.call() as telephone:
        await telephone.wait_silence(seconds=1)
    assert bridge.histories[1] == [{"role": "assistant", "content": GREETING}]


async def test_a_call_that_fails_ends_no_other(bridge, autojump_clock, capsys, monkeypatch):
    """
    An error of the service hangs up one call, and the other one is not affected.
    """
    async with bridge.call() as telephone:
        await trio.sleep(0.5)
        with monkeypatch.context() as patch:
            patch.setitem(SETTINGS, "voice", "00000000-0000-0000-0000-000000000000")
            async with bridge.call() as other:
                await trio.sleep(1)
        assert not other.played
        assert bridge.histories == [[]]
        assert capsys.readouterr().out == "a call has failed: VoiceNotFound\n"
        await telephone.wait_silence(seconds=1)
    assert bridge.histories[1] == [{"role": "assistant", "content": GREETING}]


@pytest.mark.parametrize(
    ("frames", "changes"),
    [
        ([SILENCE] * 100, []),
        ([VOICE] * 2 + [SILENCE] * 100, []),
        ([SILENCE] * 10 + [VOICE] * 40 + [SILENCE] * 40, ["began", "ended"]),
        ([VOICE] * 10 + [SILENCE] * 20 + [VOICE] * 10 + [SILENCE] * 40, ["began", "ended"]),
    ],
)
def test_the_caller_s_speech_is_found(frames, changes):
    """
    Neither a short noise nor a short pause changes who speaks.
    """
    detector = SpeechDetector()
    assert [change for frame in frames if (change := detector.add(frame))] == changes


def test_the_caller_s_speech_is_bounded():
    """
    Of a caller who does not stop, the last minute is kept.
    """
    detector = SpeechDetector()
    for _ in range(10_000):
        detector.add(VOICE)
    assert len(detector.frames) == 3000


@pytest.mark.cartesia(loopback=True)
async def test_over_a_real_socket(cartesia):
    """
    A call over loopback, on real time.
    """
    with trio.fail_after(20):
        async with (
            cartesia.tts.websocket_pool(max_contexts=CALLS) as pool,
            trio.open_nursery() as nursery,
        ):
            bridge = Bridge(pool)
            serve = partial(serve_websocket, bridge.handle, "127.0.0.1", 0, ssl_context=None)
            server = await nursery.start(serve)
            async with open_websocket_url(f"ws://127.0.0.1:{server.port}/") as websocket:
                telephone = Telephone(websocket)
                nursery.start_soon(telephone.run)
                await trio.sleep(1.5)
            while not bridge.histories:  # noqa: ASYNC110  # a task of the server adds it
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert telephone.played
    assert GREETING.startswith(bridge.histories[0][0]["content"])


async def test_a_frame_that_is_cleared_at_once_is_not_played(autojump_clock):
    """It is dropped even if it was about to be played, and the next one is played."""
    telephone = Telephone(websocket=None)
    frame = {"event": "media", "media": {"payload": base64.b64encode(VOICE).decode()}}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(telephone.play)
        await trio.testing.wait_all_tasks_blocked()
        telephone.put(frame)
        await telephone.clear()
        await trio.sleep(1)
        assert not telephone.played
        telephone.put(frame)
        await trio.sleep(1)
        assert telephone.played == VOICE
        nursery.cancel_scope.cancel()
