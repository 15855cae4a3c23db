"""Draw the README's picture: two texts that are spoken at once, in a terminal and as waveforms.

``python tools/draw_readme.py`` runs the README's first command and writes
``docs/pictures/two-contexts.svg`` from what it printed and from the files that it wrote.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import wave
from array import array
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

PICTURE: Final = Path(__file__).parent.parent / "docs" / "pictures" / "two-contexts.svg"
TEXTS: Final = ("Context one is speaking now.", "Context two has a different message.")
WIDTH: Final = 860
LEFT: Final = 24
PIXELS_PER_SECOND: Final = 300
LINE: Final = 22
WAVE_HEIGHT: Final = 70
COLORS: Final = ("#7ee0c3", "#f2c078")
STYLE: Final = (
    "text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: #e8e8ea } "
    ".quiet { fill: #9a9aa5 } .word { font-size: 12px } .edge { stroke: #55555f }"
)


def speak(directory: str) -> list[str]:
    """Run the command, and return the lines of the terminal."""
    arguments = ["say", "--local", "--words", "--out", "speech", *TEXTS]
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "trio_cartesia", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    quoted = [f'    "{each}"' for each in TEXTS]
    command = [f"$ trio-cartesia {' '.join(arguments[: -len(TEXTS)])}", *quoted]
    notes = [line for line in done.stderr.splitlines() if ": speaking" not in line]
    return [" \\\n".join(command), *notes]


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """Return a line of text."""
    where = f'x="{x:.1f}" y="{y:.1f}" class="{kind}" xml:space="preserve"'
    return f"<text {where}>{escape(content)}</text>"


def waveform(path: Path, top: float, color: str) -> Iterator[str]:
    """Yield the parts of one waveform, with its words below."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = array("h", file.readframes(file.getnframes()))
    loudest, middle = max(map(abs, samples)), top + WAVE_HEIGHT / 2
    step = rate // PIXELS_PER_SECOND
    lines = []
    for x, start in enumerate(range(0, len(samples), step)):
        half = max(map(abs, samples[start : start + step])) / loudest * WAVE_HEIGHT / 2
        lines.append(f"M{LEFT + x},{middle - half:.1f}v{2 * half + 0.5:.1f}")
    yield f'<path d="{"".join(lines)}" stroke="{color}"/>'
    for word in json.loads(path.with_suffix(".words.json").read_text()):
        x = LEFT + word["start"] * PIXELS_PER_SECOND
        yield f'<path d="M{x:.1f},{top - 4}V{top + WAVE_HEIGHT + 16}" class="edge"/>'
        yield text(x + 3, top + WAVE_HEIGHT + 14, word["word"], "word")


def draw() -> str:
    """Return the picture."""
    with tempfile.TemporaryDirectory() as directory:
        lines = speak(directory)
        command, *rest = (line.splitlines() for line in lines)
        shown = [(line, "") for line in command] + [(line, "quiet") for (line,) in rest]
        parts = [text(LEFT, 36 + LINE * row, *line) for row, line in enumerate(shown)]
        top = 36.0 + LINE * len(shown)
        for number, color in enumerate(COLORS, 1):
            name = f"speech/speech-{number}.wav"
            parts += [text(LEFT, top + 8, name, "quiet")]
            parts += waveform(Path(directory, name), top + 20, color)
            top += WAVE_HEIGHT + 56
    title = "Two texts are spoken at once over one connection; each has a file of its own"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" role="img" '
        f'aria-label="{title}">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{top:.0f}" rx="10" fill="#1d1d24"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw())
