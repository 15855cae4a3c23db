"""A speaker of a blocking client, on miniaudio's null backend."""

from __future__ import annotations

import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests.blocking.support import blocking_pair
from tests.support import SETTINGS
from trio_cartesia import LocalProtocolError
from trio_cartesia import open_speaker as async_speaker
from trio_cartesia.blocking import Cartesia, Speaker, open_speaker
from trio_cartesia.blocking.block import Block
from trio_cartesia.playback.device import Device

FORMAT = {"encoding": "pcm_s16le", "sample_rate": 8000}
TIMED = {**SETTINGS, "output_format": FORMAT, "add_timestamps": True}
LONG = "One two three four five six seven eight nine ten. " * 3


@contextmanager
def playing(service):
    """A speaker and a connection of one client."""
    with (
        Cartesia(base_url=service.url) as client,
        client.tts.websocket_connect() as connection,
        open_speaker(client, FORMAT, backend="null") as speaker,
    ):
        yield speaker, connection


def wait_until_heard(speaker):
    while not (speaker.heard and speaker.heard.seconds):
        time.sleep(0.001)


def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def test_a_context_is_played(cartesia_service):
    """Playing returns once all of the context was heard."""
    with playing(cartesia_service) as (speaker, connection):
        assert type(speaker) is Speaker
        assert speaker.output_format.sample_rate == 8000
        assert (speaker.heard, speaker.underruns) == (None, 0)
        with connection.speak("A", **TIMED) as context:
            heard = speaker.play(context)
        assert heard.text == "A"
        assert speaker.heard == heard


def test_a_broken_loop_leaves_the_rest_to_the_speaker():
    """What a receive loop has not received is played, whichever thread has it already."""
    with blocking_pair() as pair, pair.connection.context(**TIMED, context_id="a") as context:
        context.push("Hello.")
        for _ in range(3):
            pair.peer("chunk", "a", b"\x01" * 800)
        pair.peer("done", "a")
        pair.settle()
        for _ in context.receive():
            break
        with Block(pair.portal, async_speaker(FORMAT, backend="null"), Speaker) as speaker:
            assert speaker.play(context).seconds == pytest.approx(0.1)


def test_another_thread_pauses_resumes_and_stops(cartesia_service):
    """All threads may use a speaker; another context is played at once after a stop."""
    with playing(cartesia_service) as (speaker, connection), ThreadPoolExecutor() as pool:
        speaker.pause()
        with connection.speak(LONG, **TIMED) as context, connection.speak("A", **TIMED) as next_:
            played = pool.submit(speaker.play, context)
            while speaker.heard is None:
                time.sleep(0.001)
            assert speaker.heard.seconds == 0
            with pytest.raises(LocalProtocolError, match="plays a context already"):
                speaker.play(next_)
            speaker.resume()
            wait_until_heard(speaker)
            speaker.stop()
            heard = speaker.heard
            assert speaker.play(next_).text == "A"
            assert played.result() == heard
            assert heard.unheard_text


def test_ctrl_c_stops_the_sound_at_once(cartesia_service, monkeypatch):
    """Even where a driver takes long to stop, the interrupt is raised, the device gets silence from
    then on, and the next context is played when the driver is ready.
    """
    may_stop, stop = threading.Event(), Device.stop
    monkeypatch.setattr(Device, "stop", lambda self: (may_stop.wait(10), stop(self)))
    with playing(cartesia_service) as (speaker, connection), ThreadPoolExecutor() as pool:
        with connection.speak(LONG, **TIMED) as context:
            pool.submit(lambda: (wait_until_heard(speaker), interrupt()))
            with pytest.raises(KeyboardInterrupt):
                speaker.play(context)
            heard, queue = speaker.heard, speaker._inner._playing.queue
            asked_at = queue.asked_at
            while queue.asked_at == asked_at:
                time.sleep(0.001)
            assert speaker.heard == heard
            assert heard.unheard_text
        with connection.speak("A", **TIMED) as context:
            pool.submit(may_stop.set)
            assert speaker.play(context).text == "A"


@pytest.mark.slow
def test_ctrl_c_at_random_moments(cartesia_service):
    """Wherever Ctrl-C comes, it is raised, and playing works afterwards."""
    random_ = random.Random(1)  # noqa: S311
    with playing(cartesia_service) as (speaker, connection):
        for _ in range(50):
            with connection.speak(LONG, **TIMED) as context, pytest.raises(KeyboardInterrupt):
                threading.Timer(random_.choice([0, 0.001, 0.01, 0.1]), interrupt).start()
                speaker.play(context)
                pytest.fail("it was not interrupted")
        with connection.speak("A", **TIMED) as context:
            assert speaker.play(context).text == "A"


def test_a_speaker_belongs_to_a_client(cartesia_service):
    """It opens in the block of its client, and plays that client's contexts alone."""
    client = Cartesia(base_url=cartesia_service.url)
    with pytest.raises(LocalProtocolError, match="has not been entered"):
        open_speaker(client, FORMAT, backend="null").__enter__()
    with ExitStack() as stack:
        speaker, _ = stack.enter_context(playing(cartesia_service))
        _, connection = stack.enter_context(playing(cartesia_service))
        with connection.context(**TIMED) as context:
            with pytest.raises(LocalProtocolError, match=r"another trio\.run"):
                speaker.play(context)
