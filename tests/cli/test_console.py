from __future__ import annotations

import errno
import os
import sys

import pytest

from trio_cartesia import AuthenticationFailed
from trio_cartesia._cli.console import UsageError, complain, explain, give, tell


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UsageError("no such thing"), "no such thing."),
        (
            AuthenticationFailed("no key", status_code=401),
            "no key (status 401). Check the API key or access token.",
        ),
        (AuthenticationFailed(), "AuthenticationFailed. Check the API key or access token."),
        (OSError("odd"), "odd."),
        (OSError(), "OSError."),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "Permission denied. Choose another place with --out.",
        ),
        (ExceptionGroup("one", [UsageError("Why?")]), "Why?"),
        (KeyError("private"), "KeyError. This is a bug: report it, with what --debug shows."),
    ],
)
def test_an_error_says_what_failed_and_what_to_do(error: Exception, expected: str) -> None:
    """
    Every error is one or two sentences, and bugs quote nothing.
    """
    assert explain(error) == expected


def test_the_file_is_named_once(capfd: pytest.CaptureFixture[str]) -> None:
    """
    An error that knows its file is about that file.
    """
    complain(IsADirectoryError(errno.EISDIR, "Is a directory", "a.wav"), "a.wav")
    assert capfd.readouterr().err == (
        "trio-cartesia: a.wav: Is a directory. Choose another place with --out.\n"
    )


def test_messages_have_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """
    Whatever is in a message, it is one line on standard error.
    """
    tell("one\ntwo\r\n")
    assert capfd.readouterr() == ("", "one two\n")


def test_names_that_are_no_text_are_given_as_they_are(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """
    A path on standard output is the path, byte for byte.
    """
    give(os.fsdecode(b"\xff.wav"))
    assert capfdbinary.readouterr().out == b"\xff.wav\n"


def test_results_that_nobody_reads_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the reader has gone, writing goes on as if there were one.
    """
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        give("a.wav")
        give("b.wav")


def test_closed_streams_are_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the shell has closed them, nothing is written.
    """
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    give("a.wav")
    tell("done")
