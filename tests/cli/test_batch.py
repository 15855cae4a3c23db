"""``trio-cartesia batch``, as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import attrs
import pytest
import trio

from tests.cli.support import COMMAND, NO_VOICE, environment, run
from trio_cartesia._cli.batch.progress import Pace
from trio_cartesia._cli.main import main
from trio_cartesia.batch import BatchStatistics

SMALL = ["--local", "--encoding", "pcm_mulaw", "--sample-rate", "8000"]


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    monkeypatch.delenv("CARTESIA_BASE_URL", raising=False)
    return tmp_path


@pytest.mark.slow
def test_a_file_of_lines(in_folder, capfd):
    (in_folder / "lines.txt").write_text("One.\n\nThree.\n")
    assert main(["batch", "lines.txt", "--out", "out", *SMALL]) == 0
    out, err = capfd.readouterr()
    assert sorted(out.split()) == ["out/line-0001.wav", "out/line-0003.wav"]
    assert "2 of 2 texts done" in err
    assert main(["batch", "lines.txt", "--out", "out", *SMALL]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "2 of 2 texts done, 2 of them earlier" in err


@pytest.mark.slow
def test_failures_are_listed_and_retried_if_asked(in_folder, capfd):
    good, bad = {"id": "good", "text": "Hello."}, {"id": "bad", "text": "Hello.", "voice": NO_VOICE}
    (in_folder / "items.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(bad))
    command = ["batch", "items.jsonl", "--out", "out", *SMALL]
    for _ in range(2):
        assert main(command) == 1
        _, err = capfd.readouterr()
        assert "bad: failed: " in err
        assert "No voice with that id" in err
        assert "1 of 2 texts done" in err
        assert "1 failed" in err
    bad["voice"] = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
    (in_folder / "items.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(bad))
    assert main([*command, "--retry-failed"]) == 0
    out, _ = capfd.readouterr()
    assert out.split() == ["out/bad.wav"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("id,text\na,b\na,c\n", [], "line 3: the id 'a' of line 2 is there twice"),
        ("id,words\na,b\n", [], "line 1 has no column text"),
        ("id,text,speed\na,b,9\n", [], "line 2: speed must be from 0.6 to 1.5"),
        ("id,text\na,b\n", ["--jobs", "0"], "jobs"),
        ("id,text\na,b\n", ["--volume", "9"], "volume must be from 0.5 to 2.0"),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(in_folder, capfd, content, options, message):
    (in_folder / "items.csv").write_text(content)
    assert main(["batch", "items.csv", "--out", "out", "--local", *options]) == 2
    out, err = capfd.readouterr()
    assert message in err
    assert out == ""
    assert not (in_folder / "out").exists()


def test_a_file_that_is_not_there(in_folder, capfd):
    assert main(["batch", "nothing.csv", "--out", "out", "--local"]) == 1
    assert "nothing.csv: No such file" in capfd.readouterr().err


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path):
    (tmp_path / "lines.txt").write_text("".join(f"Line {number}.\n" for number in range(3000)))
    process = subprocess.Popen(
        [*COMMAND, "batch", "lines.txt", "--out", "out", *SMALL],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob("out/*.wav")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "stopped early; the same command goes on where it was" in err
    assert "Traceback" not in err
    written = {f"out/{path.name}" for path in tmp_path.glob("out/*.wav")}
    assert written >= set(out.split())
    assert not list(tmp_path.glob("out/.*"))


@pytest.mark.slow
def test_no_progress_is_drawn_where_there_is_no_terminal(tmp_path):
    (tmp_path / "lines.txt").write_text("One.")
    outcome = run("batch", "lines.txt", "--out", "out", *SMALL, cwd=tmp_path)
    assert outcome.code == 0
    assert "\x1b" not in outcome.err_text


async def test_the_rate_and_the_time_left(autojump_clock):
    nothing = BatchStatistics(
        items=100,
        done_earlier=10,
        failed_earlier=0,
        done=0,
        failed=0,
        unfinished=0,
        speaking=4,
        duration_seconds=0.0,
    )
    pace = Pace()
    await trio.sleep(10)
    pace.update(nothing)
    assert str(pace) == ""
    await trio.sleep(10)
    pace.update(attrs.evolve(nothing, done=8, failed=2, speaking=2))
    assert str(pace) == "0.5 a second, 2 min 40 s left"
