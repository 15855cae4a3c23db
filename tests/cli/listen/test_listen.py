"""``trio-cartesia listen`` with a local service that recognises its own speech."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.cli.support import OPTIONS, SAMPLES, full_output, read_all, spoken_by, start
from trio_cartesia import Cartesia as AsyncCartesia
from trio_cartesia import open_microphone
from trio_cartesia._cli.listen import request
from trio_cartesia._cli.main import main
from trio_cartesia.playback import device
from trio_cartesia.server import open_server
from trio_cartesia.testing import service_in_thread

TEXT = "The quick brown fox jumps."
FAST = ("--pace", "as_fast_as_possible")


@pytest.fixture(scope="module")
def service():
    with service_in_thread(recognizer="own") as service:
        yield service


@pytest.fixture(scope="module")
def audio(service):
    """Speech that the service knows, and a second of silence."""
    return spoken_by(service.url, TEXT) + bytes(16000)


@pytest.fixture(autouse=True)
def paths(service, audio, monkeypatch, tmp_path):
    """Recordings in the current directory, and the service in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARTESIA_BASE_URL", service.url)
    (tmp_path / "speech.wav").write_bytes(SAMPLES.wav_header(len(audio)) + audio)
    (tmp_path / "speech.pcm").write_bytes(audio)
    (tmp_path / "text.txt").write_text("no audio")


@pytest.fixture
def run(capfd):
    """Run the command; return its exit code, the lines that it printed, and its messages."""

    def run(*arguments):
        capfd.readouterr()
        code = main(["listen", *arguments])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return run


RAW = ("speech.pcm", "--encoding", "pcm_s16le", "--sample-rate", "8000")


@pytest.mark.parametrize(
    "arguments",
    [
        ("speech.wav",),
        pytest.param(RAW, marks=pytest.mark.slow),
        pytest.param(("speech.wav", "--language", "en"), marks=pytest.mark.slow),
    ],
)
def test_the_text_is_a_line(run, arguments):
    """Where standard output is no terminal, it has final text alone."""
    assert run(*arguments, *FAST) == (0, [TEXT], "")


@pytest.mark.slow
def test_json_has_the_text_while_it_grows(run):
    code, lines, _ = run("speech.wav", "--json", *FAST)
    *interim, final = map(json.loads, lines)
    assert code == 0
    assert final == {"type": "final", "text": TEXT, "is_complete": True}
    assert all(each["type"] == "interim" and TEXT.startswith(each["text"]) for each in interim)
    _, lines, _ = run("speech.wav", "--json", "--model", "ink-whisper", *FAST)
    final = json.loads(lines[-1])
    assert [word["word"] for word in final["words"]] == TEXT.split()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "there is nothing to transcribe: give a FILE, -, or --microphone"),
        (("speech.wav", "--microphone"), 2, "give a FILE or --microphone, not both"),
        (("--microphone", "--encoding", "pcm_s16le"), 2, "--encoding is for a FILE"),
        (("speech.pcm", "--encoding", "pcm_s16le"), 2, "both --encoding and --sample-rate"),
        (("--microphones",), 2, "there is no option --microphones"),
        (("text.txt",), 2, "not a WAV file: samples without a header need encoding"),
        (("speech.wav", "--model", ""), 2, "model must not be empty. Nothing was sent"),
        (("nothing.wav",), 1, "nothing.wav: No such file or directory. Choose another file."),
        (("speech.wav", "--model", "ink-9"), 1, "There is no speech model of that name"),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(run, arguments, code, message):
    found, lines, err = run(*arguments)
    assert (found, lines, len(err.splitlines())) == (code, [], 1)
    assert message in err


@pytest.mark.slow
def test_a_recording_on_standard_input(run, monkeypatch):
    """- reads a recording from a pipe; a terminal and a closed standard input are refused."""
    with open("speech.wav", "rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert run("-", *FAST)[:2] == (0, [TEXT])
        ours, theirs = os.openpty()
        with os.fdopen(ours, "rb"), os.fdopen(theirs) as terminal:
            monkeypatch.setattr("sys.stdin", terminal)
            assert "standard input is a terminal" in run("-")[2]
        monkeypatch.setattr("sys.stdin", None)
        assert "standard input is closed" in run("-")[2]


def test_a_reader_that_has_gone_is_no_error(run, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert run("speech.wav", *FAST)[0] == 141


@pytest.mark.slow
def test_a_full_disk_is_an_error(run):
    with full_output():
        code, _, err = run("speech.wav", *FAST)
    assert code == 1
    assert "standard output: No space left on device" in err


def test_without_a_microphone_nothing_is_sent(run, monkeypatch):
    monkeypatch.setattr(device, "_has_device", lambda *_: False)
    code, lines, err = run("--microphone")
    assert (code, lines) == (1, [])
    assert "no microphone was found: connect one" in err
    assert "Or give a FILE, or - for standard input." in err


@pytest.mark.parametrize("variable", ["CARTESIA_API_KEY", "CARTESIA_BASE_URL"])
def test_a_local_service_that_would_recognise_nothing_is_not_started(run, monkeypatch, variable):
    """Without the extra ears, a service that has spoken nothing itself is no help, so the command
    says what to install.
    """
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)
    monkeypatch.delitem(sys.modules, "trio_cartesia.server.recognition.moonshine", raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    code, lines, err = run("speech.wav", "--local")
    assert (code, lines) == (1, [])
    assert "recognises only what it has spoken itself" in err
    assert "pip install 'trio-cartesia[ears,local]'" in err


@pytest.mark.slow
def test_the_microphone_until_ctrl_c(run, monkeypatch):
    """The microphone, here of silence, is transcribed until Ctrl-C, which says how much it was."""
    null = partial(open_microphone, backend="null")
    monkeypatch.setattr(request, "open_microphone", null)
    threading.Timer(1, os.kill, [os.getpid(), signal.SIGINT]).start()
    code, lines, err = run("--microphone")
    assert (code, lines) == (130, [])
    opened, stopped = err.splitlines()
    assert opened == "the microphone is open; Ctrl-C stops it"
    assert stopped.startswith("trio-cartesia: stopped after ")


@pytest.mark.slow
async def test_ctrl_c_prints_what_was_said():
    """A signal ends the audio; the text until then is printed, and the exit code is 130."""
    async with open_server(voice="tones", recognizer="own") as server, trio.open_nursery() as tasks:
        async with (
            AsyncCartesia(base_url=server.url) as client,
            client.tts.websocket_connect() as connection,
            connection.speak(f"{TEXT} " * 10, **OPTIONS) as context,
        ):
            audio = (await context.collect()).audio
        await trio.Path("long.wav").write_bytes(SAMPLES.wav_header(len(audio)) + audio)
        process = await start(
            tasks, "listen", "long.wav", cwd=Path.cwd(), env={"CARTESIA_BASE_URL": server.url}
        )
        records = server.journal
        while not any(each.audio_bytes > 40_000 for each in records.transcriptions):  # noqa: ASYNC110  # of another process
            await trio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = await read_all(process.stdout), await read_all(process.stderr)
        assert await process.wait() == 130
    assert out.startswith(TEXT)
    assert f"{TEXT} {TEXT} {TEXT} {TEXT}" not in out
    assert err.startswith("trio-cartesia: stopped after ")
