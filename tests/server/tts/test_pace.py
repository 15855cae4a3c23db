"""How quickly audio is made (protocol §2.13)."""

from __future__ import annotations

import math

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import audio, connected, generation, on_virtual_time
from trio_cartesia.server import Behaviour

TEXT = "A sentence of some length, which takes a while. " * 8


@given(times=st.floats(1, 1000))
@on_virtual_time
async def test_audio_takes_its_time(times: float) -> None:
    """So many seconds of audio take so many times fewer, but for the first
    chunk, which is at once.
    """
    async with connected(behaviour=Behaviour(times_real_time=times)) as (client, _):
        await client.send(generation("a", TEXT))
        first = await client.receive()
        assert first["type"] == "chunk"
        assert trio.current_time() == 0
        spoken = audio([first, *await client.receive_until_over("a")])
        played = len(spoken) / 16000
        assert played / times * 0.5 < trio.current_time() <= played / times + 1e-6


@pytest.mark.parametrize("others", [1, 7])
async def test_contexts_take_turns(others: int, autojump_clock: object) -> None:
    """Contexts that speak at the same time are interleaved on the wire."""
    names = ["a", *map(str, range(others))]
    async with connected() as (client, _):
        for name in names:
            await client.send(generation(name, TEXT))
        events = await client.receive_until_over(*names)
    order = [event["context_id"] for event in events if event["type"] == "chunk"]
    first_round = order[: len(names)]
    assert sorted(first_round) == sorted(names)


async def test_without_a_pace_all_is_made_at_once(autojump_clock: object) -> None:
    """Infinity takes no time at all."""
    async with connected(behaviour=Behaviour(times_real_time=math.inf)) as (client, _):
        await client.send(generation("a", TEXT))
        await client.receive_until_over("a")
        assert trio.current_time() == 0
