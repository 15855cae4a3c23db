from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say.outputs import Beside, choose, is_directory, make_directory


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@given(count=st.integers(1, 20), raw=st.booleans(), words=st.booleans())
def test_nobody_names_the_files(count: int, raw: bool, words: bool) -> None:
    """Without names there are as many different ones as texts, none of which exists."""
    targets = choose(count, ["/nowhere"], Beside(words=words), raw=raw)
    paths = [path for target in targets for path in target.paths]
    assert len(targets) == count
    assert len(set(paths)) == count * (1 + words)
    assert {target.audio.suffix for target in targets} == {".pcm" if raw else ".wav"}


def test_free_names_are_those_that_nothing_has(here: Path) -> None:
    """Numbers that are taken, by speech or by words, are passed over."""
    (here / "speech-1.wav").touch()
    (here / "speech-3.words.json").touch()
    targets = choose(2, [], Beside(words=True), raw=False)
    assert [str(target.audio) for target in targets] == ["speech-2.wav", "speech-4.wav"]
    assert all(target.others is not None for target in targets)


def test_names_are_taken_in_order(here: Path) -> None:
    """Given one name for each text, each text gets its own, whether or not it exists."""
    (here / "b").touch()
    first, second = choose(2, ["a.wav", "b"], Beside(words=True), raw=False)
    assert (first.audio, second.audio) == (Path("a.wav"), Path("b"))
    assert (first.words, second.words) == (Path("a.words.json"), Path("b.words.json"))
    assert first.others is None


@pytest.mark.parametrize(
    ("count", "out", "raw"),
    [
        (2, ["a.wav"], False),
        (1, ["a.wav", "b.wav"], False),
        (2, ["a.wav", "./a.wav"], False),
        (2, ["a.wav", "x/../a.wav"], False),
        (2, ["a", "a.wav"], False),  # their words would be in one file
        (1, ["a.mp3"], False),
        (1, ["a.PCM"], False),
        (1, ["a.wav"], True),
        (1, ["a.opus"], True),
        (2, ["a/", "b.wav"], False),
    ],
)
def test_names_that_cannot_be_right_are_refused(
    here: Path, count: int, out: list[str], raw: bool
) -> None:
    """Wrong counts, the same file twice and misleading suffixes are errors of usage."""
    with pytest.raises(UsageError):
        choose(count, out, Beside(words=True), raw=raw)


def test_a_single_name_may_be_a_directory(here: Path) -> None:
    """What is a directory, or has no suffix and is no file, is one."""
    (here / "v1.0").mkdir()
    (here / "file").touch()
    assert is_directory(["v1.0"])
    assert is_directory(["new"])
    assert not is_directory(["file"])
    assert not is_directory(["new.wav"])
    assert not is_directory(["new", "other"])
    assert not is_directory([])


@pytest.mark.parametrize("name", ["results.2024/", "results.2024/.", "a.wav/", "../", "."])
def test_a_slash_makes_a_directory(here: Path, name: str) -> None:
    """What ends as only directories do is one, whatever its suffix, and whether
    or not it exists.
    """
    assert is_directory([name])
    (target,) = choose(1, [name], Beside(words=False), raw=False)
    assert target.audio == Path(name) / "speech-1.wav"
    make_directory([name])
    assert Path(name).is_dir()
