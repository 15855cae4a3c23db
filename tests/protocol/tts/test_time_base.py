"""What the times of words and phonemes count from."""

from __future__ import annotations

import base64
import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS
from trio_cartesia import PhonemeTimestamps, WordTimestamps
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._protocol.tts.settings import settings_from

RATE = 8000
FORMAT = {"encoding": "pcm_s16le", "sample_rate": RATE}

# Of each segment: samples of silence at its start, and of each word. A word lasts longer than the
# silence before any other.
SEGMENTS = st.lists(
    st.tuples(st.integers(0, 300), st.lists(st.integers(400, 4000), max_size=3)),
    min_size=1,
    max_size=5,
).filter(lambda segments: segments[0][1])


class Received:
    """The events of one context, as the protocol delivers them."""

    def __init__(self):
        self.protocol = SpeechProtocol(ContextIds("p"))
        self.protocol.open(settings_from({**SETTINGS, "output_format": FORMAT}), "a")
        self.protocol.queue_input("a", "text")
        self.protocol.sent(self.protocol.next_outgoing())
        self.times = {WordTimestamps: [], PhonemeTimestamps: []}

    def add(self, **fields):
        text = json.dumps({"context_id": "a", **fields})
        ((_, event),) = self.protocol.receive(text, 0.0)
        if isinstance(event, (WordTimestamps, PhonemeTimestamps)):
            times = event.from_start()
            self.times[type(event)] += [*times.start, *times.end]
        return event

    def add_times(self, kind, rows):
        start, end = zip(*rows, strict=True) if rows else ((), ())
        times = {f"{kind}s": ["w"] * len(rows), "start": start, "end": end}
        wire_type = "timestamps" if kind == "word" else "phoneme_timestamps"
        return self.add(type=wire_type, **{f"{kind}_timestamps": times})


@given(
    segments=SEGMENTS,
    starts_anew=st.booleans(),
    times_first=st.booleans(),
    kinds=st.sampled_from([("word",), ("phoneme",), ("word", "phoneme")]),
)
def test_times_are_counted_from_the_start(segments, starts_anew, times_first, kinds):
    """Whether a service counts from the start of the context or from that of each segment, and
    whatever comes first, `from_start` has the places in the context's audio.
    """
    received, expected, frames = Received(), [], 0
    for silence, words in segments:
        base, frames, rows = frames, frames + silence, []
        for length in words:
            rows.append((frames / RATE, (frames + length) / RATE))
            frames += length
        expected += [time for column in zip(*rows, strict=True) for time in column]
        shown = base / RATE if starts_anew else 0
        audio = base64.b64encode(bytes(2 * (frames - base))).decode()
        parts = [partial(received.add, type="chunk", data=audio)]
        for kind in kinds:
            shifted = [(start - shown, end - shown) for start, end in rows]
            parts.insert(0 if times_first else 1, partial(received.add_times, kind, shifted))
        for part in parts:
            part()
        received.add(type="flush_done", flush_id=1)
    for kind, times in received.times.items():
        asked = ("word" if kind is WordTimestamps else "phoneme") in kinds
        assert times == pytest.approx(expected if asked else [])


def test_the_base_is_not_read_from_the_wire():
    """A field of that name in an event is not one of the protocol, and counts for nothing."""
    times = {"words": ["w"], "start": [0.0], "end": [1.0]}
    event = Received().add(type="timestamps", word_timestamps=times, base_seconds=5.0)
    assert event.base_seconds == 0.0
    assert event.from_start() is event.word_timestamps
