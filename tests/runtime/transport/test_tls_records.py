"""TLS, as it is read: like Trio's own, only more at a time."""

from __future__ import annotations

import ssl
from functools import cache

import pytest
import trio
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trio_cartesia._runtime.transport.tls_records import secure
from trio_cartesia.testing import bounded_stream_pair, on_virtual_time

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")


def plain(stream: trio.abc.Stream, context: ssl.SSLContext, host: str) -> trio.SSLStream:
    return trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)


@cache
def contexts(version: ssl.TLSVersion) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    AUTHORITY.configure_trust(client)
    client.maximum_version = version
    return server, client


async def talk(make, version, pieces, end, *, max_bytes):
    """What a client reads of *pieces* and of how they *end*, and what the server hears of it."""
    server_context, client_context = contexts(version)
    near, far = bounded_stream_pair(2**20)
    polite = end == "goodbye"  # else no close_notify is sent, as HTTP's servers have it
    server = trio.SSLStream(far, server_context, server_side=True, https_compatible=not polite)
    heard, reads, outcome = bytearray(), [], "end"

    async def serve() -> bytes:
        await server.do_handshake()
        for piece in pieces:
            await server.send_all(piece)
        if end in ("goodbye", "silent"):
            await server.aclose()
        elif end == "cut":
            await trio.aclose_forcefully(far)
        else:
            await far.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))  # no record of this session

    client = make(near, client_context, "localhost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await client.do_handshake()
        await trio.testing.wait_all_tasks_blocked()
        try:
            while data := await client.receive_some(max_bytes):
                reads.append(len(data))
                heard += data
        except trio.BrokenResourceError as error:
            outcome = type(error.__cause__).__name__
    await trio.aclose_forcefully(client)
    return bytes(heard), outcome, reads


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@given(
    pieces=st.lists(st.integers(0, 40_000).map(bytes), max_size=5),
    end=st.sampled_from(["goodbye", "silent", "cut", "nonsense"]),
    max_bytes=st.sampled_from([None, 1000, 100_000, 2**20]),
)
@example(pieces=[b"abc", bytes(20_000)], end="goodbye", max_bytes=None)
@example(pieces=[b"abc"], end="goodbye", max_bytes=None)
@on_virtual_time
async def test_reads_are_those_of_trios_ssl_stream(version, pieces, end, max_bytes):
    """The bytes and the end are the same as those of ``trio.SSLStream``."""
    ours, theirs = [
        await talk(make, version, pieces, end, max_bytes=max_bytes) for make in (secure, plain)
    ]
    assert ours[:2] == theirs[:2]
    assert ours[0] == b"".join(pieces)
    assert len(ours[2]) <= len(theirs[2])


@on_virtual_time
async def test_all_records_that_have_come_are_read_at_once():
    """Where ``trio.SSLStream`` gives one record, of 16 KiB at the most, this gives all of them."""
    version = ssl.TLSVersion.TLSv1_3
    pieces = [bytes([number]) * 1000 for number in range(60)]
    _, _, ours = await talk(secure, version, pieces, "goodbye", max_bytes=2**20)
    _, _, theirs = await talk(plain, version, pieces, "goodbye", max_bytes=2**20)
    assert len(theirs) == 60
    assert len(ours) <= 6


@on_virtual_time
async def test_the_stream_has_the_attributes_of_the_session():
    """The stream has the attributes of the session that ``trio.SSLStream`` has, and no others."""
    server_context, client_context = contexts(ssl.TLSVersion.TLSv1_3)
    near, far = bounded_stream_pair()
    server = trio.SSLStream(far, server_context, server_side=True)
    client = secure(near, client_context, "localhost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        await client.do_handshake()
    assert client.version() == "TLSv1.3"
    assert client.context is client_context
    with pytest.raises(AttributeError):
        client.nonsense  # noqa: B018
    await trio.aclose_forcefully(client)
    await trio.aclose_forcefully(server)
