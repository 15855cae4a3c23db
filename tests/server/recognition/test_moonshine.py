"""The recogniser of the extra ears among its streams, and what it must not use."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import trio

from tests.server.recognition.people import TEXTS, recording, word_errors, words_of
from tests.server.support import on_virtual_time
from trio_cartesia.server import open_server
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition.opening import open_recognizer

pytestmark = pytest.mark.ears

AUDIT = """
import sys, wave
from pathlib import Path

NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
calls = []
sys.addaudithook(lambda name, _: calls.append(name) if name in NETWORK else None)

from trio_cartesia.server.recognition.moonshine import Moonshine, get_assets_path
assert not [name for name in sys.modules if "sounddevice" in name], "PortAudio"
with wave.open(str(Path(get_assets_path()) / "beckett.wav")) as file:
    samples = file.readframes(4 * file.getframerate())
moonshine = Moonshine()
stream = moonshine.open_library_stream()
stream.add_audio([sample / 32768 for sample in memoryview(samples).cast("h")], 16000)
assert "tried" in stream.update_transcription().lines[0].text
assert not calls, calls
"""


Turns = list[object]


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """The streams that have had a turn, in the order in which the turns began."""
    module = pytest.importorskip(
        "trio_cartesia.server.recognition.moonshine", reason="the extra ears is not installed"
    )
    begun: Turns = []
    take_turn = module.Moonshine.take_turn

    async def watched(self: Any, work: Any) -> object:
        def run() -> object:
            begun.append(getattr(work, "func", work).__self__)
            return work()

        return await take_turn(self, run)

    monkeypatch.setattr(module.Moonshine, "take_turn", watched)
    return begun


async def wait_begun(turns: Turns) -> None:
    while not turns:  # noqa: ASYNC110  # a thread changes it
        await trio.sleep(0.01)


def test_neither_a_network_nor_portaudio_is_needed() -> None:
    """The model is loaded and used without a connection, and without the module for microphones."""
    subprocess.run([sys.executable, "-c", AUDIT], check=True)


async def test_a_stream_can_be_cancelled_while_it_is_recognised(turns: Turns) -> None:
    """The stream closes, its turn ends, and the next stream is as if it had not been there."""
    recognizer = open_recognizer("moonshine", Journal())
    audio, _ = recording("beckett.wav")
    stream = recognizer.open_stream(language="en", keyterms=())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.add, audio)
        await wait_begun(turns)
        nursery.cancel_scope.cancel("it has begun")
    assert turns == [stream]
    await stream.aclose()
    other = recognizer.open_stream(language="en", keyterms=())
    await other.add(audio)
    assert word_errors(TEXTS["beckett.wav"], (await other.finish()).text) <= 2
    await other.aclose()
    await recognizer.aclose()


@pytest.mark.parametrize("seconds", [1.25, 4.0, 4.5])
async def test_audio_that_ends_anywhere_has_all_of_its_text(seconds: float) -> None:
    """A recording in one piece has the text of its end, too."""
    recognizer = open_recognizer("moonshine", Journal())
    audio, _ = recording("beckett.wav")
    stream = recognizer.open_stream(language="en", keyterms=())
    await stream.add(audio[: 2 * int(16_000 * seconds)])
    words = words_of((await stream.finish()).text)
    assert words == words_of(TEXTS["beckett.wav"])[: 2 if seconds < 3 else 6]
    await stream.aclose()
    await recognizer.aclose()


async def test_a_long_recording_delays_others_by_one_turn(turns: Turns) -> None:
    """While a recording is recognised, each turn of another stream waits for one of its turns."""
    recognizer = open_recognizer("moonshine", Journal())
    audio, _ = recording("two_cities.wav")
    long = recognizer.open_stream(language="en", keyterms=())
    short = recognizer.open_stream(language="en", keyterms=())
    short.interim()  # so that its turns are a second
    async with trio.open_nursery() as nursery:
        nursery.start_soon(long.add, audio[: 2 * 20 * 16_000])
        await wait_begun(turns)
        for _ in range(3):
            before = len(turns)  # one more may have been admitted
            await short.add(bytes(2 * 16_000))
            assert short in turns[before : before + 2]
        assert turns.count(long) < 20 / 4  # seconds, and those of a turn
        nursery.cancel_scope.cancel("the long one has not ended")
    for stream in (long, short):
        await stream.aclose()
    await recognizer.aclose()


@pytest.mark.parametrize("name", ["moonshine", "auto"])
@on_virtual_time
async def test_a_service_that_recognises_nothing_leaves_virtual_time_alone(name: str) -> None:
    """Without audio of people there is no thread, for which an autojumping clock would not wait."""
    async with open_server(port=None, voice="tones", recognizer=name) as server:
        stream = server.recognizer.open_stream(language="en", keyterms=())
        await stream.aclose()
    await trio.lowlevel.checkpoint()
    assert trio.current_time() == 0
