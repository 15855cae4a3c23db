"""Many contexts over one stream of messages: what no other test would have noticed."""

from __future__ import annotations

import json

import attrs
import pytest

from tests.support import SETTINGS
from trio_cartesia import LocalProtocolError, MP3OutputFormat, RawOutputFormat
from trio_cartesia._protocol.base.credentials import check_headers
from trio_cartesia._protocol.base.error_bodies import (
    KIND_OF_CODE,
    error_from_body,
    error_from_fields,
)
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.context_states import State
from trio_cartesia._protocol.tts.contexts import UNSPOKEN_CHARACTERS, Unspoken
from trio_cartesia._protocol.tts.counters import Counters
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._protocol.tts.settings import settings_from

CONTEXT = settings_from(SETTINGS)


def started(protocol: SpeechProtocol, context_id: str) -> None:
    """Open a context, and send its first text."""
    protocol.open(CONTEXT, context_id)
    protocol.queue_input(context_id, "Hello.")
    outgoing = protocol.next_outgoing()
    assert outgoing is not None
    protocol.sent(outgoing)


def test_a_lost_connection_has_nothing_left_to_send():
    """
    Cancels that wait for the writer when the connection is lost are dropped as inputs are.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    for name in ("a", "b", "c"):
        started(protocol, name)
    protocol.retire("a", 0.0)
    protocol.cancel("b")
    protocol.queue_input("c", "More.")
    assert protocol.outgoing_count == 3
    protocol.lose()
    assert protocol.outgoing_count == 0
    assert protocol.next_outgoing() is None


def test_the_first_id_is_number_one():
    """
    Ids that are made here are counted from one, which logs show.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    assert [protocol.open(CONTEXT) for _ in range(2)] == ["p-1", "p-2"]


@pytest.mark.parametrize(
    ("status", "name"),
    [(408, "ServiceFailed"), (409, "BadRequest"), (413, "BadRequest"), (422, "BadRequest")],
)
def test_rare_statuses_have_their_exceptions(status, name):
    """
    Each status that the reference lists becomes its exception, and its neighbours do not.
    """
    assert type(error_from_body(status, b"")).__name__ == name
    assert type(error_from_body(407, b"")).__name__ == "RequestFailed"
    assert type(error_from_body(410, b"")).__name__ == "RequestFailed"


@pytest.mark.parametrize(("code", "kind"), KIND_OF_CODE.items())
def test_a_code_outdoes_any_status(code, kind):
    """
    Where the service gives a code and a status that disagree, the code decides.
    """
    assert type(error_from_fields({"error_code": code, "status_code": 500})) is kind


@pytest.mark.parametrize("status", [499, 500, 599])
def test_from_500_on_it_is_the_service_s_fault(status):
    """
    Every status from 500 on is a failure of the service, and none below it is by that rule.
    """
    kind = "ServiceFailed" if status >= 500 else "RequestFailed"
    assert type(error_from_body(status, b"")).__name__ == kind


@pytest.mark.parametrize(
    ("delay", "is_fine"), [(0, True), (5000, True), (-1, False), (5001, False)]
)
def test_the_longest_and_the_shortest_delay_can_be_asked_for(delay, is_fine):
    """
    The ends of a range belong to it (protocol §2.2.1).
    """
    if is_fine:
        assert (
            settings_from({**SETTINGS, "max_buffer_delay_ms": delay}).max_buffer_delay_ms == delay
        )
    else:
        with pytest.raises(LocalProtocolError, match="max_buffer_delay_ms"):
            settings_from({**SETTINGS, "max_buffer_delay_ms": delay})


@pytest.mark.parametrize(
    "headers",
    [{1: "a"}, {"x-a": 1}, {"x-a": None}, {"x-a": b"a"}, {"x-a": "\ud800"}, {"x-\ud800": "a"}],
)
def test_headers_are_text(headers):
    """
    A header whose name or value is no text is refused as such, not somewhere in a library.
    """
    with pytest.raises(LocalProtocolError, match=r"a header's (name|value)"):
        check_headers(headers)


def test_everything_is_counted_from_nothing():
    """
    A connection that has seen nothing has counted nothing.
    """
    assert set(attrs.asdict(Counters()).values()) == {0}


@pytest.mark.parametrize("retired", [True, False])
def test_what_comes_after_an_error_is_late(retired):
    """
    A context that the service failed is over: it is closed, what comes for it is dropped and
    counted, it needs no cancel, and an error that names nobody is not for it.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    for name in ("a", "b"):
        started(protocol, name)
    error = {"type": "error", "context_id": "a", "done": True, "status_code": 400}
    ((context_id, failure),) = protocol.receive(json.dumps(error), 0.0)
    assert (context_id, type(failure).__name__) == ("a", "BadRequest")
    assert protocol.context("a").state is State.CLOSED
    if retired:
        protocol.retire("a", 0.0)
    late = {"type": "chunk", "context_id": "a", "data": "MTI="}
    assert protocol.receive(json.dumps(late), 0.0) == []
    counters = protocol.counters
    assert (counters.dropped_events, counters.stray_events) == ((0, 1) if retired else (1, 0))
    assert protocol.outgoing_count == protocol.draining_count(0.0) == 0
    del error["context_id"]
    assert [name for name, _ in protocol.receive(json.dumps(error), 0.0)] == ["b"]
    assert protocol.retired is None  # there was only one that it could be for


def test_unspoken_texts_are_kept_up_to_the_bound_and_no_further():
    """
    As many characters as the bound says are remembered; with one more, the oldest text goes, but
    the newest stays however long it is.
    """
    unspoken = Unspoken()
    first, second = "a" * (UNSPOKEN_CHARACTERS - 1), "b"
    unspoken.add(first)
    unspoken.add(second)
    assert unspoken.texts() == (first, second)
    unspoken.add("c")
    assert unspoken.texts() == (second, "c")
    whole = "d" * (UNSPOKEN_CHARACTERS + 1)
    unspoken.add(whole)
    assert unspoken.texts() == (whole,)
    unspoken.clear()
    unspoken.add(first)
    unspoken.add(second)
    assert unspoken.texts() == (first, second)


RATES = (8000, 16000, 22050, 24000, 44100, 48000)  # protocol §3.1
BIT_RATES = (32000, 64000, 96000, 128000, 192000)


@pytest.mark.parametrize("rate", RATES)
def test_every_rate_of_the_reference_can_be_asked_for_and_no_other(rate):
    """
    The sample rates of the reference are allowed, and their neighbours are not.
    """
    assert RawOutputFormat(encoding="pcm_s16le", sample_rate=rate).sample_rate == rate
    for other in (rate - 1, rate + 1):
        with pytest.raises(LocalProtocolError, match="sample_rate"):
            RawOutputFormat(encoding="pcm_s16le", sample_rate=other)


@pytest.mark.parametrize("rate", BIT_RATES)
def test_every_bit_rate_of_the_reference_can_be_asked_for_and_no_other(rate):
    """
    The bit rates of the reference are allowed, and their neighbours are not.
    """
    assert MP3OutputFormat(sample_rate=44100, bit_rate=rate).bit_rate == rate
    for other in (rate - 1, rate + 1):
        with pytest.raises(LocalProtocolError, match="bit_rate"):
            MP3OutputFormat(sample_rate=44100, bit_rate=other)
