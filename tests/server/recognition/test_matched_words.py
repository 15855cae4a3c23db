from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.recognition.speech import SENTENCES, speak
from tests.server.support import on_virtual_time
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition import matched_words
from trio_cartesia.server.recognition.alignment import BLOCK, Alignment
from trio_cartesia.server.recognition.matched_words import MatchedText
from trio_cartesia.server.recognition.speech_index import IndexedSpeech, SpeechIndex


async def indexed(text: str) -> IndexedSpeech:
    journal = Journal()
    await speak(journal, text)
    index = SpeechIndex(journal)
    while index.advance():
        pass
    speech = index.speech(0)
    assert speech is not None
    return speech


def aligned(speech: IndexedSpeech, first: int, end: int, evidence: int) -> Alignment:
    """An alignment of these blocks of the speech, all of which match."""
    alignment = Alignment(speech, 0, 1.0, 1e6, first)
    alignment.hits += b"\1" * (end - first)
    alignment.evidence, alignment.is_live = evidence, False
    return alignment


@given(
    begin=st.floats(0, 0.7),
    end=st.floats(0.3, 1),
    evidence=st.tuples(st.integers(50, 150), st.integers(50, 150)),
)
@on_virtual_time
async def test_two_alignments_of_a_speech_have_all_of_its_words(
    begin: float, end: float, evidence: tuple[int, int]
) -> None:
    """Wherever one ends and the other begins, no word is lost in their overlap, or there twice."""
    speech = await indexed(SENTENCES[0])
    blocks, matched = speech.size // BLOCK + 1, MatchedText()
    overlap = 48  # blocks: more than the longest word
    begin_block = int(begin * blocks)
    end_block = max(int(end * blocks), begin_block + overlap)
    both = [
        aligned(speech, 0, end_block, evidence[0]),
        aligned(speech, begin_block, blocks, evidence[1]),
    ]
    for alignment in both:
        matched.keep(alignment)
    for alignment in both:
        matched.prune(alignment)
    assert matched.finish().text == SENTENCES[0]


@pytest.mark.parametrize("begin", [0, 20])
async def test_an_alignment_beside_a_better_one_is_dropped(begin: int) -> None:
    """It is dropped only if the better one has compared the audio of all of its words."""
    speech = await indexed(SENTENCES[0])
    matched = MatchedText()
    weak, better = aligned(speech, 0, 80, 40), aligned(speech, begin, 90, 80)
    for alignment in (better, weak):
        matched.keep(alignment)
    matched.prune(weak)
    alone = MatchedText()
    alone.keep(better)
    assert (matched.interim() == alone.interim()) == (begin == 0)


async def test_the_weakest_that_has_ended_is_dropped_beyond_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A live alignment, however weak, stays; it may still grow, and ends later."""
    monkeypatch.setattr(matched_words, "MAX_KEPT", 2)
    speech = await indexed(SENTENCES[0])
    matched, live = MatchedText(), aligned(speech, 0, 20, 8)
    live.is_live = True
    matched.keep(live)
    for first, evidence in ((40, 20), (60, 21), (80, 22)):
        ended = aligned(speech, first, first + 20, evidence)
        matched.keep(ended)
        matched.prune(ended)
    live.is_live = False
    matched.prune(live)
    explained = [matched.explains(start, start + 0.1) for start in (0.2, 1.2, 1.6, 2.1)]
    assert explained == [True, False, False, True]


async def test_interim_texts_do_not_cost_more_and_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked for, a word is looked up only until its audio has ended."""
    looked_up, covers = 0, Alignment.covers

    def counted(self: Alignment, start: float, end: float) -> float:
        nonlocal looked_up
        looked_up += 1
        return covers(self, start, end)

    monkeypatch.setattr(Alignment, "covers", counted)
    speech = await indexed(" ".join(SENTENCES))
    matched, alignment = MatchedText(), aligned(speech, 0, 1, 50)
    matched.keep(alignment)
    steps = speech.size // BLOCK // 4 + 1
    for _ in range(steps):
        alignment.hits += b"\1" * 4
        matched.interim()
    assert matched.interim().text == " ".join(SENTENCES)
    assert looked_up <= steps + len(speech.record.words)


async def test_marks_without_duration_are_words() -> None:
    """A mark, which takes no time, is in the text, whenever interim texts are asked for."""
    speech = await indexed(SENTENCES[0])
    words = speech.record.words
    for index in range(len(words), 0, -1):
        words.texts.insert(index, "-")
        words.starts.insert(index, words.ends[index - 1])
        words.ends.insert(index, words.ends[index - 1])
    matched, alignment = MatchedText(), aligned(speech, 0, 1, 50)
    matched.keep(alignment)
    for _ in range(speech.size // BLOCK + 4):
        alignment.hits += b"\1"
        matched.interim()
    assert matched.interim().text.split() == words.texts
