"""Turns, as a session's events give them."""

from __future__ import annotations

from itertools import cycle, pairwise

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.stt.turn_orders import sessions
from tests.runtime.stt.scripted import Script
from trio_cartesia import BadRequest, ConnectionLost, LocalProtocolError, RemoteProtocolError
from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time


def send_one(script, kind, transcript):
    script.send(kind.removeprefix("turn."), *(() if transcript is None else (transcript,)))


def send_all(script, told):
    for turn in told:
        for kind, transcript in turn.events:
            send_one(script, kind, transcript)


@given(sessions(), st.data())
@on_virtual_time
async def test_each_turn_has_its_whole_text_however_much_of_it_is_received(told, data):
    """A turn that is left early, or not iterated, takes nothing from the next one."""
    script = Script()
    send_all(script, told)
    script.end()
    seen = []
    async for turn in script.turns:
        seen.append(turn)
        texts = []
        wanted = data.draw(st.integers(0, 6))
        async for text in turn:
            texts.append(text)
            if len(texts) == wanted:
                break
        if len(texts) < wanted:
            assert (texts or [""])[-1] == turn.text
        assert all(later.startswith(text) for text, later in pairwise(texts))
        assert "" not in texts
    assert [(turn.text, turn.is_complete) for turn in seen] == [
        (turn.text, turn.is_complete) for turn in told
    ]


@given(sessions(), st.lists(st.sampled_from([0, 1]), min_size=1, max_size=20))
@on_virtual_time
async def test_turns_may_be_received_while_the_next_ones_start(told, seconds):
    """Whichever task receives, each turn's own task has its texts, the definitive one last."""
    script, results, pauses = Script(), {}, cycle(seconds)

    async def follow(number, turn):
        texts = [text async for text in turn]
        results[number] = (texts[-1] if texts else "", await turn.end())

    async def speak():
        for turn in told:
            for kind, transcript in turn.events:
                await trio.sleep(next(pauses))
                send_one(script, kind, transcript)
        script.end()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(speak)
        number = 0
        async for turn in script.turns:
            nursery.start_soon(follow, number, turn)
            number += 1
    assert results == {number: (turn.text, turn.text) for number, turn in enumerate(told)}


@on_virtual_time
async def test_a_turn_is_there_the_moment_it_starts():
    """A caller who speaks at that moment can be interrupted at that moment."""
    script = Script()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def speak():
            await trio.sleep(3)
            script.send("start")

        await anext(script.turns)
        assert trio.current_time() == 3


@on_virtual_time
async def test_waiting_for_a_turn_can_be_cancelled_at_each_step():
    """Nothing of the turn is lost, and the wait for it ends the same."""
    script = Script()
    script.send("start")
    turn = await anext(script.turns)
    script.send("update", "a")
    script.send("end", "a b")

    async def wait():
        assert await turn.end() == "a b"

    assert await cancelled_at_each_step(wait) > 1
    assert [text async for text in turn] == ["a b"]


@on_virtual_time
async def test_waiting_for_turns_can_be_cancelled_at_each_step():
    """No turn is lost by it."""
    script, seen = Script(), []
    script.send("start")
    script.send("end", "a")
    script.send("start")

    async def receive():
        seen.append(await anext(script.turns))

    await cancelled_at_each_step(receive)
    await cancelled_at_each_step(receive)
    assert len(seen) == 2
    assert seen[0].text == "a"


@on_virtual_time
async def test_a_second_task_cannot_receive_the_turns():
    """It would get every second turn."""
    script = Script()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def receive():
            await anext(script.turns)

        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match="another task"):
            await anext(script.turns)
        script.send("start")


@on_virtual_time
async def test_a_loss_is_raised_after_what_came():
    """By whatever waits for the turn that it cut, and by the loop over turns."""
    script = Script()
    script.send("start")
    script.send("update", "a")
    script.end(ConnectionLost("cut"))
    turn = await anext(script.turns)
    texts = []
    with pytest.raises(ConnectionLost):
        async for text in turn:
            texts.append(text)  # noqa: PERF401  # texts before the error are kept
    assert texts == ["a"]
    with pytest.raises(ConnectionLost):
        await turn.end()
    with pytest.raises(ConnectionLost):
        await anext(script.turns)
    assert (turn.text, turn.is_over, turn.is_complete) == ("a", True, False)


@on_virtual_time
async def test_an_event_out_of_order_is_an_error_of_the_service():
    """It names the event, and what may come there."""
    script = Script()
    script.send("start")
    script.send("start")
    turn = await anext(script.turns)
    with pytest.raises(RemoteProtocolError, match=r"turn.start in a turn, where only"):
        await turn.end()
    with pytest.raises(RemoteProtocolError):
        await anext(script.turns)


@on_virtual_time
async def test_an_error_event_is_raised_by_all_who_wait_and_the_session_goes_on():
    """Nobody waits for ever for the end of a turn that the service has given up."""
    script, raised = Script(), []
    script.send("start")
    turn = await anext(script.turns)

    async def wait():
        with pytest.raises(BadRequest):
            await turn.end()
        raised.append(turn)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        script.report(BadRequest("no"))
    assert len(raised) == 2
    script.send("end", "a")
    assert await turn.end() == "a"


@on_virtual_time
async def test_events_that_are_not_about_a_turn_are_passed_over():
    """The service may add events."""
    script = Script()
    script.send("start")
    script.send_unknown()
    script.send("end", "a")
    turn = await anext(script.turns)
    assert await turn.end() == "a"
