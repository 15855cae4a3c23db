"""The whole client against a model of the service.

Many contexts on several connections, one after the other: callers push, flush, take back, cancel
and leave; consumers are slow or small; the service says anything in any order; connections stall,
are cut, reset, closed and left; and time passes. `model.py` says what must come of it.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from contextlib import suppress

import pytest
import trio
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from trio.testing import wait_all_tasks_blocked

from tests.stateful.model import LOUD_ENDS, QUIET_ENDS, Call, Push, Talk, essence
from tests.stateful.profiles import PROFILE
from tests.support import SETTINGS
from trio_cartesia import CartesiaError, ConnectionLost, LocalProtocolError
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS
from trio_cartesia.testing import connected_pair
from trio_cartesia.testing.machine import TrioStateMachine

PIPE_BYTES = 600  # a message and a half: then sending waits for the peer

NAMES = st.runner().flatmap(lambda machine: st.sampled_from(machine.names()))
some_are_open = precondition(lambda machine: machine.open_names())


class ClientMachine(TrioStateMachine):
    """Rules are what callers, the service, the network and the clock may do."""

    def __init__(self):
        super().__init__()
        self.calls: list[Call] = []
        self.talks: dict[str, Talk] = {}
        self.count = 0  # makes every text and every audio one of its kind

    def open_names(self):
        return [talk.name for talk in self.talks.values() if talk.end is None]

    def names(self):
        """Return what rules choose from: the open ones most of the time."""
        return self.open_names() * 4 + list(self.talks)

    # -- callers

    @initialize()
    def connect(self):
        self.perform(self.nursery.start, self.stay_connected)

    @rule(
        pace_seconds=st.sampled_from([0, 0.1, 5]),
        budget_bytes=st.sampled_from([2**20, 2_500]),
        first=st.sampled_from(["text", "text", "text", "nothing"]),
        on_a_new_connection=st.sampled_from([True, True, True, False]),
    )
    def open(self, pace_seconds, budget_bytes, first, on_a_new_connection):
        if on_a_new_connection and self.calls[-1].is_lost:
            self.connect()
        name = f"c{len(self.talks)}"
        talk = self.talks[name] = Talk(name, self.calls[-1], pace_seconds, budget_bytes)
        if talk.call.is_lost:
            with pytest.raises(ConnectionLost):
                self.perform(self.nursery.start, self.converse, talk)
            talk.finish("lost")
            talk.is_inside, talk.is_discarded = False, True
            return
        talk.call.talks.append(talk)
        self.perform(self.nursery.start, self.converse, talk)
        if first == "text":
            self.push(name, "text")

    @some_are_open
    @rule(name=NAMES, kind=st.sampled_from(["text", "text", "flush", "last"]))
    def push(self, name, kind):
        talk = self.talks[name]
        if talk.context is None:
            return
        refusals = talk.refusals()
        if kind == "flush" and not talk.asked_for("text"):
            refusals = refusals or (LocalProtocolError,)
        self.count += 1
        push = Push(self.count, kind, f"text {self.count} " + "." * 200 if kind == "text" else "")
        self.perform(self.start, self.send, talk, push)
        if talk.is_murky:
            pass
        elif refusals:
            assert push.is_over
            assert isinstance(push.error, refusals), push
        else:
            assert push.error is None
            assert push.is_over or talk.call.is_stalled
        talk.pushes.append(push)

    @precondition(lambda self: self.pending())
    @rule(which=st.integers(0, 9))
    def take_back(self, which):
        waiting = self.pending()
        talk, push = waiting[which % len(waiting)]
        if push is waiting[0][1]:
            talk.is_murky = True  # it may be on its way already
        else:
            push.was_taken_back = True
        self.act(push.scope.cancel)

    def pending(self):
        """Return the inputs that wait to be sent, in the order in which they will be."""
        waiting = [(talk, push) for talk in self.talks.values() for push in talk.pushes]
        return sorted((pair for pair in waiting if not pair[1].is_over), key=lambda p: p[1].number)

    @some_are_open
    @rule(name=NAMES, how=st.sampled_from(["cancel", "leave"]))
    def stop(self, name, how):
        talk = self.talks[name]
        if not talk.is_inside:
            return
        if how == "leave":
            talk.leave(self.clock.current_time())
            self.act(talk.scope.cancel)
            return
        if talk.end is None:
            talk.stop("cancelled")
            talk.is_discarded = True
        self.act(talk.context.cancel)

    def disconnect(self):
        """Leave the connection's block; it takes no longer than its goodbye may."""
        call = self.calls[-1]
        self.act(call.scope.cancel)
        if call.is_stalled:
            self.wait(GOODBYE_SECONDS)
        assert call.is_over
        call.lose()

    # -- the service

    @some_are_open
    @rule(name=NAMES, sizes=st.lists(st.integers(0, 1500), min_size=1, max_size=6))
    def speak(self, name, sizes):
        for size in sizes:
            self.count += 1
            audio = (str(self.count).encode() * size)[:size]
            self.tell_of(name, type="chunk", data=b64encode(audio).decode(), audio=audio)

    @some_are_open
    @rule(
        name=NAMES,
        kind=st.sampled_from(
            ["timestamps", "flush_done", "news", "done", "error", "broken", "lost"]
        ),
    )
    def tell(self, name, kind):
        if kind == "lost":  # it is for nobody
            if not self.calls[-1].is_lost:
                self.peer_sends(
                    self.calls[-1], {"type": "flush_done", "context_id": "nobody"}, None
                )
            return
        fields = {"type": kind}
        if kind == "timestamps":
            fields["word_timestamps"] = {"words": ["word"], "start": [0], "end": [1]}
        elif kind == "broken":
            fields = {"type": "chunk", "data": "!"}
        self.tell_of(name, **fields)

    def tell_of(self, name, audio=b"", **event):
        """Have an event of a context said, if the peer knows of it, or has no way to."""
        talk = self.talks[name]
        is_on_its_way = talk.pushes or talk.call.is_stalled
        if talk.call.is_lost or (is_on_its_way and not talk.inputs):
            return
        self.peer_sends(talk.call, {"context_id": name, **event}, talk, audio)

    def peer_sends(self, call, event, talk, audio=b""):
        text = json.dumps(event)

        async def send_as_peer():
            await call.peer.send_text(text)
            call.messages += 1
            call.audio_bytes += len(audio)
            call.malformed += event.get("data") == "!"
            call.unknown += event["type"] == "news"
            if talk is None:
                call.undelivered += 1
            else:
                talk.receive(event, len(text), audio)

        self.act(call.to_say.send_nowait, send_as_peer)

    # -- the network and the clock

    @some_are_open
    @rule()
    def stall(self):
        call = self.calls[-1]
        if call.is_quiet:
            call.stalled_at = self.clock.current_time()
            self.act(call.peer.stream.stall)

    @precondition(lambda self: self.calls and self.calls[-1].is_stalled)
    @rule()
    def resume(self):
        self.perform(self.go_on, self.calls[-1])

    @some_are_open
    @precondition(lambda self: self.calls[-1].is_busy)
    @rule(
        how=st.sampled_from(["reset", "cut", "half-close", "close", "nonsense", "leave"]),
        number=st.integers(0, 3),
    )
    def lose(self, how, number):
        call = self.calls[-1]
        if how == "leave":
            self.disconnect()
        elif how == "reset":
            call.lose()
            self.act(call.peer.stream.reset)
        else:
            self.act(call.to_say.send_nowait, self.last_word(call, how, number))

    def last_word(self, call, how, number):
        """Return how the peer ends a connection."""

        async def send_as_peer():
            if how == "half-close":
                await call.peer.stream.send_eof()
            elif how == "close":
                await call.peer.close([1000, 1001, 1011, 4000][number])
            elif how == "nonsense":
                await call.peer.send_text(["", "nonsense", "[]", '{"type": 1}'][number])
                call.messages += 1
                call.malformed += 1
            else:
                call.peer.stream.cut_after(number + 1)
                with pytest.raises(trio.BrokenResourceError):
                    await call.peer.send_text("never whole")
            call.lose()

        return send_as_peer

    @some_are_open
    @rule(seconds=st.sampled_from([0.05, 1, 5, 11, 30]))
    def time_passes(self, seconds):
        self.wait(seconds)
        self.note_silence()

    # -- what must hold, whenever everything is at rest

    @invariant()
    def all_is_well(self):
        for talk in self.talks.values():
            self.settle(talk)
        self.each_hears_what_was_said_to_it()
        self.loops_end_when_and_as_they_must()
        self.the_wire_is_in_order()
        self.nobody_waits_for_nothing()
        self.only_live_contexts_hold_inboxes()
        for call in self.calls:
            self.check_statistics(call, self.perform(self.snapshot, call.connection))

    def each_hears_what_was_said_to_it(self):
        for talk in self.talks.values():
            assert talk.heard == talk.said[: len(talk.heard)]

    def loops_end_when_and_as_they_must(self):
        for talk in self.talks.values():
            if not talk.is_loop_over:
                assert talk.end is None or talk.pace_seconds or not talk.is_inside
                continue
            assert talk.end is not None
            if talk.end in QUIET_ENDS:
                assert talk.raised is None
            elif talk.end in LOUD_ENDS:
                assert isinstance(talk.raised, LOUD_ENDS[talk.end])
                assert talk.raised.context_id == talk.name
            if talk.end not in ("cancelled", "left"):  # all that had come was heard first
                assert talk.heard == talk.said or talk.is_discarded

    def the_wire_is_in_order(self):
        for talk in self.talks.values():
            texts = [request["transcript"] for request in talk.inputs if request["transcript"]]
            assert texts == [push.text for push in talk.pushes if push.text and push.text in texts]
            assert not any(push.was_taken_back and push.text in texts for push in talk.pushes)
            assert all(request["continue"] for request in talk.inputs[:-1])
            assert all(request["model_id"] == SETTINGS["model_id"] for request in talk.inputs)
            assert talk.cancels <= 1
            if talk.call.is_quiet and not talk.is_murky:
                sent = [push.text for push in talk.pushes if push.text and push.was_sent]
                assert texts == sent
                spared = talk.cancel_may_be_spared and not talk.cancels
                assert spared or talk.cancels == talk.cancel_is_due

    def nobody_waits_for_nothing(self):
        for talk in self.talks.values():
            if not talk.call.is_stalled or talk.call.is_lost:
                assert not talk.is_pushing

    def only_live_contexts_hold_inboxes(self):
        for call in self.calls:
            inside = {talk.name for talk in call.talks if talk.is_inside}
            assert call.connection._contexts._entries.keys() == inside

    def check_statistics(self, call, counted):
        now = self.clock.current_time()
        inside = [talk for talk in call.talks if talk.is_inside]
        assert counted.contexts_open == sum(talk.end is None for talk in inside)
        assert counted.contexts_opened == len(call.talks)
        assert counted.inbox_bytes == sum(talk.waiting_bytes for talk in inside)
        assert counted.events_received == call.messages
        assert counted.audio_bytes_received == call.audio_bytes
        assert counted.unknown_events == call.unknown
        assert counted.malformed_events == call.malformed
        assert counted.dropped_events + counted.stray_events == call.undelivered
        assert counted.is_lost == call.is_lost
        assert counted.requests_queued == 0 or call.is_stalled
        if not any(talk.is_murky for talk in call.talks):
            draining = sum(talk.is_remembered(now) for talk in call.talks)
            assert counted.contexts_draining == draining

    def end(self):
        """Give slow consumers the time they need; then leave, and see that nothing is left."""
        for call in self.calls:
            self.perform(self.go_on, call)
        self.all_is_well()
        if not self.calls[-1].is_lost:
            self.lose("close", 0)
        self.wait(5 * max((len(talk.said) for talk in self.talks.values()), default=0) + 5)
        for talk in self.talks.values():
            assert talk.is_loop_over or not talk.is_inside
        self.loops_end_when_and_as_they_must()
        self.nobody_waits_for_nothing()
        for name in self.talks:
            self.stop(name, "leave")
        for call in self.calls:
            counted = self.perform(self.snapshot, call.connection)
            assert (counted.contexts_open, counted.inbox_bytes, counted.requests_queued) == (0,) * 3
            self.act(call.scope.cancel)
            assert call.is_over
        assert self.tasks_living() == 0

    # -- inside the run

    def act(self, function, *args):
        """Call a plain function in the run, and let everything come to rest."""

        async def call():
            function(*args)
            await trio.lowlevel.checkpoint()

        self.perform(call)

    def settle(self, talk):
        """Note the end of a context that ended before anything of it was sent."""
        was_last = any(push.kind == "last" and push.was_sent for push in talk.pushes)
        if talk.end not in (None, "lost") or talk.was_sent or not was_last:
            return
        # where both come at the same moment, this or the loss may be first
        if talk.end is None or talk.context.statistics().end == "done":
            talk.end = "done"
            talk.said.append(("done",))
            talk.sizes.append(256)

    def note_silence(self):
        """Note a connection that was given up for its peer's silence, and only where it may be."""
        for call in self.calls:
            silence = self.clock.current_time() - call.stalled_at
            if call.connection._contexts.session.loss is not None and not call.is_lost:
                assert silence >= PONG_SECONDS
                call.lose()
            assert call.is_lost or silence <= 2 * KEEPALIVE_SECONDS + PONG_SECONDS

    async def snapshot(self, connection):
        await trio.lowlevel.checkpoint()
        return connection.statistics()

    async def stay_connected(self, *, task_status):
        to_say, sayings = trio.open_memory_channel(math.inf)
        async with connected_pair(pipe_bytes=PIPE_BYTES) as (connection, peer):
            with trio.CancelScope() as scope, to_say:  # in here, for the peer to live on
                call = Call(connection, peer, scope, to_say)
                self.calls.append(call)
                self.nursery.start_soon(self.hear_all, call)
                self.nursery.start_soon(self.say_all, call, sayings)
                task_status.started()
                await trio.sleep_forever()
        call.is_over = True

    async def hear_all(self, call):
        """Note everything that the peer hears."""
        while True:
            try:
                call.requests.append(await call.peer.receive())
            except trio.EndOfChannel:
                return

    async def say_all(self, call, sayings):
        """Say one thing after the other, each when everything is at rest."""
        with sayings:
            async for say in sayings:
                if not call.is_lost:
                    with suppress(
                        trio.BrokenResourceError, trio.ClosedResourceError
                    ):  # that it is lost, others notice
                        await say()
                    await wait_all_tasks_blocked()

    async def go_on(self, call):
        """End the stall, and let everything be said that had to wait."""
        call.stalled_at = math.inf
        call.peer.stream.resume()
        await wait_all_tasks_blocked()
        while call.to_say.statistics().current_buffer_used:
            await wait_all_tasks_blocked()

    async def converse(self, talk, *, task_status):
        """Open a context, receive at a pace, and stay in the block."""
        with talk.scope:
            async with talk.call.connection.context(
                context_id=talk.name,
                inbox_bytes=talk.budget_bytes,
                stall_seconds=None,  # tests/runtime/test_stalls.py has those
                **SETTINGS,
            ) as talk.context:
                task_status.started()
                try:
                    async for event in talk.context.receive():
                        talk.heard.append(essence(event))
                        await trio.sleep(talk.pace_seconds)
                except CartesiaError as error:
                    talk.raised = error
                talk.is_loop_over = True
                await trio.sleep_forever()

    async def send(self, talk, push):
        """Send one input, and note what came of it."""
        with push.scope:
            try:
                if push.kind == "text":
                    await talk.context.push(push.text)
                elif push.kind == "flush":
                    await talk.context.flush()
                else:
                    await talk.context.no_more_inputs()
            except CartesiaError as error:
                push.error = error
        push.is_over = True


TestClient = pytest.mark.slow(ClientMachine.TestCase)
TestClient.settings = PROFILE
