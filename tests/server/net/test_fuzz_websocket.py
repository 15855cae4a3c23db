from __future__ import annotations

import json
import struct

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.fuzzing import attacker, besieged, check_event
from tests.server.raw import KEY, Frame, frame, frames_in
from tests.server.support import generation, on_virtual_time

OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
    "permessage-deflate; client_max_window_bits=99",
    "permessage-deflate; server_max_window_bits",
    "x, permessage-deflate;;=,",
]
COMPRESSED = [b"\xc1\x08\xf3H\xcd\xc9\xc9\x07\x00\x00", b"\xf3H\xcd\xc9\xc9\x07\x00", b"\x02\x00"]

CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}  # RFC 6455 §7.4

texts = st.sampled_from(
    [
        json.dumps(generation("a", "Hello there. And again. ", **{"continue": True})),
        json.dumps(generation("a", "", flush=True, **{"continue": True})),
        json.dumps(generation("a", "The end.")),
        json.dumps(generation("b", "Another one, much longer. " * 20)),
        '{"context_id":"a","cancel":true}',
        "{}",
        "[",
        "\N{WHITE SMILING FACE}",
    ]
).map(str.encode)
payloads = texts | st.binary(max_size=200) | st.sampled_from(COMPRESSED)
closes = st.builds(
    lambda code, reason: struct.pack("!H", code) + reason,
    st.sampled_from([0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 2999, 3000, 5000, 65535]),
    st.binary(max_size=130),
)


def _bent(opcode: int, reserved: int, fin: bool, payload: bytes) -> bytes:
    data = bytearray(frame(opcode, payload, fin=fin))
    data[0] |= reserved << 4
    return bytes(data)


def _claiming(opcode: int, size: int, payload: bytes) -> bytes:
    """A frame that says it is longer, or shorter, than it is."""
    return bytes([0x80 | opcode, 0xFF]) + struct.pack("!Q", size) + bytes(4) + payload


pieces = st.one_of(
    texts.map(lambda text: frame(1, text)),
    st.builds(frame, st.sampled_from([0, 1, 2, 8, 9, 10]), payloads, fin=st.booleans()),
    st.builds(
        _bent, st.integers(0, 15), st.sampled_from([0, 0, 1, 2, 4, 7]), st.booleans(), payloads
    ),
    st.builds(
        _claiming,
        st.sampled_from([0, 1, 2, 8, 9]),
        st.sampled_from([0, 1, 125, 126, 65535, 2**20 + 1, 2**62, 2**63, 2**64 - 1]),
        payloads,
    ),
    closes.map(lambda body: frame(8, body)),
    st.integers(1, 3000).map(lambda count: frame(9, b"p") * count),
    st.integers(1, 3000).map(lambda count: frame(0, b"x", fin=False) * count),
    st.binary(max_size=50),
)


@pytest.mark.slow
@given(
    st.lists(pieces, max_size=8),
    st.sampled_from([None, None, *OFFERS]),
    st.lists(st.integers(1, 4000), min_size=1, max_size=4),
    st.booleans(),
)
@on_virtual_time
async def test_any_bytes_on_a_websocket(
    sent: list[bytes], offer: str | None, slices: list[int], reads: bool
) -> None:
    """Whatever follows a handshake, the answers are frames and events, and nobody else notices."""
    received = bytearray()
    async with besieged() as (server, nursery), attacker(server) as stream:
        await stream.send_all(_handshake(offer))
        if reads:
            nursery.start_soon(_listen, stream, received)
        data, start = b"".join(sent), 0
        try:
            while start < len(data):
                size = slices[start % len(slices)]
                await stream.send_all(data[start : start + size])
                start += size
            await trio.sleep(5)
        except trio.BrokenResourceError:
            pass  # it was enough
    head, _, rest = bytes(received).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ") or not reads
    frames, cut = frames_in(rest)
    assert not cut
    for each in frames:
        _check(each, is_deflated=b"permessage-deflate" in head)


def _handshake(offer: str | None) -> bytes:
    lines = [
        "GET /tts/websocket HTTP/1.1",
        "Host: me",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
        "X-Behaviour: deflate=true",
        *([f"Sec-WebSocket-Extensions: {offer}"] if offer else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def _listen(stream: trio.abc.Stream, received: bytearray) -> None:
    try:
        while data := await stream.receive_some(65536):
            received += data
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return


def _check(each: Frame, *, is_deflated: bool) -> None:
    assert each.opcode in (1, 8, 10)
    assert each.fin
    if each.opcode == 8 and each.payload:
        assert each.code in CODES
        each.payload[2:].decode()
    elif each.opcode == 1 and not is_deflated:
        check_event(each.json)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    *("Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"),
                    *("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin", "Expect"),
                    *("Content-Length", "Transfer-Encoding", "X-Behaviour", "X-Fault"),
                ]
            ),
            st.sampled_from(
                [
                    *("websocket", "Upgrade, keep-alive", "13", "12", KEY, "x", "", "h2c", "0"),
                    *("5", "chunked", "100-continue", "late_input=ignore", "close at_frame=1"),
                ]
            ),
        ),
        max_size=8,
    ),
    st.binary(max_size=100) | texts.map(lambda text: frame(1, text)),
    st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
)
@on_virtual_time
async def test_any_handshake(headers: list[tuple[str, str]], rest: bytes, http: str) -> None:
    """A handshake that is anything but right is answered over HTTP, or not; nobody else notices."""
    received = bytearray()
    async with besieged() as (server, nursery), attacker(server) as stream:
        nursery.start_soon(_listen, stream, received)
        lines = [f"GET /tts/websocket {http}", "Host: me", *(": ".join(pair) for pair in headers)]
        await stream.send_all("\r\n".join([*lines, "", ""]).encode() + rest)
        await trio.sleep(5)
    if received:
        assert received.startswith(b"HTTP/1.1 ")
        assert b"\r\nx-request-id: " in received or received.startswith(b"HTTP/1.1 100 ")
