"""The console script and ``python -m``: Ctrl-C from the first moment to the last."""

from __future__ import annotations

import subprocess
import sys

import pytest

INTERRUPTED = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from trio_cartesia._cli.start import main
sys.argv = ["trio-cartesia", "--version"]
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["trio", "trio_cartesia._exports", "trio_cartesia._cli.main", "rich"]
)
def test_control_c_while_it_starts(name: str) -> None:
    """Ctrl-C while what the command line needs is imported is 130, without a word."""
    command = [sys.executable, "-c", INTERRUPTED.format(name=name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "")


ENDING = """
import atexit, os, signal, sys
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["trio-cartesia", "--version"]
"""
CONSOLE_SCRIPT = "from trio_cartesia._cli.start import main; sys.exit(main())"
MODULE = "import runpy; runpy.run_module('trio_cartesia', run_name='__main__')"


@pytest.mark.slow
@pytest.mark.parametrize("start", [CONSOLE_SCRIPT, MODULE])
def test_control_c_while_it_ends(start: str) -> None:
    """Ctrl-C after the end of the work changes neither the exit code nor the output."""
    command = [sys.executable, "-c", ENDING + start]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0.")


@pytest.mark.slow
@pytest.mark.parametrize("start", [CONSOLE_SCRIPT, MODULE])
def test_an_ignored_control_c_stays_ignored(start: str) -> None:
    """Where Ctrl-C is ignored, as for a job in the background, it still is to the very end."""
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + ENDING + start
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    interrupted = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + INTERRUPTED
    command = [sys.executable, "-c", interrupted.format(name="rich")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_it_runs_the_command_line() -> None:
    """Without a signal it runs the command line and returns its exit code."""
    command = [sys.executable, "-c", INTERRUPTED.format(name="nothing")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0.")
