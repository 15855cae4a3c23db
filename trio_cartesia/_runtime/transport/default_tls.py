"""The default TLS settings: the system's authorities, with full verification."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import Final

__all__ = ["default_context"]

KEY_LOG: Final = "SSLKEYLOGFILE"  # read by ssl.create_default_context

FileState = tuple[int, int, int] | None


def default_context() -> ssl.SSLContext:
    """Return a context that trusts the authorities that the system, or its environment, names now.

    Making one takes tens of milliseconds, so it is kept until a variable of the environment names
    other authorities, or the file of authorities changes.
    """
    names = ssl.get_default_verify_paths()
    file = os.environ.get(names.openssl_cafile_env, names.openssl_cafile)
    folder = os.environ.get(names.openssl_capath_env, names.openssl_capath)
    return _context(file, _state(file), folder, _state(folder), os.environ.get(KEY_LOG))


@lru_cache(maxsize=4)
def _context(*_what_it_depends_on: str | FileState) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some builds of Python leave it to OpenSSL
    context.options |= ssl.OP_NO_RENEGOTIATION  # reading would have to write, and wait for that
    return context


def _state(path: str) -> FileState:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
