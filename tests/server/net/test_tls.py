from __future__ import annotations

import errno
import json
import logging
import os
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
import trio
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from tests.server.support import (
    Client,
    Closed,
    audio,
    catch_logs,
    generation,
    on_virtual_time,
    tones,
)
from trio_cartesia import Cartesia, ConnectFailed
from trio_cartesia.server import Server, open_server
from trio_cartesia.server.net.certificates import open_tls
from trio_cartesia.server.net.tls import HANDSHAKE_SECONDS

SPEECH = "/tts/websocket?cartesia_version=2026-08-14"


def trusting(server: Server) -> ssl.SSLContext:
    assert server.ca_file is not None
    return ssl.create_default_context(cafile=str(server.ca_file))


@cache
def own_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """One for a server, with a certificate of ours, and one for clients that trust it."""
    authority = trustme.CA()
    mine, theirs = (
        ssl.create_default_context(purpose)
        for purpose in (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH)
    )
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(mine)
    authority.configure_trust(theirs)
    return mine, theirs


@asynccontextmanager
async def over_tls(
    trust: ssl.SSLContext, stream: trio.abc.Stream
) -> AsyncIterator[trio.SSLStream[trio.abc.Stream]]:
    """A client's end of TLS, to which an end without goodbye is an error."""
    secured = trio.SSLStream(stream, trust, server_hostname="localhost")
    try:
        yield secured
    finally:
        await trio.aclose_forcefully(secured)


async def dial(server: Server) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", int(server.url.rpartition(":")[2]))


async def read_to_the_end(stream: trio.abc.Stream) -> bytes:
    return b"".join([bytes(data) async for data in stream])


async def test_a_client_that_trusts_the_authority_is_spoken_to() -> None:
    """With the CA file a client speaks over wss; the file has no private key, and goes with the
    block.
    """
    async with open_server(voice="tones", tls=True) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.websocket_url == server.url.replace("https", "wss")
        ca_file = server.ca_file
        assert ca_file is not None
        assert b"PRIVATE" not in ca_file.read_bytes()
        for host in ("127.0.0.1", "localhost"):
            url = server.url.replace("127.0.0.1", host)
            async with (
                Cartesia(base_url=url, ssl_context=trusting(server)) as client,
                client.tts.websocket_connect() as connection,
                connection.speak(
                    "Nobody else hears this.",
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 8000},
                ) as context,
            ):
                speech = await context.collect()
            assert speech.audio == server.journal.contexts[-1].audio != b""
    assert not ca_file.exists()


async def test_a_client_that_does_not_trust_it_hears_nothing() -> None:
    """Without the CA file there is no connection, and the service's log stays quiet."""
    async with open_server(voice="tones", tls=True) as server:
        with catch_logs(logging.INFO) as lines:
            async with Cartesia(base_url=server.url) as client:
                with pytest.raises(ConnectFailed, match="certificate"):
                    async with client.tts.websocket_connect():
                        pass
        assert lines == []
        assert server.journal.connections == ()


async def test_the_environment_makes_clients_trust_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE is all that a fresh default context needs."""
    async with open_server(voice="tones", tls=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        context = ssl.create_default_context()
        async with Cartesia(base_url=server.url, ssl_context=context) as client:
            async with client.tts.websocket_connect() as connection:
                assert not connection.statistics().is_lost


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "::1", "::"])  # noqa: S104  # for a moment
async def test_the_certificate_is_for_where_it_listens(host: str, has_ipv6: bool) -> None:
    """Clients may use the address of the url, and this machine's name where all addresses are
    open.
    """
    if ":" in host and not has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with open_server(host=host, voice="tones", tls=True) as server:
        async with Cartesia(base_url=server.url, ssl_context=trusting(server)) as client:
            async with client.tts.websocket_connect() as connection:
                assert not connection.statistics().is_lost
        if host in ("0.0.0.0", "::"):  # noqa: S104  # likewise
            port = int(server.url.rpartition(":")[2])
            address = "::1" if host == "::" else "127.0.0.1"
            stream = await trio.open_tcp_stream(address, port)
            name = socket.gethostname()
            secured = trio.SSLStream(stream, trusting(server), server_hostname=name)
            await secured.do_handshake()
            await trio.aclose_forcefully(secured)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("machine-1.example", True),
        ("fe80::1%eth0", False),
        ("", False),
        ("my_machine", False),
        ("-", False),
    ],
)
def test_odd_names_stay_out_of_certificates(host: str, is_one: bool) -> None:
    """What is no name of a host, and no address of one machine alone, gets no certificate."""
    with open_tls(True, hosts=[host], ca_file=None) as security:
        assert security is not None
        assert security.ca_file is not None
        trust = ssl.create_default_context(cafile=security.ca_file)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = security.context.wrap_bio(incoming, outgoing, server_side=True)
        if not host or host == "-":
            return
        peer = trust.wrap_bio(outgoing, incoming, server_hostname=host.partition("%")[0])
        for end in (peer, server):
            with pytest.raises(ssl.SSLWantReadError):
                end.do_handshake()
        if is_one:
            peer.do_handshake()
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                peer.do_handshake()


async def test_the_certificate_is_for_further_names() -> None:
    """Clients reach the service by each name in ``tls_names``, whose URL the server has, and read
    its state there.
    """
    names = ["Speech.team.example", "192.0.2.7"]
    async with open_server(voice="tones", tls=True, tls_names=names) as server:
        port = int(server.url.rpartition(":")[2])
        assert server.urls == (server.url, *(f"https://{name}:{port}" for name in names))
        for name in names:
            stream = trio.SSLStream(await dial(server), trusting(server), server_hostname=name)
            async with stream:
                await stream.send_all(
                    b"GET /_local/state HTTP/1.0\r\nHost: %s\r\n\r\n" % name.encode()
                )
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("tls", "names", "error"),
    [
        (True, ["a b"], ValueError),
        (True, ["0.0.0.0"], ValueError),  # noqa: S104  # not bound
        (True, [""], ValueError),
        (True, "speech.example", TypeError),
        (False, ["speech.example"], ValueError),
    ],
)
@on_virtual_time
async def test_names_that_no_certificate_can_have_are_refused(
    tls: bool, names: list[str], error: type[Exception]
) -> None:
    """A name that is not one, names without TLS and one string are errors before anything
    starts.
    """
    with pytest.raises(error, match="name"):
        async with open_server(port=None, voice="tones", tls=tls, tls_names=names):
            pass


async def test_http_1_1_is_agreed_on() -> None:
    """Who offers HTTP/2 as well gets HTTP/1.1, by name."""
    async with open_server(voice="tones", tls=True) as server:
        context = trusting(server)
        context.set_alpn_protocols(["h2", "http/1.1"])
        stream = trio.SSLStream(await dial(server), context, server_hostname="localhost")
        await stream.do_handshake()
        assert stream.selected_alpn_protocol() == "http/1.1"
        await trio.aclose_forcefully(stream)


async def test_the_end_of_an_answer_is_told_over_tls() -> None:
    """A peer that reads until the end gets it at once, and as TLS wants it."""
    async with open_server(voice="tones", tls=True) as server:
        async with over_tls(trusting(server), await dial(server)) as stream:
            started = time.monotonic()
            await stream.send_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            answer = await read_to_the_end(stream)
            assert time.monotonic() - started < 0.5
        assert answer.startswith(b"HTTP/1.1 200")


async def test_the_last_words_arrive_before_the_end() -> None:
    """A refusal is read by a peer that is still sending what was too much."""
    async with open_server(voice="tones", tls=True) as server, trio.open_nursery() as nursery:
        async with over_tls(trusting(server), await dial(server)) as stream:
            await stream.send_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99000000\r\n\r\n")

            async def send_too_much() -> None:
                try:
                    while True:
                        await stream.send_all(bytes(65536))
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return

            nursery.start_soon(send_too_much)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += await stream.receive_some()
            assert answer.startswith(b"HTTP/1.1 413")


async def test_plain_http_is_told_to_use_https() -> None:
    """HTTP sent to the TLS port gets an error body that says so, and an end."""
    async with open_server(voice="tones", tls=True) as server:
        with catch_logs(logging.WARNING) as lines:
            async with await dial(server) as stream:
                await stream.send_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                head, _, body = (await read_to_the_end(stream)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert "https" in json.loads(body)["message"]
        assert lines == []


@asynccontextmanager
async def joined(server: Server) -> AsyncIterator[trio.abc.Stream]:
    """A connection in memory to the server's TLS, that has to be over when the block ends."""
    async with trio.open_nursery() as nursery:
        ours, theirs = memory_stream_pair()

        async def serve() -> None:
            await server.serve_stream(theirs, tls=True)

        nursery.start_soon(serve)  # noqa: ASYNC113  # bytes wait for whoever comes
        yield ours


@on_virtual_time
async def test_a_handshake_that_never_ends_is_ended() -> None:
    """A peer that connects and says nothing is let go after the time for a handshake."""
    async with open_server(port=None, voice="tones", tls=True) as server:
        with catch_logs(logging.INFO) as lines:
            async with joined(server) as stream:
                assert await read_to_the_end(stream) == b""
                assert trio.current_time() == HANDSHAKE_SECONDS
        assert lines == []


@cache
def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        peer.do_handshake()
    return outgoing.read()


@settings(max_examples=25, deadline=None)
@given(
    garbage=st.binary(max_size=300) | st.integers(0, 600).map(lambda end: client_hello()[:end]),
    leaves=st.booleans(),
)
@example(garbage=b"GET / HTTP/1.1\r\n\r\n", leaves=True)
@on_virtual_time
async def test_whatever_comes_instead_of_tls_ends_quietly(garbage: bytes, leaves: bool) -> None:
    """Any bytes, and a handshake that is cut anywhere, end that connection with no word in the
    log.
    """
    async with open_server(port=None, voice="tones", tls=own_contexts()[0]) as server:
        with catch_logs(logging.WARNING) as lines:
            async with joined(server) as stream:
                await stream.send_all(garbage)
                if leaves:
                    await stream.aclose()
        assert trio.current_time() < 2 * HANDSHAKE_SECONDS
        assert lines == []


@on_virtual_time
async def test_tls_works_in_memory() -> None:
    """Over TLS in memory a context is spoken as it is without, and the close is heard."""
    async with open_server(port=None, voice="tones", tls=True) as server:
        assert server.url == "http://localhost"  # streams are served as they come
        async with joined(server) as stream:
            async with over_tls(trusting(server), stream) as secured:
                client = Client(secured)
                await client.shake_hands(SPEECH, [])
                events = await client.speak(generation("a", "Hello, you there."))
                assert audio(events) == await tones("Hello, you there.")
                await client.close()
                with pytest.raises(Closed):
                    await client.next_event()


@on_virtual_time
async def test_a_stream_that_brings_its_own_tls_is_served() -> None:
    """A server without TLS serves an SSL stream of the caller's, and refuses to make one."""
    context, trust = own_contexts()
    async with open_server(port=None, voice="tones") as server, trio.open_nursery() as nursery:
        ours, theirs = memory_stream_pair()
        with pytest.raises(ValueError, match="no TLS"):
            await server.serve_stream(theirs, tls=True)
        nursery.start_soon(server.serve_stream, trio.SSLStream(theirs, context, server_side=True))
        async with over_tls(trust, ours) as secured:
            client = Client(secured)
            await client.shake_hands(SPEECH, [])
            assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")


async def test_a_certificate_of_ones_own_is_used() -> None:
    """With a context of one's own there is no CA file, and it is that certificate that is shown."""
    context, trust = own_contexts()
    async with open_server(voice="tones", tls=context) as server:
        assert server.url.startswith("https://")
        assert server.ca_file is None
        async with Cartesia(base_url=server.url, ssl_context=trust) as client:
            async with client.tts.websocket_connect() as connection:
                assert not connection.statistics().is_lost


async def test_a_named_ca_file_stays_and_is_replaced(tmp_path: Path) -> None:
    """A CA file that was asked for by name outlives the server, and the next one replaces it."""
    path = tmp_path / "ca.pem"
    seen = set()
    for _ in range(2):
        async with open_server(voice="tones", tls=True, tls_ca_file=path) as server:
            assert server.ca_file == path
            async with Cartesia(base_url=server.url, ssl_context=trusting(server)) as client:
                async with client.tts.websocket_connect():
                    pass
        seen.add(path.read_bytes())
    assert len(seen) == 2
    assert os.listdir(tmp_path) == ["ca.pem"]


async def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    """What was not written by a server is not replaced by one, nor is there a file without TLS."""
    path = tmp_path / "ca.pem"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        async with open_server(voice="tones", tls=True, tls_ca_file=path):
            pass
    assert path.read_text() == "mine"
    with pytest.raises(FileNotFoundError):
        async with open_server(voice="tones", tls=True, tls_ca_file=tmp_path / "no" / "ca.pem"):
            pass
    with pytest.raises(ValueError, match="authority"):
        async with open_server(voice="tones", tls_ca_file=tmp_path / "other.pem"):
            pass
    assert os.listdir(tmp_path) == ["ca.pem"]


async def test_a_disk_that_is_full_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the CA file cannot be put in its place, there is an error and no other file."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="full"):
        async with open_server(voice="tones", tls=True, tls_ca_file=tmp_path / "ca.pem"):
            pass
    assert os.listdir(tmp_path) == []


async def test_tls_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trustme is missing, the error names the extra."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ValueError, match=r"trio-cartesia\[tls\]"):
        async with open_server(voice="tones", tls=True):
            pass
