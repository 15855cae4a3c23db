from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair
from wsproto.events import TextMessage

from tests.server.streams import Breaking
from tests.server.support import (
    MORE,
    TWO_SENTENCES,
    audio,
    cancel,
    connected,
    generation,
    is_error,
    kinds,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, Spoken, Tones, Utterance


class Moody(Tones):
    """Fails at the word "bad", takes a second for "slow", and counts."""

    def __init__(self) -> None:
        self.calls = 0

    async def speak(self, utterance: Utterance) -> Spoken:
        self.calls += 1
        if "bad" in utterance.text:
            raise RuntimeError(utterance.text)
        if "slow" in utterance.text:
            await trio.sleep(1)
        return await super().speak(utterance)


@on_virtual_time
async def test_a_voice_that_fails_ends_one_context() -> None:
    """A failing voice ends its context with a 500, and no other."""
    async with connected(voice=Moody()) as (client, _):
        await client.send(generation("b", "Good") | MORE)
        event = await client.ask(generation("a", "This is bad."))
        assert is_error(event, "a", 500)
        assert "This is" not in json.dumps(event)
        assert audio(await client.speak(generation("b", " day."))) == await tones("Good day.")


@on_virtual_time
async def test_half_a_sample_is_a_failure() -> None:
    """A voice that gives an odd number of bytes fails its context, and not the connection."""

    class Odd(Tones):
        async def speak(self, utterance: Utterance) -> Spoken:
            return attrs.evolve(await super().speak(utterance), samples=b"123")

    async with connected(voice=Odd()) as (client, _):
        for name in "ab":
            assert (await client.ask(generation(name, "Hello.")))["status_code"] == 500


@on_virtual_time
async def test_a_slow_sentence_holds_up_its_own_context_alone() -> None:
    """While one context's voice is at work, another one is heard from start to end."""
    async with connected(voice=Moody()) as (client, _):
        await client.send(generation("a", "slow"))
        await client.speak(generation("b", "Hello."))
        assert trio.current_time() == pytest.approx(0)
        await client.send(cancel("a"))
        events = await client.receive_until_over("a")
        assert kinds(events) == ["chunk", "done"]
        assert trio.current_time() == pytest.approx(1)


@on_virtual_time
async def test_a_peer_that_does_not_read_makes_nothing_pile_up() -> None:
    """Without a reader the service stops after one sentence of each context."""
    voice = Moody()
    async with connected(pair=lockstep_stream_pair, voice=voice) as (client, server):
        for name in "abc":
            await client.send(generation(name, TWO_SENTENCES * 10))
        await trio.sleep(60)
        assert voice.calls == 3
        assert server.journal.statistics().chunks == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = [*generation("x"), "continue", "flush", "cancel", "language", "locale", "speed"]
FIELDS += [
    "max_buffer_delay_ms",
    "generation_config",
    "add_timestamps",
    "normalization",
    "duration",
]


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    changes = draw(st.dictionaries(st.sampled_from(FIELDS), json_values, min_size=1, max_size=3))
    return {**generation("x", "Hello."), **changes}


@pytest.mark.slow
@given(st.lists(json_values.map(json.dumps) | spoilt().map(json.dumps) | st.text() | st.binary()))
@on_virtual_time
async def test_no_message_ends_another_context(messages: list[str | bytes]) -> None:
    """Whatever is sent, the connection lives on, and a context that was open speaks as it would
    have.
    """
    async with connected() as (client, _):
        await client.send(generation("open", "Good", max_buffer_delay_ms=5000) | MORE)
        for message in messages:
            await client.send(message)
        events = await client.speak(generation("open", " day."))
        assert audio(events, "open") == await tones("Good day.")
        assert [event["type"] for event in events if event.get("context_id") == "open"][
            -1
        ] == "done"


@given(json_values.map(json.dumps) | st.text() | st.binary())
@on_virtual_time
async def test_whatever_is_no_request_is_answered(message: Any) -> None:
    """A message that names no context is answered by an error without one."""
    async with connected() as (client, _):
        event = await client.ask(message)
        assert (event["type"], event["status_code"], event["done"]) == ("error", 400, True)
        assert "context_id" not in event


@given(idle=st.floats(1, 600))
@on_virtual_time
async def test_an_idle_connection_is_closed(idle: float) -> None:
    """A connection without messages is closed with 1000 after its time; pings do not prolong it."""
    async with connected(behaviour=Behaviour(idle_seconds=idle)) as (client, _):
        await trio.sleep(idle / 2)
        await client.send(generation("a") | MORE)
        start = trio.current_time()
        await trio.sleep(idle / 2)
        await client.ping(b"?")
        end = await client.wait_closed()
        assert (end.code, end.reason) == (1000, "connection idle timeout")
        assert client.pongs == [b"?"]
        assert trio.current_time() - start == pytest.approx(idle)


@on_virtual_time
async def test_a_connection_that_speaks_is_not_idle() -> None:
    """The idle time starts anew with every message, in either direction."""
    async with connected(behaviour=Behaviour(idle_seconds=2)) as (client, _):
        for number in range(5):
            await client.send(generation(str(number), "Hello ") | MORE)
            await trio.sleep(1.5)
        assert math.isclose(trio.current_time(), 7.5)
        assert (await client.wait_closed()).reason == "connection idle timeout"


@on_virtual_time
async def test_a_burst_of_messages_lets_others_run() -> None:
    """Messages that came all at once are heard one by one, others taking their turns in between."""
    async with connected() as (client, server), trio.open_nursery() as nursery:
        message = json.dumps(cancel("nobody"))
        burst = b"".join(client.wire.send(TextMessage(message)) for _ in range(100))
        heard: list[int] = []

        @nursery.start_soon
        async def take_turns() -> None:
            while True:
                await trio.lowlevel.checkpoint()
                heard.append(server.journal.statistics().stray_cancels)

        await client.stream.send_all(burst)
        await client.speak(generation("a", "Hello."))
        assert heard[-1] == 100
        assert max(after - before for before, after in pairwise(heard)) <= 2
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_done_has_the_status_that_is_asked_for() -> None:
    """With `done_status` 200, that is what `done` carries."""
    async with connected(behaviour=Behaviour(done_status=200)) as (client, _):
        assert (await client.speak(generation("a", "Hello.")))[-1]["status_code"] == 200


@on_virtual_time
async def test_contexts_of_a_lost_connection_are_lost() -> None:
    """When the peer goes, whatever it had open ends without a word, in the middle of a word too."""
    async with connected(pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES))
        await trio.sleep(0.1)
        await client.stream.aclose()
        await trio.sleep(0.1)
        assert server.journal.context("a").ended == "lost"
    async with connected() as (client, server):
        await client.send(generation("a", "Good") | MORE)
        await trio.sleep(0.1)
        await client.stream.aclose()
        await trio.sleep(0.1)
        assert server.journal.context("a").ended == "lost"


@pytest.mark.parametrize("writes", [2, 3])
@on_virtual_time
async def test_a_write_that_fails_is_the_end(writes: int) -> None:
    """When a chunk or `done` cannot be written, its context is lost and the connection over."""

    def pair() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        ours, theirs = memory_stream_pair()
        return ours, Breaking(theirs, writes)

    async with connected(pair=pair) as (client, server):
        await client.send(generation("a", "Hello."))
        assert (await client.wait_closed()).code == 1006
        assert server.journal.context("a").ended == "lost"
