"""
What the user reads: results on standard output, everything else on standard error.
"""

from __future__ import annotations

import errno
import os
import ssl
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from trio_cartesia import (
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
)

__all__ = [
    "EXPECTED",
    "FAILED",
    "MISUSED",
    "PROGRAM",
    "Expected",
    "UsageError",
    "complain",
    "deliver",
    "explain",
    "give",
    "tell",
]

PROGRAM: Final = "trio-cartesia"
FAILED: Final = 1  # exit codes, as shells and other tools use them
MISUSED: Final = 2

OTHER_PLACE: Final = "Choose another place with --out."
NEXT_STEPS: Final = {
    errno.EACCES: OTHER_PLACE,
    errno.EEXIST: OTHER_PLACE,
    errno.EINVAL: OTHER_PLACE,
    errno.EISDIR: OTHER_PLACE,
    errno.EMFILE: "Say fewer texts at once, or raise `ulimit -n`.",
    errno.ENOENT: "Make the directory first, or choose another place with --out.",
    errno.ENOSPC: "Free some space, or choose another place with --out.",
    errno.ENOTDIR: OTHER_PLACE,
    errno.EPERM: OTHER_PLACE,
    errno.EROFS: OTHER_PLACE,
}
IN_A_SHELL: Final = {  # where an error's own advice is about calls, which only programmers make
    ConcurrencyLimited: "Say fewer texts at once, or move to a larger plan.",
    ConnectionLost: "Say again what is not in the file.",
    ContextFailed: "Read the message: the text was not spoken to its end.",
    ContextExpired: "Say again what is not in the file.",
    ContextStalled: "Say it again; if it happens again, report it to Cartesia.",
    InboxOverflow: "Say fewer texts at once, or write to a faster disk.",
    InternalError: "Report it to the authors of trio_cartesia, with what --debug shows.",
    LocalProtocolError: "Ask for something else: the service was not asked.",
}
UNTRUSTED: Final = (
    "If it is a local service, set SSL_CERT_FILE to the file that it named when it started."
)
NO_TLS: Final = "If it is a local service without --tls, write http:// in CARTESIA_BASE_URL."


class UsageError(Exception):
    """
    What was asked for cannot be done, here or at all.

    Attributes:
        next_step: What to do about it; empty where the command's help is all that there is.
    """

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


Expected = CartesiaError | OSError | UsageError
EXPECTED: Final = (CartesiaError, OSError, UsageError)  # all others are bugs


def give(result: str, *, debug: bool = False) -> bool:
    """Write a line of results to standard output, at once, as `deliver` does."""
    return deliver(partial(_write_result, result), debug=debug)


def deliver(write: Callable[[], object], *, debug: bool = False) -> bool:
    """
    Call *write*, which writes results to standard output, and see that they get there.

    Returns:
        False if they are lost, which was said. Where nobody wants them, that is no loss.
    """
    if sys.stdout is None:  # the shell has closed it
        return True
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads any more
        _silence_output()
    except OSError as error:
        _silence_output()
        complain(error, "standard output", next_step="Send it somewhere else.", debug=debug)
        return False
    return True


def _write_result(result: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(result + os.linesep))  # as file names are spelt


def _silence_output() -> None:
    """Drop what is left in the buffer, or else the interpreter would fail to flush it at exit."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def tell(message: str) -> None:
    """Write a message to standard error, on one line."""
    with suppress(OSError, AttributeError):  # it may be closed: then it is None, or fails
        sys.stderr.write(" ".join(message.split()) + "\n")
        sys.stderr.flush()


def complain(
    error: BaseException,
    about: str | None = None,
    *,
    next_step: str | None = None,
    debug: bool = False,
) -> None:
    """
    Say on one line what failed and what to do.

    Args:
        error: What was raised.
        about: What it happened to; for files, the error knows better.
        next_step: What to do, unless the error knows better; OSErrors do not.
        debug: Show the traceback first.
    """
    if debug:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.filename is not None:
        about = os.fsdecode(error.filename)
    subject = "" if about is None else f"{about}: "
    tell(f"{PROGRAM}: {subject}{explain(error, next_step)}")


def explain(error: BaseException, next_step: str | None = None) -> str:
    """Return what failed, and then what to do about it."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return explain(error.exceptions[0], next_step)
    if isinstance(error, UsageError):
        return f"{_sentence(str(error))} {error.next_step or next_step or ''}".rstrip()
    if isinstance(error, CartesiaError):
        next_step = _tls_advice(error) or IN_A_SHELL.get(type(error), error.next_step)
        return f"{_sentence(str(error) or type(error).__name__)} {next_step}"
    if isinstance(error, OSError):
        text = error.strerror or str(error) or type(error).__name__
        next_step = next_step or NEXT_STEPS.get(error.errno or 0, "")
        return f"{_sentence(text)} {next_step}".rstrip()
    return f"{type(error).__name__}. This is a bug: report it, with what --debug shows."


def _tls_advice(error: CartesiaError) -> str | None:
    """Return what to do where there is no TLS with the service, if that is why it failed."""
    cause: BaseException | None = error if isinstance(error, ConnectFailed) else None
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return UNTRUSTED
    return NO_TLS if getattr(cause, "reason", None) == "WRONG_VERSION_NUMBER" else None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
