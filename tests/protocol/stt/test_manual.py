"""What a session with manual finalize has received."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.stt.audio import InputFormat
from trio_cartesia._protocol.stt.audio_log import AudioLog
from trio_cartesia._protocol.stt.manual import ManualProtocol
from trio_cartesia._protocol.stt.session_states import TRANSITIONS, State, Trigger
from trio_cartesia._protocol.stt.session_text import MAX_TRANSCRIPT_CHARACTERS

texts = st.text(st.characters(codec="utf-8") | st.sampled_from(" \t\n\u00a0"), max_size=8)
pieces = st.lists(st.tuples(st.booleans(), texts))


def transcript(*, is_final: bool, text: str) -> str:
    return json.dumps({"type": "transcript", "is_final": is_final, "text": text})


@given(pieces)
def test_the_final_pieces_are_the_transcript(pieces):
    """Whatever white space pieces have, the final ones are joined as they are; the interim text is
    the last piece, unless it is final.
    """
    protocol = ManualProtocol()
    for number, (is_final, text) in enumerate(pieces, start=1):
        protocol.receive(transcript(is_final=is_final, text=text))
        expected = "".join(text for is_final, text in pieces[:number] if is_final)
        assert protocol.text.transcription.final == expected
        assert protocol.text.transcription.interim == ("" if is_final else text)
    assert protocol.text.kept_characters == len(protocol.text.transcription.final) + len(
        protocol.text.transcription.interim
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1) | st.just(1e308))
def test_a_piece_of_any_duration_covers_audio_that_was_sent(duration, word_end):
    """Whatever times a service sends, a piece is of audio that it has."""
    protocol = ManualProtocol()
    protocol.log = AudioLog(2**20, InputFormat(encoding="pcm_s16le", sample_rate=16000))
    protocol.queue(bytes(16000))
    protocol.next_outgoing()
    word = {"word": "a", "start": 0, "end": word_end}
    piece = {"type": "transcript", "is_final": True, "text": "a", "duration": duration}
    protocol.receive(json.dumps({**piece, "words": [word]}))
    covered_seconds = min(max(duration, word_end, 0), 0.5)
    assert protocol.log.covered == 2 * round(covered_seconds * 16000)


def test_the_piece_of_a_cancelled_request_covers_the_audio_before_it():
    """Audio that was sent since has no text yet, and is kept."""
    protocol = ManualProtocol()
    protocol.log = AudioLog(2**20, InputFormat(encoding="pcm_s16le", sample_rate=16000))
    protocol.queue(bytes(16000))
    request = protocol.queue_finalize()
    protocol.queue(bytes(3200))
    while protocol.next_outgoing():
        pass
    protocol.release(request)
    protocol.receive('{"type":"flush_done"}')
    protocol.receive(transcript(is_final=True, text="a"))
    assert protocol.log.covered == 16000
    protocol.receive(transcript(is_final=True, text="b"))
    assert protocol.log.covered == 19200


def test_a_piece_after_an_answer_may_be_of_later_audio():
    """Where the service finalizes by itself, the duration of the piece says what it is of."""
    protocol = ManualProtocol()
    protocol.log = AudioLog(2**20, InputFormat(encoding="pcm_s16le", sample_rate=16000))
    protocol.queue_finalize()
    protocol.queue(bytes(16000))
    while protocol.next_outgoing():
        pass
    protocol.receive('{"type":"flush_done"}')
    piece = {"type": "transcript", "is_final": True, "text": "a", "duration": 0.4}
    protocol.receive(json.dumps(piece))
    assert protocol.log.covered == 2 * 6400


@given(st.lists(st.sampled_from(["finalize", "take", "flush_done", "piece"]), max_size=30))
def test_each_piece_belongs_to_one_request_at_most(steps):
    """In any order of commands and events, no text is returned twice, and none is made up."""
    protocol, requests, said = ManualProtocol(), [], []
    for step in steps:
        if step == "finalize" and protocol.can_finalize:
            requests.append(protocol.queue_finalize())
        elif step == "take":
            protocol.next_outgoing()
        elif step == "flush_done":
            protocol.receive('{"type":"flush_done"}')
        elif step == "piece":
            said.append(f"<{len(said)}>")
            protocol.receive(transcript(is_final=True, text=said[-1]))
    returned = [protocol.text_of(request) for request in requests]
    found = [f"<{each}" for text in returned for each in text.split("<")[1:]]
    assert sorted(found) == sorted(set(found))
    assert set(found) <= set(said)
    assert protocol.text.transcription.final == "".join(said)


def test_the_transcript_is_bounded():
    """Of a text beyond the limit, the last pieces are kept, and an answer is cut with it."""
    protocol, piece = ManualProtocol(), "x" * 100_000
    request = protocol.queue_finalize()
    protocol.next_outgoing()
    for number in range(20):
        protocol.receive(transcript(is_final=True, text=piece + str(number)))
        assert protocol.text.kept_characters <= MAX_TRANSCRIPT_CHARACTERS
    assert protocol.text.transcription.final.endswith("19")
    assert protocol.text_of(request) == protocol.text.transcription.final


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(State, Trigger)))
def test_every_trigger_has_a_place_in_the_table(state, trigger):
    """Nothing that can come is without an answer; ``close`` is sent once, while the session is
    open, and a session that is done does not reconnect.
    """
    impossible = {
        Trigger.SEND_CLOSE: set(State) - {State.OPEN},
        Trigger.RECONNECT: {State.DONE},
    }
    assert ((state, trigger) in TRANSITIONS) == (state not in impossible.get(trigger, ()))


def test_a_session_that_was_not_closed_does_not_end():
    """A ``done`` that nobody asked for means that later audio is lost, so it is an error."""
    protocol = ManualProtocol()
    with pytest.raises(RemoteProtocolError, match="which was not closed"):
        protocol.receive('{"type":"done"}')
    assert protocol.state is State.LOST


def test_text_is_in_no_repr():
    """What was said is in the repr of neither the protocol nor a transcription."""
    protocol = ManualProtocol()
    protocol.receive(transcript(is_final=True, text="secret"))
    protocol.receive(transcript(is_final=False, text="secret"))
    assert "secret" not in repr([protocol, protocol.text.transcription])
