"""How the service takes what clients send, where the protocol leaves that open (§7.1)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair

from tests.server.support import (
    S16,
    TWO_SENTENCES,
    Closed,
    audio,
    closed,
    connected,
    examples,
    generation,
    kinds,
    on_virtual_time,
    tones,
    words,
)
from trio_cartesia.server import Behaviour
from trio_cartesia.server.tts import session as speech

MORE = {"continue": True}
PUNCTUATION = st.characters(categories=["P"])
WORDLESS = st.text(st.sampled_from(" \t\n\xa0") | PUNCTUATION, min_size=1, max_size=5)


def cancel(context_id: str) -> dict[str, Any]:
    return {"context_id": context_id, "cancel": True}


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
        assert (error["type"], error["context_id"], error["status_code"]) == ("error", name, 400)
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
@examples
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


@pytest.mark.parametrize(
    "change",
    [
        {"model_id": "sonic-2"},
        {"voice": {"id": "6ccbfb76-1fc6-48f7-b71d-91ac6298247c"}},
        {"locale": "en-GB"},
        {"output_format": {**S16, "sample_rate": 16000}},
    ],
)
@on_virtual_time
async def test_changed_fields_may_be_accepted(change: dict[str, Any]) -> None:
    """Without `strict_context_fields`, a context speaks on with its own settings (T11)."""
    async with connected(behaviour=Behaviour(strict_context_fields=False)) as (client, _):
        await client.send(generation("a", "Good") | MORE)
        events = await client.speak(generation("a", " day.", **change))
        assert audio(events) == await tones("Good day.")


@on_virtual_time
async def test_an_empty_context_may_be_done() -> None:
    """With `empty_context=done`, an only input without text is done at once,
    and its id used (T12).
    """
    async with connected(behaviour=Behaviour(empty_context="done")) as (client, server):
        assert kinds([await client.ask(generation("a"))]) == ["done"]
        assert closed(await client.ask(generation("a", "Hello.")), "a")
        assert server.journal.context("a").ended == "done"


@given(text=WORDLESS, continues=st.booleans())
@on_virtual_time
async def test_a_start_without_words_may_be_an_error(text: str, continues: bool) -> None:
    """With `wordless_start=error`, a first text of white space and punctuation is a 400 with its
    id, and otherwise it is no error (T12, E4).
    """
    first = generation("a", text) | (MORE if continues else {})
    async with connected(behaviour=Behaviour(wordless_start="error")) as (client, server):
        error = await client.ask(first)
        assert (error["type"], error["context_id"], error["status_code"]) == ("error", "a", 400)
        assert not server.journal.contexts
        assert audio(await client.speak(generation("b", "Hello. "))) == await tones("Hello. ")
    async with connected() as (client, _):
        await client.send(generation("a", text) | MORE)
        assert (await client.speak(generation("a")))[-1]["type"] == "done"


@given(
    before=WORDLESS | st.just(""),
    word=st.characters(categories=["L", "N", "S"]),
    after=WORDLESS | st.just(""),
)
@on_virtual_time
async def test_symbols_are_words(before: str, word: str, after: str) -> None:
    """With `wordless_start=error`, a letter, a digit, a symbol such as ``$`` or an emoji is enough
    for a first text to be spoken.
    """
    async with connected(behaviour=Behaviour(wordless_start="error")) as (client, _):
        events = await client.speak(generation("a", before + word + after))
        assert kinds(events)[-1] == "done"


@on_virtual_time
async def test_an_empty_input_may_be_an_error() -> None:
    """With `empty_input=error`, an input that asks for nothing is a 400 with its id (T13)."""
    async with connected(behaviour=Behaviour(empty_input="error")) as (client, server):
        error = await client.ask(generation("a") | MORE)
        assert (error["type"], error["context_id"], error["status_code"]) == ("error", "a", 400)
        assert not server.journal.contexts
        await client.send(generation("a", "Good") | MORE)
        error = await client.ask(generation("a") | MORE)
        assert (error["type"], error["context_id"], error["status_code"]) == ("error", "a", 400)
        assert server.journal.context("a").ended == "error"


@on_virtual_time
async def test_an_empty_flush_may_say_nothing() -> None:
    """With `empty_flush=nothing`, a flush without text since the last one is not answered (T14)."""
    flush = generation("a", flush=True) | MORE
    async with connected(behaviour=Behaviour(empty_flush="nothing")) as (client, server):
        for text in ("", "Hello. ", "", "", "Bye."):
            if text:
                await client.send(generation("a", text) | MORE)
            await client.send(flush)
        events = await client.speak(generation("a"))
        assert kinds(events) == ["chunk", "flush_done", "chunk", "flush_done", "done"]
        assert [event.get("flush_id") for event in events[:-1]] == [1, 1, 2, 2]
        assert server.journal.context("a").flushes == 2


@pytest.mark.slow
@examples
@given(delay=st.integers(1, 5000), pauses=st.lists(st.floats(0, 0.9), max_size=6))
@on_virtual_time
async def test_the_delay_may_count_from_the_last_input(delay: int, pauses: list[float]) -> None:
    """With `buffer_timer=last`, each input starts the buffer delay anew (T16)."""
    settings = {"max_buffer_delay_ms": delay, "continue": True}
    behaviour = Behaviour(buffer_timer="last", chunk_bytes=65536)
    async with connected(behaviour=behaviour) as (client, _):
        await client.send(generation("a", "Good", **settings))
        for pause in pauses:
            await trio.sleep(pause * delay / 1000)
            await client.send(generation("a", " and", **settings))
        start = trio.current_time()
        chunk = await client.receive()
        assert audio([chunk]) == await tones("Good" + " and" * len(pauses))
        assert trio.current_time() - start == pytest.approx(delay / 1000)


@on_virtual_time
async def test_complete_sentences_do_not_wait_for_the_timer() -> None:
    """Whichever text the delay counts from, a complete sentence is spoken at once."""
    async with connected(behaviour=Behaviour(buffer_timer="last")) as (client, _):
        await client.send(generation("a", "Good morning. And") | MORE)
        assert audio([await client.receive()]) == await tones("Good morning. ")
        assert trio.current_time() == 0


@on_virtual_time
async def test_a_binary_message_may_end_the_connection() -> None:
    """With `binary_frame=close`, a binary message closes with 1003, and an error by default."""
    async with connected() as (client, _):
        error = await client.ask(b"{}")
        assert (error["status_code"], "context_id" in error) == (400, False)
    async with connected(behaviour=Behaviour(binary_frame="close")) as (client, server):
        await client.send(generation("a", "Good") | MORE)
        await client.send(b"{}")
        with pytest.raises(Closed) as caught:
            await client.receive()
        assert caught.value.code == 1003
        assert server.journal.context("a").ended == "lost"


@on_virtual_time
async def test_a_message_may_be_so_long() -> None:
    """A message of a mebibyte is heard, and a longer one closes the connection with 1009 (T24)."""
    longest = 1024 * 1024 - len(str(generation("a"))) - 100
    async with connected() as (client, server):
        await client.send(generation("a", "x" * longest) | MORE)
        await client.send(cancel("a"))
        await client.receive_until_over("a")
        assert server.journal.context("a").characters == longest
        await client.send(generation("b", "x" * 1024 * 1024))
        with pytest.raises(Closed) as caught:
            await client.receive_until_over("b")
        assert caught.value.code == 1009
