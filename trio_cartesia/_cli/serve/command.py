"""``trio-cartesia serve``: run the local service until it is stopped."""

from __future__ import annotations

import errno
import gc
import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import trio

from trio_cartesia._cli.console import (
    FAILED,
    UsageError,
    is_quiet,
    print_note,
    print_result,
    report_error,
)
from trio_cartesia._cli.serve.options import ServiceOptions

if TYPE_CHECKING:
    from trio_cartesia.server import Server

__all__ = ["serve"]

LIST: Final = "list"
OTHER_PORT: Final = "Choose another --port (0 finds a free one) or --host."
OTHER_FILE: Final = "Choose another --ca-file, or none."
AUTHORITY: Final = "the authority's certificate"
SOME_FILE: Final = "Choose a place for it with --ca-file."
ABOUT_FILES: Final = (errno.ENOENT, errno.ENOSPC, errno.EROFS)  # not about an address
OTHER_STORE: Final = "Choose another file for --store, or none."
OTHER_VOICE: Final = (
    "Run pip install 'trio-cartesia[local]' (in a checkout: pip install '.[local]'), "
    "or choose --voice tones."
)
OTHER_RECOGNIZER: Final = "Install that extra, or choose another --recognizer."
OTHER_TLS: Final = (
    "Run pip install 'trio-cartesia[tls]' (in a checkout: pip install '.[tls]'), "
    "or bring a certificate with --tls-cert."
)


async def serve(options: ServiceOptions) -> int:
    """Serve until cancelled; the URL is the first line on standard output.

    Returns:
        The exit code of a service that could not start or print its URL.

    Raises:
        UsageError: The options are invalid; nothing was started.
    """
    from trio_cartesia.server import default_voice, open_server, open_voice

    if LIST in (*options.behaviour, *options.faults):
        return 0 if print_result(_listed(options), debug=options.debug) else FAILED
    arguments, debug = options.arguments(), options.debug
    missing = OTHER_VOICE
    try:
        voice = default_voice() if options.voice is None else open_voice(options.voice)
        missing = OTHER_TLS
        async with open_server(voice=voice, **arguments) as server:
            if not print_result(server.url, debug=debug):  # no client could find it
                return FAILED
            _introduce(server, has_keys=arguments["api_keys"] is not None)
            with _logged_to_stderr(), _short_collections():
                await trio.sleep_forever()
    except ValueError as error:  # the voice, the recogniser or the extra tls is not installed
        why = str(error).replace("tls=True", "--tls")
        absent = UsageError(why).with_traceback(error.__traceback__)
        step = OTHER_RECOGNIZER if why.startswith("the recogniser") else missing
        report_error(absent, next_step=step, debug=debug)
    except OSError as error:
        if error.filename is not None and error.filename == options.store:
            report_error(error, next_step=OTHER_STORE, debug=debug)
        elif error.filename is not None or error.errno in ABOUT_FILES:
            step = OTHER_FILE if options.ca_file else SOME_FILE
            error.filename = None  # it may be a temporary file beside it
            report_error(error, options.ca_file or AUTHORITY, next_step=step, debug=debug)
        else:
            place = f"cannot listen on {options.host}, port {options.port}"
            report_error(error, place, next_step=OTHER_PORT, debug=debug)
    return FAILED


def _listed(options: ServiceOptions) -> str:
    from trio_cartesia._cli.serve import listing

    return listing.behaviours() if LIST in options.behaviour else listing.faults()


def _introduce(server: Server, *, has_keys: bool) -> None:
    """Print how clients find, enter and trust the service, as lines for a shell."""
    print_note(f"the voice is {server.voice.name}; Ctrl-C stops it. To use it:")
    print_note(f"export CARTESIA_BASE_URL={server.url}")
    for url in server.urls[1:]:
        print_note(f"export CARTESIA_BASE_URL={url}  # on other machines")
    if has_keys:
        print_note("and set CARTESIA_API_KEY to one of the keys that it was given")
    else:
        print_note("export CARTESIA_API_KEY=local  # any will do, so not a real one")
    if server.ca_file is not None:
        path = shlex.quote(str(server.ca_file))
        print_note(f"export SSL_CERT_FILE={path}  # for Python")
        print_note(f"export NODE_EXTRA_CA_CERTS={path}  # for Node")
        print_note(f"curl --cacert {path} {server.url}")


@contextmanager
def _short_collections() -> Iterator[None]:
    """Exclude the objects so far from garbage collection, because they live as long as the process.

    A collection stops the loop, and would spend most of its time on the modules.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _logged_to_stderr() -> Iterator[None]:
    if is_quiet.get():
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("trio_cartesia.server")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
