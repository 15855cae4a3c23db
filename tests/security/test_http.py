"""What requests over HTTP must not show, whatever fails."""

from __future__ import annotations

import gc

import pytest
import trio

from tests.http.scripted import CLOSE, STALL, answer, chunked, scripted
from tests.security.canaries import HEADER, KEY, SECRETS, TEXT, TOKEN, listening
from tests.support import SETTINGS
from trio_cartesia import CartesiaError
from trio_cartesia.testing import bounded_stream_pair, on_virtual_time

SPEECH = {**SETTINGS, "transcript": TEXT}
SCRIPTS = {
    "refused": answer({"message": "No"}, status=400),
    "no answer": [CLOSE],
    "half a head": [b"HTTP/1.1 200 OK\r\nx:", CLOSE],
    "no HTTP": [b"SSH-2.0\r\n\r\n"],
    "a page": answer(b"<html>", kind="text/html"),
    "cut short": chunked(b"audio", ends=False),
}


async def cause_error(client) -> CartesiaError:
    with pytest.raises(CartesiaError) as caught:
        async with client.tts.generate(**SPEECH) as response:
            await response.read()
    return caught.value


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("token", [False, True])
@on_virtual_time
async def test_errors_show_neither_secrets_nor_texts(script, token):
    """Not in messages, causes, logs or reprs, nor, for secrets, in local variables of any frame."""

    async def create() -> str:  # noqa: ASYNC124  # it has to be async
        return TOKEN

    credential = {"token": create} if token else {"api_key": KEY}
    with listening() as emitted:
        async with scripted(script, headers={"X-Team": HEADER}, **credential) as (client, service):
            emitted.show(client, client._endpoint, client.voices, await cause_error(client))
            assert service.asked[0].headers["authorization"][7:] in SECRETS
            assert service.asked[0].headers["x-team"] == HEADER


@on_virtual_time
async def test_a_connection_that_breaks_while_it_is_written_to_shows_nothing():
    """The stream's own error has the request in its frames, as memory that no repr shows."""

    async def open_broken(*_):
        ours, theirs = bounded_stream_pair()
        await theirs.aclose()
        return ours

    with listening() as emitted:
        async with scripted(answer({}), api_key=KEY, open_stream=open_broken) as (client, _):
            emitted.show(await cause_error(client))


@on_virtual_time
async def test_a_cancelled_request_shows_nothing():
    """What another exception carries along while a request is given up."""
    with listening() as emitted:
        async with scripted([STALL], api_key=KEY) as (client, _):
            try:
                with trio.fail_after(1):
                    await client.voices.get("v")
            except trio.TooSlowError as error:
                emitted.show(error)
    gc.collect(0)


@on_virtual_time
async def test_nothing_is_kept_of_requests_that_are_over():
    """The headers of a request are held while it is sent, however that ends."""
    async with scripted(answer({}, status=500), [STALL], api_key=KEY) as (client, service):
        with pytest.raises(CartesiaError):
            await client.voices.get("v", max_retries=0)
        with trio.move_on_after(1):
            await client.voices.get("v")
        assert not client._endpoint.connections.wire()._heads._headers
        assert all("trio-cartesia-head" not in asked.headers for asked in service.asked)
        assert all(asked.headers["authorization"][7:] in SECRETS for asked in service.asked)
