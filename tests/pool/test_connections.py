"""The connections of a pool: lost, idle, refused, and those that do not last."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.pool.support import LONG, SMALL, service
from trio_cartesia import (
    AuthenticationFailed,
    Cartesia,
    ConnectFailed,
    ConnectionLost,
    LocalProtocolError,
)
from trio_cartesia.server import Behaviour, Plan, Tones, open_server
from trio_cartesia.testing import on_virtual_time


async def speak(pool, text="Some words."):
    async with pool.speak(text, **SMALL) as context:
        assert (await context.collect()).complete


async def test_a_warm_connection_awaits_the_first_context(autojump_clock):
    """The first connection is made when the pool is opened, and others once contexts share one."""
    async with service() as (client, network):
        async with client.tts.websocket_pool(max_contexts=9, max_connections=3) as pool:
            await trio.sleep(1)
            assert len(network.streams) == pool.statistics().connections_open == 1
            async with trio.open_nursery() as nursery:
                for _ in range(9):
                    nursery.start_soon(speak, pool, "Some words. " * 8)
                    await trio.sleep(0.001)
                numbers = pool.statistics()
                assert (numbers.contexts_open, numbers.connections_open) == (9, 3)
            on_each = [record.connection for record in network.server.journal.contexts]
            assert sorted(map(on_each.count, set(on_each))) == [3, 3, 3]
        await trio.sleep(3)
        assert network.streams == []


async def test_connections_are_replaced_before_they_idle_out(autojump_clock):
    """The service closes none of them for idleness, the one that is kept warm is made anew, and the
    others go.
    """
    async with service() as (client, _):
        async with client.tts.websocket_pool(max_contexts=4, max_connections=2) as pool:
            async with trio.open_nursery() as nursery:
                for _ in range(4):
                    nursery.start_soon(speak, pool)
            assert pool.statistics().connections_open == 2
            for _ in range(4):
                await trio.sleep(269)
                await speak(pool)
            assert pool.statistics().connections_replaced >= 1
            await trio.sleep(2000)
            numbers = pool.statistics()
            assert (numbers.connections_open, numbers.connections_lost) == (1, 0)
            assert numbers.connections_replaced >= 6
            await speak(pool)


async def test_a_context_that_waits_for_text_outlives_its_connection(autojump_clock):
    """A context that nothing was pushed to for so long that its connection idles out speaks on
    another one.
    """
    async with (
        service() as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
        pool.context(**SMALL) as context,
    ):
        await trio.sleep(1000)
        await context.push("At last.")
        await context.no_more_inputs()
        speech = await context.collect()
        assert speech.audio == network.server.journal.context(context.context_id).audio
        numbers = pool.statistics()
        assert numbers.connections_lost == numbers.contexts_moved == 3


@pytest.mark.parametrize("sent", [False, True])
async def test_a_lost_connection(sent, autojump_clock):
    """A context whose text was sent fails with its connection, as any context does, since the text
    may have been paid for; one that was not is carried by the next connection.
    """
    async with (
        service() as (client, network),
        client.tts.websocket_pool(max_contexts=2) as pool,
    ):
        async with pool.context(**SMALL) as context:
            if sent:
                await context.push(LONG)
                await anext(context.receive())
            network.reset()
            await trio.sleep(0.1)
            if sent:
                with pytest.raises(ConnectionLost):
                    await context.collect()
                with pytest.raises(ConnectionLost):
                    await context.push("More.")
            else:
                await context.feed("All of it.")
                assert (await context.collect()).complete
        assert pool.statistics().connections_lost == 1
        await speak(pool)
        assert pool.statistics().contexts_open == 0


async def test_a_connection_that_takes_nothing_more(autojump_clock):
    """Where a write fails before the end of the connection is seen, a context that has sent nothing
    is carried by the next one.
    """
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        await trio.sleep(1)
        async with pool.context(**SMALL) as context:
            session = context._contexts.session  # as after a write that failed
            session.write_failure = ConnectionLost("the peer takes nothing more")
            session._scope.deadline = trio.current_time() + 2
            await context.push("All of it.")
            await context.no_more_inputs()
            assert (await context.collect()).complete
        await trio.testing.wait_all_tasks_blocked()
        assert pool.statistics().contexts_moved == 1


@given(outage=st.floats(0, 59), waiting=st.integers(1, 4))
@on_virtual_time
async def test_an_outage_is_waited_out(outage, waiting):
    """While no connection can be made, contexts wait; attempts come at growing intervals, at most
    ten seconds; and once one is made, all are spoken.
    """
    async with service() as (client, network):
        network.error = OSError("down")
        async with (
            client.tts.websocket_pool(max_contexts=2, outage_seconds=None) as pool,
            trio.open_nursery() as nursery,
        ):
            for _ in range(waiting):
                nursery.start_soon(speak, pool)
            await trio.sleep(outage)
            network.error = None
        pauses = [
            after - before
            for before, after in zip(network.attempts, network.attempts[1:], strict=False)
        ]
        assert all(pause <= 10 for pause in pauses)
        assert len(network.attempts) < 20


async def test_an_outage_that_lasts(autojump_clock):
    """Those who wait fail with the reason after the pool's own time, each counted from when it
    came, or after their own deadline if that is earlier.
    """
    async with service() as (client, network):
        network.error = OSError("down")
        async with (
            client.tts.websocket_pool(max_contexts=3, outage_seconds=20) as pool,
            trio.open_nursery() as nursery,
        ):
            failed_at = []

            async def wait(seconds):
                await trio.sleep(seconds)
                with pytest.raises(ConnectFailed, match="down"):
                    async with pool.context(**SMALL):
                        pass
                failed_at.append(trio.current_time())

            for seconds in (0, 0, 7):
                nursery.start_soon(wait, seconds)
            with trio.move_on_after(3) as scope:
                async with pool.context(**SMALL):
                    pass
            assert scope.cancelled_caught
            await trio.sleep(40)
            assert failed_at == [20, 20, 27]
            network.error = None
            await speak(pool)
            assert pool.statistics().connect_failures > 3


async def test_an_outage_while_a_context_is_to_be_opened_again(autojump_clock):
    """A context that was on a connection, and finds no other, fails with the reason in its receive
    loop and its pushes.
    """
    async with (
        service() as (client, network),
        client.tts.websocket_pool(max_contexts=1, outage_seconds=20) as pool,
        pool.context(**SMALL) as context,
    ):
        network.error = OSError("down")
        network.reset()
        await trio.sleep(1)
        with pytest.raises(ConnectFailed, match="down"):
            await context.push("Hello.")
        assert trio.current_time() == 20
        with pytest.raises(ConnectFailed, match="down"):
            await context.collect()


async def test_a_credential_that_is_refused(autojump_clock):
    """A reason that no further attempt changes fails all who wait at once, and the service is not
    asked again until somebody else comes.
    """
    async with open_server(port=None, voice=Tones(), api_keys={"sk_car_right"}) as server:
        async with service() as (_, network), trio.open_nursery() as nursery:
            network.server = server
            client = Cartesia("sk_car_wrong", base_url=server.url, open_stream=network.open_stream)
            async with client, client.tts.websocket_pool(max_contexts=2) as pool:

                async def fail():
                    with pytest.raises(AuthenticationFailed):
                        async with pool.context(**SMALL):
                            pass

                for _ in range(3):
                    nursery.start_soon(fail)
                await trio.sleep(0.01)
                assert (pool.statistics().waiting, len(network.attempts)) == (0, 1)
                await trio.sleep(1000)
                assert len(network.attempts) == 1
                await fail()
                assert len(network.attempts) == 2


@pytest.mark.parametrize("error", [KeyError("mine"), LocalProtocolError("of open_stream")])
async def test_an_open_stream_that_raises(error, autojump_clock):
    """What a caller's own `open_stream` raises reaches those who wait, as it is."""
    async with service() as (client, network):
        network.error = error
        async with client.tts.websocket_pool(max_contexts=2) as pool:
            with pytest.raises(type(error), match=str(error).strip("'")):
                async with pool.context(**SMALL):
                    pass


async def test_a_service_that_closes_at_once(autojump_clock):
    """After three connections that did not last, the breaker is open: no context is put on a new
    one until it has lasted for a second, and those who wait fail as in an outage.
    """
    async with service(behaviour=Behaviour(idle_seconds=0.01)) as (client, network):
        async with client.tts.websocket_pool(max_contexts=2, outage_seconds=30) as pool:
            await trio.sleep(10)
            numbers = pool.statistics()
            assert numbers.is_breaker_open
            assert 3 <= numbers.connections_lost == numbers.failures_in_a_row < 10
            before = trio.current_time()
            with pytest.raises(ConnectionLost, match="idle timeout"):
                async with pool.speak("Some words.", **SMALL):
                    pass
            assert trio.current_time() == before + 30
            assert network.server.journal.contexts == ()


async def test_the_breaker_closes(autojump_clock):
    """A connection that lasts closes the breaker, and contexts are put on it after a second."""
    async with service() as (client, network):
        async with client.tts.websocket_pool(max_contexts=2) as pool:
            while not pool.statistics().is_breaker_open:
                await trio.sleep(0.01)
                network.reset_all()
            await speak(pool)
            assert trio.current_time() >= network.attempts[-1] + 1
            assert pool.statistics().is_breaker_open
            await trio.sleep(5)
            assert not pool.statistics().is_breaker_open


async def test_more_connections_than_the_plan_allows(autojump_clock):
    """Where the service refuses a further connection, contexts share those that there are."""
    plan = Plan(name="own", tts_concurrency=1, stt_concurrency=1)  # ten sockets
    async with service(plan=plan) as (client, _), trio.open_nursery() as nursery:

        async def hold():
            async with client.tts.websocket_connect():
                await trio.sleep_forever()

        for _ in range(9):
            nursery.start_soon(hold)
        await trio.sleep(1)
        async with client.tts.websocket_pool(max_contexts=6, max_connections=4) as pool:
            async with trio.open_nursery() as speakers:
                for _ in range(6):
                    speakers.start_soon(speak, pool)
            numbers = pool.statistics()
            assert (numbers.connections_open, numbers.connections_opened) == (1, 1)
            assert numbers.connect_failures >= 1
        nursery.cancel_scope.cancel()
