"""
What the user reads: results on standard output, everything else on standard error.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from typing import Final

from trio_cartesia import CartesiaError

__all__ = [
    "EXPECTED",
    "FAILED",
    "MISUSED",
    "PROGRAM",
    "Expected",
    "UsageError",
    "complain",
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
    errno.ENOENT: "Make the directory first, or choose another place with --out.",
    errno.ENOSPC: "Free some space, or choose another place with --out.",
    errno.ENOTDIR: OTHER_PLACE,
    errno.EPERM: OTHER_PLACE,
    errno.EROFS: OTHER_PLACE,
}


class UsageError(Exception):
    """What was asked for cannot be done, here or at all."""


Expected = CartesiaError | OSError | UsageError
EXPECTED: Final = (CartesiaError, OSError, UsageError)  # all others are bugs


def give(result: str) -> None:
    """Write a line of results to standard output, at once."""
    if sys.stdout is None:  # the shell has closed it
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(result + os.linesep))  # as file names are spelt
        sys.stdout.buffer.flush()
    except OSError:  # nobody reads any more: be quiet when the interpreter flushes again
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
        next_step: What to do; None: what the error suggests. A `CartesiaError` knows better.
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
        return f"{_sentence(str(error))} {next_step or ''}".rstrip()
    if isinstance(error, CartesiaError):
        return f"{_sentence(str(error) or type(error).__name__)} {error.next_step}"
    if isinstance(error, OSError):
        text = error.strerror or str(error) or type(error).__name__
        next_step = next_step or NEXT_STEPS.get(error.errno or 0, "")
        return f"{_sentence(text)} {next_step}".rstrip()
    return f"{type(error).__name__}. This is a bug: report it, with what --debug shows."


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
