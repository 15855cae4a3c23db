"""Each example runs offline with one command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.support import check_two_files
from trio_cartesia.server import open_server

EXAMPLES = Path(__file__).parent.parent / "examples"
OTHERS = ("test_*.py", "telephone.py", "demo.py")  # that are no programs
PROGRAMS = [path for path in sorted(EXAMPLES.rglob("*.py")) if not any(map(path.match, OTHERS))]
PROJECTS = sorted(path.parent for path in EXAMPLES.glob("*/pyproject.toml"))


def test_there_are_examples():
    """The programs and projects that the tests below run are found."""
    assert PROGRAMS
    assert PROJECTS


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_an_example_runs_offline(path, tmp_path):
    """Without a key, without arguments and in any directory, it does something and ends well."""
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_an_example_passes_its_tests(project, tmp_path):
    """An example with tests, copied to an empty folder, passes them with the installed plugin."""
    folder = tmp_path / project.name
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("__pycache__"))
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.slow
async def test_two_contexts_without_async(tmp_path):
    """The blocking example writes two files, whose bytes are what the service spoke for each
    context, though it receives one after the other what was interleaved on the wire.
    """
    async with open_server() as server:
        await trio.run_process(
            [sys.executable, "-W", "error", str(EXAMPLES / "blocking_two_contexts.py")],
            cwd=tmp_path,
            env={**os.environ, "CARTESIA_BASE_URL": server.url},
            capture_stdout=True,
        )
    check_two_files(tmp_path, server)
