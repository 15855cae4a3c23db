from __future__ import annotations

import json
import os
import subprocess
import wave
from pathlib import Path

import pytest
import trio

from tests.cli.support import (
    COMMAND,
    TAGS,
    environment,
    is_speech,
    read_all,
    read_wav,
    run,
    start,
    wait_size,
)

SILENCE = {"pcm_s16le": b"\0", "pcm_f32le": b"\0", "pcm_mulaw": b"\xff", "pcm_alaw": b"\xd5"}


@pytest.mark.slow
def test_two_texts_make_two_files(tmp_path: Path) -> None:
    """Each text is speech in a WAV file of its own; standard output holds the paths alone."""
    done = run("say", "Hello there.", "How do you do, my friend?", "--local", cwd=tmp_path)
    assert done.code == 0
    assert done.out == ["speech-1.wav", "speech-2.wav"]
    lengths = []
    for name in done.out:
        audio = read_wav((tmp_path / name).read_bytes()).audio
        assert is_speech(audio)
        with wave.open(str(tmp_path / name)) as found:
            lengths.append(found.getnframes() / found.getframerate())
    assert 0.3 < lengths[0] < lengths[1] < 5
    assert done.err[0].startswith("using a local service")
    assert done.err[-2].startswith("speech-1.wav: ")
    assert "Hello" not in done.err_text


@pytest.mark.slow
def test_a_second_run_replaces_nothing(tmp_path: Path) -> None:
    """In a directory the names go on counting, and the directory is made if need be."""
    for expected in ("new/speech-1.wav", "new/speech-2.wav"):
        done = run("say", "Hello.", "--local", "--out", "new", cwd=tmp_path)
        assert done.out == [expected]


@pytest.mark.slow
def test_words_lie_beside_the_audio(tmp_path: Path) -> None:
    """Word times are JSON in the order of speech, within the audio."""
    done = run("say", "One, two, three.", "--words", "--local", "--out", "a.wav", cwd=tmp_path)
    assert done.out == ["a.wav"]
    words = json.loads((tmp_path / "a.words.json").read_text(encoding="utf-8"))
    assert [word["word"] for word in words] == ["One,", "two,", "three."]
    times = [time for word in words for time in (word["start"], word["end"])]
    assert times == sorted(times)
    with wave.open(str(tmp_path / "a.wav")) as found:
        assert times[-1] <= found.getnframes() / found.getframerate()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", sorted(TAGS))
def test_every_encoding_has_its_own_header(tmp_path: Path, encoding: str) -> None:
    """All encodings are written with the right tag and rate, raw samples as they are in WAV."""
    options = ("--encoding", encoding, "--sample-rate", "16000", "--local")
    assert run("say", "Hello.", *options, "--out", "a.wav", cwd=tmp_path).code == 0
    assert run("say", "Hello.", *options, "--raw", "--out", "a.pcm", cwd=tmp_path).code == 0
    found = read_wav((tmp_path / "a.wav").read_bytes())
    assert (found.tag, found.rate) == (TAGS[encoding], 16000)
    assert is_speech(found.audio, SILENCE[encoding])
    raw = (tmp_path / "a.pcm").read_bytes()
    assert not raw.startswith(b"RIFF")
    assert len(raw) == len(found.audio)


@pytest.mark.slow
async def test_standard_input_is_spoken_as_it_arrives(tmp_path: Path) -> None:
    """A line is in the file while the writer still has more to say, a long pause included."""
    path = tmp_path / "a.wav"
    async with trio.open_nursery() as nursery:
        process = await start(
            nursery, "say", "-", "--local", "--words", "--out", "a.wav", cwd=tmp_path
        )
        assert process.stdin is not None
        await process.stdin.send_all("Grüße, one.\n".encode())
        await wait_size(path, 1000)
        await trio.sleep(1.5)
        first = read_wav(path.read_bytes()).audio
        await process.stdin.send_all(b"Two")
        await process.stdin.aclose()
        assert await read_all(process.stdout) == "a.wav\n"
    assert process.returncode == 0
    both = read_wav(path.read_bytes()).audio
    assert both.startswith(first)
    assert is_speech(both[len(first) :])
    words = json.loads((tmp_path / "a.words.json").read_text(encoding="utf-8"))
    assert [word["word"] for word in words] == ["Grüße,", "one.", "Two"]


@pytest.mark.slow
def test_a_text_that_fails_stops_no_other(tmp_path: Path) -> None:
    """The one that fails says so on a line, the others are there, and the exit code tells."""
    (tmp_path / "b.wav").mkdir()
    names = ("--out", "a.wav", "--out", "b.wav", "--out", "c.wav")
    done = run("say", "One.", "Two.", "Three.", "--local", *names, cwd=tmp_path)
    assert done.code == 1
    assert done.out == ["a.wav", "c.wav"]
    assert [line for line in done.err if line.startswith("trio-cartesia: b.wav: ")]
    assert "Traceback" not in done.err_text


@pytest.mark.slow
def test_the_local_service_never_sees_the_key(tmp_path: Path) -> None:
    """With --local, neither key nor address of the environment is used, or shown."""
    env = {"CARTESIA_API_KEY": "sk_car_secret", "CARTESIA_BASE_URL": "http://127.0.0.1:9"}
    done = run("say", "Hello.", "--local", cwd=tmp_path, env=env)
    assert done.code == 0
    assert "secret" not in done.err_text


@pytest.mark.slow
def test_without_a_key_the_local_service_speaks(tmp_path: Path) -> None:
    """One line says so, and why."""
    done = run("say", "Hello.", cwd=tmp_path)
    assert done.code == 0
    assert done.err[0].startswith("no CARTESIA_API_KEY: using a local service")


@pytest.mark.slow
def test_nobody_has_to_read_the_results(tmp_path: Path) -> None:
    """Where standard output is closed early, the speech is written all the same, quietly."""
    process = subprocess.Popen(
        [*COMMAND, "say", "Hello.", "--local"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0
    assert b"rror" not in err
    assert (tmp_path / "speech-1.wav").exists()


@pytest.mark.slow
def test_many_runs_at_once_share_a_directory(tmp_path: Path) -> None:
    """Processes that start together all write their files, under names of their own."""
    processes = [
        subprocess.Popen(
            [*COMMAND, "say", "Hello.", "--local"],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    ends = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, ends
    assert sorted(out for out, _ in ends) == [f"speech-{number}.wav\n" for number in range(1, 5)]


@pytest.mark.slow
def test_an_argument_that_is_no_text_is_spoken(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 do not stop the rest, and headers for the API
    stop nothing either.
    """
    env = {"CARTESIA_CUSTOM_HEADERS": "no header"}
    done = run("say", os.fsdecode(b"caf\xe9 au lait"), "--local", cwd=tmp_path, env=env)
    assert (done.code, done.out) == (0, ["speech-1.wav"])
