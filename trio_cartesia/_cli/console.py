"""Output: results on standard output, messages on standard error."""

from __future__ import annotations

import errno
import os
import ssl
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Final

from trio_cartesia import (
    CaptureFailed,
    CartesiaError,
    ConcurrencyLimited,
    ConnectFailed,
    ConnectionLost,
    ContextExpired,
    ContextFailed,
    ContextStalled,
    InboxOverflow,
    InternalError,
    LocalProtocolError,
    PlaybackFailed,
)

__all__ = [
    "EXPECTED",
    "FAILED",
    "MISUSED",
    "PROGRAM",
    "READER_GONE",
    "Expected",
    "UsageError",
    "audio_step",
    "describe_error",
    "invalid_usage",
    "is_quiet",
    "print_message",
    "print_note",
    "print_result",
    "report_error",
    "write_output",
]

PROGRAM: Final = "trio-cartesia"
FAILED: Final = 1  # exit codes, as shells and other tools use them
MISUSED: Final = 2
READER_GONE: Final = 141  # as a shell reports SIGPIPE

OTHER_PLACE: Final = "Choose another place with --out."
NEXT_STEPS: Final = {
    errno.EACCES: OTHER_PLACE,
    errno.EEXIST: OTHER_PLACE,
    errno.EINVAL: OTHER_PLACE,
    errno.EISDIR: OTHER_PLACE,
    errno.EMFILE: "Give fewer texts at once, or raise `ulimit -n`.",
    errno.ENOENT: "Make the directory first, or choose another place with --out.",
    errno.ENOSPC: "Free some space, or choose another place with --out.",
    errno.ENOTDIR: OTHER_PLACE,
    errno.EPERM: OTHER_PLACE,
    errno.EROFS: OTHER_PLACE,
}
IN_A_SHELL: Final = {  # instead of an error's own advice, which is for programmers
    ConcurrencyLimited: "Give fewer texts at once, or move to a larger plan.",
    ConnectionLost: "Give the rest of the text again.",
    ContextExpired: "Give the rest of the text again.",
    ContextFailed: "Read the message: the text was not spoken to its end.",
    ContextStalled: "Give the rest of the text again; if it stalls again, report it to Cartesia.",
    InboxOverflow: "Give fewer texts at once, or write to a faster disk.",
    InternalError: "Report it to the authors of trio_cartesia, with what --debug shows.",
    LocalProtocolError: "Correct the options: nothing was sent.",
    PlaybackFailed: "Or write files instead: omit --play.",
    CaptureFailed: "Or give a FILE, or - for standard input.",
}
ABOUT_AUDIO: Final = {  # likewise, where speech is transcribed
    ConcurrencyLimited: "Transcribe less at once, or move to a larger plan.",
    ConnectionLost: "Transcribe the rest of the audio again.",
    InboxOverflow: "Read standard output faster.",
}
UNTRUSTED: Final = (
    "If it is a local service, set SSL_CERT_FILE to the file that it printed when it started."
)
NO_TLS: Final = "If it is a local service without --tls, write http:// in CARTESIA_BASE_URL."


is_quiet: Final = ContextVar("is_quiet", default=False)  # --quiet: neither notes nor progress


class UsageError(Exception):
    """The command cannot be performed as given.

    Attributes:
        next_step: What to do; empty if the command's help says it.
    """

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


def invalid_usage(error: LocalProtocolError) -> UsageError:
    """Return the usage error for a call that is not valid."""
    is_sent = error.next_step != LocalProtocolError.next_step  # in part, which it says
    return UsageError(str(error), next_step=error.next_step if is_sent else "Nothing was sent.")


Expected = CartesiaError | OSError | UsageError
EXPECTED: Final = (CartesiaError, OSError, UsageError)  # any other is a bug


def print_result(result: str, *, debug: bool = False) -> bool:
    """Write a line of results to standard output, as `write_output` does."""
    return write_output(partial(_write_result, result), debug=debug)


def write_output(write: Callable[[], object], *, debug: bool = False) -> bool:
    """Call *write*, which writes results to standard output, and flush them.

    Returns:
        False if they were lost, after an error message. It is no error if the reader has gone or
        the shell has closed standard output.
    """
    if sys.stdout is None:  # closed by the shell
        return True
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone
        _silence_output()
    except OSError as error:
        _silence_output()
        report_error(error, "standard output", next_step="Send it somewhere else.", debug=debug)
        return False
    return True


def _write_result(result: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(result + os.linesep))  # the bytes of file names


def _silence_output() -> None:
    """Drop the rest of the buffer, which the interpreter would fail to flush at exit."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def print_message(message: str) -> None:
    """Write a message to standard error, on one line."""
    with suppress(OSError, AttributeError):  # if it is closed, it is None or fails
        sys.stderr.write(" ".join(message.split()) + "\n")
        sys.stderr.flush()


def print_note(message: str) -> None:
    """Write a message that tells of nothing that went wrong, unless ``--quiet`` was given."""
    if not is_quiet.get():
        print_message(message)


def audio_step(error: BaseException) -> str | None:
    """Return what to do where that differs from the commands that speak, else None."""
    if isinstance(error, LocalProtocolError):
        return invalid_usage(error).next_step
    is_about_file = isinstance(error, OSError) and error.filename is not None
    return "Choose another file." if is_about_file else ABOUT_AUDIO.get(type(error))


def report_error(
    error: BaseException,
    about: str | None = None,
    *,
    next_step: str | None = None,
    debug: bool = False,
) -> None:
    """Print on one line what failed and what to do.

    Args:
        error: The exception.
        about: Its subject, unless the exception names a file.
        next_step: What to do, unless the exception says it.
        debug: Print the traceback first.
    """
    if debug:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.filename is not None:
        about = os.fsdecode(error.filename)
    subject = "" if about is None else f"{about}: "
    print_message(f"{PROGRAM}: {subject}{describe_error(error, next_step)}")


def describe_error(error: BaseException, next_step: str | None = None) -> str:
    """Return what failed, followed by what to do."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return describe_error(error.exceptions[0], next_step)
    if isinstance(error, UsageError):
        return f"{_sentence(str(error))} {error.next_step or next_step or ''}".rstrip()
    if isinstance(error, CartesiaError):
        usual = _tls_advice(error) or IN_A_SHELL.get(type(error), error.next_step)
        next_step = next_step or usual
        return f"{_sentence(str(error) or type(error).__name__)} {next_step}"
    if isinstance(error, OSError):
        text = error.strerror or str(error) or type(error).__name__
        next_step = next_step or NEXT_STEPS.get(error.errno or 0, "")
        return f"{_sentence(text)} {next_step}".rstrip()
    return f"{type(error).__name__}. This is a bug: report it, with what --debug shows."


def _tls_advice(error: CartesiaError) -> str | None:
    """Return what to do if TLS with the service has failed, else None."""
    cause: BaseException | None = error if isinstance(error, ConnectFailed) else None
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return UNTRUSTED
    return NO_TLS if getattr(cause, "reason", None) == "WRONG_VERSION_NUMBER" else None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
