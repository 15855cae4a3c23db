"""
The console script: Ctrl-C ends it in silence, from its first moment on and up to its last.

It stands beside the package, for importing anything of the package imports all of it, which takes
a quarter of a second.
"""

from __future__ import annotations

import os
import signal

__all__ = ["main"]


def main() -> int:
    """Run the command line, and return its exit code."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored
    if is_ours:  # no exception: modules written in C make other ones of it while they are imported
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from trio_cartesia.__main__ import main as run

    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run()
    if is_ours:  # what is left to do is to end, in silence
        signal.signal(signal.SIGINT, lambda *_: os._exit(code))
    return code
