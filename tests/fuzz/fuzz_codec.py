"""
Search for inputs that fail `check_codec`, under atheris (docs/explanation/security.md tells how).
"""

from __future__ import annotations

import atheris

with atheris.instrument_imports(include=["trio_cartesia._protocol", "trio_cartesia._runtime"]):
    from tests.fuzz.targets import fuzz

if __name__ == "__main__":
    fuzz("codec")
