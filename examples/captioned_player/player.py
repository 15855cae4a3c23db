"""A player in the terminal that shows each word once it was heard.

``python player.py "Some text."`` plays a text on this machine's sound device (extra ``play``), and
``--silent`` shows the words at the same times without a sound. After Ctrl-C it shows which text was
not heard. Without a key it uses a local service.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TextIO

import trio

from trio_cartesia import (
    Cartesia,
    Connection,
    Context,
    Heard,
    PlaybackFailed,
    Playout,
    RawOutputFormat,
    Speaker,
    open_speaker,
)
from trio_cartesia.server import open_server

TEXT = "Each word of this text is shown once it was heard. Captions help many people to follow."
WIDTH = 42  # of a line, as captioning guides ask
SHOW_SECONDS = 0.02

FORMAT = RawOutputFormat(encoding="pcm_s16le", sample_rate=24000)
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": FORMAT,
    "add_timestamps": True,  # to know what was heard
}


class Silence:
    """Plays nothing, but takes as long as a speaker, and knows what would have been heard."""

    playout: Playout | None = None

    @property
    def heard(self) -> Heard | None:
        """What was heard until now; None before the first context."""
        return None if self.playout is None else self.playout.heard

    async def play(self, context: Context) -> Heard:
        """Wait until all of a context would have been heard."""
        self.playout = context.playout()
        async for _ in self.playout:
            pass
        return self.playout.heard


class Captions:
    """Writes a text that grows in lines of whole words."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.shown = 0
        self.column = 0

    def show(self, text: str) -> None:
        """Write the words of *text* that are new."""
        for word in text[self.shown :].split():
            if self.column and self.column + len(word) >= WIDTH:
                self.end_line()
            self.file.write(f" {word}" if self.column else word)
            self.column += len(word) + bool(self.column)
        self.shown = len(text)
        self.file.flush()

    def end_line(self) -> None:
        """Go to the start of a line."""
        if self.column:
            self.file.write("\n")
            self.column = 0


async def play(
    connection: Connection, output: Speaker | Silence, text: str, captions: Captions
) -> None:
    """Play a text with captions, and end with what was not heard, however it ends."""
    try:
        async with (
            connection.speak(text, **SETTINGS) as context,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(show, output, captions)
            await output.play(context)
            nursery.cancel_scope.cancel()
    finally:
        if output.heard is not None:
            captions.show(output.heard.text)
            captions.end_line()
            if rest := " ".join(output.heard.unheard_text.split()):
                captions.file.write(f"[not heard: {rest}]\n")


async def show(output: Speaker | Silence, captions: Captions) -> None:
    """Show the words that were heard, until cancelled."""
    while True:
        if output.heard is not None:
            captions.show(output.heard.text)
        await trio.sleep(SHOW_SECONDS)


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


async def play_text(text: str, *, is_silent: bool) -> None:
    """Play a text, in silence if there is no sound device."""
    async with AsyncExitStack() as stack:
        output: Speaker | Silence = Silence()
        if not is_silent:
            try:
                output = await stack.enter_async_context(open_speaker(FORMAT))
            except PlaybackFailed as error:
                print(f"[in silence: {error}]")
        client = await stack.enter_async_context(open_client())
        connection = await stack.enter_async_context(client.tts.websocket_connect())
        await play(connection, output, text, Captions(sys.stdout))


async def main(text: str, *, is_silent: bool) -> int:
    """Play a text, and return the exit code. Ctrl-C interrupts the speech, and no line of it."""
    code = 0
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:

            async def stop_at_ctrl_c() -> None:
                nonlocal code
                code = 128 + await anext(signals)
                nursery.cancel_scope.cancel()

            nursery.start_soon(stop_at_ctrl_c)
            await play_text(text, is_silent=is_silent)
            nursery.cancel_scope.cancel()
    return code


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Play a text, and show each word once heard.")
    parser.add_argument("text", nargs="?", default=TEXT)
    parser.add_argument("--silent", action="store_true", help="use no sound device")
    arguments = parser.parse_args()
    sys.exit(trio.run(partial(main, arguments.text, is_silent=arguments.silent)))
