"""The console script and ``python -m trio_cartesia``: handle Ctrl-C from the first moment to the
last.

Nothing that takes time to import is imported before `main` has taken charge of SIGINT.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from typing import Final

__all__ = ["main"]

INTERRUPTED: Final = 130
MISUSED: Final = 2
MISSING: Final = (
    "trio-cartesia: the command line is an extra. "
    "Run pip install 'trio-cartesia[cli]' (in a checkout: pip install '.[cli]').\n"
)


def main() -> int:
    """Run the command line, and return its exit code.

    An ignored SIGINT, as of a job in the background, stays ignored.
    """
    handles_sigint = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if handles_sigint:  # no KeyboardInterrupt: extension modules replace it while they are imported
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    if not all(importlib.util.find_spec(name) for name in ("cyclopts", "rich")):
        sys.stderr.write(MISSING)
        return MISUSED
    from trio_cartesia._cli.main import main as run

    if handles_sigint:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run()
    if handles_sigint:  # the work is done, so a late Ctrl-C changes neither output nor exit code
        signal.signal(signal.SIGINT, lambda *_: os._exit(code))
    return code
