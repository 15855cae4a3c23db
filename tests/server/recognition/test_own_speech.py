from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.recognition.speech import SENTENCES, at, recognize, speak
from tests.server.support import on_virtual_time
from tests.texts import TEXTS
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition import speech_index
from trio_cartesia.server.recognition.fingerprints import RATE, PostingTable
from trio_cartesia.server.recognition.own_speech import OwnSpeech
from trio_cartesia.server.voices.opening import open_voice

ANIMALS = ("Seagulls", "Horses", "Foxes", "Elephants", "Squirrels", "Bees", "Crocodiles", "Owls")
PATHS = {
    "telephone": {"sample_rate": 8000, "encoding": "pcm_mulaw"},
    "16 kHz": {"sample_rate": 16_000, "encoding": "pcm_s16le"},
}


@pytest.mark.parametrize("path", PATHS)
async def test_speech_is_recognised_word_for_word(path: str) -> None:
    """A sentence that was spoken comes back as it was written, with its white space."""
    journal = Journal()
    sentences = SENTENCES[:2]
    records = [await speak(journal, text, sample_rate=24_000) for text in sentences]
    own = OwnSpeech(journal)
    found = [await recognize(own, at(record, **PATHS[path]), **PATHS[path]) for record in records]
    assert [final.text for final in found] == list(sentences)
    for record, final in zip(records, found, strict=True):
        for spoken, word in zip(record.words, final.words, strict=True):
            assert word.text == spoken.text
            assert abs(word.start_seconds - spoken.start) < 0.03
            assert abs(word.end_seconds - spoken.end) < 0.03


@pytest.mark.slow
@settings(max_examples=8)
@given(gain=st.floats(0.1, 2), noise=st.floats(0, 0.17), seed=st.integers(0, 99))
@on_virtual_time
async def test_gain_noise_and_pauses_do_not_matter(gain: float, noise: float, seed: int) -> None:
    """Two sentences join with one blank, however loud and noisy they are, after any silence."""
    journal, values = Journal(), random.Random(seed)  # noqa: S311  # no secret
    texts = values.sample(SENTENCES, 2)
    audio = b""
    for text in texts:
        audio += bytes(2 * values.randrange(12_000))
        audio += at(await speak(journal, text), gain=gain, noise=noise)
    assert (await recognize(OwnSpeech(journal), audio)).text == " ".join(texts)


@pytest.mark.slow
@settings(max_examples=10)
@given(start=st.floats(0, 0.5), length=st.floats(0.35, 0.5))
@on_virtual_time
async def test_a_cut_keeps_the_words_within(start: float, length: float) -> None:
    """Of speech that starts and ends anywhere, the whole words come out, and few others."""
    journal = Journal()
    record = await speak(journal, SENTENCES[1])
    seconds = record.audio_seconds
    low, high = 2 * int(16_000 * start * seconds), 2 * int(16_000 * (start + length) * seconds)
    final = await recognize(OwnSpeech(journal), at(record)[low:high] + bytes(16_000))
    found = [word.text for word in final.words]
    inner = [w.text for w in record.words if low / 32_000 <= w.start and w.end <= high / 32_000]
    outer = [w.text for w in record.words if low / 32_000 < w.end and w.start < high / 32_000]
    assert len(inner) <= len(found) <= len(outer)
    assert " ".join(inner) in " ".join(found)
    assert " ".join(found) in " ".join(outer)


@pytest.mark.slow
@settings(max_examples=5)
@given(pieces=st.lists(st.integers(1, 20_000), min_size=1, max_size=5))
@on_virtual_time
async def test_the_pieces_of_a_stream_do_not_matter(pieces: list[int]) -> None:
    """Finals and sizes of pieces may be anywhere: the finals, joined, are the text."""
    journal = Journal()
    audio = at(await speak(journal, SENTENCES[0])) + at(await speak(journal, SENTENCES[3]))
    stream = OwnSpeech(journal).open_stream(language="en", keyterms=())
    text, place = "", 0
    for size in [*pieces, len(audio)]:
        await stream.add(audio[place : place + 2 * size])
        place += 2 * size
        interim = stream.interim().text
        assert f"{SENTENCES[0]} {SENTENCES[3]}".startswith(text + interim)
        if size % 2:
            text += (await stream.finish()).text
    assert text + (await stream.finish()).text == f"{SENTENCES[0]} {SENTENCES[3]}"


async def test_other_audio_has_no_text() -> None:
    """Noise, and another voice's speech of the same text, give no text."""
    journal, others, values = Journal(), Journal(), random.Random(3)  # noqa: S311  # no secret
    await speak(journal, SENTENCES[0])
    own = OwnSpeech(journal)
    noise = b"".join(
        round(values.gauss(0, 3000)).to_bytes(2, "little", signed=True) for _ in range(32_000)
    )
    assert (await recognize(own, noise)).text == ""
    other = await speak(others, SENTENCES[0], voice_id="another")
    assert (await recognize(own, at(other))).text == ""


async def test_equal_sentences_are_one_text() -> None:
    """A sentence that was spoken three times is recognised once for each time it is sent."""
    journal = Journal()
    records = [await speak(journal, SENTENCES[3]) for _ in range(3)]
    final = await recognize(OwnSpeech(journal), at(records[0]) + bytes(9600) + at(records[1]))
    assert final.text == f"{SENTENCES[3]} {SENTENCES[3]}"


async def test_speech_during_the_stream_is_recognised() -> None:
    """What the service says after a stream was opened is indexed with the next audio."""
    journal = Journal()
    own = OwnSpeech(journal)
    stream = own.open_stream(language="en", keyterms=())
    await stream.add(bytes(3200))
    assert own.statistics().held_bytes == 0
    await stream.add(at(await speak(journal, SENTENCES[0])))
    assert stream.interim().text == SENTENCES[0]
    assert (await stream.finish()).text == SENTENCES[0]
    assert (await stream.finish()).text == ""
    await stream.aclose()
    await own.aclose()


async def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest speech is dropped beyond the bound, and all of it with the journal."""
    monkeypatch.setattr(speech_index, "MAX_SECONDS", 6.0)
    journal = Journal()
    own = OwnSpeech(journal)
    for text in SENTENCES[:3]:
        record = await speak(journal, text)
        assert (await recognize(own, at(record))).text == text
    held = own.statistics()
    assert 0 < held.seconds <= 6
    assert held.contexts < 3
    newest = [record.audio_seconds for record in journal.contexts][-held.contexts :]
    assert abs(held.seconds - sum(newest)) < 0.01
    table = PostingTable().size_bytes
    assert table < held.held_bytes <= table + 2 * RATE * held.seconds * 9 / 8
    journal.forget()
    assert (await recognize(own, at(record) or bytes(3200))).text == ""
    assert (own.statistics().contexts, own.statistics().seconds) == (0, 0)


async def test_only_the_newest_of_a_long_journal_is_indexed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A first stream does not index more than the bound."""
    journal = Journal()
    for text in SENTENCES:
        record = await speak(journal, text)
    monkeypatch.setattr(speech_index, "MAX_SECONDS", record.audio_seconds * 1.5)
    own = OwnSpeech(journal)
    assert (await recognize(own, at(record))).text == SENTENCES[-1]
    assert own.statistics().contexts == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("voice_name", ["espeak", "tones"])
async def test_sixty_sentences_are_recognised_word_for_word(voice_name: str, path: str) -> None:
    """Sixty sentences in ten languages, spoken by the service, come back as they were written."""
    texts = [text.strip() for group in TEXTS.values() for text in group if len(text) > 8]
    texts += [*SENTENCES, *(f"{animal} live near the old harbour." for animal in ANIMALS)]
    texts = texts[:60]
    assert len(texts) == 60
    voice, journal = open_voice(voice_name), Journal()
    records = [await speak(journal, text, voice=voice, sample_rate=44_100) for text in texts]
    own = OwnSpeech(journal)
    wrong = []
    for text, record in zip(texts, records, strict=True):
        final = await recognize(own, at(record, **PATHS[path]), **PATHS[path])
        if final.text != text:
            wrong.append((text, final.text))
    assert not wrong
