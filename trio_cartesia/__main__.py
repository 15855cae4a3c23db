"""
``python -m trio_cartesia``, and the console script: checks what the command line needs.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from typing import Final

__all__ = ["main"]

MISSING: Final = (
    "trio-cartesia: the command line is an extra. "
    "Run pip install 'trio-cartesia[cli]' (in a checkout: pip install '.[cli]').\n"
)


def main() -> int:
    """Run the command line, and return its exit code."""
    try:
        return _import_and_run()
    except KeyboardInterrupt:  # while it was imported: that takes a moment
        return 130


def _import_and_run() -> int:
    if not all(importlib.util.find_spec(name) for name in ("cyclopts", "rich")):
        sys.stderr.write(MISSING)
        return 2
    from trio_cartesia._cli.main import main as run

    return run()


if __name__ == "__main__":
    code = main()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(code))  # as in trio_cartesia_command
    sys.exit(code)
