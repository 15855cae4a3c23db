"""A program that Ctrl-C interrupts at random moments: ``python interrupted.py URL ROUNDS SEED``.

Each round does a bit of everything, and is interrupted once. Every tenth one is followed by one
that is not, which has to succeed. Whatever is wrong goes to standard error.
"""

from __future__ import annotations

import faulthandler
import gc
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from queue import SimpleQueue

from trio_cartesia.blocking import Cartesia

HANG_SECONDS = 20.0
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 8000},
}


def pieces() -> Iterator[str]:
    for piece in ("one ", "two ", "three."):
        time.sleep(0.0005)
        yield piece


def speak(url: str) -> int:
    """Use every call; return how much audio there was."""
    size = 0
    with Cartesia(base_url=url) as client, client.tts.websocket_connect() as connection:
        with connection.context(**SETTINGS) as one, connection.context(**SETTINGS) as two:
            one.push("One speaks. ")
            two.push("Two speaks. ")
            one.no_more_inputs()
            two.feed(pieces())
            size += sum(len(audio) for audio in one.audio())
            for event in two.receive():
                size += len(event.audio) if event.type == "chunk" else 0
        with connection.speak(pieces(), **SETTINGS) as three:
            for _ in three.audio():
                break
            size += len(three.collect().audio)
        with connection.speak("A long text. " * 20, **SETTINGS) as four:
            next(four.receive())
            four.cancel()
        connection.statistics()
    return size


class Interrupts:
    """Sends one SIGINT in each round, at a random moment; in one thread, for all rounds."""

    def __init__(self, random_: random.Random) -> None:
        self._random, self._rounds = random_, SimpleQueue()
        threading.Thread(target=self._send, daemon=True).start()

    def send_after(self, seconds: float) -> None:
        self._rounds.put(seconds)

    def _send(self) -> None:
        while True:
            seconds = self._rounds.get()
            time.sleep(self._random.uniform(0, seconds))
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def check(error: KeyboardInterrupt) -> None:
    """Report an interrupt that hides something."""
    hidden = error.__cause__ or error.__context__
    if hidden is not None and not isinstance(hidden, (KeyboardInterrupt, GeneratorExit)):
        traceback.print_exception(error)


def main(url: str, rounds: int, seed: int) -> None:
    expected = speak(url)
    began = time.perf_counter()
    speak(url)
    usual_seconds = time.perf_counter() - began
    interrupts = Interrupts(random.Random(seed))  # noqa: S311
    count = 0
    while count < rounds:
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        try:
            interrupts.send_after(1.1 * usual_seconds)
            speak(url)
            while True:  # until it comes
                time.sleep(0.001)
        except KeyboardInterrupt as error:
            check(error)
            count += 1
        if not count % 10:
            assert speak(url) == expected
    faulthandler.cancel_dump_traceback_later()
    gc.collect()
    deadline = time.monotonic() + 5
    while (left := [each for each in threading.enumerate() if each.name == "trio_cartesia"]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.01)
    assert not left
    print(count)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
