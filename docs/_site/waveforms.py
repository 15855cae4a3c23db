"""Speech of the local service as a picture with word times, and as a player."""

from __future__ import annotations

import os
import re
from array import array
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

import trio
from docutils import nodes

from _site import svg
from _site.spoken import speak
from trio_cartesia import Cartesia, MP3OutputFormat, Speech
from trio_cartesia.server import open_server

VOICE: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
FILE: Final = MP3OutputFormat(sample_rate=24000, bit_rate=32000)
WIDTH, HEIGHT, MARGIN = 700, 110, 10


@cache
def make(text: str) -> tuple[Speech, bytes]:
    """Return the speech of *text* with its words, and the same as an MP3 file."""
    return trio.run(_make, text)


async def _make(text: str) -> tuple[Speech, bytes]:
    async with open_server() as server:
        os.environ["CARTESIA_BASE_URL"] = server.url
        async with Cartesia() as client:
            speech = await speak(text)
            async with client.tts.generate(
                model_id="sonic-latest", voice=VOICE, transcript=text, output_format=FILE
            ) as response:
                return speech, await response.read()


def _envelope(speech: Speech) -> str:
    samples = array("h", speech.audio)
    step = len(samples) / WIDTH
    loudest = max(map(abs, samples))
    points = []
    for x in range(WIDTH):
        some = samples[int(x * step) : int((x + 1) * step) + 1]
        points.append((MARGIN + x, max(some) / loudest, min(some) / loudest))
    middle, scale = MARGIN + HEIGHT / 2, HEIGHT / 2
    upper = [f"{x},{middle - high * scale:.1f}" for x, high, _ in points]
    lower = [f"{x},{middle - low * scale:.1f}" for x, _, low in reversed(points)]
    return f'<polygon points="{" ".join(upper + lower)}" class="wave"/>'


def _words(speech: Speech) -> list[str]:
    parts, ends = [], [-1.0, -1.0]
    for word in speech.words:
        x1 = MARGIN + word.start / speech.duration_seconds * WIDTH
        x2 = MARGIN + word.end / speech.duration_seconds * WIDTH
        middle, half = (x1 + x2) / 2, len(word.text) * svg.CHARACTER / 2
        row = 0 if middle - half > ends[0] else 1
        ends[row] = middle + half + 3
        parts += [svg.box(x1, MARGIN, x2 - x1, HEIGHT, "word")]
        parts += [svg.text(middle, MARGIN + HEIGHT + 18 + 15 * row, word.text, "label")]
    return parts


def _scale(speech: Speech) -> list[str]:
    y, parts = MARGIN + HEIGHT + 42, []
    for half in range(int(speech.duration_seconds * 2) + 1):
        x = MARGIN + half / 2 / speech.duration_seconds * WIDTH
        parts += [
            svg.line(x, y, x, y + 4, "arrow"),
            svg.text(x, y + 17, f"{half / 2:g} s", "quiet"),
        ]
    return [*parts, svg.line(MARGIN, y, MARGIN + WIDTH, y, "arrow")]


def player(text: str, folder: Path, uri: str) -> str:
    """Write the speech of *text* into *folder*, and return what plays it, below *uri*."""
    name = "-".join(re.findall(r"[a-z]+", text.lower()))[:40] + ".mp3"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(make(text)[1])
    label = escape(f"Speech: {text}")
    return f'<audio controls preload="none" src="{uri}/{name}" aria-label="{label}"></audio>'


def waveform(text: str, folder: Path, uri: str) -> nodes.raw:
    """Draw the speech of *text* with the time of each word, above its player."""
    speech = make(text)[0]
    title = f"“{text}”, {speech.duration_seconds:.1f} seconds, as the local service speaks it"
    times = ", ".join(f"{word.text} from {word.start:.2f} s" for word in speech.words)
    parts = [*_words(speech), _envelope(speech), *_scale(speech)]
    size = (WIDTH + 2 * MARGIN, MARGIN + HEIGHT + 66)
    return svg.figure(
        title, f"A waveform. The words begin: {times}.", size, parts, player(text, folder, uri)
    )
