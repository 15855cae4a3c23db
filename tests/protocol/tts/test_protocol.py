"""Many contexts over one stream of messages, against a model of lists."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.stateful.profiles import PROFILE
from tests.support import SETTINGS
from trio_cartesia import (
    CartesiaError,
    Chunk,
    ConcurrencyLimited,
    ContextExpired,
    GenerationConfig,
    LocalProtocolError,
    RemoteProtocolError,
)
from trio_cartesia._protocol.tts.context_ids import REMEMBERED_MOST, ContextIds
from trio_cartesia._protocol.tts.context_states import End, State
from trio_cartesia._protocol.tts.counters import Counters
from trio_cartesia._protocol.tts.outbox import Status
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._protocol.tts.settings import settings_from
from trio_cartesia._protocol.tts.tombstones import DRAINING_MOST, DRAINING_SECONDS

CONTEXT = settings_from(SETTINGS)


def chunk_text(context_id, audio):
    data = base64.b64encode(audio).decode()
    return json.dumps({"type": "chunk", "context_id": context_id, "data": data})


@dataclass
class Model:
    """What is true of one context, kept the simple way."""

    queued: list = field(default_factory=list)
    on_wire: list = field(default_factory=list)
    said: list = field(default_factory=list)
    heard: list = field(default_factory=list)
    is_over: bool = False  # a terminal event came, or we cancelled, or it is lost
    was_ended_by_peer: bool = False
    has_block: bool = True
    is_draining: bool = False  # it was cancelled, and the service has not ended it since
    forgotten_at: float = math.inf

    def stop(self):
        self.is_draining = self.is_draining or (bool(self.on_wire) and not self.is_over)
        self.is_over = True
        self.queued.clear()


class SpeechMachine(RuleBasedStateMachine):
    """Callers, a writer and a service act in any order."""

    contexts = Bundle("contexts")

    def __init__(self):
        super().__init__()
        self.protocol = SpeechProtocol(ContextIds("p"))
        self.models: dict[str, Model] = {}
        self.now = 0.0
        self.number = 0

    @rule(target=contexts, chosen=st.booleans())
    def open(self, chosen):
        name = f"c{len(self.models)}" if chosen else None
        name = self.protocol.open(CONTEXT, name)
        assert name not in self.models
        self.models[name] = Model()
        return name

    @rule(name=contexts, kind=st.sampled_from(["text", "flush", "last"]))
    def push(self, name, kind):
        model = self.models[name]
        if not model.has_block:
            return
        ended = model.is_over or any(request["last"] for request in model.queued + model.on_wire)
        has_text = any(request["text"] for request in model.queued) or model.on_wire
        empty_flush = kind == "flush" and not has_text
        text = f"text {self.number}" if kind == "text" else ""
        self.number += 1
        try:
            outgoing = self.protocol.queue_input(
                name, text, flush=kind == "flush", last=kind == "last"
            )
        except CartesiaError:
            assert ended or empty_flush
        else:
            assert not ended
            assert not empty_flush
            model.queued.append({"text": text, "last": kind == "last", "item": outgoing})

    @rule(name=contexts)
    def withdraw_newest(self, name):
        model = self.models[name]
        if model.queued:
            self.protocol.withdraw(model.queued.pop()["item"])

    @rule()
    def write(self):
        outgoing = self.protocol.next_outgoing()
        if outgoing is None:
            assert not any(model.queued for model in self.models.values())
            return
        self.protocol.sent(outgoing)
        model = self.models[outgoing.context_id]
        fields = json.loads(outgoing.payload) if outgoing.payload is not None else None
        if fields is not None and fields.get("cancel"):
            assert model.on_wire
            assert not model.was_ended_by_peer
            model.on_wire.append({"cancel": True, "last": False})
            return
        queued = model.queued.pop(0)
        assert queued["item"] is outgoing
        if fields is None:  # the end of what never began
            assert queued["last"]
            assert not model.on_wire
            model.is_over = True
        else:
            assert fields["transcript"] == queued["text"]
            model.on_wire.append(queued)

    @rule(name=contexts)
    def cancel(self, name):
        model = self.models[name]
        if model.has_block:
            self.protocol.cancel(name)
            model.stop()

    @rule(names=st.data())
    def leave(self, names):
        inside = sorted(name for name, model in self.models.items() if model.has_block)
        if inside:
            name = names.draw(st.sampled_from(inside))
            self.protocol.retire(name, self.now)
            model = self.models[name]
            model.stop()
            model.has_block, model.forgotten_at = False, self.now + DRAINING_SECONDS

    @rule(name=contexts, audio=st.binary(min_size=1, max_size=3))
    def peer_speaks(self, name, audio):
        model = self.models[name]
        delivered = self.protocol.receive(chunk_text(name, audio), self.now)
        if model.on_wire and not model.is_over:
            model.said.append(audio)
        for context_id, event in delivered:
            assert isinstance(event, Chunk)
            self.models[context_id].heard.append(event.audio)

    @rule(name=contexts, kind=st.sampled_from(["done", "error", "flush_done"]))
    def peer_ends(self, name, kind):
        model = self.models[name]
        message = json.dumps({"type": kind, "context_id": name})
        delivered = self.protocol.receive(message, self.now)
        assert bool(delivered) == (bool(model.on_wire) and not model.is_over)
        if kind != "flush_done" and model.on_wire:
            model.was_ended_by_peer, model.is_over, model.is_draining = True, True, False
            model.queued.clear()

    @rule(seconds=st.sampled_from([0.1, 5, 20]))
    def time_passes(self, seconds):
        self.now += seconds

    def teardown(self):
        self.protocol.lose()
        assert self.protocol.open_count() == 0
        assert self.protocol.next_outgoing() is None
        for name, model in self.models.items():
            if model.has_block:
                assert self.protocol.context(name).end is not None
                with pytest.raises(CartesiaError):
                    self.protocol.queue_input(name, "too late")

    @invariant()
    def each_context_hears_what_was_said_to_it(self):
        for model in self.models.values():
            assert model.heard == model.said

    @invariant()
    def the_wire_is_in_order(self):
        for model in self.models.values():
            kinds = ["cancel" if "cancel" in item else item["last"] for item in model.on_wire]
            assert kinds.count("cancel") <= 1
            assert "cancel" not in kinds[:-1]
            assert True not in [kind for kind in kinds[:-1] if kinds[-1] != "cancel"]

    @invariant()
    def counts_are_right(self):
        inside = [name for name, model in self.models.items() if model.has_block]
        open_now = sum(not self.models[name].is_over for name in inside)
        assert self.protocol.open_count() == open_now
        draining = [model for model in self.models.values() if model.is_draining]
        remembered = sum(model.forgotten_at > self.now for model in draining)
        assert self.protocol.draining_count(self.now) == remembered
        for name in inside:
            is_closed = self.protocol.context(name).state in (State.CLOSED, State.DRAINING)
            assert is_closed == self.models[name].is_over


TestSpeech = SpeechMachine.TestCase
TestSpeech.settings = PROFILE


def conversation(protocol, context_id=None):
    """Open, send one text, and leave: what remains is a tombstone."""
    name = protocol.open(CONTEXT, context_id)
    protocol.queue_input(name, "Hello.")
    while (outgoing := protocol.next_outgoing()) is not None:
        protocol.sent(outgoing)
    protocol.retire(name, 0.0)
    while (outgoing := protocol.next_outgoing()) is not None:
        protocol.sent(outgoing)
    return name


def test_tombstones_are_bounded_in_number_and_age():
    """However many contexts are cancelled, and if the service ends none, few are remembered, not
    long.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    names = [conversation(protocol) for _ in range(DRAINING_MOST + 100)]
    assert protocol.draining_count(0.0) == DRAINING_MOST
    assert protocol.receive(chunk_text(names[-1], b"12"), 0.0) == []
    assert (protocol.counters.stray_events, protocol.counters.dropped_events) == (0, 1)
    assert protocol.receive(chunk_text(names[0], b"12"), 0.0) == []
    assert (protocol.counters.stray_events, protocol.counters.dropped_events) == (1, 1)
    assert protocol.receive(chunk_text(names[-2], b"12"), DRAINING_SECONDS) == []
    assert (protocol.counters.stray_events, protocol.counters.dropped_events) == (2, 1)
    assert protocol.draining_count(DRAINING_SECONDS) == 0


def test_ids_are_not_used_twice():
    """An id that is open, draining or over is refused, and so is one that could be ours."""
    protocol = SpeechProtocol(ContextIds("p"))
    protocol.open(CONTEXT, "open")
    conversation(protocol, "over")
    for taken in ("open", "over", "p-1", "p-999"):
        with pytest.raises(LocalProtocolError, match="use"):
            protocol.open(CONTEXT, taken)
    for bad in ("", " ", "a\nb", "\ud800", "x" * 257, 7):
        with pytest.raises(LocalProtocolError, match="context_id"):
            protocol.open(CONTEXT, bad)


def test_memory_of_ids_is_bounded():
    """The last sixteen thousand chosen ids are remembered, and no more."""
    ids = ContextIds("p")
    for number in range(REMEMBERED_MOST + 1):
        ids.claim(f"c{number}")
    with pytest.raises(LocalProtocolError):
        ids.claim("c1")
    ids.claim("c0")  # forgotten
    with pytest.raises(LocalProtocolError):
        ids.claim(f"c{REMEMBERED_MOST}")


def test_an_id_in_use_is_never_given_away():
    """However many ids were chosen since, one that is open is refused."""
    protocol = SpeechProtocol(ContextIds("p"))
    protocol.open(CONTEXT, "first")
    for number in range(REMEMBERED_MOST + 1):
        protocol.open(CONTEXT, f"c{number}")
        protocol.retire(f"c{number}", 0.0)
    with pytest.raises(LocalProtocolError, match="in use"):
        protocol.open(CONTEXT, "first")


def test_no_cancel_follows_a_terminal_event():
    """A cancel that still waits for the writer is dropped when the service ends the context."""
    protocol = SpeechProtocol(ContextIds("p"))
    for leave in (protocol.cancel, lambda name: protocol.retire(name, 0.0)):
        name = protocol.open(CONTEXT)
        protocol.queue_input(name, "Hello.")
        protocol.sent(protocol.next_outgoing())
        leave(name)
        assert protocol.outgoing_count == 1
        for _ in range(2):  # a service may say so twice
            assert protocol.receive(json.dumps({"type": "done", "context_id": name}), 0.0) == []
        assert protocol.next_outgoing() is None
        assert protocol.draining_count(0.0) == 0


def test_a_flush_is_never_the_first_message():
    """Where the push before a flush is withdrawn, the flush goes with it."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    push = protocol.queue_input(name, "Hello.")
    protocol.queue_input(name, flush=True)
    protocol.withdraw(push)
    assert protocol.next_outgoing().payload is None
    assert protocol.context(name).state is State.NEW


def test_a_flush_that_waits_is_nothing_to_flush():
    """Where the push before a flush is withdrawn, a second flush is refused, as a first one is.

    Found by the nightly machine: the flush that waited for nothing had let others in.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    push = protocol.queue_input(name, "Hello.")
    protocol.queue_input(name, flush=True)
    protocol.withdraw(push)
    with pytest.raises(LocalProtocolError):
        protocol.queue_input(name, flush=True)
    protocol.queue_input(name, "Hello again.")
    protocol.queue_input(name, flush=True)
    taken = iter(protocol.next_outgoing, None)
    sent = [json.loads(item.payload) for item in taken if item.payload is not None]
    assert [(item["transcript"], item.get("flush", False)) for item in sent] == [
        ("Hello again.", False),
        ("", True),
    ]


@pytest.mark.parametrize(("text", "end"), [("Hello.", End.EXPIRED), (" ... ", End.DONE)])
def test_done_before_the_final_input_is_expiry(text, end):
    """If the final input still waits when done comes, the end is expiry, unless
    nothing was to say.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    protocol.queue_input(name, text)
    protocol.next_outgoing()
    final = protocol.queue_input(name, last=True)
    protocol.receive(json.dumps({"type": "done", "context_id": name}), 0.0)
    assert (protocol.context(name).end, final.status) == (end, Status.DROPPED)


def test_an_unattributed_error_of_a_cancelled_context_harms_nobody():
    """An error without an id, while only cancelled contexts are left, is counted and no more."""
    protocol = SpeechProtocol(ContextIds("p"))
    conversation(protocol)
    for error in ({"type": "error"}, {"type": "error", "context_id": ""}):
        assert protocol.receive(json.dumps(error), 0.0) == []
    assert protocol.retired is None
    assert protocol.counters.errors_without_context == 2


def test_a_malformed_event_of_an_ended_context_is_dropped():
    """An unreadable event of a context that was left is counted and dropped."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = conversation(protocol)
    broken = json.dumps({"type": "chunk", "context_id": name, "data": "!"})
    assert protocol.receive(broken, 0.0) == []
    assert (protocol.counters.malformed_events, protocol.counters.dropped_events) == (1, 1)


def test_segments_of_contexts_that_are_gone_are_forgotten():
    """What is counted for a context goes with it."""
    protocol = SpeechProtocol(ContextIds("p"))
    for _ in range(3):
        name = protocol.open(CONTEXT)
        protocol.queue_input(name, "Hello.")
        protocol.next_outgoing()
        protocol.receive(json.dumps({"type": "flush_done", "context_id": name}), 0.0)
        protocol.retire(name, 0.0)
    assert protocol.segments == {}


def test_unspoken_texts_are_bounded():
    """A context that is fed without end and hears nothing keeps the newest texts alone."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    for number in range(1000):
        protocol.queue_input(name, f"{number:>1000}")
        protocol.sent(protocol.next_outgoing())
    protocol.receive(json.dumps({"type": "done", "context_id": name}), 0.0)
    unspoken = protocol.context(name).unspoken.texts()
    assert sum(map(len, unspoken)) <= 65_536
    assert unspoken[-1].endswith("999")


def test_segments_are_counted_by_flush_done():
    """A chunk's segment is the number of flush_done events before it, whatever flush_id says."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    protocol.queue_input(name, "Hello.")
    protocol.next_outgoing()
    seen = []
    for kind in ("chunk", "flush_done", "chunk", "flush_done", "flush_done", "chunk"):
        fields = {"type": kind, "context_id": name, "data": "", "flush_id": 7}
        ((_, event),) = protocol.receive(json.dumps(fields), 0.0)
        seen.append((event.type, event.segment))
    assert seen == [
        ("chunk", 0),
        ("flush_done", 0),
        ("chunk", 1),
        ("flush_done", 1),
        ("flush_done", 2),
        ("chunk", 3),
    ]


def end_by_input(protocol, name):
    protocol.queue_input(name, last=True)


def end_by_done(protocol, name):
    protocol.receive(json.dumps({"type": "done", "context_id": name}), 0.0)


def go_on(protocol, name):
    assert protocol.context(name).end is None


REFUSED = {  # how a context came not to take an input, the input, and what its error says
    "cancelled": (SpeechProtocol.cancel, {"transcript": "More."}, "was cancelled"),
    "ended": (end_by_input, {"transcript": "More."}, "final input was given"),
    "expired": (end_by_done, {"transcript": "More."}, "before its final input"),
    "empty": (go_on, {"transcript": ""}, "must not be empty"),
}


@pytest.mark.parametrize(("stop", "given", "says"), REFUSED.values(), ids=REFUSED)
def test_a_refused_input_says_why_and_of_which_context(stop, given, says):
    """Whatever keeps an input from being taken, its error says so in words, and
    names the context.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT, "mine")
    protocol.queue_input(name, "Hello.")
    protocol.sent(protocol.next_outgoing())
    stop(protocol, name)
    with pytest.raises(CartesiaError, match=says) as caught:
        protocol.queue_input(name, **given)
    assert caught.value.context_id == "mine"


def test_a_flush_without_text_is_refused():
    """Where nothing was pushed, a flush is refused in words, and the error names the context."""
    protocol = SpeechProtocol(ContextIds("p"))
    protocol.open(CONTEXT, "mine")
    with pytest.raises(LocalProtocolError, match="nothing was pushed to flush") as caught:
        protocol.queue_input("mine", flush=True)
    assert caught.value.context_id == "mine"


@pytest.mark.parametrize(
    ("transcript", "says"),
    [(7, "transcript must be a str, not int"), ("\udcff", "transcript must be valid Unicode")],
)
def test_a_transcript_must_be_text(transcript, says):
    """A transcript that is not text is refused with a message, and the context can still be
    used.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    with pytest.raises(LocalProtocolError, match=says):
        protocol.queue_input(name, transcript)
    assert protocol.queue_input(name, "Hello.").transcript == "Hello."


@pytest.mark.parametrize("taken", ["open", "over"])
def test_an_id_that_is_taken_is_named(taken):
    """The error about an id that cannot be used again carries that id."""
    protocol = SpeechProtocol(ContextIds("p"))
    protocol.open(CONTEXT, "open")
    protocol.open(CONTEXT, "over")
    protocol.retire("over", 0.0)
    with pytest.raises(
        LocalProtocolError, match="context_id must be one that was not used"
    ) as caught:
        protocol.open(CONTEXT, taken)
    assert caught.value.context_id == taken


def test_messages_leave_in_the_order_in_which_they_were_queued():
    """Texts and cancels of any contexts reach the wire first in, first out."""
    protocol = SpeechProtocol(ContextIds("p"))
    one, two = protocol.open(CONTEXT), protocol.open(CONTEXT)
    queued = [protocol.queue_input(name, "Oh.") for name in (one, two, two, one)]
    assert [protocol.next_outgoing() for _ in queued] == queued
    assert {outgoing.status for outgoing in queued} == {Status.TAKEN}
    protocol.cancel(one)
    last = protocol.queue_input(two, last=True)
    cancel = protocol.next_outgoing()
    assert json.loads(cancel.payload) == {"context_id": one, "cancel": True}
    assert (cancel.context_id, cancel.transcript, cancel.is_last) == (one, "", False)
    assert last.is_under_way
    assert protocol.next_outgoing() is last
    assert last.is_under_way
    protocol.sent(last)
    assert (last.status, last.is_under_way) == (Status.SENT, False)
    assert protocol.next_outgoing() is None


def test_a_context_may_be_cancelled_and_left_at_any_moment():
    """With texts waiting, with a cancel waiting and with one on the wire, nothing is left of it."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    protocol.queue_input(name, "Oh.")
    protocol.sent(protocol.next_outgoing())
    waiting = [protocol.queue_input(name, "More."), protocol.queue_input(name, last=True)]
    assert protocol.cancel(name)
    assert {outgoing.status for outgoing in waiting} == {Status.DROPPED}
    assert not any(outgoing.is_under_way for outgoing in waiting)
    assert protocol.receive(chunk_text(name, b"12"), 0.0) == []  # late, and not the end
    assert (protocol.outgoing_count, protocol.draining_count(0.0)) == (1, 1)
    assert not protocol.cancel(name)
    protocol.sent(protocol.next_outgoing())
    protocol.retire(name, 0.0)
    assert (protocol.outgoing_count, protocol.draining_count(0.0)) == (0, 1)
    assert protocol.receive(json.dumps({"type": "done", "context_id": name}), 0.0) == []
    assert (protocol.outgoing_count, protocol.draining_count(0.0)) == (0, 0)


def test_no_repr_of_the_protocol_shows_text():
    """Queued, sent and unspoken texts are in no repr."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    outgoing = [protocol.queue_input(name, "canary") for _ in range(2)]
    protocol.next_outgoing()
    shown = [repr(protocol), repr(protocol.context(name)), *map(repr, outgoing)]
    assert "canary" not in " ".join(shown)
    assert protocol.context(name).unspoken.texts() == ("canary",)


@pytest.mark.parametrize("as_object", [True, False])
def test_an_input_is_written_with_all_that_it_was_given(as_object):
    """Text, flush, end and delivery of an input reach the wire, with the voice as its version has
    it.
    """
    protocol = SpeechProtocol(ContextIds("p"), **({"voice_as_object": True} if as_object else {}))
    name = protocol.open(CONTEXT)
    given = [
        {"transcript": "Oh.", "generation_config": GenerationConfig(speed=1.2)},
        {"flush": True},
        {"transcript": "Bye.", "last": True},
    ]
    first, flush, last = (json.loads(protocol.queue_input(name, **one).payload) for one in given)
    voice = SETTINGS["voice"]
    for one in (first, flush, last):
        assert one["voice"] == ({"mode": "id", "id": voice} if as_object else voice)
    assert (first["transcript"], first["continue"], "flush" in first) == ("Oh.", True, False)
    assert first["generation_config"] == {"speed": 1.2}
    assert (flush["transcript"], flush["continue"], flush["flush"]) == ("", True, True)
    assert (last["transcript"], last["continue"], "flush" in last) == ("Bye.", False, False)
    assert "generation_config" not in {**flush, **last}


def test_an_input_after_expiry_has_the_unspoken_texts():
    """The error of an input after expiry has every text since the last audio, and its own last."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    for text in ("heard", "sent", "waiting"):
        protocol.queue_input(name, text)
    protocol.sent(protocol.next_outgoing())
    protocol.receive(chunk_text(name, b"12"), 0.0)
    protocol.sent(protocol.next_outgoing())
    protocol.receive(chunk_text(name, b""), 0.0)  # no audio, so nothing of it was heard
    end_by_done(protocol, name)
    for text, rest in (("late", ("late",)), ("", ())):
        with pytest.raises(ContextExpired) as caught:
            protocol.queue_input(name, text, last=not text)
        assert caught.value.unspoken == ("sent", "waiting", *rest)
    entry = protocol.context(name)
    with pytest.raises(ContextExpired) as caught:
        entry.check_takes_input(name)
    assert caught.value.unspoken == entry.expiry(name).unspoken == ("sent", "waiting")


def test_everything_that_happens_is_counted_once():
    """Each counter is what its documentation says, after a known course of events."""
    protocol = SpeechProtocol(ContextIds("p"))
    assert set(attrs.asdict(protocol.counters).values()) == {0}
    one, two, three = (protocol.open(CONTEXT) for _ in range(3))
    for name in (one, two):
        protocol.queue_input(name, "Oh.")
        protocol.sent(protocol.next_outgoing())
    protocol.queue_input(three, last=True)
    protocol.sent(protocol.next_outgoing())  # nothing to say, nothing to send
    heard = [
        *protocol.receive(chunk_text(one, b"1234"), 0.0),
        *protocol.receive(json.dumps({"type": "news", "context_id": one}), 0.0),
        *protocol.receive(json.dumps({"type": "news"}), 0.0),
    ]
    assert [type(event).__name__ for _, event in heard] == ["Chunk", "UnknownEvent"]
    assert protocol.receive_chunk(Chunk(context_id=two, audio=b"12"), 0.0)
    protocol.cancel(two)
    assert not protocol.receive_chunk(Chunk(context_id=two, audio=b"123456"), 0.0)
    for _ in range(2):
        protocol.receive(json.dumps({"type": "flush_done", "context_id": two}), 0.0)
        protocol.receive(chunk_text("stranger", b"1"), 0.0)
        protocol.receive(json.dumps({"type": "chunk", "context_id": two, "data": "!"}), 0.0)
    protocol.receive(json.dumps({"type": "error"}), 0.0)  # there is only one that it can be for
    assert protocol.context(one).end is End.FAILED
    assert protocol.counters == Counters(
        contexts_opened=3,
        requests_sent=2,
        events_received=12,
        audio_bytes_received=14,
        dropped_events=5,
        dropped_audio_bytes=6,
        stray_events=3,
        unknown_events=2,
        malformed_events=2,
        errors_without_context=1,
    )


def test_a_context_whose_events_cannot_be_read_fails_alone():
    """It hears what was wrong, at once and with each later input; the service is asked to stop it,
    and its neighbour goes on.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    broken, sound = (protocol.open(CONTEXT) for _ in range(2))
    for name in (broken, sound):
        protocol.queue_input(name, "Oh.")
        protocol.sent(protocol.next_outgoing())
    waiting = protocol.queue_input(broken, "More.")
    text = json.dumps({"type": "chunk", "context_id": broken, "data": "!"})
    ((name, error),) = protocol.receive(text, 0.0)
    assert (name, type(error), error.context_id) == (broken, RemoteProtocolError, broken)
    assert (waiting.status, protocol.context(broken).end) == (Status.DROPPED, End.FAILED)
    assert json.loads(protocol.next_outgoing().payload) == {"context_id": broken, "cancel": True}
    with pytest.raises(RemoteProtocolError, match="malformed") as caught:
        protocol.queue_input(broken, "More.")
    assert caught.value is not error
    assert protocol.receive(text, 0.0) == []
    ((name, event),) = protocol.receive(chunk_text(sound, b"12"), 0.0)
    assert (name, event.audio) == (sound, b"12")
    with pytest.raises(RemoteProtocolError, match="not a JSON object"):
        protocol.receive("nonsense", 0.0)


def test_the_first_end_of_a_context_is_kept():
    """A failure after a cancel has no effect, nor has a loss after either; the block can be
    left.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    cancelled, failed, lost, new = (protocol.open(CONTEXT) for _ in range(4))
    for name in (cancelled, failed, lost):
        protocol.queue_input(name, "Oh.")
        protocol.sent(protocol.next_outgoing())
        protocol.queue_input(name, "More.")
    protocol.cancel(cancelled)
    protocol.fail(cancelled, ValueError("late"))
    protocol.fail(failed, ValueError("first"))
    protocol.fail(failed, ValueError("second"))
    protocol.lose()
    ends = [protocol.context(name).end for name in (cancelled, failed, lost, new)]
    assert ends == [End.CANCELLED, End.FAILED, End.LOST, End.LOST]
    with pytest.raises(ValueError, match="first"):
        protocol.queue_input(failed, "More.")
    with pytest.raises(LocalProtocolError, match="was cancelled"):
        protocol.queue_input(cancelled, "More.")
    for name in (cancelled, failed, lost, new):
        protocol.retire(name, 0.0)
    assert (protocol.outgoing_count, protocol.open_count()) == (0, 0)


def test_an_error_without_context_belongs_to_the_only_open_one():
    """Cancelled, ended and new contexts are not considered; the connection remains usable."""
    protocol = SpeechProtocol(ContextIds("p"))
    cancelled, only, new = (protocol.open(CONTEXT) for _ in range(3))
    for name in (cancelled, only):
        protocol.queue_input(name, "Oh.")
        protocol.sent(protocol.next_outgoing())
    protocol.cancel(cancelled)
    error = json.dumps({"type": "error", "status_code": 429, "message": "full"})
    ((name, failure),) = protocol.receive(error, 0.0)
    assert (name, type(failure), failure.context_id) == (only, ConcurrencyLimited, only)
    assert protocol.retired is None
    assert protocol.context(new).end is None


@pytest.mark.parametrize("count", [0, 2, 3])
def test_an_error_without_context_ends_the_connection_of_several(count):
    """If several contexts are open, all fail with it; if none is, it concerns the connection."""
    protocol = SpeechProtocol(ContextIds("p"))
    names = [protocol.open(CONTEXT) for _ in range(count)]
    for name in names:
        protocol.queue_input(name, "Oh.")
        protocol.sent(protocol.next_outgoing())
    error = json.dumps({"type": "error", "status_code": 429, "message": "full"})
    failures = protocol.receive(error, 0.0)
    assert [(name, type(failure)) for name, failure in failures] == [
        (name, ConcurrencyLimited) for name in names
    ]
    assert (type(protocol.retired), protocol.retired.message) == (ConcurrencyLimited, "full")


@pytest.mark.parametrize(
    ("said", "final", "end"),
    [(b"", True, End.DONE), (b"12", True, End.DONE), (b"", False, End.EXPIRED)],
)
def test_done_after_the_final_input_is_the_end(said, final, end):
    """A context that was sent whole is done when the service says so, heard or not; and closed."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    for given in ({"transcript": "Hello."}, {"last": True})[: 1 + final]:
        protocol.queue_input(name, **given)
        protocol.sent(protocol.next_outgoing())
    protocol.receive(chunk_text(name, said), 0.0)
    end_by_done(protocol, name)
    assert (protocol.context(name).end, protocol.context(name).state) == (end, State.CLOSED)
    assert protocol.context(name).is_complete == (final and bool(said))


def test_a_lost_connection_has_nothing_left_to_send():
    """Cancels that wait for the writer when the connection is lost are dropped, like inputs."""
    protocol = SpeechProtocol(ContextIds("p"))
    for name in ("a", "b", "c"):
        protocol.open(CONTEXT, name)
        protocol.queue_input(name, "Hello.")
        protocol.sent(protocol.next_outgoing())
    protocol.retire("a", 0.0)
    protocol.cancel("b")
    protocol.queue_input("c", "More.")
    assert protocol.outgoing_count == 3
    protocol.lose()
    assert protocol.outgoing_count == 0
    assert protocol.next_outgoing() is None


@pytest.mark.parametrize("retired", [True, False])
def test_events_after_an_error_are_late(retired):
    """A context that the service failed is closed: later events of it are dropped and counted, it
    needs no cancel, and an error that names no context is not for it.
    """
    protocol = SpeechProtocol(ContextIds("p"))
    for name in ("a", "b"):
        protocol.open(CONTEXT, name)
        protocol.queue_input(name, "Hello.")
        protocol.sent(protocol.next_outgoing())
    error = {"type": "error", "context_id": "a", "done": True, "status_code": 400}
    ((context_id, failure),) = protocol.receive(json.dumps(error), 0.0)
    assert (context_id, type(failure).__name__) == ("a", "BadRequest")
    if retired:
        protocol.retire("a", 0.0)
    assert protocol.receive(chunk_text("a", b"12"), 0.0) == []
    counters = protocol.counters
    assert (counters.dropped_events, counters.stray_events) == ((0, 1) if retired else (1, 0))
    assert protocol.outgoing_count == protocol.draining_count(0.0) == 0
    del error["context_id"]
    assert [name for name, _ in protocol.receive(json.dumps(error), 0.0)] == ["b"]
    assert protocol.retired is None  # there was only one that it could be for


def test_nothing_is_sent_to_a_context_that_the_service_has_failed():
    """Texts that wait when an error comes are dropped, and nobody is asked to cancel anything."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    protocol.queue_input(name, "Oh.")
    protocol.sent(protocol.next_outgoing())
    waiting = protocol.queue_input(name, "More.")
    protocol.receive(json.dumps({"type": "error", "context_id": name, "message": "no"}), 0.0)
    assert (waiting.status, protocol.next_outgoing()) == (Status.DROPPED, None)
    protocol.retire(name, 0.0)
    assert (protocol.next_outgoing(), protocol.draining_count(0.0)) == (None, 0)


@pytest.mark.parametrize("kind", ["done", "error"])
def test_a_cancelled_context_is_closed_once_the_service_has_ended_it(kind):
    """Whichever terminal event answers a cancel, the context is closed, also inside its block."""
    protocol = SpeechProtocol(ContextIds("p"))
    name = protocol.open(CONTEXT)
    protocol.queue_input(name, "Oh.")
    protocol.sent(protocol.next_outgoing())
    protocol.cancel(name)
    assert (protocol.context(name).state, protocol.draining_count(0.0)) == (State.DRAINING, 1)
    assert protocol.receive(json.dumps({"type": kind, "context_id": name}), 0.0) == []
    assert (protocol.context(name).state, protocol.draining_count(0.0)) == (State.CLOSED, 0)
    assert protocol.context(name).end is End.CANCELLED


def test_a_cancelled_context_is_waited_for_as_long_as_the_bound_says():
    """A context that the service never ends counts as draining for so long, and no longer."""
    protocol = SpeechProtocol(ContextIds("p"))
    conversation(protocol)
    for now, count in ((0.0, 1), (DRAINING_SECONDS - 0.001, 1), (DRAINING_SECONDS, 0)):
        assert protocol.draining_count(now) == count


IMPOSSIBLE_IDS = [["x"], {}, 7, 10**5000, b"x", "", " a", "a\nb", "x" * 257]


@pytest.mark.parametrize("context_id", IMPOSSIBLE_IDS, ids=range(len(IMPOSSIBLE_IDS)))
def test_an_id_that_cannot_be_one_is_refused(context_id):
    """A context id of another type, of any size, is refused in words, and opens nothing."""
    protocol = SpeechProtocol(ContextIds("p"))
    with pytest.raises(LocalProtocolError, match="context_id must"):
        protocol.open(CONTEXT, context_id)
    assert protocol.open_count() == 0
