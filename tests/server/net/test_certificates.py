from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from pathlib import Path

import pytest
import trio

from tests.server.support import (
    on_virtual_time,
)
from tests.server.tls import dial, own_contexts, trusting
from trio_cartesia import Cartesia
from trio_cartesia.server import open_server
from trio_cartesia.server.net.certificates import open_tls


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
