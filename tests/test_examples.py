"""Each example runs offline with one command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = [path for path in sorted(EXAMPLES.rglob("*.py")) if not path.name.startswith("test_")]


def test_there_are_examples():
    """The programs that the test below runs are found."""
    assert PROGRAMS


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.parent.name)
def test_an_example_runs_offline(path, tmp_path):
    """Without a key, without arguments and in any directory, it does something and ends well."""
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
