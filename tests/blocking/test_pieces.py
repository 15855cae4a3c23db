"""Texts from iterators that block."""

from __future__ import annotations

import threading

import pytest

from tests.blocking.support import blocking_pair
from tests.support import SETTINGS
from trio_cartesia import LocalProtocolError


def received(pair, context_id="a"):
    """Return the transcripts that the peer received, up to the final one."""
    found = []
    while True:
        request = pair.peer("receive")
        if request["transcript"]:
            found.append(request["transcript"])
        if not request["continue"]:
            return "".join(found)


def test_feed_makes_pieces_in_the_calling_thread():
    """`feed` iterates in the thread that called it, where the iterator may block."""
    threads = set()

    def pieces():
        for piece in ("One ", "", "two."):
            threads.add(threading.current_thread())
            yield piece

    with blocking_pair() as pair, pair.connection.context(**SETTINGS) as context:
        context.feed(pieces())
        assert received(pair) == "One two."
    assert threads == {threading.current_thread()}


def test_feed_takes_a_str():
    """A str goes out as one message that ends the text."""
    with blocking_pair() as pair, pair.connection.context(**SETTINGS) as context:
        context.feed("Hello.")
        request = pair.peer("receive")
        assert (request["transcript"], request["continue"]) == ("Hello.", False)


def test_feed_raises_what_the_iterator_raises():
    """An error of the iterator leaves `feed`, and the context takes more text."""

    def pieces():
        yield "One "
        raise ZeroDivisionError

    with blocking_pair() as pair, pair.connection.context(**SETTINGS) as context:
        with pytest.raises(ZeroDivisionError):
            context.feed(pieces())
        context.feed(["two."])
        assert received(pair) == "One two."


async def asynchronous():  # noqa: ASYNC124  # that it is one is the point
    yield "Hello."


@pytest.mark.parametrize("pieces", [None, 1, asynchronous()])
def test_what_is_no_text_is_refused(pieces):
    """Neither `feed` nor `speak` takes anything but texts, and asynchronous ones are pointed to
    the asynchronous face.
    """
    with blocking_pair() as pair, pair.connection.context(**SETTINGS) as context:
        with pytest.raises(LocalProtocolError, match="an iterable of str"):
            context.feed(pieces)
        with pytest.raises(LocalProtocolError, match="an iterable of str"):
            pair.connection.speak(pieces, **SETTINGS)


def test_speak_makes_pieces_in_another_thread():
    """`speak` pushes pieces while its block runs, so another thread makes them."""
    threads = set()

    def pieces():
        for piece in ("One ", "two."):
            threads.add(threading.current_thread())
            yield piece

    with blocking_pair() as pair, pair.connection.speak(pieces(), **SETTINGS):
        assert received(pair) == "One two."
    assert threading.current_thread() not in threads


def test_a_loop_raises_what_the_iterator_of_speak_raises():
    """An error of the iterator is raised by the receive loop, after the events before it."""

    def pieces():
        yield "One."
        raise ZeroDivisionError

    with blocking_pair() as pair, pair.connection.speak(pieces(), **SETTINGS) as context:
        with pytest.raises(ZeroDivisionError):
            list(context.receive())


def test_leaving_does_not_wait_for_a_piece():
    """Leaving the block of `speak` waits for no iterator, which may block for long."""
    was_left = threading.Event()

    def pieces():
        yield "One."
        was_left.wait()

    with blocking_pair() as pair:
        with pair.connection.speak(pieces(), **SETTINGS, context_id="a"):
            assert pair.peer("receive")["transcript"] == "One."
        pair.peer("receive_cancel", "a")
        was_left.set()
