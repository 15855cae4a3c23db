from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from trio_cartesia.server.voices.espeak import library as libespeak
from trio_cartesia.server.voices.espeak.library import Kind, VoiceParameters, engine
from trio_cartesia.server.voices.espeak.voices import TIMBRES

NATIVE = 22050


def spectrum(variant: str) -> npt.NDArray[np.float64]:
    """Return the strength of each band of 55 Hz, as a unit vector."""
    samples, _ = engine().synthesise(
        "How are you doing today?", VoiceParameters(voice=f"gmw/en-US{variant}")
    )
    power = np.abs(np.fft.rfft(np.frombuffer(samples, np.int16), 40000)[:20000]) ** 2
    bands: npt.NDArray[np.float64] = np.sqrt(power.reshape(-1, 100).sum(axis=1))
    bands /= np.linalg.norm(bands)
    return bands


@pytest.mark.parametrize(
    "variant", sorted({variant for timbre in TIMBRES.values() for variant in timbre.variants})
)
def test_variants_sound_unlike_the_plain_voice(variant: str) -> None:
    """Every variant exists: the library ignores unknown ones, and would speak
    in its plain voice.
    """
    plain, unknown, other = map(spectrum, ("", "+nobody", f"+{variant}"))
    assert plain @ other < 0.97
    assert plain @ unknown > 0.99


def test_threads_may_share_the_library() -> None:
    """Threads wait for each other, so that each gets the events of its own text."""
    found = {}

    def synthesise(count: int) -> None:
        _, events = engine().synthesise("word " * count, VoiceParameters())
        found[count] = sum(event.kind is Kind.WORD for event in events)

    threads = [threading.Thread(target=synthesise, args=(count,)) for count in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {count: count for count in range(1, 9)}


def test_a_checkpoint_ends_the_synthesis() -> None:
    """What the checkpoint raises comes out of the synthesis, which goes no further."""
    calls: list[None] = []

    def stop() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        engine().synthesise("word " * 50, VoiceParameters(), checkpoint=stop)
    assert len(calls) == 3


def test_an_unknown_voice_is_an_error() -> None:
    """A voice is found by its identifier, and by nothing else."""
    with pytest.raises(LookupError, match="en-gb-oops"):
        engine().synthesise("Hello", VoiceParameters(voice="en-gb-oops"))


def test_failures_of_the_library_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the library gives up, or does not find its data, an exception says so."""
    monkeypatch.setattr(engine()._library, "espeak_Synth", lambda *_: -1)
    with pytest.raises(RuntimeError, match="gave up with -1"):
        engine().synthesise("Hello", VoiceParameters())
    broken = libespeak._load()
    monkeypatch.setattr(broken, "espeak_Initialize", lambda *_: -1)
    monkeypatch.setattr(libespeak, "_load", lambda: broken)
    with pytest.raises(RuntimeError, match="data"):
        libespeak.Engine()


LONG_PATH = """
import os, sys, espeakng_loader
directory = os.path.join(sys.argv[1], *["d" * 60] * 4)
os.makedirs(directory)
data = os.path.join(directory, "espeak-ng-data")
os.symlink(espeakng_loader.get_data_path(), data)
espeakng_loader.get_data_path = lambda: data
from trio_cartesia.server.voices.espeak import library as libespeak
print(len(libespeak.engine().synthesise("Hello", libespeak.VoiceParameters())[0]))
"""


@pytest.mark.slow
def test_data_may_lie_deep(tmp_path: Path) -> None:
    """A long path to the library's data is shortened by a link, which is gone with the process."""
    links = tmp_path / "links"
    links.mkdir()
    answer = subprocess.run(
        [sys.executable, "-c", LONG_PATH, str(tmp_path)],
        env={**os.environ, "TMPDIR": str(links)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(answer.stdout) > NATIVE / 2
    assert answer.stderr == ""
    assert list(links.iterdir()) == []


def test_long_paths_are_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is too long is reached by a link, and one that is not stays as it is."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = str(tmp_path / ("d" * 120))
    assert os.readlink(libespeak._short_path(path)) == path
    assert libespeak._short_path("data") == "data"


def test_layouts_are_those_of_the_library() -> None:
    """The structures have the sizes that the library's header gives them on 64-bit machines."""
    assert ctypes.sizeof(libespeak._Event) == 40
    assert ctypes.sizeof(libespeak._Voice) == 40
