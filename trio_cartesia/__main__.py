"""``python -m trio_cartesia`` is the command line."""

from __future__ import annotations

import sys

from trio_cartesia._cli.start import main

if __name__ == "__main__":
    sys.exit(main())
