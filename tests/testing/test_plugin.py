"""The pytest plugin, as a project meets it that has this package installed."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
import trio

from tests.support import one_in
from trio_cartesia import Cartesia
from trio_cartesia.server import Behaviour, Fault, Plan
from trio_cartesia.testing import Link, service_in_thread
from trio_cartesia.testing.marked import Marked

pytest_plugins = ["pytester"]

SETTINGS = """
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 24000},
}
"""
HELLO = (
    SETTINGS
    + """
async def say_hello(client):
    async with client.tts.websocket_connect() as connection:
        async with connection.speak("Hello.", **SETTINGS) as context:
            return [event async for event in context.receive()]
"""
)
ANYIO = """
@pytest.fixture
def anyio_backend():
    return {}

@pytest.mark.anyio
async def test_it(FIXTURE, anyio_backend):
    pass
"""
NOT_TRIO = "*are for tests that run under Trio*@pytest.mark.trio*cartesia_service*"


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """Import what connections import: pytester would unload it, and there would be two of each."""

    async def connect(service):
        trust = ssl.create_default_context(cafile=service.ca_file)
        async with Cartesia("any", base_url=service.url, ssl_context=trust) as client:
            async with client.tts.websocket_connect():
                pass

    with service_in_thread(tls=True) as service:
        trio.run(connect, service)


@pytest.fixture
def run_tests(pytester, monkeypatch):
    """Run a test file as a project of its own, and return the result."""
    for name in list(os.environ):
        if name.startswith("CARTESIA"):
            monkeypatch.delenv(name)

    def run(test, *, trio_mode=True):
        pytester.makeini(
            f"[pytest]\ntrio_mode = {trio_mode}\n"
            "filterwarnings = error\naddopts = --strict-markers\n"
        )
        pytester.makepyfile(test_it="import pytest, trio\n\n" + test)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return run


def run_pytest(folder, *arguments):
    """Run pytest in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)


def test_pytest_finds_it():
    """The plugin is an entry point of the installed package."""
    (found,) = entry_points(group="pytest11", name="trio_cartesia")
    assert found.value == "trio_cartesia.testing.plugin"


@pytest.mark.slow
def test_loading_it_imports_next_to_nothing(tmp_path):
    """A run of pytest that uses no fixture of it imports neither Trio nor what
    the fixtures need.
    """
    test = (
        "def test_it():\n    import sys\n"
        "    ours = {name for name in sys.modules if name.startswith('trio_cartesia')}\n"
        "    assert ours == {'trio_cartesia', 'trio_cartesia._lazy', 'trio_cartesia._version',\n"
        "        'trio_cartesia.testing', 'trio_cartesia.testing.plugin'}\n"
        "    assert not {'trio', 'hypothesis', 'attr'} & set(sys.modules)\n"
    )
    (tmp_path / "test_it.py").write_text(test)
    others = ("no:trio", "no:hypothesispytest", "no:anyio")
    done = run_pytest(tmp_path, *(f"-p{name}" for name in others))
    assert done.returncode == 0, done.stdout


def test_a_real_key_is_never_used(run_tests, monkeypatch):
    """The client of the fixture has a key of its own, whatever the environment holds."""
    test = (
        "async def test_it(cartesia, cartesia_server):\n"
        "    async with cartesia.tts.websocket_connect():\n"
        "        pass\n"
        "    assert 'localhost' in cartesia_server.url\n"
        "    assert 'real' not in repr(cartesia.tts._endpoint.headers)\n"
    )
    monkeypatch.setenv("CARTESIA_API_KEY", "sk_car_real")
    monkeypatch.setenv("CARTESIA_BASE_URL", "https://real.example")
    run_tests(test).assert_outcomes(passed=1)


def test_the_closest_marker_counts(run_tests):
    """Markers of module, class and test add up, and the closest one to the test counts."""
    test = HELLO + (
        "pytestmark = pytest.mark.cartesia(behaviour='done_status=200', plan='free')\n"
        "@pytest.mark.cartesia(behaviour={'flush_id_base': 7})\n"
        "async def test_it(cartesia, cartesia_server, autojump_clock):\n"
        "    events = await say_hello(cartesia)\n"
        "    assert events[0].flush_id == 7\n"
        "    assert events[-1].status_code == 206\n"
    )
    run_tests(test).assert_outcomes(passed=1)


def test_the_recogniser_needs_no_thread(run_tests):
    """Whatever is installed, tests under an autojumping clock can transcribe; another recogniser
    can be set.
    """
    test = (
        "async def test_usual(cartesia_server):\n"
        "    assert cartesia_server.recognizer.name == 'own'\n"
        "@pytest.mark.cartesia(recognizer='none')\n"
        "async def test_other(cartesia_server):\n"
        "    assert cartesia_server.recognizer.name == 'none'\n"
    )
    run_tests(test).assert_outcomes(passed=2)


def test_without_numpy_nothing_is_recognised(monkeypatch):
    """The fixtures do not need NumPy, which is an extra."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert Marked().recognizer == "none"


@pytest.mark.parametrize("arguments", ["loopback=True", "tls=True"])
def test_the_service_may_have_a_port(arguments, run_tests):
    """With *loopback* or *tls* the same fixtures use a port of this machine."""
    test = HELLO + (
        f"@pytest.mark.cartesia({arguments})\n"
        "async def test_it(cartesia, cartesia_server):\n"
        "    assert '127.0.0.1' in cartesia_server.url\n"
        "    assert (await say_hello(cartesia))[-1].type == 'done'\n"
    )
    run_tests(test).assert_outcomes(passed=1)


WRONG = [
    ("voices='tones'", "takes no voices; it takes behaviour, faults, voice, recognizer, plan"),
    ("'tones'", "takes named arguments only"),
    ("behaviour={'late_input': 'never'}", "late_input must be"),
    ("behaviour=3", "must be a Behaviour or a mapping of its fields, not int"),
    ("link={'latency_seconds': -1}", "latency_seconds"),
    ("faults='colour'", "no fault is called 'colour'"),
    ("plan='gold'", "no plan is called 'gold'"),
    ("recognizer='ears'", "no recogniser is called 'ears'"),
    ("link={'latency_seconds': 1}, tls=True", "link is for connections in memory"),
]


@pytest.mark.parametrize(
    ("fixture", "arguments", "why"),
    one_in(2, [(fixture, *row) for fixture in ("cartesia", "cartesia_service") for row in WRONG]),
)
def test_a_wrong_marker_says_what_is_wrong(fixture, arguments, why, run_tests):
    """A marker that cannot be right fails its test, with the reason."""
    kind = "async def" if fixture == "cartesia" else "def"
    test = f"@pytest.mark.cartesia({arguments})\n{kind} test_it({fixture}):\n    pass\n"
    done = run_tests(test)
    assert done.ret == 1
    done.stdout.fnmatch_lines([f"*{why.replace('[', '[[]')}*"])


def test_values_may_be_written_shortly():
    """A marker takes a value, a mapping of its fields or, for behaviour and faults, text."""
    behaviour = Behaviour(done_status=200)
    for short in (behaviour, {"done_status": 200}, "done_status=200"):
        assert Marked(behaviour=short).behaviour == behaviour
    for short in (fault := Fault.read("close at_frame=3")), fault[0], "close at_frame=3":
        assert Marked(faults=short).faults == fault
    plan = Plan(name="mine", tts_concurrency=1, stt_concurrency=1)
    assert Marked(plan=plan).plan == plan
    assert Marked(link={"latency_seconds": 1}).link == Link(latency_seconds=1)
    assert Marked().behaviour == Behaviour()


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(FIXTURE): pass\n",
        "async def test_it(FIXTURE): pass\n",  # no plugin runs it
        ANYIO.format("'asyncio'"),
        ANYIO.format("('asyncio', {'debug': True})"),
    ],
)
@pytest.mark.parametrize("fixture", ["cartesia", "cartesia_server"])
def test_without_trio_the_error_says_what_to_do(fixture, test, run_tests):
    """A test that does not run under Trio fails with the ways out, and with nothing else."""
    pytest.importorskip("anyio", reason="one of the plugins that run asyncio is not installed")
    done = run_tests(test.replace("FIXTURE", fixture), trio_mode=False)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([NOT_TRIO])
    assert "Traceback" not in str(done.stdout)


def test_anyio_s_trio_half_will_do(run_tests):
    """Under AnyIO's plugin the fixtures work with the backend ``trio``."""
    pytest.importorskip("anyio", reason="AnyIO is not installed")
    test = HELLO + (
        "@pytest.fixture\ndef anyio_backend(): return 'trio'\n"
        "@pytest.mark.anyio\n"
        "async def test_it(cartesia):\n"
        "    assert (await say_hello(cartesia))[-1].type == 'done'\n"
    )
    run_tests(test, trio_mode=False).assert_outcomes(passed=1)
