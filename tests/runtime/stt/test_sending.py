"""Audio of a session, from a caller to the wire."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import assert_checkpoints

from tests.runtime.stt.services import SETTINGS, manual_session, messages_until_quiet
from trio_cartesia import ConnectionLost, LocalProtocolError
from trio_cartesia._protocol.stt.audio import STT_ENCODINGS, InputFormat
from trio_cartesia._runtime.stt.audio_sender import AUDIO_QUEUE_BYTES
from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time

PIECE = bytes(range(200)) * 16  # 100 ms

chunks = st.lists(st.binary(max_size=9) | st.text("aé😀", max_size=4).map(str.encode))


def whole(audio: bytes, encoding: str) -> bytes:
    size = InputFormat(encoding=encoding, sample_rate=1).bytes_per_sample
    return audio[: len(audio) // size * size]


@given(chunks, st.sampled_from(STT_ENCODINGS))
@on_virtual_time
async def test_any_cut_of_audio_sends_the_same_whole_samples(chunks, encoding):
    """However audio is cut, and also where it is valid UTF-8, it leaves as binary messages of whole
    samples, all of it but an incomplete one.
    """
    size = InputFormat(encoding=encoding, sample_rate=1).bytes_per_sample
    async with manual_session(encoding=encoding) as (session, peer):
        for chunk in chunks:
            await session.send_audio(chunk)
        messages = await messages_until_quiet(peer)
        assert all(isinstance(message, bytes) for message in messages)
        assert all(message and not len(message) % size for message in messages)
        assert b"".join(messages) == whole(b"".join(chunks), encoding)
        statistics = session.statistics()
        assert statistics.audio_bytes_sent == len(b"".join(messages))
        assert statistics.partial_sample_bytes == len(b"".join(chunks)) % size


async def test_audio_over_a_socket_is_binary(autojump_clock):
    """Audio that leaves in the turn in which it was queued is binary, too, and an array of bytes of
    any kind is taken.
    """
    async with manual_session() as (session, peer):
        for audio in (b"text", bytearray(b"text"), memoryview(b"text")):
            await session.send_audio(audio)
            assert await peer.receive_message() == b"text"


@given(st.lists(st.binary(max_size=9000), max_size=5), st.booleans(), st.booleans())
@on_virtual_time
async def test_feed_sends_pieces_of_100_ms(chunks, is_async, is_paced):
    """Whatever the size of chunks, pieces have 100 ms and leave at real time, without drift."""

    async def produce():
        for chunk in chunks:
            yield chunk
            await trio.sleep(0.01)

    sent_at = []
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:

        async def listen() -> None:
            while True:
                messages.append(await peer.receive_message())
                sent_at.append(trio.current_time() - start)

        messages: list[object] = []
        start = trio.current_time()
        nursery.start_soon(listen)
        pace = "real_time" if is_paced else "as_fast_as_possible"
        await session.feed(produce() if is_async else chunks, pace=pace)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    audio = b"".join(chunks)
    assert b"".join(messages) == audio[: len(audio) // 2 * 2]
    assert all(len(message) == 3200 for message in messages[:-1])
    if is_paced and not is_async:
        assert sent_at == pytest.approx([0.1 * number for number in range(len(messages))])
    elif not is_paced:
        assert all(at <= 0.01 * len(chunks) + 1e-6 for at in sent_at)


async def test_a_source_that_falls_behind_catches_up_within_a_second(autojump_clock):
    """After a source has stalled, audio never leaves more than a second ahead of its pace."""

    async def stalls():
        yield PIECE * 10
        await trio.sleep(60)
        yield PIECE * 30

    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(session.feed, stalls())
        sent_at = []
        for _ in range(40):
            await peer.receive_message()
            sent_at.append(trio.current_time() - start)
    assert sent_at[9] == pytest.approx(0.9)
    assert sent_at[10:21] == pytest.approx([60.9] * 11)
    assert sent_at[21:] == pytest.approx([61 + 0.1 * number for number in range(19)])


async def test_all_bytes_at_once_can_be_fed(autojump_clock):
    """Bytes are one chunk, and no iterable of numbers."""
    async with manual_session() as (session, peer):
        await session.feed(PIECE * 2, pace="as_fast_as_possible")
        assert [await peer.receive_message() for _ in range(2)] == [PIECE] * 2


@pytest.mark.parametrize("pace", ["real_time", "as_fast_as_possible"])
@pytest.mark.parametrize("chunks", [[], [b""], b""])
async def test_a_feed_of_no_audio_is_a_checkpoint(autojump_clock, chunks, pace):
    """A loop over empty recordings lets other tasks run, and can be cancelled."""
    async with manual_session() as (session, _):
        with assert_checkpoints():
            await session.feed(chunks, pace=pace)


async def test_an_iterator_may_raise(autojump_clock):
    """What a source raises reaches the caller of feed as it is, and the session goes on."""

    def broken():
        yield PIECE
        raise OSError("no microphone")

    async with manual_session() as (session, peer):
        with pytest.raises(OSError, match="no microphone"):
            await session.feed(broken())
        await session.send_audio(PIECE)
        assert [await peer.receive_message() for _ in range(2)] == [PIECE] * 2


async def test_what_cannot_be_audio_is_refused(autojump_clock):
    """A wrong type, size or pace is an error before anything is sent."""
    async with manual_session() as (session, peer):
        for wrong in ("text", 1, None):
            with pytest.raises(LocalProtocolError, match="audio must be bytes, not"):
                await session.send_audio(wrong)
        for wrong in ("text", 1, None):
            with pytest.raises(LocalProtocolError, match="audio must be bytes, "):
                await session.feed(wrong)
        with pytest.raises(LocalProtocolError, match=r"use feed\(\)"):
            await session.send_audio(bytes(AUDIO_QUEUE_BYTES + 1))
        with pytest.raises(LocalProtocolError, match="pace must be one of"):
            await session.feed([PIECE], pace="fast")
        assert await messages_until_quiet(peer) == []


async def test_one_task_sends_at_a_time(autojump_clock):
    """Audio of two tasks would be mixed, so the second call is refused."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        nursery.start_soon(session.feed, [PIECE] * 3)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match="another task sends audio already"):
            await session.send_audio(PIECE)
        assert await messages_until_quiet(peer) == [PIECE] * 3


# -- mute


@pytest.mark.parametrize("encoding", STT_ENCODINGS)
async def test_a_muted_session_sends_silence_at_real_time(autojump_clock, encoding):
    """For each 100 ms of the block there is a piece of silence, in the encoding of the session."""
    async with manual_session(encoding=encoding) as (session, peer):
        async with session.mute():
            await trio.sleep(1.05)
        await trio.sleep(5)
        messages = await messages_until_quiet(peer)
    layout = InputFormat(encoding=encoding, sample_rate=16000)
    assert messages == [layout.silence(layout.piece_bytes)] * 10


async def test_audio_is_refused_or_dropped_while_muted(autojump_clock):
    """send_audio is refused while the session is muted; what feed takes meanwhile is dropped."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        nursery.start_soon(session.feed, [PIECE] * 30)
        await trio.sleep(0.95)
        async with session.mute():
            await trio.sleep(1.02)
        await trio.sleep(2)
        async with session.mute():
            with pytest.raises(LocalProtocolError, match="the session is muted"):
                await session.send_audio(PIECE)
            with pytest.raises(LocalProtocolError, match="muted already"):
                await session.mute().__aenter__()
        await session.send_audio(PIECE)
        messages = await messages_until_quiet(peer)
        assert session.statistics().muted_audio_bytes == 10 * len(PIECE)
    assert messages == [PIECE] * 10 + [bytes(3200)] * 10 + [PIECE] * 11


async def test_a_mute_ends_quietly_with_the_connection(autojump_clock):
    """When the connection is lost, the block of a mute goes on; the next call raises the loss."""
    async with manual_session() as (session, peer):
        async with session.mute():
            await trio.sleep(1)
            await peer.close(1011)
            await trio.sleep(1)
        with pytest.raises(ConnectionLost, match="1011"):
            await session.send_audio(PIECE)
        with pytest.raises(ConnectionLost, match="1011"):
            async with session.mute():
                pass


# -- cancellation


@on_virtual_time
async def test_audio_that_is_cancelled_is_withdrawn_whole_or_sent_whole():
    """Cancelled at any step, a call has sent all of its audio or none; samples stay whole."""
    async with manual_session() as (session, peer):
        calls = await cancelled_at_each_step(lambda: session.send_audio(b"abc"))
        total = b"".join(await messages_until_quiet(peer))
        assert total == (b"abc" * calls)[: len(total)]
        assert len(total) + session.statistics().partial_sample_bytes in range(3, 3 * calls + 1, 3)
        await session.send_audio(PIECE)
        assert len(await peer.receive_message()) == len(PIECE)


async def test_audio_waits_for_a_peer_that_does_not_read(autojump_clock):
    """Where the peer takes nothing, one call waits; cancelled, it leaves nothing in the queue."""
    big = bytes(AUDIO_QUEUE_BYTES)
    async with manual_session(pipe_bytes=1000) as (session, peer), trio.open_nursery() as nursery:
        nursery.start_soon(session.send_audio, big)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1) as scope:
            async with session.mute():  # a second source, which waits behind the first
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert session.statistics().audio_queue_bytes == 0
        assert await peer.receive_message() == big


async def test_audio_that_waits_is_withdrawn(autojump_clock):
    """What waits behind a message that is on its way is withdrawn by a cancellation."""
    async with manual_session(pipe_bytes=1000) as (session, peer):
        peer.stream.stall()
        with trio.move_on_after(1):
            await session.send_audio(bytes(100_000))  # the writer has it: it counts as sent
        with trio.move_on_after(1) as scope:
            await session.send_audio(b"abc")
        assert scope.cancelled_caught
        assert session.statistics().partial_sample_bytes == 0
        peer.stream.resume()
        assert await peer.receive_message() == bytes(100_000)
        await session.send_audio(b"cd")
        assert await peer.receive_message() == b"cd"


def test_the_default_settings_are_checked():
    """The tests' own settings are those of the protocol's example: 3200 bytes are 100 ms."""
    layout = InputFormat(encoding=SETTINGS["encoding"], sample_rate=SETTINGS["sample_rate"])
    assert layout.piece_bytes == len(PIECE) == 3200
