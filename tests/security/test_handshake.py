"""A handshake that fails or is cancelled shows no credential, wherever it had got to."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
import trio

from tests.security.canaries import HEADER, KEY, TOKEN, links, listening
from trio_cartesia import Cartesia
from trio_cartesia.testing import bounded_stream_pair

CREDENTIALS = [{"api_key": KEY}, {"token": TOKEN}]
SECRETS = (KEY, TOKEN, HEADER)


class Bug(Exception):
    """What something else raises meanwhile."""


def client_of(open_stream, credential=CREDENTIALS[0]):
    return Cartesia(
        **credential,
        headers={"X-Canary": HEADER},
        base_url="http://localhost",
        open_stream=open_stream,
    )


async def failure(client):
    """Connect for a second at most; return what is raised once that is over."""
    try:
        with trio.move_on_after(1):
            try:
                async with client.tts.websocket_connect():
                    pass
            finally:
                raise Bug
    except Bug as error:
        return error


def shown(error):
    """What a tool prints that shows the whole chain with its local variables."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    for link in links(error):
        yield "".join(
            traceback.TracebackException.from_exception(link, capture_locals=True).format()
        )
    yield "".join(whole.format())


@pytest.mark.parametrize("credential", CREDENTIALS, ids=["key", "token"])
@pytest.mark.parametrize("way", ["stalled", "cut", "silent", "open_stream raises", "hangs"])
async def test_a_handshake_that_does_not_end_well_shows_no_secret(credential, way, autojump_clock):
    """However a handshake ends, no local variable of its chain of exceptions shows a credential."""
    near, far = bounded_stream_pair(10)
    reached = []

    async def open_stream(_host, _port):
        await trio.lowlevel.checkpoint()
        if way == "open_stream raises":
            raise Bug
        if way == "hangs":
            await trio.sleep_forever()
        if way == "stalled":
            near.stall()
        if way == "cut":
            near.cut_after(100)
        return near

    async def serve():
        while way == "silent":
            reached.append(await far.receive_some())

    with listening() as emitted:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            error = await failure(client_of(open_stream, credential))
            nursery.cancel_scope.cancel()
        emitted.show(error)
    assert len(list(links(error))) > 1
    assert not [text for text in shown(error) if any(secret in text for secret in SECRETS)]
    if way == "silent":
        assert credential.popitem()[1].encode() in b"".join(reached)


def test_a_client_is_not_pickled_or_copied():
    """A client's credential cannot be written to a pickle, nor can a part of the client."""
    client = client_of(trio.open_tcp_stream)
    for thing in (client, client.tts, client.tts._endpoint, client.tts._endpoint.headers):
        for write in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="make another Cartesia"):
                write(thing)
