from __future__ import annotations

import errno
import os
import re
import ssl
import sys

import pytest
import trio

import trio_cartesia
from tests.cli.support import full_output
from trio_cartesia import AuthenticationFailed, CartesiaError, ConnectFailed
from trio_cartesia._cli.console import (
    UsageError,
    describe_error,
    print_message,
    print_result,
    report_error,
)

ALL_ERRORS = [
    kind
    for kind in vars(trio_cartesia).values()
    if isinstance(kind, type) and issubclass(kind, CartesiaError)
]


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
        (
            OSError(errno.EMFILE, "Too many open files"),
            "Too many open files. Give fewer texts at once, or raise `ulimit -n`.",
        ),
        (UsageError("no", next_step="Try yes."), "no. Try yes."),
        (ExceptionGroup("one", [UsageError("Why?")]), "Why?"),
        (KeyError("private"), "KeyError. This is a bug: report it, with what --debug shows."),
    ],
)
def test_an_error_says_what_failed_and_what_to_do(error: Exception, expected: str) -> None:
    """Every error is one or two sentences, and bugs quote nothing."""
    assert describe_error(error) == expected


def no_tls(cause: ssl.SSLError) -> ConnectFailed:
    broken = trio.BrokenResourceError()
    broken.__cause__ = cause
    error = ConnectFailed("no TLS with it")
    error.__cause__ = broken
    return error


def test_where_there_is_no_tls_the_advice_is_about_it() -> None:
    """The advice differs for an untrusted certificate and for an address without TLS."""
    mistaken = ssl.SSLError(1, "wrong version number")
    mistaken.reason = "WRONG_VERSION_NUMBER"
    assert "SSL_CERT_FILE" in describe_error(no_tls(ssl.SSLCertVerificationError(1, "unknown")))
    assert "http://" in describe_error(no_tls(mistaken))
    assert "network" in describe_error(no_tls(ssl.SSLError(1, "another")))


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_advice_is_for_shell_users(kind: type[CartesiaError]) -> None:
    """Whatever fails, what to do can be done without writing a program."""
    text = describe_error(kind("It failed."))
    assert text.startswith("It failed. ")
    assert not re.search(r"\bcall\b|`|=|\bcontexts?\b|connection|traceback", text)


def test_the_file_is_named_once(capfd: pytest.CaptureFixture[str]) -> None:
    """An error that knows its file is about that file."""
    report_error(IsADirectoryError(errno.EISDIR, "Is a directory", "a.wav"), "a.wav")
    assert capfd.readouterr().err == (
        "trio-cartesia: a.wav: Is a directory. Choose another place with --out.\n"
    )


def test_messages_have_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever is in a message, it is one line on standard error."""
    print_message("one\ntwo\r\n")
    assert capfd.readouterr() == ("", "one two\n")


def test_names_that_are_no_text_are_given_as_they_are(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A path on standard output is the path, byte for byte."""
    print_result(os.fsdecode(b"\xff.wav"))
    assert capfdbinary.readouterr().out == b"\xff.wav\n"


def test_results_that_nobody_reads_are_dropped(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the reader has gone, writing goes on as if there were one."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert print_result("a.wav")
        assert print_result("b.wav")
    assert capfd.readouterr().err == ""


def test_results_that_are_lost_are_reported(capfd: pytest.CaptureFixture[str]) -> None:
    """If there is no space for them, one line says so, and closing the stream succeeds."""
    with full_output():
        assert not print_result("a.wav")
    assert capfd.readouterr().err == (
        "trio-cartesia: standard output: No space left on device. Send it somewhere else.\n"
    )


def test_closed_streams_are_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shell has closed them, nothing is written."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert print_result("a.wav")
    print_message("done")
