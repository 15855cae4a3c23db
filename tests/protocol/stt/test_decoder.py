"""Messages of the STT WebSockets, as events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia import RemoteProtocolError, UnknownEvent
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.stt.decoder import read_event
from trio_cartesia._protocol.stt.messages import (
    Connected,
    Transcript,
    TranscriptDone,
    TranscriptFlushDone,
    TranscriptWord,
    TurnEagerEnd,
    TurnEnd,
    TurnResume,
    TurnStart,
    TurnUpdate,
)

PLAIN = [TranscriptFlushDone, TranscriptDone, Connected, TurnStart, TurnResume]
WITH_TEXT = [TurnUpdate, TurnEagerEnd, TurnEnd]

texts = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)  # which JSON does not have
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
NAMES = ["text", "is_final", "duration", "language", "words", "request_id", "transcript", "new"]
TYPES = [kind.type for kind in [*PLAIN, *WITH_TEXT, Transcript]] + ["error", "new"]


def test_a_transcript_has_its_fields():
    """The example of the protocol is read as it is written there."""
    message = (
        '{"type":"transcript","request_id":"a91e","is_final":true,"text":"Good morning.",'
        '"duration":1.4,"language":"en","words":[{"word":"Good","start":0.04,"end":0.3}]}'
    )
    assert read_event(message) == Transcript(
        is_final=True,
        text="Good morning.",
        duration=1.4,
        language="en",
        words=(TranscriptWord(word="Good", start=0.04, end=0.3),),
        request_id="a91e",
    )


@pytest.mark.parametrize("kind", PLAIN)
def test_events_without_text(kind):
    """An event that has nothing but its type is read, with and without an id."""
    assert read_event(json.dumps({"type": kind.type})) == kind()
    assert read_event(json.dumps({"type": kind.type, "request_id": "1"})) == kind(request_id="1")


@pytest.mark.parametrize("kind", WITH_TEXT)
def test_events_of_turns(kind):
    """The text of a turn is kept as it is, and may be missing (protocol §7.2 S8)."""
    assert read_event(json.dumps({"type": kind.type})) == kind()
    event = read_event(json.dumps({"type": kind.type, "transcript": " a  b"}))
    assert event == kind(transcript=" a  b")


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(NAMES), json_values), st.sampled_from(TYPES))
def test_any_fields_give_an_event_or_an_error_of_the_protocol(fields, kind):
    """Whatever an event's members are, it is read, unless it is a transcript without its text."""
    try:
        event = read_event(json.dumps({**fields, "type": kind}))
    except RemoteProtocolError:
        assert kind == "transcript"
        is_whole = isinstance(fields.get("text"), str) and isinstance(fields.get("is_final"), bool)
        assert not is_whole
    else:
        assert isinstance(event, UnknownEvent) if kind == "new" else event.type == kind
        assert isinstance(event, ErrorEvent) == (kind == "error")


@pytest.mark.parametrize(
    "message", ["", "secret", "[1]", '{"text":"secret"}', '{"type":1}', b"\xff"]
)
def test_what_is_no_event_is_not_quoted(message):
    """The error of a message that cannot be read says nothing of what it holds."""
    with pytest.raises(RemoteProtocolError) as caught:
        read_event(message)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "words", [{"word": ["a"]}, [{"word": "a"}], [1], [{"word": "a", "start": True, "end": 1}], "a"]
)
def test_words_of_another_shape_are_left_out(words):
    """Words that are not rows with their times do not cost the text (protocol §4.3)."""
    message = {"type": "transcript", "is_final": True, "text": "a", "words": words}
    assert read_event(json.dumps(message)) == Transcript(is_final=True, text="a")


def test_text_is_in_no_repr():
    """What was said is not in the repr of an event."""
    words = (TranscriptWord(word="secret", start=0, end=1),)
    events = [
        Transcript(is_final=True, text="secret", words=words),
        *(kind(transcript="secret") for kind in WITH_TEXT),
    ]
    assert "secret" not in repr([*events, words])
