"""A live transcript of the local service's own speech, in memory and in virtual time."""

from __future__ import annotations

import pytest
import trio

from tests.cli.support import OPTIONS, served
from trio_cartesia import ConnectionLost, LocalProtocolError
from trio_cartesia._cli.listen.live import LiveTranscript
from trio_cartesia._cli.listen.screen import Lines
from trio_cartesia.testing import client_with_peers, on_virtual_time

slow = pytest.mark.slow

AUDIO = {"encoding": "pcm_s16le", "sample_rate": 8000}
TEXT = "The quick brown fox jumps. "
PAUSE = bytes(2 * 8000)


class Noted(Lines):
    """Keeps what is written, and when."""

    def __init__(self):
        super().__init__(None, "utf-8")
        self.shown, self.added = [], []

    async def show(self, text):
        self.shown.append(text)

    async def add(self, text, **details):
        self.added.append((text, details.get("is_complete"), trio.current_time()))

    @property
    def texts(self):
        return [text for text, *_ in self.added]


async def spoken(service, text=TEXT):
    """Return the speech of a text, which the service knows from then on."""
    async with (
        service.client.tts.websocket_connect() as connection,
        connection.speak(text, **OPTIONS) as context,
    ):
        return (await context.collect()).audio


def live(client, audio, output, *, turns=True, pace="real_time"):
    stt = client.stt
    kind = stt.auto_finalize if turns else stt.manual_finalize
    return LiveTranscript(kind.websocket(model="ink-2", **AUDIO), audio, pace, output)


@on_virtual_time
async def test_each_turn_is_a_line():
    """Turns are shown while they grow, and written when they have ended; the last one may end with
    the audio.
    """
    async with served(recognizer="own") as service:
        speech, output = await spoken(service), Noted()
        audio = [speech, PAUSE, speech]
        transcript = live(service.client, audio, output, pace="as_fast_as_possible")
        await transcript.run()
    assert output.texts == [TEXT.strip()] * 2
    assert [is_complete for _, is_complete, _ in output.added] == [True, True]
    assert all(TEXT.startswith(text) for text in output.shown)
    assert transcript.audio_seconds == len(2 * speech + PAUSE) / 16000


@on_virtual_time
async def test_pieces_are_lines_with_manual_finalize():
    async with served(recognizer="own") as service:
        speech, output = await spoken(service), Noted()
        await live(service.client, [speech], output, turns=False).run()
    assert "".join(output.texts).strip() == TEXT.strip()
    assert output.shown


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize(
    "seconds", [pytest.param(0.05, marks=slow), 0.9, pytest.param(1.4, marks=slow)]
)
@on_virtual_time
async def test_ctrl_c_ends_the_audio_and_keeps_the_text(turns, seconds):
    """Cancelled at any moment, it ends at once, and the text of the audio until then is written."""
    async with served(recognizer="own") as service:
        speech, output = await spoken(service), Noted()
        transcript = live(service.client, [speech, PAUSE], output, turns=turns)
        start = trio.current_time()
        with trio.move_on_after(seconds) as scope:
            await transcript.run()
        assert scope.cancelled_caught
        assert trio.current_time() - start < seconds + 0.5
    heard = "".join(output.texts).strip()
    assert TEXT.startswith(heard)
    assert transcript.audio_seconds == pytest.approx(seconds, abs=0.11)
    assert bool(heard) == (seconds > 0.1)


@slow
@on_virtual_time
async def test_a_source_that_fails_ends_after_the_text_before():
    """The error of a file or a microphone is raised once the text so far was written."""

    async def failing(audio):
        await trio.lowlevel.checkpoint()
        yield audio
        raise OSError("unplugged")

    async with served(recognizer="own") as service:
        speech, output = await spoken(service), Noted()
        with pytest.raises(OSError, match="unplugged"):
            await live(service.client, failing(speech + PAUSE), output).run()
    assert output.texts == [TEXT.strip()]


@on_virtual_time
async def test_a_session_that_cannot_be_opened():
    async with served(recognizer="own") as service:
        opening = service.client.stt.auto_finalize.websocket(model="ink-2", **AUDIO)
        async with opening:
            pass
        with pytest.raises(LocalProtocolError, match="entered before"):
            await LiveTranscript(opening, [PAUSE], "real_time", Noted()).run()


class Silent:
    """A source that has no audio, and does not end."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        await trio.sleep_forever()


@pytest.mark.parametrize("turns", [True, False])
@on_virtual_time
async def test_a_lost_connection_ends_a_source_that_waits(turns):
    """The loss is raised at once, though no audio comes, after the text that was not final."""
    output = Noted()
    async with client_with_peers() as (client, peers), trio.open_nursery() as nursery:

        async def lose():
            peer = await peers.receive()
            if turns:
                await peer.send(type="turn.start", request_id="r")
                await peer.send(type="turn.update", request_id="r", transcript="Good morn")
            else:
                await peer.send(type="transcript", is_final=False, text="Good morn", request_id="r")
            await trio.sleep(1)
            await peer.close(1011)

        nursery.start_soon(lose)
        with pytest.raises(ConnectionLost):
            await live(client, Silent(), output, turns=turns).run()
    assert output.added == [("Good morn", False, 1)]


@slow
@on_virtual_time
async def test_an_output_that_fails_ends_it():
    """A reader that has gone ends the session."""

    class Broken(Noted):
        async def add(self, *_, **__):
            raise BrokenPipeError

    async with served(recognizer="own") as service:
        speech = await spoken(service)
        audio = [speech, *[PAUSE] * 100]
        start = trio.current_time()
        with pytest.raises(BrokenPipeError):
            await live(service.client, audio, Broken()).run()
        assert trio.current_time() - start < 10


@on_virtual_time
async def test_a_service_that_does_not_end_the_session_after_ctrl_c():
    """The text of the audio is awaited for five seconds; then that which came is written."""
    output = Noted()
    async with client_with_peers() as (client, peers), trio.open_nursery() as nursery:

        async def send():
            peer = await peers.receive()
            await peer.send(type="turn.start", request_id="r")
            await peer.send(type="turn.update", request_id="r", transcript="Good morn")

        nursery.start_soon(send)
        with trio.move_on_after(3):
            await live(client, Silent(), output).run()
        assert trio.current_time() == pytest.approx(8, abs=0.1)
    assert output.texts == ["Good morn"]
