from __future__ import annotations

import itertools
import os

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say.standard_input import PIECE_CHARACTERS, Lines, StandardInput

texts = st.lists(
    st.sampled_from(["one", "zwei drei ", "\n", "\n\n", " ", "\r\n", "é", "𝄞", ". ", "x" * 4100])
).map("".join)


def pieces_of(parts: list[bytes]) -> list[str]:
    lines = Lines()
    return [piece for part in [*parts, b""] for piece in lines.take(part)]


@pytest.mark.slow
@given(text=texts, cuts=st.lists(st.integers(0, 50_000)))
def test_pieces_do_not_depend_on_how_bytes_arrive(text: str, cuts: list[int]) -> None:
    """However the bytes are split, the pieces are the same."""
    data = text.encode()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    parts = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert pieces_of([part for part in parts if part]) == pieces_of([data] if data else [])


@given(text=texts)
def test_nothing_but_blanks_is_left_out(text: str) -> None:
    """All words come, in order; no piece is blank or too long, and none goes past a line's end."""
    pieces = pieces_of([text.encode()]) if text else pieces_of([])
    assert "".join(pieces).split() == text.split()
    for piece in pieces:
        assert piece.strip()
        assert len(piece) <= PIECE_CHARACTERS
        assert "\n" not in piece[:-1]


def test_a_line_is_a_piece_as_soon_as_it_ends() -> None:
    """Only the line that is not finished waits, and the end of the input finishes it."""
    lines = Lines()
    assert lines.take(b"One.\nTw") == ["One.\n"]
    assert lines.take(b"o") == []
    assert lines.take(b".\nThree") == ["Two.\n"]
    assert lines.take(b"") == ["Three"]


def test_a_long_line_is_cut_after_a_sentence() -> None:
    """Where a line is too long, it is cut behind the last sentence that fits."""
    sentence = "It goes on and on, and on. "
    pieces = pieces_of([sentence.encode() * 1000])
    assert len(pieces) > 1
    assert all(piece.endswith(". ") for piece in pieces)


def test_what_is_not_utf_8_stops_nothing() -> None:
    """Bytes that are no text become replacement characters, and a byte order mark goes."""
    assert pieces_of([b"\xef\xbb\xbfa \xff b\n"]) == ["a � b\n"]


async def test_pieces_come_while_the_writer_writes() -> None:
    """A line is there as soon as it was written; the end of the input ends the iteration."""
    reader, writer = os.pipe()
    try:
        pieces = StandardInput(reader)
        os.write(writer, b"One.\n")
        assert await anext(pieces) == "One.\n"
        os.write(writer, b"Two.")
        os.close(writer)
        assert [piece async for piece in pieces] == ["Two."]
    finally:
        os.close(reader)


async def test_waiting_for_a_line_can_be_cancelled() -> None:
    """Other tasks run while a line is waited for, and who waits can be stopped."""
    reader, writer = os.pipe()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(StandardInput(reader).__anext__)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert nursery.cancel_scope.cancelled_caught
    finally:
        os.close(writer)  # the thread reads the end, and ends


async def test_input_that_cannot_be_read_is_reported() -> None:
    """A descriptor that is closed is an error that says so."""
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    with pytest.raises(UsageError, match="standard input"):
        await anext(StandardInput(reader))
