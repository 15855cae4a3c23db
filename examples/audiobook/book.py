"""Speak a book: a WAV file for each chapter, and a table of contents.

Run it with ``python book.py BOOK.txt DIRECTORY``; without arguments it speaks two very short
chapters, and without a key it uses a local service. Run it again after Ctrl-C or an outage: what is
done is not spoken again. A chapter begins with a line such as "Chapter 1"; paragraphs have blank
lines between them.
"""

from __future__ import annotations

import os
import re
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from trio_cartesia import Cartesia, CartesiaError
from trio_cartesia.batch import Item, speak_all
from trio_cartesia.server import open_server

SAMPLE_RATE = 24_000
PAUSE_SECONDS = 0.6
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": SAMPLE_RATE},
    "language": "en",
}
SHORT_BOOK = """
Chapter 1. The Station

It was late, and the last train had gone.

Nobody had seen it leave.

Chapter 2. The Letter

In the morning there was a letter on the bench.
"""

Chapter = list[Item]  # its heading, and its paragraphs


def read_chapters(text: str) -> list[Chapter]:
    """Divide a book into chapters; text before the first heading is a chapter without one."""
    chapters: list[Chapter] = []
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text) if each.strip()]
    for paragraph in paragraphs:
        is_heading = re.match(r"chapter\b", paragraph, re.IGNORECASE) is not None
        if is_heading or not chapters:
            chapters.append([])
        settings = {"generation_config": {"speed": 0.85}} if is_heading else {}
        item_id = f"{len(chapters):02}-{len(chapters[-1]):04}"
        chapters[-1].append(Item(item_id, paragraph, settings=settings))
    return chapters


async def speak_book(client: Cartesia, text: str, directory: Path, jobs: int = 2) -> bool:
    """Speak what is missing; return True once all chapters are written.

    Parts that the service refuses are listed on standard error, and no chapter is written.

    Raises:
        CartesiaError: The service cannot be reached, or refuses everything.
    """
    chapters = read_chapters(text)
    paragraphs = {item.id: item for chapter in chapters for item in chapter}
    is_complete = True
    async with speak_all(
        paragraphs.values(), client=client, directory=directory / "parts", jobs=jobs, **SETTINGS
    ) as batch:
        async for result in batch:
            if result.state != "done":
                is_complete = False
                print(f"{result.id}: {result.state}: {result.reason}", file=sys.stderr)
    if is_complete:
        await trio.to_thread.run_sync(write_chapters, chapters, directory)
    return is_complete


def write_chapters(chapters: list[Chapter], directory: Path) -> None:
    """Join the parts of each chapter, and write where each begins."""
    contents = []
    for number, chapter in enumerate(chapters, 1):
        path = directory / f"chapter-{number:02}.wav"
        with wave.open(str(path), "wb") as whole:
            whole.setnchannels(1)
            whole.setsampwidth(2)
            whole.setframerate(SAMPLE_RATE)
            for audio in audio_of(chapter, directory / "parts"):
                whole.writeframes(audio)
            seconds = whole.getnframes() / SAMPLE_RATE
        contents.append(f"{path.name}\t{seconds:.1f} s\t{chapter[0].text}\n")
    (directory / "contents.txt").write_text("".join(contents))


def audio_of(chapter: Chapter, parts: Path) -> Iterator[bytes]:
    """Yield the audio of each part, and a pause behind it."""
    for item in chapter:
        with wave.open(str(parts / f"{item.id}.wav")) as part:
            yield part.readframes(part.getnframes())
        yield bytes(2 * int(PAUSE_SECONDS * SAMPLE_RATE))


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


async def main() -> int:
    """Speak the book of the command line."""
    text = Path(sys.argv[1]).read_text() if len(sys.argv) > 1 else SHORT_BOOK  # noqa: ASYNC240
    directory = Path(sys.argv[2] if len(sys.argv) > 2 else "book")
    try:
        async with open_client() as client:
            if not await speak_book(client, text, directory):
                return 1
    except CartesiaError as error:  # no credits, no network: later parts would fail as well
        print(f"{error}\n{error.next_step}", file=sys.stderr)
        return 1
    print((directory / "contents.txt").read_text(), end="")  # noqa: ASYNC240  # small
    return 0


if __name__ == "__main__":
    sys.exit(trio.run(main))
