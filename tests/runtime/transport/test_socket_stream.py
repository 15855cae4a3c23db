"""Sockets, as they are read."""

from __future__ import annotations

import threading

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._runtime.transport.socket_stream import (
    SocketStream,
    wrap_socket_stream,
)
from trio_cartesia.testing import bounded_stream_pair, on_virtual_time


def pair() -> tuple[SocketStream, trio.SocketStream]:
    """A reader of one end of a pair of sockets, and the other end."""
    near, far = trio.socket.socketpair()
    reader = wrap_socket_stream(trio.SocketStream(near))
    assert reader is not None
    return reader, trio.SocketStream(far)


@pytest.mark.slow
@given(
    sizes=st.lists(st.integers(1, 50_000), max_size=6),
    room=st.sampled_from([1000, 2**14, 2**20]),
    buffered=st.booleans(),
)
@on_virtual_time
async def test_every_byte_is_read_once_and_in_order(sizes, room, buffered):
    """What is sent is what is read, whatever its pieces and whichever way it is
    read; then it ends.
    """
    reader, far = pair()
    said, heard = bytearray(), bytearray()
    buffer = memoryview(bytearray(room))

    async def say() -> None:
        for number, size in enumerate(sizes):
            said.extend(bytes([number]) * size)
            await far.send_all(bytes([number]) * size)
        await far.aclose()

    async with reader, trio.open_nursery() as nursery:
        nursery.start_soon(say)
        while True:
            if buffered:
                piece = bytes(buffer[: await reader.receive_into(buffer)])
            else:
                piece = await reader.receive_some(room)
            if not piece:
                break
            heard += piece
    assert heard == said


@on_virtual_time
async def test_a_read_respects_its_limit():
    """A read returns at most the requested number of bytes, at least one, and keeps the others."""
    reader, far = pair()
    async with reader, far:
        await reader.wait_send_all_might_not_block()
        await far.send_all(b"abcdef")
        assert [await reader.receive_some(size) for size in (1, 2, 100)] == [b"a", b"bc", b"def"]


@on_virtual_time
async def test_being_cancelled_loses_no_byte():
    """A read that is cancelled while it waits has taken nothing."""
    reader, far = pair()
    async with reader, far:
        with trio.move_on_after(5):
            await reader.receive_some()
        await far.send_all(b"abc")
        with trio.CancelScope() as scope:
            scope.cancel()
            await reader.receive_some()
        assert await reader.receive_some() == b"abc"


@on_virtual_time
async def test_the_ends_of_a_socket_have_names():
    """A reset raises BrokenResourceError, and closing our own end ClosedResourceError, even while
    another task waits.
    """
    reader, far = pair()
    await reader.send_all(b"never read")
    await far.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await reader.receive_some()
    await reader.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await reader.receive_some()

    reader, far = pair()
    async with far, trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await reader.receive_some()
            with pytest.raises(trio.ClosedResourceError):
                await reader.receive_some()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await reader.aclose()


def test_only_trios_streams_over_sockets_are_read_so():
    """Any other stream is left to read itself."""
    assert wrap_socket_stream(bounded_stream_pair()[0]) is None
    stream = trio.SocketStream.__new__(trio.SocketStream)
    stream.socket = object()  # of somebody's own making, without a descriptor
    assert wrap_socket_stream(stream) is None


@on_virtual_time
async def test_a_reader_without_a_callback_waits():
    """A reader without a callback for waits just waits."""
    near, far = trio.socket.socketpair()
    reader = wrap_socket_stream(trio.SocketStream(near))
    assert reader is not None
    async with reader, trio.SocketStream(far), trio.open_nursery() as nursery:
        nursery.start_soon(trio.SocketStream(far).send_all, b"x")
        assert await reader.receive_some() == b"x"
        with trio.move_on_after(1) as patience:
            await reader.receive_some()
        assert patience.cancelled_caught


@on_virtual_time
async def test_a_read_of_nothing_is_refused():
    """To ask for no bytes is an error, as with Trio's own: it would look like the end."""
    reader, far = pair()
    async with reader, far:
        with pytest.raises(ValueError, match="1 or more"):
            await reader.receive_some(0)


def test_connections_that_share_a_read_buffer_get_their_own_bytes():
    """The connections of a thread share a read buffer, and each gets only its own bytes."""

    async def read(letter: bytes, heard: list[bytes]) -> None:
        reader, far = pair()
        async with reader, far, trio.open_nursery() as nursery:
            nursery.start_soon(far.send_all, letter * 2**20)
            rest = 2**20
            while rest:
                heard.append(await reader.receive_some())
                rest -= len(heard[-1])

    async def read_both(letters: tuple[bytes, bytes], heard: dict[bytes, list[bytes]]) -> None:
        async with trio.open_nursery() as nursery:
            for letter in letters:
                nursery.start_soon(read, letter, heard.setdefault(letter, []))

    heard: dict[bytes, list[bytes]] = {}
    threads = [
        threading.Thread(target=trio.run, args=(read_both, letters, heard))
        for letters in ((b"a", b"b"), (b"c", b"d"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {letter: b"".join(pieces) for letter, pieces in heard.items()} == {
        letter: letter * 2**20 for letter in (b"a", b"b", b"c", b"d")
    }
