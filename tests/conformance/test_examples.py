"""The example programs in the source distribution of the official Python client, as they stand.

Those of speech to text are run as commands, sync and async: they speak a text, and print what is
made of it.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conformance.expectations import expect_module, missing
from tests.conformance.service import KEY

expect_module("cartesia")
expect_module("websockets")

pytestmark = pytest.mark.conformance

HERE = Path(__file__).parent
ARCHIVES = sorted(HERE.glob("examples/cartesia-*.tar.gz"))
if not ARCHIVES:
    missing("the examples of the client are not there: pip download --no-binary cartesia")

FOX = "The quick brown fox jumps over the lazy dog"
EXPECTED = {  # a line that a program prints, without full stops, which sound like nothing
    "stt_transcribe": FOX,
    "stt_auto_finalize_websocket": f"Full transcript: 'Hello, world! {FOX}'",
    "stt_manual_finalize_websocket": (
        f"Full transcript: '{FOX} Sandy sells seashells on the sea shore'"
    ),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the example programs."""
    folder = tmp_path_factory.mktemp("examples")
    with tarfile.open(ARCHIVES[-1]) as archive:
        members = [each for each in archive.getmembers() if "/examples/" in each.name]
        archive.extractall(folder, members, filter="data")
    return next(folder.glob("*/examples"))


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize(("program", "suffix"), [("examples", ""), ("async_examples", "_async")])
def test_an_official_example(service, programs, program, suffix, name, tmp_path, monkeypatch):
    """Each prints the text that it had spoken, and no error."""
    monkeypatch.setenv("CARTESIA_API_KEY", KEY)
    done = subprocess.run(
        [sys.executable, programs / f"{program}.py", f"{name}{suffix}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.replace(".", "").splitlines()
    assert EXPECTED[name] in lines
    assert not [line for line in lines if line.startswith("error")]
