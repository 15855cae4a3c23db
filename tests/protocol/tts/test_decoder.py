"""Reading events."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.strategies import AUDIO, CHUNKS, EVENTS, JSON, base64_text, broken_events
from trio_cartesia import (
    Chunk,
    Done,
    FlushDone,
    PhonemeTimes,
    PhonemeTimestamps,
    RemoteProtocolError,
    UnknownEvent,
    WordTimes,
    WordTimestamps,
)
from trio_cartesia._protocol.base import json as base_json
from trio_cartesia._protocol.base.json import MAX_VALUES
from trio_cartesia._protocol.tts.decoder import read_event, read_event_generally


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
    """Whatever comes, chunks read by hand are what cattrs makes of them, errors included."""
    text = json.dumps(event)
    assert outcome(read_event, text) == outcome(read_event_generally, text)


@given(text=st.text(st.characters(codec="utf-8")) | st.binary())
def test_other_bytes_are_a_protocol_error(text):
    """Text or bytes of any kind give an event or a `RemoteProtocolError`, and nothing else."""
    outcome(read_event, text)


def plainly(read, *arguments):
    """Call *read* as it works where orjson and pybase64 are not installed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, plain in PLAIN.items():
            patch.setattr(base_json, name, plain)
        return read(*arguments)


PLAIN = {
    "loads": base_json.plain_loads,
    "loads_quickly": base_json.plain_loads,
    "decode_base64": base_json.plain_b64decode,
}


@given(event=EVENTS | broken_events())
@example({"type": "chunk", "context_id": "a", "data": "AAAA!"})
@example({"type": "chunk", "context_id": "a", "data": "AA\nAA"})
@example({"type": "news", "is": float("nan")})
@example({"type": "news", "is": "\ud800"})
@example({"type": "news", "is": -float("inf")})
def test_the_standard_library_reads_the_same(event):
    """Without orjson and pybase64 the same messages give the same events."""
    text = json.dumps(event)
    expected = outcome(read_event, text)
    for message in (text, text.encode()):
        assert plainly(outcome, read_event, message) == expected


@given(event=CHUNKS, broken=st.sampled_from([b"", b"\xff", b"\xed\xa0\x80"]))
def test_the_standard_library_takes_no_other_unicode(event, broken):
    """Without orjson too, JSON is UTF-8, and nothing that is not."""
    message = json.dumps(event).encode()[:-1] + b',"x":"' + broken + b'"}'
    if broken:
        with pytest.raises(UnicodeDecodeError):
            base_json.plain_loads(message)
    else:
        assert base_json.plain_loads(message) == base_json.loads(message)
    with pytest.raises(UnicodeDecodeError):
        base_json.plain_loads('{"a": "b"}'.encode("utf-16"))


@given(event=CHUNKS, audio=AUDIO)
def test_audio_comes_as_it_was_sent(event, audio):
    """A chunk's audio is the bytes that were encoded; its segment is the one its context is in."""
    chunk = read_event(json.dumps({**event, "data": base64_text(audio)}), {"b": 3})
    assert isinstance(chunk, Chunk)
    assert chunk.audio == audio
    assert chunk.segment == (3 if event["context_id"] == "b" else 0)


@pytest.mark.parametrize("text", ["[1]", '"chunk"', "{", "", "NaN", "[" * 100_000])
def test_messages_must_be_objects(text):
    """A message that is not a JSON object is a protocol error, however deeply it is nested."""
    with pytest.raises(RemoteProtocolError, match="not a JSON object"):
        read_event(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_json, "loads", base_json.plain_loads)
        with pytest.raises(RemoteProtocolError, match="not a JSON object"):
            read_event(text)


@given(event=EVENTS, secret=st.just("canary"))
def test_unreadable_messages_are_not_quoted(event, secret):
    """An error about a message, and its chain, contain nothing of the message."""
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
    """Fields that only diagnose are left out where they are odd; the audio comes all the same."""
    fields = {"type": "chunk", "context_id": "a", "data": base64_text(b"12")}
    event = read_event(json.dumps({**fields, "status_code": odd, "flush_id": odd}))
    assert (event.audio, event.status_code, event.flush_id) == (b"12", None, None)
    strange = read_event(json.dumps({**fields, "step_time": "soon"}))
    assert strange.step_time is None


@pytest.mark.parametrize("kind", [str, str.encode])
@pytest.mark.parametrize("read", [read_event, read_event_generally])
def test_values_are_counted_in_every_form_of_a_message(kind, read):
    """A message, text or binary, may have as many values as the bound says, and not one more."""
    empty = '{{"type":"news","a":[{}]}}'
    at_most = MAX_VALUES - empty.count(",") - empty.count("[") - 1  # and a brace of its own
    most = read(kind(empty.format("0" + ",0" * at_most)))
    assert isinstance(most, UnknownEvent)
    with pytest.raises(RemoteProtocolError, match="too many values"):
        read(kind(empty.format("0" + ",0" * (at_most + 1))))


@pytest.mark.parametrize("sign", ["[", "{"])
def test_brackets_count_as_values(sign):
    """A message of nothing but opening brackets is refused before it is parsed."""
    with pytest.raises(RemoteProtocolError, match="too many values"):
        read_event(sign * (MAX_VALUES + 1))


@pytest.mark.parametrize("is_quick", [True, False], ids=["orjson", "json"])
@pytest.mark.parametrize(
    ("number", "is_read"),
    [("1e999", False), ("-1e999", False), ("NaN", False), (str(2**64), True), ("1", True)],
)
def test_times_are_finite_numbers(monkeypatch, is_quick, number, is_read):
    """Whatever reads the JSON, a time is a finite number, or the event is malformed."""
    if not is_quick:
        monkeypatch.setattr(base_json, "loads", base_json.plain_loads)
    times = f'{{"words":["a"],"start":[0.0],"end":[{number}]}}'
    text = f'{{"type":"timestamps","context_id":"a","word_timestamps":{times}}}'
    if is_read:
        event = read_event(text)
        assert isinstance(event, WordTimestamps)
        assert event.word_timestamps.end == (float(number),)
    else:
        with pytest.raises(RemoteProtocolError):
            read_event(text)


@pytest.mark.parametrize("kind", ["flush_done", "done"])
def test_segment_numbers_in_events_are_ignored(kind):
    """Segments are counted by the client; a number that an event claims for itself is ignored."""
    fields = {"type": kind, "context_id": "a", "segment": 9, "done": True, "flush_id": 1}
    event = read_event(json.dumps(fields), {"a": 2})
    assert isinstance(event, (Done, FlushDone))
    assert getattr(event, "segment", 2) == 2


@pytest.mark.parametrize("number", ["1e999", "-1e999", '"1.5"', "true"])
def test_an_odd_step_time_is_left_out(number):
    """What is no finite number of milliseconds is not told, whatever reads the JSON."""
    text = f'{{"type":"chunk","context_id":"a","data":"","step_time":{number}}}'
    for read in (read_event, partial(plainly, read_event)):
        event = read(text)
        assert (event.audio, event.step_time) == (b"", None)
        for right in ("1.5", "3", "0"):
            assert read(text.replace(number, right)).step_time == float(right)


@pytest.mark.parametrize(
    "times",
    [
        {"words": ["a"], "start": [0], "end": []},
        {"words": "a", "start": [0], "end": [1]},
        {"words": ["a"], "start": ["0"], "end": [1]},
        {"words": [1], "start": [0], "end": [1]},
        {"words": ["a"], "start": [0]},
        {"words": [], "start": "", "end": []},
        {"words": [], "start": {}, "end": []},
        {"words": {}, "start": [], "end": []},
        None,
    ],
)
def test_times_that_do_not_fit_are_refused(times):
    """Words and their times come in three arrays of one length, or the event cannot be read."""
    event = {"type": "timestamps", "context_id": "a", "word_timestamps": times}
    with pytest.raises(RemoteProtocolError) as caught:
        read_event(json.dumps(event))
    assert caught.value.context_id == "a"


TIMES = {"words": ["Oh,"], "phonemes": ["o"], "start": [0], "end": [0.5]}
WORDS = WordTimes(words=("Oh,",), start=(0.0,), end=(0.5,))
PHONEMES = PhonemeTimes(phonemes=("o",), start=(0.0,), end=(0.5,))
KINDS = {  # what each kind of event on the wire becomes
    "chunk": Chunk(context_id="a", audio=b"12", segment=2, flush_id=7, step_time=1.5),
    "timestamps": WordTimestamps(context_id="a", word_timestamps=WORDS, segment=2, flush_id=7),
    "phoneme_timestamps": PhonemeTimestamps(
        context_id="a", phoneme_timestamps=PHONEMES, segment=2, flush_id=7
    ),
    "flush_done": FlushDone(context_id="a", segment=2, flush_id=7),
    "done": Done(context_id="a"),
}


@pytest.mark.parametrize(("kind", "event"), KINDS.items())
def test_every_kind_of_event_has_its_class(kind, event):
    """Each event that the reference shows becomes the class that is named after it, with its
    fields.
    """
    assert event.type == kind
    fields = {"type": kind, "context_id": "a", "data": base64_text(b"12"), "step_time": 1.5}
    times = {"word_timestamps": TIMES, "phoneme_timestamps": TIMES}
    for status in (200, 206):
        text = json.dumps({**fields, **times, "flush_id": 7, "status_code": status})
        assert read_event(text, {"a": 2, "b": 3}) == attrs.evolve(event, status_code=status)


BROKEN = [  # an event, what its error says, and whose context it is
    ({}, "an event has no type", None),
    ({"type": 7, "context_id": "a"}, "an event has no type", "a"),
    ({"type": 7, "context_id": 7}, "an event has no type", None),
    ({"type": "done"}, "required field missing @ done.context_id", None),
    ({"type": "done", "context_id": 7}, "expected str @ done.context_id", None),
    ({"type": "chunk", "context_id": "a", "data": "!"}, "expected bytes @ chunk.audio", "a"),
    (
        {"type": "timestamps", "context_id": "a", "word_timestamps": {"words": 7, "start": [0]}},
        "@ timestamps.word_timestamps.words; required field missing @ timestamps.word_timestamps",
        "a",
    ),
    (
        {"type": "timestamps", "context_id": "a", "word_timestamps": {**TIMES, "end": [1, 2]}},
        "timestamps has 1 texts, 1 starts and 2 ends",
        "a",
    ),
    (
        {
            "type": "phoneme_timestamps",
            "context_id": "a",
            "phoneme_timestamps": {**TIMES, "start": []},
        },
        "phoneme_timestamps has 1 texts, 0 starts and 1 ends",
        "a",
    ),
]


@pytest.mark.parametrize("read", [read_event, read_event_generally])
@pytest.mark.parametrize(("event", "says", "context_id"), BROKEN)
def test_an_error_about_an_event_says_where_it_is_wrong(read, event, says, context_id):
    """Whoever reports a broken event can say which member is wrong, and of which context."""
    with pytest.raises(RemoteProtocolError, match=re.escape(says)) as caught:
        read(json.dumps(event))
    assert caught.value.context_id == context_id


@pytest.mark.parametrize(("context_id", "known"), [("a", "a"), ("", None), (7, None), (None, None)])
def test_events_may_have_no_context(context_id, known):
    """An error without a valid context id has none, and so has an unknown event, unless its id is
    text.
    """
    error = read_event(json.dumps({"type": "error", "context_id": context_id, "title": "T"}))
    assert (error.type, error.context_id, error.fields["title"]) == ("error", known, "T")
    news = read_event(json.dumps({"type": "news", "context_id": context_id}))
    assert news.context_id == (context_id if isinstance(context_id, str) else None)
    assert (news.type, news.wire_type) == ("unknown", "news")


def test_unknown_kinds_are_kept_whole():
    """An event of a kind that is not known keeps all of its members, and may lack a context."""
    event = read_event('{"type": "weather", "sky": {"blue": true}}')
    assert isinstance(event, UnknownEvent)
    assert (event.context_id, event.wire_type) == (None, "weather")
    assert event.fields["sky"] == {"blue": True}


WITHOUT = """
import sys
sys.modules["orjson"] = sys.modules["pybase64"] = None
from trio_cartesia._protocol.base import json
from trio_cartesia._protocol.tts.decoder import read_event
event = read_event(sys.argv[1])
assert json.loads is json.plain_loads
print(event.context_id, event.audio.decode())
"""


@pytest.mark.slow
def test_events_are_read_without_orjson_and_pybase64():
    """Without orjson and pybase64, which are for CPython, events are still read."""
    event = {"type": "chunk", "context_id": "a", "data": base64_text(b"sound")}
    command = [sys.executable, "-c", WITHOUT, json.dumps(event)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a sound\n", "")


def test_speech_shows_in_no_repr():
    """The repr of an event shows sizes where its audio and words are."""
    times = {"words": ["canary"], "phonemes": ["canary"], "start": [0], "end": [1]}
    for event in (
        {"type": "chunk", "data": base64_text(b"canary")},
        {"type": "timestamps", "word_timestamps": times},
        {"type": "phoneme_timestamps", "phoneme_timestamps": times},
        {"type": "weather", "sky": "canary"},
        {"type": "error", "message": "canary"},
    ):
        assert "canary" not in repr(read_event(json.dumps({**event, "context_id": "a"})))
    assert "<3 bytes>" in repr(Chunk(context_id="a", audio=b"123"))


def test_events_made_by_hand_have_defaults():
    """Events that tests create by hand are of the first segment, and their optional fields are
    empty.
    """
    times = {"context_id": "a", "segment": 0, "flush_id": None, "status_code": None}
    words = WordTimes(words=["canary"], start=(0.0,), end=(0.5,))
    for event in (
        Chunk(context_id="a", audio=b""),
        WordTimestamps(context_id="a", word_timestamps=words),
        PhonemeTimestamps(context_id="a", phoneme_timestamps=PHONEMES),
        FlushDone(context_id="a"),
    ):
        assert {name: getattr(event, name) for name in times} == times
    assert Chunk(context_id="a", audio=b"").step_time is None
    assert Done(context_id="a").status_code is None
    assert repr(words) == "WordTimes(words=<...>, start=<1 items>, end=<1 items>)"


@pytest.mark.parametrize(
    "event", [*KINDS.values(), WORDS, PHONEMES], ids=lambda event: type(event).__name__
)
def test_events_made_by_hand_need_the_required_fields(event):
    """Only diagnostics, and what is counted here, may be left out."""
    fields = {field.name: getattr(event, field.name) for field in attrs.fields(type(event))}
    optional = {"segment", "flush_id", "step_time", "status_code", "base_seconds"}
    for name in fields:
        rest = {key: value for key, value in fields.items() if key != name}
        if name in optional:
            type(event)(**rest)
        else:
            with pytest.raises(TypeError, match=name):
                type(event)(**rest)
