# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import struct
import sys
import time
from typing import Any

import pytest
import trio
from hypothesis import assume, given
from hypothesis import strategies as st
from trio.testing import MockClock

from trio_cartesia._protocol.base.audio import SAMPLE_RATES
from trio_cartesia.server.text.markup import Sound, Span
from trio_cartesia.server.voices import interface as voices
from trio_cartesia.server.voices import tones
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance, written_words
from trio_cartesia.server.voices.opening import default_voice, open_voice
from trio_cartesia.server.voices.tones import Tones

WORDS = st.text(
    st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]), min_size=1, max_size=12
)
BLANKS = st.sampled_from([" ", "\n", "  ", "\u3000"])
UTTERANCES = st.builds(
    Utterance,
    text=st.lists(st.one_of(WORDS, BLANKS), max_size=8).map("".join),
    voice_id=st.text(max_size=5),
    sample_rate=st.sampled_from(SAMPLE_RATES),
    speed=st.floats(0.6, 1.5),
    volume=st.floats(0.5, 2.0),
)


def spoken(utterance: Utterance | None = None, **changes: Any) -> Spoken:
    """Speak in tones, on a clock that would show if they took time."""
    settings = {"text": "Hello, world", "voice_id": "a", "sample_rate": 8000, **changes}
    clock = MockClock(autojump_threshold=0)
    return trio.run(Tones().speak, utterance or Utterance(**settings), clock=clock)


def peak(speech: Spoken) -> int:
    wave: tuple[int, ...] = struct.unpack(f"<{len(speech.samples) // 2}h", speech.samples)
    return max(map(abs, wave))


@given(utterance=UTTERANCES)
def test_times_are_in_order_and_inside_the_audio(utterance: Utterance) -> None:
    """Words and phonemes follow one another, and none ends after the audio."""
    speech = spoken(utterance)
    for times in (speech.words, speech.phonemes):
        edges = [edge for timed in times for edge in (timed.start, timed.end)]
        assert edges == sorted(edges)
        assert [*edges, 0][-1] <= len(speech.samples) // 2
        assert all(timed.start < timed.end for timed in times)


@given(utterance=UTTERANCES)
def test_every_word_is_reported_once(utterance: Utterance) -> None:
    """The words are those of the text, in their order, and leave out nothing but blanks."""
    words = [word.text for word in spoken(utterance).words]
    assert "".join(words) == "".join(utterance.text.split())


@given(utterance=UTTERANCES)
def test_the_same_is_spoken_alike(utterance: Utterance) -> None:
    """Tones depend on nothing but the utterance."""
    assert spoken(utterance) == spoken(utterance)


@given(first=st.text(max_size=20), blank=BLANKS, second=st.text(max_size=20))
def test_text_may_be_cut_at_blanks(first: str, blank: str, second: str) -> None:
    """Texts cut at blanks sound, one after the other, like the whole text."""
    whole = spoken(text=first + blank + second).samples
    assert spoken(text=first + blank).samples + spoken(text=second).samples == whole
    assert spoken(text=first).samples + spoken(text=blank + second).samples == whole


@given(blanks=st.lists(BLANKS).map("".join))
def test_blanks_are_no_audio(blanks: str) -> None:
    """Blanks alone give no audio, no words and no phonemes."""
    speech = spoken(text=blanks)
    assert (speech.samples, speech.words, speech.phonemes) == (b"", (), ())


@given(speed=st.floats(0.6, 1.5), sample_rate=st.sampled_from(SAMPLE_RATES))
def test_speed_is_heard(speed: float, sample_rate: int) -> None:
    """The audio is as much shorter as the speech is faster, at every rate."""
    normal = len(spoken(sample_rate=sample_rate).samples)
    speech = spoken(sample_rate=sample_rate, speed=speed)
    assert len(speech.samples) * speed == pytest.approx(normal, rel=0.005)
    assert len(speech.samples) / 2 / sample_rate * speed == pytest.approx(12 / 15, rel=0.005)


@given(volume=st.floats(0.5, 2.0))
def test_volume_is_heard(volume: float) -> None:
    """The peak grows with the volume, and never reaches full scale."""
    assert peak(spoken(volume=volume)) == pytest.approx(volume * peak(spoken()), rel=0.01)
    assert peak(spoken(volume=volume)) < 32767


def test_words_and_voices_differ() -> None:
    """Words of one length differ in pitch, and so does a word in the voices of two people."""
    words = [f"word{letter}" for letter in "abcdefgh"]
    assert len({spoken(text=word).samples for word in words}) > 5
    assert len({spoken(voice_id=word).samples for word in words}) > 5


def test_a_phoneme_is_a_letter() -> None:
    """Letters are evenly spaced over their word, and punctuation has no sound."""
    speech = spoken(text="ab, c")
    assert [phoneme.text for phoneme in speech.phonemes] == ["a", "b", "c"]
    assert {phoneme.end - phoneme.start for phoneme in speech.phonemes} == {533}
    assert speech.words[0] == Timed(text="ab,", start=0, end=1066)


def test_laughter_is_three_notes() -> None:
    """Laughter is heard where it stands, and is neither a word nor a phoneme."""
    span = Span(3, 13, Sound.LAUGHTER)
    speech = spoken(text="ab [laughter] c", spans=(span,))
    assert [word.text for word in speech.words] == ["ab", "c"]
    assert [phoneme.text for phoneme in speech.phonemes] == ["a", "b", "c"]
    between = speech.samples[2 * speech.words[0].end : 2 * speech.words[1].start]
    assert len(between) == 2 * 533 * 5  # and a pause on either side
    assert any(between)


def test_spelled_letters_stand_apart() -> None:
    """A spelling has the words of the text, and takes twice as long."""
    plain, spelled = (spoken(text="AB 12", spelled=spelled) for spelled in (False, True))
    assert [word.text for word in spelled.words] == ["AB", "12"]
    assert spelled.words[0].end == 2 * plain.words[0].end
    assert len(spelled.phonemes) == 4


def test_tones_are_quick() -> None:
    """A word takes less than a millisecond of a processor, also of a busy one:
    notes are made once.
    """
    utterance = Utterance(text="word " * 1000, voice_id="a", sample_rate=44100)
    spoken(utterance)
    start = time.thread_time()
    spoken(utterance)
    assert time.thread_time() - start < 1


def test_cancelled_tones_are_silent() -> None:
    """Speaking is a checkpoint: in a cancelled scope nothing is spoken."""

    async def speak() -> bool:
        with trio.move_on_after(0) as scope:
            await Tones().speak(Utterance(text="a", voice_id="a", sample_rate=8000))
        return scope.cancelled_caught

    assert trio.run(speak)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" Hello,  “world” — 3.14%!\n", ["Hello,", "“world”", "—", "3.14%!"]),
        ("你好，世界。\u3000ABC公司", [*"你好，世界。", "ABC", *"公司"]),
        ("はい! コーヒー、ok?", [*"はい", "!", *"コーヒー、", "ok?"]),
        ("오늘은 날씨가", ["오늘은", "날씨가"]),
    ],
)
def test_words_are_what_is_written(text: str, words: list[str]) -> None:
    """A word is what stands between blanks, or one character of Chinese and Japanese."""
    found = list(written_words(text))
    assert [word for _, word in found] == words
    assert all(text.startswith(word, position) for position, word in found)


@given(text=st.text(min_size=4))
def test_no_speech_in_reprs(text: str) -> None:
    """What is spoken never shows in a repr, and neither do samples."""
    assume(not text.isascii())
    utterance = Utterance(text=text, voice_id="a", sample_rate=8000)
    assert repr(utterance).isascii()
    speech = spoken(utterance)
    assert repr(speech).isascii()
    assert repr(speech.words).isascii()
    assert len(repr(speech)) < 100


@pytest.mark.parametrize(
    "changes",
    [
        {"sample_rate": 7999},
        {"sample_rate": 48001},
        *({"speed": speed} for speed in (0.59, 1.51, float("nan"))),
        *({"volume": volume} for volume in (0.49, 2.01, float("nan"))),
    ],
)
def test_what_no_voice_can_do_is_refused(changes: dict[str, Any]) -> None:
    """An utterance outside the ranges of the protocol cannot be made."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        spoken(**changes)


@pytest.mark.parametrize("name", ["espeak", "tones"])
def test_voices_are_opened_by_name(name: str) -> None:
    """A voice carries the name that it is opened by."""
    assert open_voice(name).name == name


def test_the_default_is_real_speech() -> None:
    """Where the extra is installed, it is used."""
    assert default_voice().name == "espeak"


@pytest.mark.parametrize("missing", ["espeakng_loader", "numpy", "soxr"])
def test_without_the_extra_there_are_tones(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something of the extra is missing, asking for it says what to install."""
    package = f"{voices.__package__}.espeak"
    for module in ("voice", "library"):
        monkeypatch.delitem(sys.modules, f"{package}.{module}", raising=False)
        monkeypatch.delattr(sys.modules[package], module, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ValueError, match=r"trio-cartesia\[local\]"):
        open_voice("espeak")
    assert default_voice().name == "tones"


def test_an_unknown_voice_is_refused() -> None:
    """Any other name is an error that lists the names there are."""
    with pytest.raises(ValueError, match="'espeak' and 'tones'"):
        open_voice("siri")


def test_machines_of_the_other_byte_order_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are little-endian on every machine."""
    native = tones._note.__wrapped__(20, 2, 1000)
    monkeypatch.setattr("sys.byteorder", "big")
    swapped = tones._note.__wrapped__(20, 2, 1000)
    assert struct.unpack("<20h", native) == struct.unpack(">20h", swapped)
