"""The player against the local service, in memory."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from player import FORMAT, SHOW_SECONDS, WIDTH, Captions, Silence, play

from trio_cartesia import open_speaker

TEXT = "Good morning. The lecture on captions starts in five minutes, and it takes one hour."


class Screen(io.StringIO):
    """Notes when each word was shown."""

    def __init__(self):
        super().__init__()
        self.words = []

    def write(self, text):
        self.words += [(trio.current_time(), word) for word in text.split()]
        return super().write(text)


async def test_each_word_is_shown_once_it_was_heard(cartesia, cartesia_server, autojump_clock):
    """
    Each word appears as it ends, and not earlier, and all lines are short.
    """
    screen = Screen()
    async with cartesia.tts.websocket_connect() as connection:
        began_at = trio.current_time()
        await play(connection, Silence(), TEXT, Captions(screen))
    (record,) = cartesia_server.journal.contexts
    assert screen.getvalue().split() == TEXT.split()
    for (shown_at, _), word in zip(screen.words, record.words, strict=True):
        assert 0 <= shown_at - began_at - word.end < SHOW_SECONDS + 0.021
    assert all(len(line) < WIDTH for line in screen.getvalue().splitlines())


@pytest.mark.parametrize("seconds", [0.5, 1.003, 2.6])
async def test_a_stop_shows_what_was_not_heard(seconds, cartesia, autojump_clock):
    """
    What was shown, and what is shown as not heard, is the text.
    """
    screen = Screen()
    async with cartesia.tts.websocket_connect() as connection:
        with trio.move_on_after(seconds):
            await play(connection, Silence(), TEXT, Captions(screen))
    shown, _, rest = screen.getvalue().partition("\n[not heard: ")
    assert shown
    assert [*shown.split(), *rest.removesuffix("]\n").split()] == TEXT.split()


async def test_it_follows_a_sound_device(cartesia):
    """
    With a speaker, the words are those that its device has played.
    """
    screen = Screen()
    async with (
        open_speaker(FORMAT, backend="null") as speaker,
        cartesia.tts.websocket_connect() as connection,
    ):
        began_at = trio.current_time()
        await play(connection, speaker, "One, two.", Captions(screen))
    assert screen.getvalue() == "One, two.\n"
    assert screen.words[-1][0] - began_at >= speaker.heard.seconds - 0.1


def test_ctrl_c():
    """
    Ctrl-C ends the program at once, without a traceback, and with the text that was not heard.
    """
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "player.py"), "--silent", TEXT],
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first = process.stdout.read(4)
        process.send_signal(signal.SIGINT)
        shown, errors = first + process.stdout.read(), process.stderr.read()
    assert (process.returncode, errors) == (130, "")
    heard, _, rest = shown.partition("\n[not heard: ")
    assert rest
    assert [*heard.split(), *rest.removesuffix("]\n").split()] == TEXT.split()
