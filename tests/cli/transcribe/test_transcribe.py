"""``trio-cartesia transcribe`` with a local service that recognises its own speech."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.support import SAMPLES, full_output, spoken_by
from trio_cartesia._cli.main import main
from trio_cartesia.testing import service_in_thread

TEXT = "The quick brown fox jumps."


@pytest.fixture(scope="module")
def service():
    with service_in_thread(recognizer="own") as service:
        yield service


@pytest.fixture(scope="module")
def audio(service):
    return spoken_by(service.url, TEXT)


@pytest.fixture(autouse=True)
def paths(service, audio, monkeypatch, tmp_path):
    """Recordings in the current directory, and the service in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARTESIA_API_KEY", "local")
    monkeypatch.setenv("CARTESIA_BASE_URL", service.url)
    Path("a.wav").write_bytes(SAMPLES.wav_header(len(audio)) + audio)
    Path("b.wav").write_bytes(SAMPLES.wav_header(16000) + bytes(16000))
    Path("a.pcm").write_bytes(audio)
    Path("bad.wav").write_text("no audio")


@pytest.fixture
def run(capfd):
    """Run the command; return its exit code, the lines that it printed, and its messages."""

    def run(*arguments):
        capfd.readouterr()
        code = main(["transcribe", *arguments])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


def test_the_text_of_one_recording(run):
    assert run("a.wav") == (0, [TEXT], [])
    assert run("a.pcm", "--encoding", "pcm_s16le", "--sample-rate", "8000") == (0, [TEXT], [])


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "3"])
def test_the_texts_of_several_are_in_their_order(run, jobs):
    """Each has a line with its name; one that fails does not affect the others."""
    code, lines, err = run("a.wav", "bad.wav", "nothing.wav", "b.wav", "--jobs", jobs)
    bad, nothing = sorted(err)
    assert code == 1
    assert lines == [f"a.wav\t{TEXT}", "b.wav\t"]
    assert bad.startswith("trio-cartesia: bad.wav: Unsupported audio format")
    assert nothing == (
        "trio-cartesia: nothing.wav: No such file or directory. Choose another file."
    )


def test_files_are_written_and_listed(run):
    """Texts and subtitles go to a directory; subtitles go beside their recordings without one."""
    assert run("a.wav", "b.wav", "--output", "out/texts") == (
        0,
        ["out/texts/a.txt", "out/texts/b.txt"],
        [],
    )
    assert Path("out/texts/a.txt").read_text() == f"{TEXT}\n"
    Path("a.vtt").write_text("older")
    assert run("a.wav", "b.wav", "--subtitles", "vtt") == (0, ["a.vtt", "b.vtt"], [])
    head, times, text, *_ = filter(None, Path("a.vtt").read_text().split("\n"))
    assert (head, text) == ("WEBVTT", TEXT)
    assert times.startswith("00:00:00.")
    assert Path("b.vtt").read_text() == "WEBVTT\n\n"
    assert run("a.wav", "--subtitles", "json", "--output", ".")[1] == ["a.subtitles.json"]
    assert json.loads(Path("a.subtitles.json").read_text())["text"] == TEXT


def test_a_failure_replaces_no_file(run):
    Path("bad.srt").write_text("older")
    code, lines, _ = run("bad.wav", "--subtitles", "srt")
    assert (code, lines) == (1, [])
    assert Path("bad.srt").read_text() == "older"


@pytest.mark.slow
def test_json_has_every_recording(run):
    """Each has its words with their times, or its error."""
    code, lines, _ = run("a.wav", "bad.wav", "--json")
    good, bad = json.loads("\n".join(lines))
    assert code == 1
    assert (good["file"], good["text"], good["language"]) == ("a.wav", TEXT, "en")
    assert [word["word"] for word in good["words"]] == TEXT.split()
    assert bad["file"] == "bad.wav"
    assert bad["error"].startswith("Unsupported audio format")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "FILE"),
        (("a.wav", "a.wav"), "the recording a.wav is there twice"),
        (("a.wav", "a.pcm", "--output", "out"), "out/a.txt would be written twice"),
        (("a.wav", "x/a.wav", "--subtitles", "srt", "--output", "o"), "o/a.srt would be written"),
        (("a.txt", "--output", "."), "a.txt is a recording, which would be replaced"),
        (("a.wav", "--json", "--subtitles", "srt"), "without --output and --subtitles"),
        (("a.pcm", "--encoding", "pcm_s16le"), "both --encoding and --sample-rate"),
        ((".", "--subtitles", "srt"), "'.' is not the path of a file"),
        (("a.wav", "--jobs", "0"), "Must be >= 1"),
        (("a.wav", "--subtitles", "ass"), '"ass"'),
    ],
)
def test_wrong_usage_is_one_line(run, arguments, message):
    """What makes no sense is refused before anything is sent or written."""
    code, lines, (err,) = run(*arguments)
    assert (code, lines) == (2, [])
    assert message in err
    assert not Path("out").exists()


def test_what_concerns_all_ends_the_work(run, monkeypatch):
    """A refused key is reported once, and the recordings without a text are listed."""
    monkeypatch.setenv("CARTESIA_CUSTOM_HEADERS", "X-Fault: refused_handshake status=401")
    code, lines, (first, rest) = run("a.wav", "b.wav", "bad.wav", "--jobs", "1")
    assert (code, lines) == (1, [])
    assert first.startswith("trio-cartesia: a.wav: ")
    assert rest == "not transcribed: b.wav, bad.wav"
    _, lines, _ = run("a.wav", "b.wav", "--jobs", "1", "--json")
    assert json.loads("\n".join(lines))[1] == {"file": "b.wav", "error": "Nothing was sent."}


@pytest.mark.slow
def test_output_that_fails(run):
    """A full disk fails the command after its work, and a directory that cannot be made before."""
    with full_output():
        code, _, err = run("a.wav")
    assert code == 1
    assert "standard output: No space left on device" in err[0]
    code, lines, (err,) = run("a.wav", "--output", "a.wav/texts")
    assert (code, lines) == (1, [])
    assert "a.wav/texts: Not a directory" in err


def test_a_local_service_that_would_recognise_nothing_is_not_started(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)
    monkeypatch.delitem(sys.modules, "trio_cartesia.server.recognition.moonshine", raising=False)
    code, lines, (err,) = run("a.wav", "--local")
    assert (code, lines) == (1, [])
    assert "pip install 'trio-cartesia[ears,local]'" in err
