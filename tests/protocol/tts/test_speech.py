"""Everything that a context said, as one value."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_cartesia import (
    Chunk,
    Done,
    FlushDone,
    PhonemeTimes,
    PhonemeTimestamps,
    RawOutputFormat,
    Timings,
    WordTimes,
    WordTimestamps,
)
from trio_cartesia._protocol.tts.speech import SpeechBuilder

RAW = RawOutputFormat(encoding="pcm_s16le", sample_rate=8000)
TIMINGS = Timings(
    opened_at=1,
    pushed_at=2,
    sent_at=3,
    first_audio_at=4,
    last_audio_at=5,
    ended_at=6,
    audio_seconds=7,
    starved_seconds=8,
)

CHUNKS = st.builds(
    Chunk,
    context_id=st.just("a"),
    audio=st.binary(max_size=4),
    flush_id=st.none() | st.integers(0, 3),
)
FLUSHES = st.builds(FlushDone, context_id=st.just("a"), flush_id=st.none() | st.integers(0, 3))
ROWS = st.lists(st.tuples(st.text(max_size=3), st.floats(0, 9), st.floats(0, 9)), max_size=3)


def words(rows):
    texts, starts, ends = zip(*rows, strict=True) if rows else ((), (), ())
    times = WordTimes(words=texts, start=starts, end=ends)
    return WordTimestamps(context_id="a", word_timestamps=times)


def phonemes(rows):
    texts, starts, ends = zip(*rows, strict=True) if rows else ((), (), ())
    times = PhonemeTimes(phonemes=texts, start=starts, end=ends)
    return PhonemeTimestamps(context_id="a", phoneme_timestamps=times)


def built(events, *, complete=True):
    builder = SpeechBuilder(RAW)
    for event in events:
        builder.add(event)
    return builder.finish(TIMINGS, "", complete=complete)


@given(
    events=st.lists(CHUNKS | FLUSHES | ROWS.map(words) | ROWS.map(phonemes)), complete=st.booleans()
)
def test_speech_contains_all_events_in_order(events, complete):
    """Audio, words and phonemes are those of the events, in order, with the same format."""
    speech = built([*events, Done(context_id="a")], complete=complete)
    heard = b"".join(event.audio for event in events if isinstance(event, Chunk))
    assert speech.audio == b"".join(segment.audio for segment in speech.segments) == heard
    for kind, texts, timed in (
        (WordTimestamps, lambda event: event.word_timestamps, speech.words),
        (PhonemeTimestamps, lambda event: event.phoneme_timestamps, speech.phonemes),
    ):
        came = [texts(event) for event in events if isinstance(event, kind)]
        rows = [
            row
            for times in came
            for row in zip(
                getattr(times, "words", None) or getattr(times, "phonemes", ()),
                times.start,
                times.end,
                strict=True,
            )
        ]
        assert [(one.text, one.start, one.end) for one in timed] == rows
    assert (speech.output_format, speech.complete) == (RAW, complete)
    assert speech.sample_format == RAW.sample_format
    assert speech.duration_seconds == pytest.approx(len(heard) / 16_000)


@given(segments=st.lists(st.tuples(st.lists(CHUNKS, max_size=3), FLUSHES)), rest=st.lists(CHUNKS))
@example(segments=[([], FlushDone(context_id="a", flush_id=3))], rest=[])
@example(
    segments=[([Chunk(context_id="a", audio=b"")], FlushDone(context_id="a", flush_id=3))],
    rest=[Chunk(context_id="a", audio=b"1", flush_id=4)],
)
def test_segments_end_where_the_service_says(segments, rest):
    """Each flush_done ends a segment, named as its last chunk names it, or as itself does where no
    chunk did; what comes after the last one is a segment too, if anything came.
    """
    events = [event for chunks, flush in segments for event in (*chunks, flush)]
    expected = []
    for chunks, flush in segments:
        named = chunks[-1].flush_id if chunks else None
        flush_id = flush.flush_id if named is None else named
        expected.append((b"".join(chunk.audio for chunk in chunks), flush_id))
    if rest:
        expected.append((b"".join(chunk.audio for chunk in rest), rest[-1].flush_id))
    speech = built([*events, *rest])
    assert [(segment.audio, segment.flush_id) for segment in speech.segments] == expected


def test_no_repr_of_a_speech_shows_its_contents():
    """The repr of a speech shows sizes, and no contents."""
    speech = built([Chunk(context_id="a", audio=b"canary"), words([("canary", 0.0, 1.0)])])
    shown = repr(speech) + repr(speech.words[0]) + repr(speech.segments[0])
    assert "canary" not in shown
    assert "<6 bytes>" in shown
    assert "<1 items>" in shown


def test_no_repr_of_a_speech_builder_shows_its_contents():
    """The repr of a builder shows no contents either."""
    builder = SpeechBuilder(RAW)
    builder.add(Chunk(context_id="a", audio=b"canary"))
    builder.add(words([("canary", 0.0, 1.0)]))
    builder.add(phonemes([("canary", 0.0, 1.0)]))
    assert "canary" not in repr(builder)
