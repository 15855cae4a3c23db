"""A child process of eSpeak NG that is stopped with a signal, and so does not respond."""

from __future__ import annotations

import threading

import pytest
import trio

from tests.server.support import connected, generation, kinds
from tests.server.voices.espeak.children import (
    SENTENCE,
    exists,
    pid_of,
    posix,
    stop_child,
    wait_busy,
    wait_gone,
    words,
)
from trio_cartesia.server import Utterance
from trio_cartesia.server.text.markup import Sound, Span
from trio_cartesia.server.voices.espeak import child_process
from trio_cartesia.server.voices.espeak.client import EspeakClient, EspeakCrashed, espeak_client
from trio_cartesia.server.voices.espeak.library import VoiceParameters
from trio_cartesia.server.voices.espeak.voice import Espeak

pytestmark = [pytest.mark.slow, posix]

UTTERANCE = Utterance(text=SENTENCE, voice_id="a", sample_rate=8000)
PHONEMES = Utterance(
    text="<<q|y>>", voice_id="a", sample_rate=8000, spans=(Span(0, 7, Sound.PHONEMES),)
)


@pytest.fixture
def short_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children are killed after half a second without an answer."""
    monkeypatch.setattr(child_process, "STEP_SECONDS", 0.5)


@pytest.mark.parametrize("is_first", [False, True])
def test_a_stopped_child_is_replaced(
    client: EspeakClient, short_step: None, is_first: bool
) -> None:
    """A child that is stopped is killed once its time is up, and another one speaks the text."""
    assert client.sample_rate if is_first else words(client, "one")
    pid = stop_child(client)
    assert words(client, "one two") == 2
    assert not exists(pid)


def test_a_child_is_stopped_while_it_speaks(client: EspeakClient, short_step: None) -> None:
    """A child that is stopped in the middle of a text is replaced, and the text spoken whole."""
    whole, _ = client.synthesise(SENTENCE, VoiceParameters())
    pids = []

    def stop_at_second() -> None:
        pids.append(pid_of(client))
        if len(pids) == 2:
            stop_child(client)

    samples, _ = client.synthesise(SENTENCE, VoiceParameters(), checkpoint=stop_at_second)
    assert len(samples) == pytest.approx(len(whole), rel=0.02)
    assert pids[-1] != pids[0]
    assert not exists(pids[0])


def test_a_text_whose_children_all_stop_fails(client: EspeakClient, short_step: None) -> None:
    """If the second child stops responding, too, the text fails; the next one is spoken."""

    def stop_when_ready() -> None:
        assert client._child is not None
        if client._child.sample_rate:
            stop_child(client)

    with pytest.raises(EspeakCrashed, match=r"^eSpeak NG stopped responding$"):
        client.synthesise(SENTENCE, VoiceParameters(), checkpoint=stop_when_ready)
    assert words(client, "one two") == 2


def test_a_child_is_stopped_while_it_starts(
    client: EspeakClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that is stopped before it is ready is replaced, too."""
    monkeypatch.setattr(child_process, "START_SECONDS", 2)
    client.start()
    pid = stop_child(client)
    assert words(client, "one two") == 2
    assert not exists(pid)


@pytest.mark.parametrize("error", [OSError("enough"), KeyboardInterrupt()])
@pytest.mark.parametrize("is_ready", [False, True])
def test_a_checkpoint_ends_the_wait_for_a_stopped_child(
    client: EspeakClient, error: BaseException, is_ready: bool
) -> None:
    """An exception of the checkpoint ends the wait for a stopped child, which is killed; the
    request after that has another one.
    """
    if is_ready:
        assert client.sample_rate
    client.start()
    pid = stop_child(client)
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the first call may be the one before the request
            raise error

    with pytest.raises(type(error)):
        client.synthesise(SENTENCE, VoiceParameters(), checkpoint=stop)
    assert words(client, "one two") == 2
    wait_gone(pid)


def test_closing_kills_a_stopped_child(client: EspeakClient) -> None:
    """Closing ends a stopped child within `GRACE_SECONDS`, and none is left over."""
    assert words(client, "one") == 1
    pid = stop_child(client)
    client.close()
    assert not exists(pid)


def test_no_thread_is_started(client: EspeakClient) -> None:
    """Requests start no threads: their deadlines are those of waiting for the pipe."""
    threads = []
    client.synthesise(
        SENTENCE, VoiceParameters(), checkpoint=lambda: threads.append(threading.active_count())
    )
    assert set(threads) == {threading.active_count()}


@pytest.mark.parametrize("utterance", [UTTERANCE, PHONEMES])
async def test_cancelling_does_not_wait_for_a_stopped_child(utterance: Utterance) -> None:
    """If speech is cancelled while the child is stopped, the call ends and the child is killed."""
    voice = Espeak()
    await voice.speak(UTTERANCE)
    pid = stop_child(espeak_client)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(voice.speak, utterance)
        await wait_busy(espeak_client)
        nursery.cancel_scope.cancel()
    assert nursery.cancel_scope.cancelled_caught  # the next child would have spoken it
    await voice.speak(UTTERANCE)
    wait_gone(pid)


async def test_a_context_outlives_a_stopped_child(short_step: None) -> None:
    """A context whose child is stopped is spoken by the next child."""
    async with connected(voice=Espeak()) as (client, _):
        assert kinds(await client.speak(generation("a", "One.")))[-1] == "done"
        stop_child(espeak_client)
        assert kinds(await client.speak(generation("b", SENTENCE)))[-1] == "done"
