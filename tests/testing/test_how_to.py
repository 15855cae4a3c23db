"""The tests in the how-to page, each block as a file of its own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/how-to/test-your-voice-agent.md"
BLOCKS = re.findall(r"```py\n(.*?)```", PAGE.read_text(), re.DOTALL)
NEEDS_SDK = [block for block in BLOCKS if "import cartesia\n" in block]


def run(folder, block):
    """Run a block as a project of its own."""
    (folder / "pytest.ini").write_text("[pytest]\ntrio_mode = true\naddopts = --strict-markers\n")
    (folder / "test_it.py").write_text(block)
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)


def test_there_are_blocks():
    """The blocks that the tests below run are found, with and without the official SDK."""
    assert NEEDS_SDK
    assert len(BLOCKS) > len(NEEDS_SDK)


@pytest.mark.slow
@pytest.mark.parametrize("block", [block for block in BLOCKS if block not in NEEDS_SDK])
def test_a_block_passes(block, tmp_path):
    """Each test of the page passes as it stands."""
    done = run(tmp_path, block)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.slow
@pytest.mark.conformance
@pytest.mark.skipif(not importlib.util.find_spec("cartesia"), reason="the official SDK is missing")
@pytest.mark.parametrize("block", NEEDS_SDK)
def test_a_block_with_the_official_sdk_passes(block, tmp_path):
    """So does each test of the page that uses the official SDK."""
    done = run(tmp_path, block)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
