"""Contexts of a pool are like any others."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.pool.support import LONG, SMALL, service
from trio_cartesia import Context, ContextExpired, LocalProtocolError, VoiceNotFound
from trio_cartesia.server import Behaviour
from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time

TEXTS = st.lists(st.text("ab .,!", min_size=1, max_size=12), max_size=5)


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), places=st.integers(1, 3))
@on_virtual_time
async def test_each_context_receives_what_was_spoken_for_it(texts, places):
    """Whatever is spoken at once through however few places, each receives the bytes and words of
    its record, whole.
    """
    async with (
        service(plan="free") as (client, network),
        client.tts.websocket_pool(max_contexts=min(places, 2)) as pool,
        trio.open_nursery() as nursery,
    ):

        async def speak(pieces):
            async with pool.speak(pieces, **SMALL, add_timestamps=True) as context:
                speech = await context.collect()
            assert speech.complete
            if not any(map(str.isalpha, "".join(pieces))):  # nothing is sent
                assert speech.audio == b""
                return
            record = network.server.journal.context(context.context_id)
            assert (speech.audio, record.transcript) == (record.audio, "".join(pieces))
            assert [word.text for word in speech.words] == [word.text for word in record.words]

        for pieces in texts:
            nursery.start_soon(speak, pieces)


async def test_everything_on_a_context_works(autojump_clock):
    """Pushes, flushes, the final input, statistics, audio and expiry are those of a connection's
    context.
    """
    async with (
        service() as (client, _),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        async with pool.context(**SMALL) as context:
            assert isinstance(context, Context)
            await context.push("One. ", generation_config={"speed": 1.2})
            await context.flush()
            await context.push("Two.")
            await context.no_more_inputs()
            with pytest.raises(LocalProtocolError, match="final input"):
                await context.push("Three.")
            speech = await context.collect()
            assert len(speech.segments) == 2
            assert context.statistics().end == "done"
        with pytest.raises(LocalProtocolError, match="block has ended"):
            await context.push("Three.")
        async with pool.context(**SMALL) as context:
            await context.push("One. ")
            assert [audio async for audio in context.audio()]
            with pytest.raises(ContextExpired):
                await context.push("Two. ")
        with pytest.raises(VoiceNotFound):
            nobody = "00000000-0000-0000-0000-000000000000"
            async with pool.speak("Hello.", **{**SMALL, "voice": nobody}) as context:
                await context.collect()
        async with pool.context(**SMALL) as context:
            await context.feed(["One. ", "", "Two."])
            context.cancel()
            assert [event async for event in context.receive()] == []
            with pytest.raises(LocalProtocolError, match="cancelled"):
                await context.push("Three.")
        assert pool.statistics().contexts_opened == 4


async def test_a_failing_iterator_fails_its_receive_loop(autojump_clock):
    """What the pieces' iterator raises, the receive loop raises, and the place is free."""

    async def pieces():
        yield "One. "
        await trio.sleep(0.1)
        raise KeyError("two")

    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        with pytest.raises(KeyError):
            async with pool.speak(pieces(), **SMALL) as context:
                await context.collect()
        async with pool.speak("Next.", **SMALL) as context:
            assert (await context.collect()).complete


async def test_cancelled_at_each_step_nothing_is_left(autojump_clock):
    """Whatever step a context is cancelled at, from the queue to its end, its place is free in the
    end, and nothing waits.
    """
    async with (
        service(plan="free") as (client, network),
        client.tts.websocket_pool(max_contexts=2) as pool,
    ):

        async def speak():
            async with pool.context(**SMALL) as context:
                await context.push("One sentence. ")
                await context.no_more_inputs()
                await context.collect()

        assert await cancelled_at_each_step(speak) > 4
        await trio.sleep(1)
        numbers = pool.statistics()
        assert (numbers.waiting, numbers.contexts_open, numbers.contexts_in_blocks) == (0, 0, 0)
        assert numbers.ends_missed == 0
        assert all(record.cancels <= 1 for record in network.server.journal.contexts)


async def test_the_budget_of_characters(autojump_clock):
    """The pool sends no more than `max_characters`; what would exceed them is refused before it is
    sent, and what was withdrawn does not count.
    """
    async with (
        service() as (client, network),
        client.tts.websocket_pool(max_contexts=1, max_characters=10) as pool,
    ):
        async with pool.context(**SMALL) as context:
            await context.push("One. ")
            with trio.CancelScope() as scope:
                scope.cancel()
                await context.push("Two. ")
            await context.push("Two. ")
            with pytest.raises(LocalProtocolError, match="max_characters=10"):
                await context.push("!")
            await context.no_more_inputs()
            await context.collect()
        with pytest.raises(LocalProtocolError, match="max_characters=10"):
            async with pool.speak("No.", **SMALL):
                pass
        numbers = pool.statistics()
        assert (numbers.characters_sent, numbers.max_characters) == (10, 10)
        assert [record.transcript for record in network.server.journal.contexts] == ["One. Two. "]


@pytest.mark.parametrize("inputs", [["x" * 70_000], [5], ["\ud800"], [""]])
async def test_inputs_that_cannot_be_sent(inputs, autojump_clock):
    """A text of another type is refused as by a connection; one that is longer than what is kept
    for another attempt is sent.
    """
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        async with pool.context(**SMALL) as context:
            if inputs == ["x" * 70_000]:
                await context.push(*inputs)
                return
            with pytest.raises(LocalProtocolError, match="transcript"):
                await context.push(*inputs)


async def test_a_stall_is_noticed(autojump_clock):
    """A context of a pool stalls after the pool's time, or its own."""
    behaviour = Behaviour(expiry_done=False)
    async with (
        service(behaviour=behaviour) as (client, network),
        client.tts.websocket_pool(max_contexts=2, stall_seconds=5) as pool,
    ):
        for options, seconds in [({}, 5), ({"stall_seconds": 2}, 2)]:
            async with pool.speak(LONG, **SMALL, **options) as context:
                await anext(context.receive())
                network.streams[0].stall()
                began = trio.current_time()
                with pytest.raises(Exception, match="nothing has come"):
                    await context.collect()
                assert trio.current_time() - began == pytest.approx(seconds)
                network.streams[0].resume()


async def test_what_is_held_moves_with_its_context(autojump_clock):
    """A number that waits for its end is not lost with a connection that took nothing of it."""
    held = []

    async def pieces():
        yield "10"
        network.reset_all()
        await trio.sleep(0.2)
        held.append(context.statistics().held_characters)
        await trio.sleep(2)
        yield " o'clock."

    async with (
        service() as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        async with pool.speak(pieces(), **SMALL) as context:
            speech = await context.collect()
        record = network.server.journal.context(context.context_id)
        assert (record.transcript, speech.audio) == ("10 o'clock.", record.audio)
        assert held == [2]
        assert pool.statistics().contexts_moved == 1
