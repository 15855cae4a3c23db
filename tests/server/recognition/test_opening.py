from __future__ import annotations

import sys

import pytest

from tests.server.recognition.people import TEXTS, recording, word_errors
from tests.server.recognition.speech import SENTENCES, at, recognize, speak
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition.opening import open_recognizer

MODULE = "trio_cartesia.server.recognition"


async def test_the_recogniser_none_gives_no_text() -> None:
    """Any audio is empty text."""
    none = open_recognizer("none", Journal())
    assert (await recognize(none, bytes(9600))).text == ""
    await none.aclose()


@pytest.mark.parametrize(
    ("missing", "name"), [("own_speech", "none"), ("moonshine", "own"), (None, "auto")]
)
def test_the_default_is_what_is_installed(
    missing: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extras, ``auto`` does without their recognisers."""
    if missing is None:
        pytest.importorskip("moonshine_voice", reason="the extra ears is not installed")
    else:
        monkeypatch.setitem(sys.modules, f"{MODULE}.{missing}", None)
        with pytest.raises(ValueError, match="trio-cartesia"):
            open_recognizer("own" if missing == "own_speech" else missing, Journal())
    assert open_recognizer("auto", Journal()).name == name


def test_unknown_names_are_refused() -> None:
    """The error has the names that there are."""
    with pytest.raises(ValueError, match=r"'ears'.*auto, own, moonshine, none"):
        open_recognizer("ears", Journal())


@pytest.mark.ears
async def test_people_are_understood() -> None:
    """At most 2 of the 12 words of a recording are wrong; `test_people` has longer speech."""
    recognizer = open_recognizer("moonshine", Journal())
    final = await recognize(recognizer, *recording("beckett.wav"))
    assert word_errors(TEXTS["beckett.wav"], final.text) <= 2
    assert [word.text for word in final.words] == final.text.split()
    await recognizer.aclose()


@pytest.mark.ears
async def test_own_speech_and_people_are_joined_in_order() -> None:
    """What the service said is exact, and what a person says stands between."""
    journal = Journal()
    recognizer = open_recognizer("auto", journal)
    audio, sample_rate = recording("beckett.wav")
    said = at(await speak(journal, SENTENCES[0]), sample_rate)
    final = await recognize(recognizer, said + audio + said, sample_rate)
    assert final.text.startswith(f"{SENTENCES[0]} Ever tried.")
    assert final.text.endswith(f". {SENTENCES[0]}")
    await recognizer.aclose()
