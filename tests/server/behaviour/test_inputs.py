"""How the service takes what clients send, where the protocol leaves that open (§7.1)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import (
    MORE,
    OTHER_FIELDS,
    Closed,
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

PUNCTUATION = st.characters(categories=["P"])
WORDLESS = st.text(st.sampled_from(" \t\n\xa0") | PUNCTUATION, min_size=1, max_size=5)


@pytest.mark.parametrize("change", OTHER_FIELDS)
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
        assert is_error(error, "a")
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
        assert is_error(error, "a")
        assert not server.journal.contexts
        await client.send(generation("a", "Good") | MORE)
        error = await client.ask(generation("a") | MORE)
        assert is_error(error, "a")
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
