from __future__ import annotations

import io
import sys

import pytest
import trio
from trio.testing import MockClock

from trio_cartesia import ServiceFailed
from trio_cartesia._cli.say.progress import show_progress
from trio_cartesia._cli.say.report import Report, State


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_a_terminal_shows_a_line_a_text(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the block runs, each file has a line with its audio and its state;
    names are no markup.
    """
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    one, two = Report("[bold].wav"), Report("b.wav")
    async with show_progress([one, two], live=True):
        one.begin()
        one.receive(1.25)
        await trio.sleep(1)
    shown = terminal.getvalue()
    assert "[bold].wav" in shown
    assert "1.2 s" in shown
    assert "speaking" in shown
    assert "waiting" in shown
    assert shown.index("\x1b[?25l") < shown.rindex("\x1b[?25h")  # the cursor is back


@pytest.mark.parametrize("live", [False, True])
async def test_elsewhere_there_are_plain_lines(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str], live: bool
) -> None:
    """Without a terminal there is one line for each file with audio, and no control sequence."""
    one, two = Report("a.wav"), Report("b.wav")
    async with show_progress([one, two], live=live):
        one.begin()
        one.receive(1)
        await trio.sleep(1)
        one.receive(2)
        await trio.sleep(1)
    assert capfd.readouterr().err == "a.wav: speaking\n"


async def test_no_standard_error_is_no_reason_to_fail(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the shell has closed it, nothing is shown."""
    monkeypatch.setattr(sys, "stderr", None)
    report = Report("a.wav")
    async with show_progress([report], live=True):
        report.begin()
        report.receive(1)
        await trio.sleep(1)


async def test_the_summary_says_how_it_went(autojump_clock: MockClock) -> None:
    """Time to the first audio counts from the first text, and what is not whole is marked."""
    report = Report("a.wav")
    assert report.summary() == "a.wav: waiting, 0.0 s of audio"
    report.begin()
    await trio.sleep(0.25)
    report.receive(1)
    await trio.sleep(0.75)
    report.begin()
    report.receive(4)
    report.end(State.INTERRUPTED)
    assert report.summary() == (
        "a.wav: interrupted, 4.0 s of audio, first after 250 ms, 4.0x real time"
    )
    report.end(State.DONE)
    assert report.summary().startswith("a.wav: 4.0 s of audio")
    report.end(State.FAILED, error := ServiceFailed("no"))
    assert report.error is error
