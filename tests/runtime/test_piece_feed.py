"""Pieces that end inside a tag or a number: when what is held is sent, and what becomes of it."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, received_audio, requests_until_quiet
from trio_cartesia import ConnectionLost, ContextExpired, LocalProtocolError, speakable
from trio_cartesia._runtime.piece_feed import HELD_SECONDS
from trio_cartesia.testing import connected_pair, on_virtual_time


async def paced(*pieces):
    """Yield texts, and sleep for numbers."""
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        else:
            await trio.sleep(piece)


async def inputs_of(*pieces, **settings):
    """Return what was sent, and when, in seconds."""
    inputs, started = [], trio.current_time()
    async with connected_pair() as (connection, peer):
        async with connection.speak(paced(*pieces), **(SETTINGS | settings), context_id="a"):
            while True:
                request = await peer.receive()
                inputs.append((request["transcript"], trio.current_time() - started))
                if not request["continue"]:
                    return inputs


async def test_a_number_is_held_for_half_a_second_at_most(autojump_clock):
    """A model that pauses behind a number does not keep it from being spoken."""
    inputs = await inputs_of("At 10.", 3, " Bye.")
    assert inputs == [("At ", 0), ("10.", HELD_SECONDS), (" Bye.", 3), ("", 3)]


async def test_the_time_counts_from_the_first_of_it(autojump_clock):
    """A number that goes on for longer is sent in parts; a new one has its own time."""
    inputs = await inputs_of("Pi: 3", 0.3, ".1", 0.3, "4", 0.4, " or 22", 0.3, "/7 ")
    assert inputs == [("Pi: ", 0), ("3.1", 0.5), ("4 or ", 1), ("22/7 ", 1.3), ("", 1.3)]


async def test_markup_is_held_until_it_is_whole(autojump_clock):
    """No pause makes half a tag be sent, since it would be read aloud."""
    inputs = await inputs_of("Wait", '<break time="1', 10, '.5s"/>', 10, "Go.")
    assert inputs == [("Wait", 0), ('<break time="1.5s"/>', 10), ("Go.", 20), ("", 20)]


async def test_the_end_of_the_text_ends_the_hold(autojump_clock):
    """What is held when the pieces end is the last input."""
    assert await inputs_of("At 10") == [("At ", 0), ("10", 0)]
    assert await inputs_of("Wait <brea") == [("Wait ", 0), ("<brea", 0)]


async def test_blanks_wait_for_a_word(autojump_clock):
    """A text begins with a word, however long that takes."""
    assert await inputs_of("\n\n", 9, "Yes") == [("\n\nYes", 9), ("", 9)]
    assert await inputs_of("\n\n", 9, "10.", 9) == [("\n\n10.", 9.5), ("", 18)]


async def test_inputs_that_are_spoken_alone_are_not_cut(autojump_clock):
    """Without a buffer of the service, sentences go out as they come."""
    inputs = await inputs_of("In 2024.", 3, " Yes", max_buffer_delay_ms=0)
    assert inputs == [("In 2024.", 0), (" Yes", 3), ("", 3)]


async def test_a_text_without_words_is_not_sent(autojump_clock):
    """The service may refuse it, so its context ends with no audio."""
    async with connected_pair() as (connection, peer):
        async with connection.speak(["...", " \u2026"], **SETTINGS) as context:
            assert (await context.collect()).audio == b""
        assert await requests_until_quiet(peer) == []


async def test_text_that_was_pushed_has_begun(autojump_clock):
    """Behind a push, punctuation is sent as it comes."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            await context.push("Hello")
            await context.feed(["!"])
            requests = await requests_until_quiet(peer)
    assert [request["transcript"] for request in requests] == ["Hello", "!", ""]


async def test_held_text_is_unspoken(autojump_clock):
    """If the service ends the context meanwhile, `unspoken` includes the held text."""
    async with connected_pair() as (connection, peer):
        async with connection.speak(paced("At ", "10", 60), **SETTINGS, context_id="a") as context:
            await peer.receive()
            await trio.testing.wait_all_tasks_blocked()
            assert context.statistics().held_characters == 2
            await peer.done("a")
            with pytest.raises(ContextExpired) as caught:
                await received_audio(context)
            assert caught.value.unspoken == ("At ", "10")


async def test_text_after_the_end_is_unspoken(autojump_clock):
    """A held number and the piece after it are not lost if the context ended before both."""

    async def slowly_receive(connection, peer):
        pieces = paced("At ", "10", 2, " sharp. ")
        async with connection.speak(pieces, **SETTINGS, context_id="a") as context:
            await peer.receive()
            await peer.done("a")
            await trio.sleep(5)
            await received_audio(context)

    async with connected_pair() as (connection, peer):
        with pytest.raises(ContextExpired) as caught:
            await slowly_receive(connection, peer)
        assert caught.value.unspoken == ("At ", "10 sharp. ")


async def test_a_loss_is_raised_by_the_next_input(autojump_clock):
    """A connection that is lost while a number is held does no harm before the next input."""

    async def pieces():
        yield "At 10"
        await peer.close()
        await trio.sleep(0.1)
        yield "."
        yield "30"
        await trio.sleep(5)

    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            with pytest.raises(ConnectionLost):
                await context.feed(pieces())
        assert trio.current_time() == 5.1


async def test_nothing_is_held_after_the_feed(autojump_clock):
    """A feed that is cancelled drops what it held; the context stays usable."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            with trio.move_on_after(0.1):
                await context.feed(paced("At 10", 5))
            assert context.statistics().held_characters == 0
            await context.push("Never mind.")
            requests = await requests_until_quiet(peer)
    assert [request["transcript"] for request in requests] == ["At ", "Never mind."]


@given(pieces=st.lists(st.sampled_from(["a ", "1", ".5", "$", "<break", " b"]) | st.floats(0, 2)))
@on_virtual_time
async def test_the_order_is_kept_whatever_the_pace(pieces):
    """However slowly pieces come, their inputs are they, in order."""
    inputs = await inputs_of("Go ", *pieces)
    text = "Go " + "".join(piece for piece in pieces if isinstance(piece, str))
    assert "".join(transcript for transcript, _ in inputs) == text


async def test_a_piece_that_is_no_text_fails_the_context(autojump_clock):
    """The receive loop says which type came."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError, match="must be a str, not int"):
            async with connection.speak(["a", 5], **SETTINGS) as context:
                await context.collect()


async def test_speakable_pieces_are_closed_with_the_block(autojump_clock):
    """The generator inside is closed by `speak`, as it is without `speakable` around it."""
    closed = []

    async def pieces():
        try:
            yield "**Hello** there."
            await trio.sleep_forever()
        finally:
            closed.append(trio.current_time())

    async with connected_pair() as (connection, peer):
        spoken = speakable(pieces())
        async with connection.speak(spoken, **SETTINGS):
            assert (await peer.receive())["transcript"] == "Hello there."
            await trio.sleep(1)
        assert closed == [1]
        assert spoken.source_span(0, 5) == (2, 7)


async def test_speakable_pieces_may_come_from_any_iterator(autojump_clock):
    """A source that is no generator is iterated, and left open."""
    send, receive = trio.open_memory_channel(5)
    async with connected_pair() as (connection, peer):
        for piece in ("# He", "llo\n", "*world", "*"):
            send.send_nowait(piece)
        send.close()
        async with connection.speak(speakable(receive), **SETTINGS):
            requests = await requests_until_quiet(peer)
        assert "".join(request["transcript"] for request in requests) == "Hello.\nworld"
        assert receive.statistics().tasks_waiting_receive == 0
