"""Batches whose process is killed at any moment."""

from __future__ import annotations

import base64
import random
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing

import pytest

from tests.cli.support import COMMAND, environment
from trio_cartesia.server import Tones
from trio_cartesia.testing import service_in_thread

LINES = 500
KILLS = 10
OPTIONS = ["--jobs", "8", "--encoding", "pcm_mulaw", "--sample-rate", "8000"]
HEADER_BYTES = 58


def start(folder, url):
    return subprocess.Popen(
        [*COMMAND, "batch", "lines.txt", "--out", "out", *OPTIONS],
        cwd=folder,
        env=environment(CARTESIA_API_KEY="local", CARTESIA_BASE_URL=url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def files(folder):
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob("out/*.wav")}


def is_whole(path):
    """Return whether a file has as much audio as its header says."""
    content = path.read_bytes()
    size = int.from_bytes(content[54:58], "little")
    return 0 < size <= len(content) - HEADER_BYTES <= size + 1


def kill_after(process, folder, more):
    """Kill the process once it has written so many files more."""
    enough = len(files(folder)) + more
    while process.poll() is None and len(files(folder)) < enough:
        time.sleep(0.001)
    process.kill()
    process.communicate()


def recorded(folder):
    """Return the ids that the manifest has as done."""
    with closing(sqlite3.connect(folder / "out/manifest.sqlite")) as database:
        return {item for (item,) in database.execute("SELECT id FROM items WHERE state = 'done'")}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_a_batch_that_is_killed_ten_times(tmp_path, seed):
    """Whenever it is killed, every file that has its name is whole, what was done is not spoken
    again, and the same command in the end has all.
    """
    chance = random.Random(seed)  # noqa: S311
    texts = {f"line-{number:04}": f"Line {number}." for number in range(1, LINES + 1)}
    (tmp_path / "lines.txt").write_text("\n".join(texts.values()))
    spoken = Counter()
    with service_in_thread(voice=Tones()) as service:

        def begun():
            contexts = service.state(limit=10_000)["contexts"]
            return Counter(context["transcript"] for context in contexts)

        for _ in range(KILLS):
            kill_after(start(tmp_path, service.url), tmp_path, chance.randint(0, 40))
            done, before, written = recorded(tmp_path), begun(), files(tmp_path)
            assert written.keys() <= done
            assert all(is_whole(tmp_path / f"out/{item}.wav") for item in written)
            spoken.update({item: before[texts[item]] for item in done - spoken.keys()})
        process = start(tmp_path, service.url)
        _, messages = process.communicate()
        assert process.returncode == 0, messages
        contexts = service.state(audio=True, limit=10_000)["contexts"]
    audio = {each["transcript"]: base64.b64decode(each["audio"]) for each in contexts}
    in_total = Counter(each["transcript"] for each in contexts)
    for item, text in texts.items():
        content = (tmp_path / f"out/{item}.wav").read_bytes()
        expected = audio[text]
        assert content[HEADER_BYTES:] == expected + bytes(len(expected) % 2)
        assert int.from_bytes(content[54:58], "little") == len(expected)
    assert recorded(tmp_path) == texts.keys() == files(tmp_path).keys()
    assert not list(tmp_path.glob("out/.*"))
    assert spoken
    for item, count in spoken.items():
        assert in_total[texts[item]] == count  # never again after it was done
    for item, moment in written.items():
        assert files(tmp_path)[item] == moment
