"""Reading events."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.strategies import AUDIO, CHUNKS, EVENTS, JSON, base64_text, broken_events
from trio_cartesia import Chunk, RemoteProtocolError, UnknownEvent
from trio_cartesia._protocol import codec
from trio_cartesia._protocol.codec import read_event, read_event_generally


def outcome(read, text):
    """What *read* returns, or what it raises, in a form that can be compared."""
    try:
        return read(text, {"a": 2})
    except RemoteProtocolError as error:
        return type(error), str(error), error.context_id


@given(event=EVENTS | broken_events() | JSON)
@example({"type": "chunk", "context_id": "a", "data": "AAA"})
@example({"type": "chunk", "context_id": "a", "data": "é"})
@example({"type": "chunk", "context_id": "a", "data": "", "flush_id": True, "step_time": "3"})
@example({"type": "chunk", "context_id": "a", "data": "", "step_time": 2**65})
@example({"type": "chunk", "context_id": 1, "data": ""})
def test_the_quick_way_and_the_general_way_agree(event):
    """
    Whatever comes, chunks read by hand are what cattrs makes of them, errors included.
    """
    text = json.dumps(event)
    assert outcome(read_event, text) == outcome(read_event_generally, text)


@given(text=st.text(st.characters(codec="utf-8")) | st.binary())
def test_anything_else_is_a_protocol_error(text):
    """
    Text or bytes of any kind give an event or a `RemoteProtocolError`, and nothing else.
    """
    outcome(read_event, text)


@given(event=EVENTS | broken_events())
def test_the_standard_library_reads_the_same(event):
    """
    Without orjson and pybase64 the same messages give the same events.
    """
    text = json.dumps(event)
    expected = outcome(read_event, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_loads", codec.plain_loads)
        patch.setattr(codec, "decode_base64", codec.plain_b64decode)
        assert outcome(read_event, text) == expected


@given(event=CHUNKS, audio=AUDIO)
def test_audio_comes_as_it_was_sent(event, audio):
    """
    A chunk's audio is the bytes that were encoded; its segment is the one its context is in.
    """
    chunk = read_event(json.dumps({**event, "data": base64_text(audio)}), {"b": 3})
    assert isinstance(chunk, Chunk)
    assert chunk.audio == audio
    assert chunk.segment == (3 if event["context_id"] == "b" else 0)


@pytest.mark.parametrize("text", ["[1]", '"chunk"', "{", "", "NaN", "[" * 100_000])
def test_what_is_no_object_is_refused(text):
    """
    A message that is not a JSON object is a protocol error, however deep it is.
    """
    with pytest.raises(RemoteProtocolError, match="not a JSON object"):
        read_event(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_loads", codec.plain_loads)
        with pytest.raises(RemoteProtocolError, match="not a JSON object"):
            read_event(text)


@given(event=EVENTS, secret=st.just("canary"))
def test_what_cannot_be_read_is_not_quoted(event, secret):
    """
    An error about a message holds nothing of what the message says, nor does its chain.
    """
    for name in event:
        if name in ("type", "context_id"):
            continue
        try:
            read_event(json.dumps({**event, name: secret}))
        except RemoteProtocolError as error:
            assert secret not in str(error)
            assert error.__cause__ is None
            assert error.__context__ is None


@pytest.mark.parametrize("odd", ["206", 206.0, True, [], 10**30])
def test_odd_diagnostics_fail_nothing(odd):
    """
    Fields that only diagnose are left out where they are odd; the audio comes all the same.
    """
    fields = {"type": "chunk", "context_id": "a", "data": base64_text(b"12")}
    event = read_event(json.dumps({**fields, "status_code": odd, "flush_id": odd}))
    assert (event.audio, event.status_code, event.flush_id) == (b"12", None, None)
    strange = read_event(json.dumps({**fields, "step_time": "soon"}))
    assert strange.step_time is None


@pytest.mark.parametrize(
    "times",
    [
        {"words": ["a"], "start": [0], "end": []},
        {"words": "a", "start": [0], "end": [1]},
        {"words": ["a"], "start": ["0"], "end": [1]},
        {"words": [1], "start": [0], "end": [1]},
        {"words": ["a"], "start": [0]},
        None,
    ],
)
def test_times_that_do_not_fit_are_refused(times):
    """
    Words and their times come in three arrays of one length, or the event cannot be read.
    """
    event = {"type": "timestamps", "context_id": "a", "word_timestamps": times}
    with pytest.raises(RemoteProtocolError) as caught:
        read_event(json.dumps(event))
    assert caught.value.context_id == "a"


def test_unknown_kinds_are_kept_whole():
    """
    An event of a kind that is not known keeps all of its members, and may lack a context.
    """
    event = read_event('{"type": "weather", "sky": {"blue": true}}')
    assert isinstance(event, UnknownEvent)
    assert (event.context_id, event.wire_type) == (None, "weather")
    assert event.fields["sky"] == {"blue": True}


WITHOUT = """
import sys
sys.modules["orjson"] = sys.modules["pybase64"] = None
from trio_cartesia._protocol import codec
event = codec.read_event(sys.argv[1])
assert codec.read_json is codec.plain_read_json
print(event.context_id, event.audio.decode())
"""


@pytest.mark.slow
def test_the_standard_library_will_do():
    """
    Without orjson and pybase64, which are for CPython alone, events are read all the same.
    """
    event = {"type": "chunk", "context_id": "a", "data": base64_text(b"sound")}
    command = [sys.executable, "-c", WITHOUT, json.dumps(event)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a sound\n", "")


def test_speech_shows_in_no_repr():
    """
    The repr of an event shows sizes where its audio and words are.
    """
    times = {"words": ["canary"], "phonemes": ["canary"], "start": [0], "end": [1]}
    for event in (
        {"type": "chunk", "data": base64_text(b"canary")},
        {"type": "timestamps", "word_timestamps": times},
        {"type": "phoneme_timestamps", "phoneme_timestamps": times},
        {"type": "weather", "sky": "canary"},
        {"type": "error", "message": "canary"},
    ):
        assert "canary" not in repr(read_event(json.dumps({**event, "context_id": "a"})))
