"""Connections through a proxy: which one is chosen, and what goes through it."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import traceback
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
from python_socks.async_.trio import Proxy

from tests.client.proxies import open_proxy, serve_socks
from tests.support import SETTINGS
from trio_cartesia import Cartesia, ConnectFailed, LocalProtocolError
from trio_cartesia.server import open_server

PASSWORD = "CANARY:p@ss/word"
USER_INFO = "me:CANARY%3Ap%40ss%2Fword"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in ("ws", "wss", "http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    monkeypatch.delenv("REQUEST_METHOD", raising=False)


def proxy_of(**arguments):
    """The proxy that a client would use, without its credentials; None if there is none."""
    client = Cartesia("k", **arguments)
    chosen = getattr(client.tts._endpoint.open_stream, "args", None)
    return str(chosen[0]) if chosen else None


@pytest.mark.parametrize(
    ("environment", "base_url", "chosen"),
    [
        ({}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://one:1"}, "https://api.example", "http://one:1"),
        ({"https_proxy": "http://one:1"}, "wss://api.example", "http://one:1"),
        ({"HTTPS_PROXY": "https://one"}, "https://api.example", "https://one:443"),
        ({"HTTPS_PROXY": "one:1"}, "https://api.example", "http://one:1"),
        ({"HTTPS_PROXY": "http://[::1]:1/"}, "https://api.example", "http://[::1]:1"),
        ({"ALL_PROXY": "http://one:1"}, "https://api.example", "http://one:1"),
        ({"ALL_PROXY": "socks5://one:1", "HTTPS_PROXY": "two:2"}, "https://a", "http://two:2"),
        ({"WSS_PROXY": "one:1", "HTTPS_PROXY": "two:2"}, "https://a", "http://one:1"),
        ({"HTTP_PROXY": "one:1"}, "https://api.example", None),
        ({"HTTP_PROXY": "one:1"}, "http://api.example", "http://one:1"),
        ({"HTTP_PROXY": "one:1", "HTTPS_PROXY": "two:2"}, "http://api.example", "http://two:2"),
        ({"HTTPS_PROXY": ""}, "https://api.example", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": "example"}, "https://api.example", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": ".example"}, "https://api.example", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": "x, api.example"}, "https://api.example", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": "api.example:444"}, "https://api.example:444", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": "*"}, "https://api.example", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": "2001:db8::1"}, "https://[2001:db8::1]", None),
        ({"HTTPS_PROXY": "one:1", "NO_PROXY": "other"}, "https://api.example", "http://one:1"),
        ({"ALL_PROXY": "one:1"}, "http://localhost:80", None),
        ({"ALL_PROXY": "one:1"}, "https://127.0.0.1", None),
        ({"ALL_PROXY": "socks5://one:1"}, "http://[::1]", None),
    ],
)
def test_the_environment_names_the_proxy(environment, base_url, chosen, monkeypatch):
    """Variables of the environment are honoured as other clients do; loopback needs no proxy."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(base_url=base_url, allow_insecure=True) == chosen
    assert proxy_of(base_url=base_url, allow_insecure=True, proxy=None) is None
    explicit = proxy_of(base_url=base_url, allow_insecure=True, proxy="http://mine:3")
    assert explicit == "http://mine:3"


def test_open_stream_ignores_the_environments_proxy(monkeypatch):
    """With `open_stream`, the proxy in the environment is ignored, valid or not."""
    monkeypatch.setenv("ALL_PROXY", "socks5://one:1")
    assert proxy_of(open_stream=trio.open_tcp_stream) is None


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        (False, "proxy must be a URL, True"),
        (7, "proxy must be a URL, True"),
        ("", "proxy must start with one of http://, https://"),
        ("ftp://CANARY@one", "proxy must start with one of http://, https://"),
        ("http://CANARY:x@one:99999", "proxy must be a URL, with a port"),
        ("http://CANARY@one:0", "port from 1"),
        ("http://CANARY@one/path", "no path"),
        ("http://CANARY@one?x", "no path, query"),
        ("http://CANARY@.", "invalid host name"),
        ("http://CANARY @one", "printable ASCII"),
        ("socks5://CANARY@one:1", "open_stream .*docs/how-to/proxies.md"),
        ("SOCKS5H://CANARY@one:1", "open_stream .*docs/how-to/proxies.md"),
    ],
)
def test_a_proxy_that_cannot_be_one_is_refused_at_once(proxy, says, monkeypatch):
    """A proxy is checked when the client is made, the environment's too, and no
    message quotes it.
    """
    with pytest.raises(LocalProtocolError, match=says) as caught:
        Cartesia("k", proxy=proxy)
    assert "CANARY" not in str(caught.value)
    if isinstance(proxy, str) and proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(LocalProtocolError, match="HTTPS_PROXY") as caught:
            Cartesia("k")
        assert "CANARY" not in str(caught.value)


def test_proxy_and_open_stream_exclude_each_other():
    """Passing both is an error, because either could be meant."""
    with pytest.raises(LocalProtocolError, match="not both"):
        Cartesia("k", proxy="http://one", open_stream=trio.open_tcp_stream)


@pytest.mark.parametrize("user_info", ["", f"{USER_INFO}@", "me@"])
async def test_a_conversation_goes_through_the_proxy(user_info):
    """Speech through a proxy is the same as without, and the proxy gets its
    credentials, not ours.
    """
    async with open_server(voice="tones", api_keys=["k"]) as server:
        async with open_proxy(int(server.url.rpartition(":")[2])) as proxy:
            client = Cartesia(
                "k",
                base_url="http://api.example",
                allow_insecure=True,
                proxy=f"http://{user_info}127.0.0.1:{proxy.port}",
            )
            async with client:
                assert (await client.get_status()).ok
            async with client.tts.websocket_connect() as connection:
                async with connection.speak("Hello.", **SETTINGS) as context:
                    assert (await context.collect()).audio
    (target, headers), of_the_websocket = proxy.requests
    assert (target, headers) == of_the_websocket
    assert target == headers.pop("host") == "api.example:80"
    user = {"": None, "me@": "me:"}.get(user_info, f"me:{PASSWORD}")
    wanted = f"Basic {base64.b64encode(user.encode()).decode()}" if user else None
    assert headers.pop("proxy-authorization", None) == wanted
    assert headers == {}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_tls_goes_through_the_environment_s_proxy(variable, scheme, monkeypatch, tmp_path):
    """TLS is with the service and not with the proxy, whose own TLS is verified as well."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    contexts = {}
    for name in ("api.example", "localhost"):
        contexts[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(contexts[name])

    def with_proxy_tls(stream):
        return trio.SSLStream(stream, contexts["localhost"], server_side=True)

    async with open_server(voice="tones", tls=contexts["api.example"]) as server:
        port = int(server.url.rpartition(":")[2])
        async with open_proxy(port, tls=with_proxy_tls if scheme == "https" else None) as proxy:
            monkeypatch.setenv(variable, f"{scheme}://localhost:{proxy.port}")
            client = Cartesia("k", base_url="https://api.example")
            async with client.tts.websocket_connect() as connection:
                assert connection.statistics().contexts_open == 0
            assert proxy.requests == [("api.example:443", {"host": "api.example:443"})]


REFUSALS = {
    "forbidden": (b"HTTP/1.1 403 No\r\n\r\n", "refused CONNECT with 403"),
    "credentials": (b"HTTP/1.1 407 No\r\n\r\n", "refused CONNECT with 407: give it a user"),
    "nothing": (b"", "no valid answer to CONNECT"),
    "cut short": (b"HTTP/1.1 200 OK\r\nX-", "no valid answer to CONNECT"),
    "garbage": (b"SSH-2.0-x\r\n\r\n", "no valid answer to CONNECT"),
    "endless": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "no valid answer to CONNECT"),
    "talkative": (b"HTTP/1.1 200 OK\r\n\r\nmore", "sent data before"),
    "informative": (b"HTTP/1.1 103 Wait\r\n\r\nHTTP/1.1 502 No\r\n\r\n", "CONNECT with 502"),
}


@pytest.mark.parametrize(("answer", "says"), REFUSALS.values(), ids=REFUSALS)
async def test_a_proxy_that_refuses_is_named_without_its_password(answer, says):
    """Whatever a proxy answers, connecting fails with its address, and shows no credentials in
    messages, causes or local variables.
    """
    async with open_proxy(1, answer=answer) as proxy:
        client = proxied_client(proxy.port)
        error = await failure(client)
    assert isinstance(error, ConnectFailed)
    assert says in str(error)
    assert f"the proxy http://127.0.0.1:{proxy.port}" in str(error)
    assert_hidden(error, client)


async def test_a_proxy_that_is_not_there_is_named():
    """A proxy that cannot be reached is said to be the reason."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = proxied_client(port)
    error = await failure(client)
    assert f"no connection to the proxy http://127.0.0.1:{port}: " in str(error)
    assert "refused" in str(error)
    assert_hidden(error, client)


@pytest.mark.slow
async def test_a_silent_proxy_is_left_when_the_caller_says_so():
    """Waiting for a proxy's answer can be cancelled, and nothing shows its
    credentials then either.
    """
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener:
        client = proxied_client(listener.socket.getsockname()[1])
        try:
            with trio.move_on_after(0.3) as scope:
                try:
                    await failure(client)
                finally:
                    raise ZeroDivisionError
        except ZeroDivisionError as error:
            assert scope.cancel_called
            assert_hidden(error, client)


def proxied_client(port):
    proxy = f"http://{USER_INFO}@127.0.0.1:{port}"
    return Cartesia("CANARYkey", base_url="https://api.example", proxy=proxy)


async def failure(client):
    try:
        async with client.tts.websocket_connect():
            pass
    except ConnectFailed as error:
        return error


def assert_hidden(error, client):
    secrets = ("CANARY", base64.b64encode(f"me:{PASSWORD}".encode()).decode())
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    texts = ["".join(whole.format()), str(error), repr(client), repr(client.tts._endpoint)]
    assert not [text for text in texts if any(secret in text for secret in secrets)]


async def test_the_recipe_for_socks_works():
    """The `open_stream` of the how-to connects through a SOCKS proxy."""
    page = Path(__file__).parents[2] / "docs/how-to/proxies.md"
    (code,) = re.findall(r"(async def open_stream.*?)\n\n\n", page.read_text(), re.DOTALL)
    async with open_server(voice="tones") as server, trio.open_nursery() as nursery:
        serve = partial(serve_socks, int(server.url.rpartition(":")[2]))
        serve_tcp = partial(trio.serve_tcp, host="127.0.0.1")
        (listener,) = await nursery.start(serve_tcp, serve, 0)
        code = code.replace("1080", str(listener.socket.getsockname()[1]))
        names = {"Proxy": Proxy, "trio": trio}
        exec(code, names)  # noqa: S102  # of our own page
        client = Cartesia(
            "k",
            base_url="http://api.example",
            allow_insecure=True,
            open_stream=names["open_stream"],
        )
        async with client.tts.websocket_connect() as connection:
            assert connection.request_id
        nursery.cancel_scope.cancel()
