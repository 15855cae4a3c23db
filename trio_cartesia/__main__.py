"""
``python -m trio_cartesia``, and the console script: checks what the command line needs.
"""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line, and return its exit code."""
    if not all(importlib.util.find_spec(name) for name in ("cyclopts", "rich")):
        sys.stderr.write(
            "trio-cartesia: the command line is an extra: pip install 'trio-cartesia[cli]'\n"
        )
        return 2
    from trio_cartesia._cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
