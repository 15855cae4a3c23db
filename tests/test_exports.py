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
    "Timings",
    "ContextFailed",
    "ContextStalled",
    "RequestFailed",
    "ConcurrencyLimited",
    "QuotaExceeded",
    "VoiceNotFound",
    "InboxOverflow",
    "ContextExpired",
    "PoolClosed",
    "ConnectionLost",
    "LocalProtocolError",
]


def test_the_designed_names_are_there():
    """Every name that the documentation promises can be imported from the package."""
    assert set(DESIGNED) <= set(trio_cartesia.__all__)


@pytest.mark.parametrize("name", trio_cartesia.__all__)
def test_public_classes_say_where_they_are_public(name):
    """The repr and traceback of a public class name the package, and it has a docstring."""
    value = getattr(trio_cartesia, name)
    if isinstance(value, type):
        assert value.__module__ == "trio_cartesia"
    assert value.__doc__


# modules that serve, test or print, and modules that the first connection loads
NOT_AT_THE_START = [
    "cattrs",
    "cyclopts",
    "email",
    "h11",
    "http",
    "httpcore2",
    "httpx2",
    "hypothesis",
    "importlib.metadata",
    "numpy",
    "opentelemetry",
    "pytest",
    "rich",
    "trio_cartesia._cli",
    "trio_cartesia._pool",
    "trio_cartesia.server",
    "trio_cartesia.telemetry",
    "trio_cartesia.testing",
    "trio_websocket",
    "wsproto",
]


def run(code: str) -> str:
    """Run code in a process that has imported nothing; return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("package", ["trio_cartesia", "trio_cartesia.testing"])
def test_importing_a_package_loads_nothing(package):
    """Importing the package, or its test tools, imports the standard library alone."""
    code = f"import sys, {package}; print(*sys.modules)"
    ours = {name for name in run(code).split() if name.startswith("trio_cartesia")}
    packages = {"trio_cartesia", "trio_cartesia._lazy", "trio_cartesia._version"}
    assert ours == packages | {package}
    tops = {name.partition(".")[0] for name in run(code).split()}
    assert not tops & {"attr", "attrs", "hypothesis", "orjson", "pytest", "trio"}


@pytest.mark.slow
def test_using_a_name_loads_no_more_than_is_needed():
    """The server, the test tools and the command line are loaded by those who ask for them, what
    the first connection needs is loaded then, and every public name is there all the same.
    """
    code = (
        "import sys, trio; before = set(sys.modules)\n"
        "from trio_cartesia import *; import trio_cartesia\n"
        "assert set(trio_cartesia.__all__) <= set(globals())\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = run(code).split()
    assert "trio_cartesia._runtime.transport.websocket" in loaded
    names = [f"{name}." for name in NOT_AT_THE_START]
    assert [name for name in loaded if f"{name}.".startswith(tuple(names))] == []


@pytest.mark.slow
@pytest.mark.parametrize("first", ["help(p)", "dir(p)", "p.Chunk", "p.__all__"])
@pytest.mark.parametrize("package", ["trio_cartesia", "trio_cartesia.testing"])
def test_a_lazy_package_looks_like_any_other(package, first):
    """Whatever is asked for first, ``dir`` and ``help`` list every name, and there is no other."""
    code = (
        "import io, pydoc, importlib\n"
        f"p = importlib.import_module({package!r})\n"
        "try: FIRST\nexcept AttributeError: assert 'testing' in p.__name__\n"
        "text = pydoc.render_doc(p, renderer=pydoc.plaintext)\n"
        "assert set(p.__all__) <= set(dir(p)) and all(name in text for name in p.__all__)\n"
        "assert not hasattr(p, 'Nonsense') and not hasattr(p, '_nonsense')\n"
        "print(len(p.__all__))"
    )
    assert int(run(code.replace("FIRST", first)).split()[-1]) >= 10


@pytest.mark.slow
def test_the_test_tools_need_no_hypothesis():
    """Where Hypothesis is not installed, everything but `TrioStateMachine` can be imported."""
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import trio_cartesia.testing as testing; from trio_cartesia.testing import *\n"
        "try: testing.TrioStateMachine\n"
        "except ImportError as error: print(error.name)"
    )
    assert run(code).startswith("hypothesis")


REFUSED = """
import trio
from trio_cartesia import Cartesia

async def refuse(stream):
    async with stream:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 ANSWER")

async def main():
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, refuse, 0)
        port = listeners[0].socket.getsockname()[1]
        try:
            async with Cartesia("k", base_url=f"http://127.0.0.1:{port}") as client:
                async with client.tts.websocket_connect():
                    pass
        except Exception as error:
            print(type(error).__name__)
        nursery.cancel_scope.cancel()

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (r"401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}", "AuthenticationFailed"),
        (r"402 Payment Required\r\n\r\n{}", "QuotaExceeded"),  # its body ends with the connection
        (r"101 Switching Protocols\r\n\r\n", "ConnectFailed"),
    ],
)
def test_the_very_first_connection_fails_as_any_other(answer, expected):
    """What is loaded late is there when the first thing that a process does goes wrong."""
    assert run(REFUSED.replace("ANSWER", answer)) == expected
