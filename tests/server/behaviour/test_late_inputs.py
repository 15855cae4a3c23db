from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair

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
    words,
)
from trio_cartesia.server import Behaviour
from trio_cartesia.server.tts import session as speech


@pytest.mark.parametrize("name", ["unknown", "done", "expired", "cancelled"])
@on_virtual_time
async def test_a_cancel_for_nobody_may_be_an_error(name: str) -> None:
    """With `cancel_unknown=error`, cancels of ids that are unknown or over get a 400 with the id
    (T8).
    """
    async with connected(behaviour=Behaviour(cancel_unknown="error")) as (client, _):
        await client.speak(generation("done", "Hello."))
        await client.send(generation("expired", "Hello. ", flush=True) | MORE)
        await client.receive_until_over("expired")
        await client.send(generation("cancelled", "Hello") | MORE)
        await client.speak(cancel("cancelled"))
        error = await client.ask(cancel(name))
        assert is_error(error, name)
        assert error["title"] == "Context not found"


@on_virtual_time
async def test_a_second_cancel_is_no_error() -> None:
    """A context that was cancelled and still speaks is known, so another cancel changes nothing."""
    behaviour = Behaviour(cancel_unknown="error")
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, _):
        await client.send(generation("a", TWO_SENTENCES * 5))
        await client.send(cancel("a"))
        await client.send(cancel("a"))
        assert (await client.receive_until_over("a"))[-1]["type"] == "done"


@on_virtual_time
async def test_late_inputs_may_be_ignored() -> None:
    """With `late_input=ignore`, inputs after the final one, a cancel or the end do nothing (T9)."""
    behaviour = Behaviour(late_input="ignore")
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES * 5))
        await client.send(generation("a", "More."))
        events = await client.receive_until_over("a")
        assert events[-1]["type"] == "done"
        assert audio(events) == await tones(TWO_SENTENCES * 5)
        await client.send(generation("b", TWO_SENTENCES * 5))
        await client.send(cancel("b"))
        await client.send(generation("b", "More."))
        assert (await client.receive_until_over("b"))[-1]["type"] == "done"
        for name in "ab":
            await client.send(generation(name, "More."))
        assert audio(await client.speak(generation("c", "Hello."))) == await tones("Hello.")
        assert [record.ended for record in server.journal.contexts] == ["done", "cancelled", "done"]


@pytest.mark.slow
@given(late=st.lists(st.sampled_from(["One. ", "Two. ", "", "Three"]), max_size=5))
@on_virtual_time
async def test_late_inputs_may_open_a_new_context(late: list[str]) -> None:
    """With `late_input=new_context`, what comes late is spoken after `done`, as its own context."""
    behaviour = Behaviour(late_input="new_context")
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES))
        for text in late:
            await client.send(generation("a", text, add_timestamps=True) | MORE)
        await client.send(generation("a", "End.", add_timestamps=True))
        first, second = [await client.receive_until_over("a") for _ in range(2)]
        assert audio(first) == await tones(TWO_SENTENCES)
        assert first[-1]["type"] == second[-1]["type"] == "done"
        text = "".join([*late, "End."])
        assert audio(second) == await tones(text)
        assert [word for word, _, _ in words(second)] == text.split()
        assert words(second)[0][1] == 0  # times count from the new context's start
        assert [record.ended for record in server.journal.contexts] == ["done", "done"]


@on_virtual_time
async def test_an_ended_id_may_be_used_again() -> None:
    """With `late_input=new_context`, an id that is over opens a new context, and counts as one."""
    async with connected(behaviour=Behaviour(late_input="new_context"), plan="free") as (client, _):
        for _ in range(3):
            assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")
        for name in "bc":
            await client.send(generation(name, "Good") | MORE)
        assert (await client.ask(generation("a", "Hello.")))["status_code"] == 429


@on_virtual_time
async def test_late_inputs_end_with_a_cancel() -> None:
    """A cancel drops what waits for the end of its context, too."""
    behaviour = Behaviour(late_input="new_context")
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES * 5))
        await client.send(generation("a", "More."))
        await client.send(cancel("a"))
        assert (await client.receive_until_over("a"))[-1]["type"] == "done"
        await trio.sleep(1)
        assert len(server.journal.contexts) == 1


@pytest.mark.parametrize("limit", ["characters", "inputs"])
@on_virtual_time
async def test_so_much_may_come_late(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Text that waits for the end of its context is bounded, and so is the number of inputs."""
    monkeypatch.setattr(speech, "MAX_LATE", 3)
    behaviour = Behaviour(late_input="new_context", max_waiting_characters=60)
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, _):
        await client.send(generation("a", TWO_SENTENCES[:60]))
        sizes = [50, 50] if limit == "characters" else [1, 1, 1, 1]
        for size in sizes:
            await client.send(generation("a", "x" * size) | MORE)
        *_, error = await client.receive_until_over("a")
        assert (error["type"], error["status_code"]) == ("error", 400)
        assert "Too much text" in error["message"]


@on_virtual_time
async def test_a_late_input_may_find_no_room() -> None:
    """What waited for the end of its context is refused then, if the plan has no room for it."""
    ways = {"behaviour": Behaviour(late_input="new_context"), "plan": "free"}
    async with connected(**ways, pair=lockstep_stream_pair) as (client, _):
        await client.send(generation("b", "Good", max_buffer_delay_ms=5000) | MORE)
        await client.send(generation("a", "Hi."))
        assert kinds([await client.receive()]) == ["chunk"]
        await trio.testing.wait_all_tasks_blocked()  # `done` is on its way
        await client.send(generation("a", "More."))
        await client.send(generation("c", "Hello."))
        events = await client.receive_until_over("a")
        assert kinds(events) == ["done"]
        events = await client.receive_until_over("a", "c")
        error = next(event for event in events if event["context_id"] == "a")
        assert (error["type"], error["status_code"]) == ("error", 429)
        assert audio(events, "c") == await tones("Hello.")
