"""TLS: whom the client believes."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
import trio
import trustme

from trio_cartesia import AuthenticationFailed, Cartesia, CartesiaError, ConnectFailed
from trio_cartesia._runtime.transport.default_tls import default_context
from trio_cartesia.testing import bounded_stream_pair

NOW = dt.datetime.now(dt.UTC)
ANSWER = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(params=["given", "default"])
def trust(request, authority, monkeypatch, tmp_path):
    """The two ways to trust an authority: a context, and the system's own settings."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    if request.param == "given":
        return {"ssl_context": ssl.create_default_context(cafile=str(path))}
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return {}


async def connect(certificate, heard, *, base_url="https://localhost", **arguments):
    """Connect to a peer that shows *certificate*; return how that ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    near, far = bounded_stream_pair()

    async def open_stream(_host, _port):
        await trio.lowlevel.checkpoint()
        return near

    async def serve():
        stream = trio.SSLStream(far, context, server_side=True, https_compatible=True)
        try:
            heard.append(await stream.receive_some())
            await stream.send_all(ANSWER)
        except trio.BrokenResourceError:
            pass  # the client went away, as it should
        await trio.aclose_forcefully(stream)

    failure = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        client = Cartesia("k", base_url=base_url, open_stream=open_stream, **arguments)
        try:
            async with client.tts.websocket_connect():
                pass
        except CartesiaError as error:
            failure = error
    return failure


async def test_a_good_certificate_passes(authority, trust):
    """A certificate of a trusted authority, for the right name and time, is believed."""
    heard = []
    error = await connect(authority.issue_cert("localhost"), heard, **trust)
    assert type(error) is AuthenticationFailed  # so the request was made, and answered
    assert b"".join(heard)


@pytest.mark.parametrize("scheme", ["https", "wss"])
@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("other name", "localhost"),
        ("expired", "expired"),
        ("not yet valid", "not yet valid"),
        ("other authority", "unable to get local issuer"),
        ("self-signed", "self"),
    ],
)
async def test_a_bad_certificate_is_refused(case, says, scheme, authority, trust):
    """Any other certificate is refused, with the reason, before a byte of the request is sent."""
    day = dt.timedelta(days=1)
    certificate = {
        "other name": lambda: authority.issue_cert("elsewhere.example"),
        "expired": lambda: authority.issue_cert(
            "localhost", not_before=NOW - 9 * day, not_after=NOW - day
        ),
        "not yet valid": lambda: authority.issue_cert(
            "localhost", not_before=NOW + day, not_after=NOW + 9 * day
        ),
        "other authority": lambda: trustme.CA().issue_cert("localhost"),
        "self-signed": self_signed,
    }[case]()
    heard = []
    error = await connect(certificate, heard, base_url=f"{scheme}://localhost", **trust)
    assert type(error) is ConnectFailed
    assert says in str(error)
    assert "certificate" in str(error)
    assert "wss://localhost/tts/websocket" in str(error)
    assert not b"".join(heard)


def self_signed():
    """The certificate of an authority, shown as if it were a server's."""
    authority = trustme.CA()

    class SelfSigned:
        def configure_cert(self, context):
            with authority.private_key_pem.tempfile() as key:
                with authority.cert_pem.tempfile() as certificate:
                    context.load_cert_chain(certificate, key)

    return SelfSigned()


async def test_what_is_not_tls_is_refused():
    """A peer that answers a TLS handshake in clear text is refused, too."""
    near, far = bounded_stream_pair()

    async def open_stream(_host, _port):
        await far.send_all(ANSWER)
        return near

    with pytest.raises(ConnectFailed, match="no TLS with wss://localhost"):
        async with Cartesia(
            "k", base_url="https://localhost", open_stream=open_stream
        ).tts.websocket_connect():
            pass


async def test_authorities_are_those_of_the_environment_at_each_connection(monkeypatch, tmp_path):
    """A second authority is trusted once ``SSL_CERT_FILE`` names it, or once
    the file has changed.
    """
    authorities = [trustme.CA() for _ in range(3)]
    for number, authority in enumerate(authorities):
        authority.cert_pem.write_to_path(tmp_path / f"{number}.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{number}.pem"))
        if number == 2:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "1.pem"))
            (tmp_path / "1.pem").write_bytes((tmp_path / "2.pem").read_bytes())
        error = await connect(authority.issue_cert("localhost"), [])
        assert type(error) is AuthenticationFailed


def test_making_a_context_is_worth_keeping_it():
    """While nothing changes, connections share one context."""
    assert default_context() is default_context()


def test_the_default_is_full_verification():
    """Where no context is given, names and authorities are checked, old TLS is refused, and nothing
    that Python's own default is careful about is left out.
    """
    context, usual = default_context(), ssl.create_default_context()
    assert context.options == usual.options | ssl.OP_NO_RENEGOTIATION
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
