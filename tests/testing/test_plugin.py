"""The pytest plugin, as a project meets it that has this package installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from trio_cartesia.server import Behaviour, Plan
from trio_cartesia.testing import Link
from trio_cartesia.testing.marked import Marked

ROOT = Path(__file__).parent.parent.parent
AGENT = ROOT / "examples/voice_agent"

pytestmark = pytest.mark.slow


def run_pytest(folder, *arguments, **environment):
    """Run pytest in *folder*, with no more of this package than an installation has."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    clean = {name: value for name, value in os.environ.items() if "CARTESIA" not in name}
    return subprocess.run(
        command, cwd=folder, env={**clean, **environment}, capture_output=True, text=True
    )


def project(folder, test):
    """Write a project with one test file, which uses the plugin."""
    (folder / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\ntrio_mode = true\nfilterwarnings = ['error']\n"
        "addopts = ['--strict-markers']\n"
    )
    (folder / "test_it.py").write_text("import pytest, trio\n\n" + test)
    return folder


SETTINGS = """
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 24000},
}
"""


def test_pytest_finds_it():
    """
    The plugin is an entry point of the installed package.
    """
    (found,) = entry_points(group="pytest11", name="trio_cartesia")
    assert found.value == "trio_cartesia.testing.plugin"


def test_the_example_passes_its_tests(tmp_path):
    """
    The voice agent, copied to an empty folder, passes its tests with the installed plugin.
    """
    shutil.copytree(AGENT, tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    done = run_pytest(tmp_path / "agent", "-q")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_loading_it_imports_next_to_nothing(tmp_path):
    """
    A run of pytest that uses no fixture of it imports neither Trio nor what the fixtures need.
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
    done = run_pytest(tmp_path, "-q", *(f"-p{name}" for name in others))
    assert done.returncode == 0, done.stdout


def test_a_real_key_is_never_used(tmp_path):
    """
    The client of the fixture has a key of its own, whatever the environment holds.
    """
    test = SETTINGS + (
        "async def test_it(cartesia, cartesia_server):\n"
        "    async with cartesia.tts.websocket_connect():\n"
        "        pass\n"
        "    assert 'localhost' in cartesia_server.url\n"
        "    assert 'real' not in repr(cartesia.tts._endpoint.headers)\n"
    )
    real = {"CARTESIA_API_KEY": "sk_car_real", "CARTESIA_BASE_URL": "https://real.example"}
    done = run_pytest(project(tmp_path, test), "-q", **real)
    assert done.returncode == 0, done.stdout


def test_the_closest_marker_counts(tmp_path):
    """
    Markers of module, class and test add up, and the closest one to the test counts.
    """
    test = SETTINGS + (
        "pytestmark = pytest.mark.cartesia(behaviour='done_status=200', plan='free')\n"
        "@pytest.mark.cartesia(behaviour={'flush_id_base': 7})\n"
        "async def test_it(cartesia, cartesia_server, autojump_clock):\n"
        "    async with cartesia.tts.websocket_connect() as connection:\n"
        "        async with connection.speak('Hello.', **SETTINGS) as context:\n"
        "            events = [event async for event in context.receive()]\n"
        "    assert events[0].flush_id == 7\n"
        "    assert events[-1].status_code == 206\n"
    )
    done = run_pytest(project(tmp_path, test), "-q")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("voices='tones'", "takes no voices; it takes behaviour, faults, voice, plan"),
        ("'tones'", "takes named arguments only"),
        ("behaviour={'late_input': 'never'}", "late_input must be"),
        ("behaviour=3", "must be a Behaviour or a mapping of its fields, not int"),
        ("link={'latency_seconds': -1}", "latency_seconds"),
        ("plan='gold'", "no plan is called 'gold'"),
        ("link={'latency_seconds': 1}, tls=True", "link is for connections in memory"),
    ],
)
def test_a_wrong_marker_says_what_is_wrong(said, why, tmp_path):
    """
    A marker that cannot be right fails its test, with the reason.
    """
    test = f"@pytest.mark.cartesia({said})\nasync def test_it(cartesia):\n    pass\n"
    done = run_pytest(project(tmp_path, test), "-q")
    assert done.returncode == 1
    assert why in done.stdout


def test_values_may_be_written_shortly():
    """
    What a marker says may be a value, a mapping of its fields or, for behaviour, text.
    """
    behaviour = Behaviour(done_status=200)
    for short in (behaviour, {"done_status": 200}, "done_status=200"):
        assert Marked(behaviour=short).behaviour == behaviour
    plan = Plan(name="mine", tts_concurrency=1, stt_concurrency=1)
    assert Marked(plan=plan).plan == plan
    assert Marked(link={"latency_seconds": 1}).link == Link(latency_seconds=1)
    assert Marked().behaviour == Behaviour()
