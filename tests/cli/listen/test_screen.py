"""What `listen` shows on a terminal, and writes elsewhere."""

from __future__ import annotations

import os
import unicodedata
from io import FileIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from trio_cartesia._cli.listen.screen import (
    JSONLines,
    Lines,
    Terminal,
    one_line,
    open_output,
    tail,
)

texts = st.text(st.characters() | st.sampled_from("漢字한글é\u0301\u200b\n\t\x1b\x9b"), max_size=60)


@given(texts, st.integers(-1, 50))
def test_the_end_of_a_text_fits(text, width):
    """Whatever the text and the width, what is shown is its end, and fits on the line."""
    line = one_line(text)
    shown = tail(line, width)
    assert sum(map(cell_len, shown)) <= max(0, width)
    assert shown == line or not shown or (shown.startswith("...") and line.endswith(shown[3:]))
    if sum(map(cell_len, line)) <= width:
        assert shown == line


@given(texts)
def test_nothing_controls_the_terminal(text):
    """A line has no control characters, and no white space but single blanks; the rest is there."""
    line = one_line(text)
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cs"}
    assert line == " ".join(line.split())
    letters = [each for each in text if each.isalnum()]
    assert [each for each in line if each.isalnum()] == letters


class Screen:
    """A terminal that knows what we send: it has lines, and the last one can be erased."""

    def __init__(self, width):
        self.width, self.lines = width, [""]

    def take(self, data):
        plain = data.replace("\x1b[2m", "").replace("\x1b[0m", "")
        first, *parts = plain.split("\r\x1b[K")
        assert first == ""  # each begins with the line that it draws anew
        for part in parts:
            *finished, last = part.split("\n")
            self.lines[-1:] = [*finished, last]
            assert cell_len(last) < self.width  # it takes one line only


async def written(make, steps):
    """What is written for (method, text) steps."""
    reading, writing = os.pipe()
    with FileIO(reading) as reader:
        with FileIO(writing, "wb") as file:
            output = make(file)
            for method, text in steps:
                await getattr(output, method)(text)
        return reader.read().decode()


STEPS = [
    ("show", "One"),
    ("show", "One two"),
    ("add", "One two."),
    ("show", "Three, which is a long text that does not fit on the line"),
    ("show", "漢字" * 30),
    ("add", " Three.\n"),
    ("add", ""),
    ("show", "Four"),
    ("add", ""),
]


@pytest.mark.parametrize("width", [20, 21, 80])
async def test_a_terminal_shows_the_text_while_it_grows(monkeypatch, width):
    """Final texts are lines; the last line is drawn anew, and never longer than the terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    screen = Screen(width)
    screen.take(await written(lambda file: Terminal(file, "utf-8", has_color=True), STEPS))
    assert screen.lines == ["One two.", "Three.", ""]


async def test_without_color_there_are_no_styles():
    data = await written(lambda file: Terminal(file, "utf-8", has_color=False), STEPS)
    assert "\x1b[2m" not in data


async def test_elsewhere_only_final_text_is_written():
    assert await written(lambda file: Lines(file, "utf-8"), STEPS) == "One two.\nThree.\n"
    assert await written(lambda file: Lines(file, "ascii"), [("add", "Ça")]) == "?a\n"


async def test_json_has_every_text_as_it_is():
    data = await written(lambda file: JSONLines(file, "utf-8"), STEPS[1:3])
    assert data.splitlines() == [
        '{"type": "interim", "text": "One two"}',
        '{"type": "final", "text": "One two."}',
    ]


@pytest.mark.parametrize(
    ("term", "no_color", "kind"),
    [("xterm", None, True), ("xterm", "1", False), ("dumb", None, None)],
)
def test_what_a_terminal_can_show(monkeypatch, term, no_color, kind):
    """Styles are omitted with NO_COLOR, and a dumb terminal gets final text alone; at the end of
    the block nothing is left that may still change.
    """
    ours, theirs = os.openpty()
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", terminal)
            with open_output(as_json=False) as output:
                assert type(output) is (Lines if kind is None else Terminal)
                if kind is not None:
                    assert output._has_color is kind
                    output._is_drawn = True
            if kind is not None:
                assert screen.read(100) == b"\r\x1b[K"
            with open_output(as_json=True) as output:
                assert type(output) is JSONLines


async def test_without_standard_output_nothing_is_written(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    with open_output(as_json=False) as output:
        await output.show("One")
        await output.add("One.")
