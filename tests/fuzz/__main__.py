"""Search for inputs that fail, under atheris (docs/explanation/security.md says how).

``python -m tests.fuzz codec -max_total_time=300``
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["trio_cartesia._protocol", "trio_cartesia._runtime"]):
    from tests.fuzz.corpus import kept
    from tests.fuzz.targets import TARGETS

DICTIONARY = Path(__file__).with_name("json.dict")


def main() -> None:
    name, *options = sys.argv[1:]
    folder = Path("build/fuzz", name)  # libFuzzer writes new inputs there
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(kept(name)):
        folder.joinpath(f"kept-{number}").write_bytes(data)
    options = ["-max_len=600", f"-dict={DICTIONARY}", *options]
    atheris.Setup([sys.argv[0], *options, str(folder)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
