"""The programs of docs/how-to/migrate.md: the official SDK's, and ours in its place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.expectations import expect_module
from tests.conformance.service import KEY, Service

expect_module("cartesia")
PAGE = Path(__file__).parents[2] / "docs/how-to/migrate.md"
PROGRAMS = re.findall(r"```py(?:thon)?\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.conformance
def test_each_program_receives_its_speech(service: Service) -> None:
    """Each program of the page runs as it stands, and has the audio of one context of its own."""
    environment = {
        **os.environ,
        "CARTESIA_API_KEY": KEY,
        "CARTESIA_BASE_URL": service.url,
        "SSL_CERT_FILE": service.authority,
    }
    for program in PROGRAMS:
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        spoken = service.state()["contexts"][-1]
        assert spoken["transcript"] == "Good morning."
        assert done.stdout == f"{spoken['audio_bytes']} bytes\n"
    assert len(PROGRAMS) == 3
