"""What of a context's events is delivered, so that a loss is known to the word."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import (
    Chunk,
    Done,
    PhonemeTimes,
    PhonemeTimestamps,
    SampleFormat,
    UnknownEvent,
    WordTimes,
    WordTimestamps,
)
from trio_cartesia._pool.delivery import UNCOVERED_SECONDS, Delivery
from trio_cartesia.testing.strategies import interleavings

RATE = 8000
FORMAT = SampleFormat(encoding="pcm_s16le", sample_rate=RATE)


def words_event(words, segment=0):
    texts, starts, ends = zip(*words, strict=True)
    times = WordTimes(words=texts, start=starts, end=ends)
    return WordTimestamps(context_id="a", word_timestamps=times, segment=segment)


@st.composite
def contexts(draw):
    """Words one after the other, their audio, and the events of both, in any order of the two."""
    frames, words = 0, []
    for number in range(draw(st.integers(0, 8))):
        start = frames + draw(st.integers(0, 2000))
        frames = start + draw(st.integers(1, 4000))
        words.append((f"w{number}", start / RATE, frames / RATE))
    audio = bytes(range(256)) * (2 * frames // 256 + draw(st.integers(0, 20)))
    audio = audio[: len(audio) // 2 * 2]
    cuts = sorted(draw(st.lists(st.integers(0, len(audio)), max_size=12)))
    chunks = [
        Chunk(context_id="a", audio=audio[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(audio)], strict=True)
    ]
    groups = draw(st.lists(st.integers(1, 3), min_size=len(words), max_size=len(words)))
    times, rest = [], words
    for size in groups:
        if rest[:size]:
            times.append(words_event(rest[:size]))
        rest = rest[size:]
    return words, audio, [*draw(interleavings([chunks, times])), Done(context_id="a")]


@given(
    context=contexts(), base_seconds=st.sampled_from([0.0, 12.5]), base_segment=st.integers(0, 2)
)
def test_no_more_is_delivered_than_is_known(context, base_seconds, base_segment):
    """In whatever order chunks and times come, at each moment the audio delivered is the first of
    what came, in whole frames; at most one word more than those delivered has begun in it, and
    each of those has ended; and in the end all has been delivered, in order.
    """
    words, audio, events = context
    delivery = Delivery(FORMAT, base_seconds, base_segment)
    received, delivered, spoken = b"", b"", []
    for each in events:
        received += each.audio if isinstance(each, Chunk) else b""
        for due in delivery.add(each):
            if isinstance(due, Chunk):
                delivered += due.audio
                assert due.segment == base_segment
            elif isinstance(due, WordTimestamps):
                times = due.word_timestamps
                spoken += zip(times.words, times.start, times.end, strict=True)
                assert due.segment == base_segment
        assert received.startswith(delivered)
        seconds = len(delivered) / 2 / RATE
        if not isinstance(each, Done):
            assert len(delivered) % 2 == 0
            begun = [word for word, start, _ in words if start < seconds - 0.001]
            assert len(begun) <= len(spoken) + 1
            assert all(end <= seconds + base_seconds + 0.003 for _, _, end in spoken)
        assert delivery.words == len(spoken)
        assert delivery.last_word == (spoken[-1][0] if spoken else None)
    assert delivered == audio
    later = [(word, start + base_seconds, end + base_seconds) for word, start, end in words]
    assert spoken == later
    following = delivery.next()
    assert following.base_seconds == base_seconds + len(audio) / 2 / RATE
    assert (following.base_segment, following.words) == (base_segment, 0)


def test_times_that_start_anew_with_each_segment():
    """Times are delivered as seconds from the start, whatever the service counts them from."""
    delivery = Delivery(FORMAT, base_seconds=10.0)
    late = attrs.evolve(words_event([("w", 0.5, 1.0)], segment=1), base_seconds=2.0)
    chunk = Chunk(context_id="a", audio=bytes(2 * 3 * RATE))
    due = [*delivery.add(late), *delivery.add(chunk)]
    (times,) = (each for each in due if isinstance(each, WordTimestamps))
    assert (times.from_start().start, times.from_start().end) == ((12.5,), (13.0,))


def test_phonemes_and_unknown_events():
    """Phonemes come with their audio, and what is not known to be of the audio comes at once."""
    delivery = Delivery(FORMAT)
    phonemes = PhonemeTimes(phonemes=("a", "b"), start=(0.0, 0.5), end=(0.5, 1.0))
    assert list(delivery.add(PhonemeTimestamps(context_id="a", phoneme_timestamps=phonemes))) == []
    unknown = UnknownEvent(context_id="a", wire_type="news", fields={})
    assert list(delivery.add(unknown)) == [unknown]
    assert list(delivery.add(words_event([("ab", 0.0, 1.0)]))) == []
    due = list(delivery.add(Chunk(context_id="a", audio=bytes(RATE))))
    assert [each.type for each in due] == ["chunk", "phoneme_timestamps"]
    assert due[1].phoneme_timestamps.phonemes == ("a",)
    due = list(delivery.add(Chunk(context_id="a", audio=bytes(RATE + 2))))
    assert [each.type for each in due] == ["chunk", "timestamps", "phoneme_timestamps"]
    assert len(due[0].audio) == RATE


def test_audio_without_word_times():
    """Without word times audio waits, up to half a minute; then all of it comes, and what follows
    comes as it comes.
    """
    delivery, second = Delivery(FORMAT), bytes(2 * RATE)
    for _ in range(int(UNCOVERED_SECONDS)):
        assert list(delivery.add(Chunk(context_id="a", audio=second))) == []
        assert delivery.is_tracked
    due = list(delivery.add(Chunk(context_id="a", audio=second)))
    assert b"".join(each.audio for each in due) == second * 31
    assert not delivery.is_tracked
    chunk = Chunk(context_id="a", audio=second)
    assert list(delivery.add(chunk)) == [chunk]
    late = words_event([("late", 0.0, 1.0)])
    assert list(delivery.add(late)) == [late]
