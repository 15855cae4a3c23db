from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.support import SAMPLES, read_wav
from trio_cartesia import SampleFormat, WordTimes
from trio_cartesia._cli.say.files import open_files
from trio_cartesia._cli.say.outputs import Beside, Target, choose

ONE_WORD = WordTimes(words=("a",), start=(0.0,), end=(0.5,))
LATE_WORD = WordTimes(words=("ö",), start=(0.75,), end=(1.0,))


def target(path: Path) -> Target:
    return Target(path, Beside(words=True))


@given(parts=st.lists(st.binary(max_size=9)), raw=st.booleans())
def test_frames_stay_whole_however_audio_is_cut(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], raw: bool
) -> None:
    """The file holds all whole frames that came, and no part of one."""
    form = SampleFormat(encoding="pcm_f32le", sample_rate=8000)
    path = tmp_path_factory.mktemp("a") / "a"
    with open_files(target(path), form, raw=raw) as recording:
        for part in parts:
            recording.write(part)
        recording.complete()
    data, sent = path.read_bytes(), b"".join(parts)
    assert (data if raw else read_wav(data).audio) == sent[: len(sent) // 4 * 4]


def test_an_older_file_stays_until_there_is_speech(tmp_path: Path) -> None:
    """A file that was named is replaced by the first audio, whole, and not before."""
    path = tmp_path / "a.pcm"
    path.write_bytes(b"older and longer")
    with open_files(target(path), SAMPLES, raw=True):
        pass
    assert path.read_bytes() == b"older and longer"
    with open_files(target(path), SAMPLES, raw=True) as recording:
        recording.write(b"new!")
    assert path.read_bytes() == b"new!"


def test_no_file_is_left_where_nothing_came(tmp_path: Path) -> None:
    """A new file goes again if no audio came, unless that was all there was to say."""
    path = tmp_path / "a.wav"
    with open_files(target(path), SAMPLES, raw=False) as recording:
        recording.add_words(ONE_WORD)
    assert list(tmp_path.iterdir()) == []
    with open_files(target(path), SAMPLES, raw=False) as recording:
        recording.complete()
    assert read_wav(path.read_bytes()).audio == b""
    assert json.loads(path.with_suffix(".words.json").read_text()) == []


def test_names_of_our_own_replace_nothing(tmp_path: Path) -> None:
    """If somebody takes a free name first, the next free one is taken, and theirs is left alone."""
    names = choose(2, [str(tmp_path)], Beside(words=True), raw=False)
    for theirs in ("speech-1.wav", "speech-3.words.json"):
        (tmp_path / theirs).write_bytes(b"theirs")
    with open_files(names[0], SAMPLES, raw=False) as first:
        first.complete()
        assert first.target.audio == tmp_path / "speech-4.wav"
    with open_files(names[1], SAMPLES, raw=False) as second:
        assert second.target.audio == tmp_path / "speech-2.wav"
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    expected = {"speech-1.wav", "speech-3.words.json", "speech-4.wav", "speech-4.words.json"}
    assert set(found) == expected
    assert found["speech-1.wav"] == found["speech-3.words.json"] == b"theirs"


def test_names_of_our_own_are_reserved_together(tmp_path: Path) -> None:
    """Two that chose the same names at the same moment get files of their own, words included."""
    (one,) = choose(1, [str(tmp_path)], Beside(words=True), raw=False)
    (two,) = choose(1, [str(tmp_path)], Beside(words=True), raw=True)
    with (
        open_files(one, SAMPLES, raw=False) as first,
        open_files(two, SAMPLES, raw=True) as second,
    ):
        assert not set(first.target.paths) & set(second.target.paths)
        assert first.target.words != second.target.words
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_takes_no_file_is_reported(tmp_path: Path) -> None:
    """Only a name that is taken gives way to the next: other errors would meet that one too."""
    (name,) = choose(1, [str(tmp_path / "missing")], Beside(words=False), raw=False)
    with pytest.raises(FileNotFoundError), open_files(name, SAMPLES, raw=False):
        pass


def test_words_are_those_that_are_heard(tmp_path: Path) -> None:
    """Times count from the start of the file; words without audio are left out of a part."""
    path = tmp_path / "a.wav"
    half_a_second = bytes(SAMPLES.sample_rate)
    with open_files(target(path), SAMPLES, raw=False) as recording:
        recording.begin_context()
        recording.add_words(ONE_WORD)
        recording.write(half_a_second)
        recording.begin_context()
        recording.add_words(ONE_WORD)
        recording.add_words(LATE_WORD)
        recording.write(half_a_second)
    words = json.loads(path.with_suffix(".words.json").read_text())
    assert words == [
        {"word": "a", "start": 0.0, "end": 0.5},
        {"word": "a", "start": 0.5, "end": 1.0},
    ]


def test_all_words_are_kept_of_what_is_complete(tmp_path: Path) -> None:
    """Where nothing more is to come, every word that was announced is there."""
    path = tmp_path / "a.wav"
    with open_files(target(path), SAMPLES, raw=False) as recording:
        recording.write(bytes(2))
        recording.add_words(LATE_WORD)
        recording.complete()
    assert "ö" in path.with_suffix(".words.json").read_text(encoding="utf-8")


def test_words_are_not_written_unasked(tmp_path: Path) -> None:
    """There is just the file of speech."""
    path = tmp_path / "a.wav"
    plain = Target(path, Beside(words=False))
    with open_files(plain, SAMPLES, raw=False) as recording:
        recording.add_words(ONE_WORD)
        recording.write(bytes(2))
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_without_being_emptied() -> None:
    """What is no regular file need not be truncated."""
    null = Target(Path(os.devnull), Beside(words=False))
    with open_files(null, SAMPLES, raw=True) as recording:
        recording.write(b"ab")
        assert recording.is_written


def test_directories_and_pipes_are_refused(tmp_path: Path) -> None:
    """What holds no speech, or might keep everybody waiting, is an error that names it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with (
            pytest.raises(OSError, match=path.name) as caught,
            open_files(target(path), SAMPLES, raw=True),
        ):
            pass
        assert caught.value.filename == str(path)


@pytest.mark.parametrize(
    ("kind", "name"), [("srt", "a.srt"), ("vtt", "a.vtt"), ("textgrid", "a.TextGrid")]
)
def test_subtitles_are_written_beside_the_audio(tmp_path, kind, name):
    """The file has the words that have audio, in whichever format."""
    target = Target(tmp_path / "a.wav", Beside(subtitles=kind))
    with open_files(target, SAMPLES, raw=False) as recording:
        recording.begin_context()
        recording.add_words(ONE_WORD)
        recording.add_words(LATE_WORD)
        recording.write(bytes(SAMPLES.bytes_per_frame * SAMPLES.sample_rate // 2))
    written = (tmp_path / name).read_text()
    assert "a" in written.split()[-1] or '"a"' in written
    assert "ö" not in written
