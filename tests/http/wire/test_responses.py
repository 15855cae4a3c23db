"""Bodies in chunks pass httpcore2 by, and its connections are used again."""

from __future__ import annotations

import pytest

from tests.http.scripted import CLOSE, answer, scripted
from tests.support import SETTINGS
from trio_cartesia import ConnectionLost, RemoteProtocolError
from trio_cartesia._http.wire import Wire
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia.testing import on_virtual_time

SPEECH = {**SETTINGS, "transcript": "Hello."}
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
UNUSUAL = {
    "extensions": HEAD + b"3;a=b\r\none\r\n3\r\ntwo\r\n0;c\r\n\r\n",
    "an extension later": HEAD + b"3\r\none\r\n3;a\r\ntwo\r\n0\r\n\r\n",
    "spaces": HEAD + b"3  \r\none\r\n03\r\ntwo\r\n0 \r\n\r\n",
    "trailers": HEAD + b"6\r\nonetwo\r\n0\r\nX: y\r\nZ: \r\n\r\n",
    "informational": b"HTTP/1.1 103 X\r\n\r\n" + HEAD + b"6\r\nonetwo\r\n0\r\n\r\n",
    "bare line feeds": HEAD.replace(b"\r", b"") + b"6\r\nonetwo\r\n0\r\n\r\n",
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nonetwo",
}
WRONG = {
    "a chunk that is too long": HEAD + b"3\r\nonetwo\r\n0\r\n\r\n",
    "a size that is none": HEAD + b"3\r\none\r\ntwo\r\n",
    "trailers that are none": HEAD + b"3\r\none\r\n0\r\nX\r\n\r\n",
}


def in_bytes(whole: bytes) -> list[bytes]:
    return [whole[at : at + 1] for at in range(len(whole))]


@pytest.mark.parametrize("send", [lambda whole: [whole], in_bytes], ids=["at once", "in bytes"])
@pytest.mark.parametrize("whole", UNUSUAL.values(), ids=list(UNUSUAL))
@on_virtual_time
async def test_unusual_bodies_are_whole(whole, send):
    """They are received whole, and each leaves its connection for the next request."""
    async with scripted(send(whole)) as (client, service):
        for _ in range(2):
            async with client.tts.generate(**SPEECH) as response:
                assert await response.read() == b"onetwo"
        assert service.connections == 1


@pytest.mark.parametrize("whole", WRONG.values(), ids=list(WRONG))
@on_virtual_time
async def test_wrong_chunks_raise(whole):
    """The connection is closed, and the next request works."""
    async with scripted([whole], answer(b"one")) as (client, service):
        async with client.tts.generate(**SPEECH) as response:
            with pytest.raises(RemoteProtocolError, match="not valid HTTP"):
                await response.read()
        async with client.tts.generate(**SPEECH) as response:
            assert await response.read() == b"one"
        assert service.connections == 2


@on_virtual_time
async def test_a_body_that_is_cut_raises_wherever():
    """At each byte after the head."""
    body = b"3\r\none\r\n3\r\ntwo\r\n0\r\nX: y\r\n\r\n"
    for size in range(len(body)):
        async with scripted([HEAD + body[:size], CLOSE]) as (client, _):
            async with client.tts.generate(**SPEECH) as response:
                with pytest.raises(ConnectionLost):
                    await response.read()


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@on_virtual_time
async def test_responses_without_a_body_have_no_chunks(method, status):
    """Whatever their headers promise; the connection is used again."""
    promise = HEAD.replace(b"200", b"%d" % status)
    async with scripted([promise]) as (_, service):
        wire = Wire(service.open_stream, None, max_connections=1)
        for _ in range(2):
            response = await wire.send(method, "http://localhost/", Headers([("X", "y")]), b"", 0)
            assert await response.receive() == b""
            await response.aclose()
        assert service.connections == 1
        await wire.aclose()
