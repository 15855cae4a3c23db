"""Public names."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trio_cartesia
import trio_cartesia.server
import trio_cartesia.testing

DESIGNED = [
    "Cartesia",
    "Connection",
    "Context",
    "Chunk",
    "WordTimestamps",
    "PhonemeTimestamps",
    "FlushDone",
    "Done",
    "UnknownEvent",
    "RawOutputFormat",
    "WavOutputFormat",
    "MP3OutputFormat",
    "GenerationConfig",
    "Speech",
    "ContextFailed",
    "ConcurrencyLimited",
    "QuotaExceeded",
    "VoiceNotFound",
    "InboxOverflow",
    "ContextExpired",
    "ConnectionLost",
    "LocalProtocolError",
]


def test_the_designed_names_are_there():
    """
    Every name that the documentation promises can be imported from the package.
    """
    assert set(DESIGNED) <= set(trio_cartesia.__all__)


@pytest.mark.parametrize("name", trio_cartesia.__all__)
def test_public_classes_say_where_they_are_public(name):
    """
    The repr and traceback of a public class name the package, and it has a docstring.
    """
    value = getattr(trio_cartesia, name)
    if isinstance(value, type):
        assert value.__module__ == "trio_cartesia"
    assert value.__doc__


@pytest.mark.slow
def test_importing_loads_no_more_than_is_needed():
    """
    The server, the tests' kit and the command line are loaded by those who ask for them.
    """
    code = (
        "import sys, trio_cartesia; print([name for name in sys.modules if name.startswith("
        "('trio_cartesia.server', 'trio_cartesia.testing', 'trio_cartesia._cli.', 'numpy', 'rich',"
        " 'hypothesis', 'pytest'))])"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
