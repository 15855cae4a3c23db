"""
``trio-cartesia serve``: the local service, for as long as nobody stops it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from trio_cartesia._cli.console import FAILED, UsageError, complain, give, tell

__all__ = ["serve"]

OTHER_PORT: Final = "Choose another --port (0 finds a free one) or --host."
OTHER_VOICE: Final = (
    "Run pip install 'trio-cartesia[local]' (in a checkout: pip install '.[local]'), "
    "or choose --voice tones."
)


async def serve(*, host: str, port: int, voice: str | None, debug: bool) -> int:
    """
    Serve until cancelled; the URL is the first line on standard output.

    Returns:
        The exit code of a service that could not start, or not say where it is.
    """
    from trio_cartesia.server import open_server

    try:
        async with open_server(host=host, port=port, voice=voice) as server:
            if not give(server.url, debug=debug):  # nobody could find it
                return FAILED
            tell(f"the voice is {server.voice.name}; Ctrl-C stops it. To use it:")
            tell(f"export CARTESIA_BASE_URL={server.url}")
            tell("export CARTESIA_API_KEY=local  # any will do, so not a real one")
            with _logged_to_stderr():
                await trio.sleep_forever()
    except ValueError as error:  # there is no such voice here
        missing = UsageError(str(error)).with_traceback(error.__traceback__)
        complain(missing, next_step=OTHER_VOICE, debug=debug)
    except OSError as error:
        place = f"cannot listen on {host}, port {port}"
        complain(error, place, next_step=OTHER_PORT, debug=debug)
    return FAILED


@contextmanager
def _logged_to_stderr() -> Iterator[None]:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("trio_cartesia.server")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
