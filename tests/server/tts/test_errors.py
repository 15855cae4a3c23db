from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import lockstep_stream_pair

from tests.server.support import (
    MORE,
    OTHER_FIELDS,
    TWO_SENTENCES,
    audio,
    cancel,
    closed,
    connected,
    generation,
    is_error,
    kinds,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour
from trio_cartesia.server.tts import context


@on_virtual_time
async def test_an_empty_input_is_ignored() -> None:
    """An input without text that is neither a flush nor final does nothing, even if it is the
    first.
    """
    async with connected() as (client, server):
        await client.send(generation("a") | MORE)
        await trio.sleep(10)
        assert not server.journal.contexts
        await client.send(generation("a", "Good ") | MORE)
        await client.send(generation("a") | MORE)
        events = await client.speak(generation("a", "day."))
        assert audio(events) == await tones("Good day.")


@on_virtual_time
async def test_an_empty_only_input_is_an_error() -> None:
    """A context whose first input is final and empty is refused, and its id is used up."""
    async with connected() as (client, _):
        event = await client.ask(generation("a"))
        assert is_error(event, "a")
        assert closed(await client.ask(generation("a", "Hello.")), "a")


@pytest.mark.parametrize("change", OTHER_FIELDS)
@on_virtual_time
async def test_what_must_stay_the_same_is_checked_with_text_alone(change: dict[str, Any]) -> None:
    """Text with another model, voice, language or format ends the context; no text, no harm."""
    async with connected() as (client, _):
        for name in "ab":
            await client.send(generation(name, "Good") | MORE)
        assert closed(await client.ask(generation("a", " day.", **change)), "a")
        events = await client.speak(generation("b", **change))
        assert audio(events) == await tones("Good")


@on_virtual_time
async def test_the_delivery_may_change() -> None:
    """Each sentence is spoken as its first character was to be."""
    loud = {"generation_config": {"volume": 2.0, "speed": 0.6, "emotion": "Happy"}}
    async with connected() as (client, _):
        await client.send(generation("a", "One. Two ") | MORE)
        events = await client.speak(generation("a", "and. Three.", **loud))
        quiet, changed = await tones("One. Two and. "), await tones("Three.", volume=2.0, speed=0.6)
        assert audio(events) == quiet + changed


@pytest.mark.parametrize("late", ["more", ""])
@on_virtual_time
async def test_an_ended_context_takes_nothing(late: str) -> None:
    """Inputs for a context that is done, cancelled or expired are refused and start nothing."""
    async with connected() as (client, server):
        await client.speak(generation("done", "Hello."))
        await client.send(generation("expired", "Hello. Yes") | MORE)
        await client.receive_until_over("expired")
        await client.send(generation("cancelled", "Hello") | MORE)
        await client.speak(cancel("cancelled"))
        for name in ("done", "expired", "cancelled"):
            assert closed(await client.ask(generation(name, late)), name)
        assert len(server.journal.contexts) == 3
        assert [record.ended for record in server.journal.contexts] == [
            "done",
            "expired",
            "cancelled",
        ]


@on_virtual_time
async def test_an_input_after_the_final_one_ends_the_context() -> None:
    """More text for a context that is finishing is an error, and an error is the last event."""
    async with connected(pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES * 5))
        await client.send(generation("a", "More."))
        events = await client.receive_until_over("a")
        assert closed(events[-1], "a")
        assert len(audio(events)) < len(await tones(TWO_SENTENCES * 5))
        assert server.journal.context("a").ended == "error"


@on_virtual_time
async def test_a_context_holds_so_much_text() -> None:
    """Text beyond what may wait ends its context with an error, and no other."""
    async with connected(behaviour=Behaviour(max_waiting_characters=10)) as (client, _):
        for name in "ab":
            await client.send(generation(name, "Good ") | MORE)
        event = await client.ask(generation("a", "morning"))
        assert (event["status_code"], event["context_id"]) == (400, "a")
        assert audio(await client.speak(generation("b", "day."))) == await tones("Good day.")


@on_virtual_time
async def test_a_context_holds_so_many_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """However short they are, no more inputs wait than a context may hold."""
    monkeypatch.setattr(context, "MAX_WAITING", 3)
    async with connected() as (client, _):
        for _ in range(3):
            await client.send(generation("a", "x") | MORE)
        event = await client.ask(generation("a", "x") | MORE)
        assert (event["status_code"], event["context_id"]) == (400, "a")


@on_virtual_time
async def test_an_account_has_so_many_contexts() -> None:
    """One context too many is refused with 429, and may be opened as soon as another has ended."""
    async with connected(plan="free") as (client, server):
        for name in "ab":
            await client.send(generation(name, "Good") | MORE)
        for _ in range(2):
            event = await client.ask(generation("c", "Hello."))
            assert (event["type"], event["context_id"], event["done"]) == ("error", "c", True)
            assert (event["status_code"], event["error_code"]) == (429, "concurrency_limited")
        assert len(server.journal.contexts) == 2
        assert audio(await client.speak(generation("a", " day."))) == await tones("Good day.")
        for number in range(20):
            last = (await client.speak(generation(str(number), "Hello.")))[-1]
            assert last["type"] == "done"


@on_virtual_time
async def test_old_ids_are_forgotten() -> None:
    """Of ended ids only so many are known; an older one is as good as new."""
    async with connected(behaviour=Behaviour(remembered_contexts=2)) as (client, _):
        for name in "abc":
            await client.speak(generation(name, "Hello."))
        assert closed(await client.ask(generation("b", "Hello.")), "b")
        assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")


@on_virtual_time
async def test_an_input_that_crosses_done_is_refused_after_it() -> None:
    """An input that comes while `done` is on its way is answered by an error behind it."""
    async with connected(pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", "Hi."))
        assert kinds([await client.receive()]) == ["chunk"]
        await trio.testing.wait_all_tasks_blocked()
        await client.send(generation("a", "More."))
        done, error = await client.receive(), await client.receive()
        assert done["type"] == "done"
        assert closed(error, "a")
        assert server.journal.context("a").ended == "done"
