from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

from tests.server.raw import WEBSOCKET, Raw, frame, service
from tests.server.streams import Sliced
from tests.server.support import (
    TONES,
    TWO_SENTENCES,
    audio,
    connected,
    generation,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, open_server


async def compressed(server: Any, nursery: trio.Nursery) -> Raw:
    """A WebSocket on which messages may be compressed."""
    ours, theirs = memory_stream_pair()
    nursery.start_soon(server.serve_stream, theirs)
    raw = Raw(ours)
    offer = ("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover")
    await raw.send_handshake("/tts/websocket", offer)
    assert await raw.read_head() == 101
    return raw


def deflated(text: str, *, ends: bool = False) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    mode = zlib.Z_FINISH if ends else zlib.Z_SYNC_FLUSH
    data = squeeze.compress(text.encode()) + squeeze.flush(mode)
    return data + b"\0" if ends else data[:-4]


def _fragments(data: bytes, sizes: list[int]) -> bytes:
    """A compressed message in fragments, with a ping after each but the last."""
    sent, start, count = b"", 0, 0
    while start < len(data) or not count:
        piece = data[start : start + sizes[count % len(sizes)]]
        start += len(piece)
        part = bytearray(frame(0 if count else 1, piece, fin=start >= len(data)))
        part[0] |= 0 if count else 0x40
        sent += bytes(part) + (frame(9, b"p") if start < len(data) else b"")
        count += 1
    return sent


@pytest.mark.slow
@given(st.lists(st.integers(1, 200), min_size=1, max_size=5), st.booleans())
@on_virtual_time
async def test_pings_between_compressed_fragments(sizes: list[int], ends: bool) -> None:
    """Compressed messages are whole, however they are fragmented, with pings between, and whether
    or not their last block says that it is the last one.
    """
    behaviour = Behaviour(deflate=True)
    async with open_server(port=None, voice=TONES, behaviour=behaviour) as server:
        async with trio.open_nursery() as nursery:
            raw = await compressed(server, nursery)
            for text in ("Hello.", "And again."):
                message = json.dumps(generation(text, text))
                await raw.stream.send_all(_fragments(deflated(message, ends=ends), sizes))
            await trio.sleep(10)
            spoken = {context.transcript for context in server.journal.contexts}
            assert spoken == {"Hello.", "And again."}
            assert {context.ended for context in server.journal.contexts} == {"done"}
            nursery.cancel_scope.cancel()


@on_virtual_time
async def test_nothing_follows_a_last_block() -> None:
    """Data after the end of a compressed message, which would never be looked at, ends the
    connection.
    """
    async with open_server(port=None, voice=TONES, behaviour=Behaviour(deflate=True)) as server:
        async with trio.open_nursery() as nursery:
            raw = await compressed(server, nursery)
            first = bytearray(frame(1, deflated("{}", ends=True), fin=False))
            first[0] |= 0x40
            await raw.stream.send_all(bytes(first) + frame(0, b"x" * 1000, fin=False))
            await trio.sleep(0.1)
            data = bytes(await raw.stream.receive_some())
            assert (data[0], int.from_bytes(data[2:4], "big")) == (0x88, 1007)
            nursery.cancel_scope.cancel()


DEFLATES = Behaviour(deflate=True)
DEFLATE = "permessage-deflate"
SMALL = "server_no_context_takeover; client_max_window_bits=10"
OFFER = "permessage-deflate; client_max_window_bits"


@pytest.mark.parametrize(
    ("behaviour", "offer", "answer"),
    [
        (DEFLATES, "permessage-deflate", "permessage-deflate"),
        (DEFLATES, OFFER, "permessage-deflate; client_max_window_bits=15"),
        (
            DEFLATES,
            f"x-other; y=1, {DEFLATE}; server_max_window_bits=7, {DEFLATE}; {SMALL}",
            f"{DEFLATE}; {SMALL}",
        ),
        (DEFLATES, "permessage-deflate; client_max_window_bits=what", None),
        (DEFLATES, "x-webkit-deflate-frame", None),
        (DEFLATES, None, None),
        (Behaviour(), OFFER, None),
    ],
)
@on_virtual_time
async def test_compression_is_agreed_on_where_both_want_it(
    behaviour: Any, offer: Any, answer: Any
) -> None:
    """The first offer that makes sense is accepted if the service is to; if not, nothing is
    said.
    """
    headers = [("Sec-WebSocket-Extensions", offer)] if offer else []
    async with service("memory", behaviour=behaviour) as place:
        raw = await place.dial()
        await raw.send_handshake(WEBSOCKET, *headers)
        assert await raw.read_head() == 101
    lines = raw.head.decode().split("\r\n")
    found = [line for line in lines if line.lower().startswith("sec-websocket-extensions")]
    assert [line.partition(": ")[2] for line in found] == ([answer] if answer else [])


@pytest.mark.slow
@given(st.lists(st.integers(1, 5000), min_size=1))
@on_virtual_time
async def test_compressed_messages_are_the_same(sizes: list[int]) -> None:
    """With a client that compresses, all of the audio comes, however its bytes are cut."""
    async with connected(behaviour=DEFLATES) as (plain, server):
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, Sliced(theirs, sizes))
            client = type(plain)(ours)
            extensions = [PerMessageDeflate()]
            request = Request(host="me", target="/tts/websocket", extensions=extensions)
            await client.send_event(request)
            accepted = await client.next_event()
            assert isinstance(accepted, AcceptConnection)
            assert [extension.name for extension in accepted.extensions] == ["permessage-deflate"]
            for name in "ab":
                events = await client.speak(generation(name, TWO_SENTENCES))
                assert audio(events) == await tones(TWO_SENTENCES)
            nursery.cancel_scope.cancel()


@on_virtual_time
async def test_what_becomes_too_large_is_refused() -> None:
    """A small message that is large once it is decompressed closes the connection with 1009."""
    async with connected(behaviour=DEFLATES) as (plain, server):
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, theirs)
            client = type(plain)(ours)
            extensions = [PerMessageDeflate()]
            await client.send_event(
                Request(host="me", target="/tts/websocket", extensions=extensions)
            )
            assert isinstance(await client.next_event(), AcceptConnection)
            await client.send_event(TextMessage("x" * 20_000_000))
            goodbye = await client.next_event()
            assert isinstance(goodbye, CloseConnection)
            assert goodbye.code == 1009
            nursery.cancel_scope.cancel()
