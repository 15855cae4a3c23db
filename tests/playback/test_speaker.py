"""A speaker on miniaudio's null backend, which plays in silence and in real time."""

from __future__ import annotations

import itertools
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
import trio

from tests.support import SETTINGS
from trio_cartesia import ConnectionLost, LocalProtocolError, PlaybackFailed, open_speaker
from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME, SAMPLE_RATES
from trio_cartesia.playback import device, playing
from trio_cartesia.testing import connected_pair

FORMAT = {"encoding": "pcm_s16le", "sample_rate": 8000}
BYTES_PER_SECOND = 16_000


@asynccontextmanager
async def speaking(seconds, output_format=FORMAT, *, is_whole=True):
    """A speaker, and a context with a word for each tenth of a second."""
    options = {**SETTINGS, "output_format": output_format, "add_timestamps": True}
    width = BYTES_PER_FRAME[output_format["encoding"]]
    count = round(seconds * 10)
    async with (
        connected_pair(pipe_bytes=2**20) as (connection, peer),
        open_speaker(output_format, backend="null") as speaker,
        connection.context(**options, context_id="a") as context,
    ):
        await context.push("word " * count)
        await context.no_more_inputs()
        for _ in range(2):  # a peer that has unread requests does not answer a close
            await peer.receive()
        await peer.words("a", [("word", n / 10, (n + 1) / 10) for n in range(count)])
        await peer.chunk("a", b"\x01" * (round(seconds * output_format["sample_rate"]) * width))
        if is_whole:
            await peer.done("a")
        yield speaker, context, peer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "sample_rate"),
    list(zip(itertools.cycle(sorted(BYTES_PER_FRAME)), SAMPLE_RATES, strict=False)),
)
async def test_all_of_a_context_is_heard(encoding, sample_rate):
    """Whatever the format, playing takes as long as the speech, and all of it is heard."""
    output_format = {"encoding": encoding, "sample_rate": sample_rate}
    async with speaking(0.3, output_format) as (speaker, context, _):
        assert speaker.heard is None
        began_at = trio.current_time()
        heard = await speaker.play(context)
        assert trio.current_time() - began_at >= 0.3
        assert (heard.text, heard.unheard_text) == ("word word word ", "")
        assert heard.seconds == pytest.approx(0.3)
        assert speaker.heard == heard


async def test_a_short_word_is_heard():
    """A word is played to its end."""
    async with speaking(0.1) as (speaker, context, _):
        assert (await speaker.play(context)).text == "word "


@pytest.mark.slow
async def test_heard_follows_the_device():
    """While it plays, what was heard grows, and is never ahead of the time that has passed."""
    async with speaking(0.5) as (speaker, context, _), trio.open_nursery() as nursery:
        began_at = trio.current_time()
        nursery.start_soon(speaker.play, context)
        seconds = [0.0]
        while seconds[-1] < 0.5:
            await trio.sleep(0.017)
            if speaker.heard is not None:
                seconds.append(speaker.heard.seconds)
                assert seconds[-2] <= seconds[-1] <= trio.current_time() - began_at
        assert len(set(seconds)) > 10


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stop", "cancel"])
async def test_it_stops_at_once(way):
    """Stopped or cancelled, it plays nothing more, and knows what was heard."""
    async with speaking(5) as (speaker, context, _), trio.open_nursery() as nursery:
        heard, scope, has_ended = [], trio.CancelScope(), trio.Event()

        async def play():
            with scope:
                heard.append(await speaker.play(context))
            has_ended.set()

        nursery.start_soon(play)
        while not (speaker.heard and speaker.heard.words):  # noqa: ASYNC110  # of another thread
            await trio.sleep(0.01)
        scope.cancel() if way == "cancel" else speaker.stop()
        await has_ended.wait()
        assert 0.1 <= speaker.heard.seconds < 5
        assert speaker.heard.unheard_text.startswith(" word")
        if way == "stop":
            assert heard == [speaker.heard]
        seconds = speaker.heard.seconds
        await trio.sleep(0.1)
        assert speaker.heard.seconds == seconds


async def test_another_context_follows_a_stop_at_once():
    """After a stop, the speaker plays another context, once the device is ready for it."""
    async with speaking(5) as (speaker, context, _), speaking(0.1) as (_, following, _):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speaker.play, context)
            while not speaker.heard:  # noqa: ASYNC110  # of another thread
                await trio.sleep(0.01)
            speaker.stop()
            assert (await speaker.play(following)).text == "word "


@pytest.mark.slow
async def test_a_pause_is_silence():
    """In a pause nothing is heard but what the device had, and nothing is missing after it."""
    async with speaking(0.5) as (speaker, context, _), trio.open_nursery() as nursery:
        began_at = trio.current_time()
        nursery.start_soon(speaker.play, context)
        await trio.sleep(0.2)
        speaker.pause()
        await trio.sleep(0.1)
        seconds = speaker.heard.seconds
        await trio.sleep(0.3)
        assert speaker.heard.seconds == seconds < 0.5
        speaker.resume()
        while speaker._is_playing:  # noqa: ASYNC110  # the device has a thread of its own
            await trio.sleep(0.01)
        assert trio.current_time() - began_at > 0.85
        assert speaker.heard.unheard_text == ""


@pytest.mark.slow
async def test_speech_that_comes_late_is_an_underrun():
    """Where speech stops for longer than the device can wait, there is silence, and it counts."""
    async with speaking(0.2, is_whole=False) as (speaker, context, peer):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speaker.play, context)
            while not speaker.underruns:  # noqa: ASYNC110  # the device has a thread of its own
                await trio.sleep(0.05)
            await trio.sleep(0.1)
            await peer.chunk("a", b"\x01" * 1600)
            await peer.done("a")
        assert speaker.underruns == 1
        assert speaker.heard.seconds == pytest.approx(0.3)


@pytest.mark.slow
async def test_a_loss_is_raised_after_what_came():
    """What ends the context is raised once all that came before was heard."""
    async with speaking(0.3, is_whole=False) as (speaker, context, peer):
        await peer.close(1011)
        with pytest.raises(ConnectionLost):
            await speaker.play(context)
        assert speaker.heard.text == "word word word"
        assert speaker.heard.seconds == pytest.approx(0.3)


@pytest.mark.slow
async def test_a_device_that_is_gone_is_an_error(monkeypatch):
    """A device that stops asking for audio fails what is played, instead of hanging it."""
    monkeypatch.setattr(playing, "DEVICE_SECONDS", 0.2)
    async with speaking(5) as (speaker, context, _), trio.open_nursery() as nursery:

        async def play():
            with pytest.raises(PlaybackFailed, match="asked for no audio"):
                await speaker.play(context)

        nursery.start_soon(play)
        await trio.sleep(0.2)
        await trio.to_thread.run_sync(speaker._device._inner.stop)


async def test_one_context_at_a_time_and_of_its_format():
    """A context of another format is refused, and so is a second one at once."""
    async with speaking(1) as (speaker, context, _), trio.open_nursery() as nursery:
        speaker.output_format = context.output_format.__class__(
            encoding="pcm_s16le", sample_rate=16000
        )
        with pytest.raises(LocalProtocolError, match=r"sample_rate=16000.*sample_rate=8000"):
            await speaker.play(context)
        speaker.output_format = context.output_format
        nursery.start_soon(speaker.play, context)
        await trio.sleep(0.01)
        with pytest.raises(LocalProtocolError, match="plays a context already"):
            await speaker.play(context)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("output_format", "backend", "message"),
    [
        ({"container": "mp3", "sample_rate": 44100, "bit_rate": 128000}, "null", "must be 'raw'"),
        ({"container": "wav", **FORMAT}, "null", "must be 'raw'"),
        ({"encoding": "pcm_s16le", "sample_rate": 7}, "null", "sample_rate must be one of 8000"),
        (FORMAT, "gramophone", "backend must be one of .*'null'"),
        (FORMAT, 7, "backend must be one of"),
    ],
)
async def test_a_speaker_that_cannot_be_is_refused(output_format, backend, message):
    """Formats that are not raw and backends that do not exist are errors that say what is."""
    with pytest.raises(LocalProtocolError, match=message):
        async with open_speaker(output_format, backend=backend):
            pass


async def test_without_a_device_the_error_says_what_to_do(monkeypatch):
    """Where there is no sound device, or miniaudio finds but cannot open one, that is one error."""
    monkeypatch.setattr(device, "_has_device", lambda *_: False)
    with pytest.raises(PlaybackFailed, match="no sound device was found: connect one"):
        async with open_speaker(FORMAT):
            pass


@pytest.mark.slow
def test_without_miniaudio_the_error_says_what_to_install():
    """Without the extra, the error names the command that installs it."""
    code = (
        "import sys, trio, trio_cartesia; sys.modules['miniaudio'] = None\n"
        "async def main():\n"
        "    async with trio_cartesia.open_speaker(\n"
        "        {'encoding': 'pcm_s16le', 'sample_rate': 8000}\n"
        "    ):\n"
        "        pass\n"
        "trio.run(main)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    *_, last = done.stderr.splitlines()
    assert "PlaybackFailed: playing speech needs miniaudio: run pip install" in last
