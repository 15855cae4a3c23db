"""Which requests are sent again."""

from __future__ import annotations

import logging

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.http.scripted import CLOSE, answer, chunked, scripted
from tests.support import SETTINGS
from trio_cartesia import ConnectFailed, ConnectionLost, RequestFailed, ServiceFailed
from trio_cartesia.testing import on_virtual_time

OK = answer({"id": "v", "name": "n"})
SPEECH = {**SETTINGS, "transcript": "canary"}


@given(st.sampled_from([408, 429, 500, 502, 503]), st.integers(0, 3))
@on_virtual_time
async def test_a_get_is_sent_again_a_few_times(status, failures):
    """It succeeds if the service recovers within two retries, each later than the one before."""
    scripts = [answer({}, status=status)] * failures + [OK]
    async with scripted(*scripts) as (client, service):
        start = trio.current_time()
        if failures > 2:
            with pytest.raises(RequestFailed):
                await client.voices.get("v")
        else:
            await client.voices.get("v")
        assert len(service.asked) == min(failures, 2) + 1
        waited = trio.current_time() - start
        least = sum(0.75 * 0.5 * 2**n for n in range(min(failures, 2)))
        assert least <= waited <= least / 0.75


@pytest.mark.parametrize("script", [answer({}, status=503), [CLOSE], [b"HTTP/1.1 2", CLOSE]])
@on_virtual_time
async def test_a_written_post_is_sent_once(script):
    """Speech that may have been billed is not requested again, unless the caller asks for it."""
    async with scripted(script, chunked(b"audio")) as (client, service):
        with pytest.raises((ServiceFailed, ConnectionLost)):
            async with client.tts.generate(**SPEECH):
                pass
        assert len(service.asked) == 1
    async with scripted(script, chunked(b"audio")) as (client, service):
        async with client.tts.generate(**SPEECH, retry_written=True) as response:
            assert await response.read() == b"audio"
        assert len(service.asked) == 2


@on_virtual_time
async def test_a_post_that_was_not_carried_out_is_sent_again():
    """A refused connection and 429 cost nothing."""
    async with scripted(answer({}, status=429), chunked(b"audio")) as (client, service):
        service.refused = 1
        async with client.tts.generate(**SPEECH) as response:
            assert await response.read() == b"audio"
        assert len(service.asked) == 2


@on_virtual_time
async def test_a_response_that_has_begun_is_not_requested_again():
    """What was received is with the caller already."""
    async with scripted(chunked(b"audio", ends=False), chunked(b"audio")) as (client, service):
        with pytest.raises(ConnectionLost):
            async with client.tts.generate(**SPEECH, retry_written=True) as response:
                await response.read()
        assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("60", 60),
        ("soon", None),
        ("-1", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
    ],
)
@on_virtual_time
async def test_the_service_says_when(header, seconds):
    """``Retry-After`` is honoured up to a minute; what is not a time is ignored."""
    script = answer({}, status=429, retry_after=header)
    async with scripted(script, OK) as (client, _):
        start = trio.current_time()
        await client.voices.get("v")
        waited = trio.current_time() - start
        assert waited == seconds if seconds is not None else 0.375 <= waited <= 0.5


@on_virtual_time
async def test_a_date_that_has_passed_is_now():
    """``Retry-After`` may be a date."""
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    async with scripted(answer({}, status=429, retry_after=date), OK) as (client, _):
        start = trio.current_time()
        await client.voices.get("v")
        assert trio.current_time() == start


@on_virtual_time
async def test_a_wait_that_is_too_long_is_the_callers():
    """Beyond a minute, the error says how long, at once."""
    async with scripted(answer({}, status=503, retry_after="3600"), OK) as (client, service):
        with pytest.raises(ServiceFailed) as caught:
            await client.voices.get("v")
        assert caught.value.retry_after_seconds == 3600
        assert len(service.asked) == 1


@on_virtual_time
async def test_attempts_are_logged_without_what_was_sent(caplog):
    """Each failed attempt is a line with the reason; neither the key nor the text are in it."""
    caplog.set_level(logging.DEBUG)
    async with scripted(answer({}, status=429), chunked(b"audio")) as (client, _):
        async with client.tts.generate(**SPEECH) as response:
            await response.read()
    lines = [line for line in caplog.messages if "attempt 2" in line]
    assert len(lines) == 1
    assert "429" in lines[0]
    assert "canary" not in caplog.text


@on_virtual_time
async def test_a_wait_can_be_cancelled():
    """The caller's deadline holds while a retry is waited for."""
    async with scripted(answer({}, status=503)) as (client, service):
        with trio.move_on_after(0.1) as scope:
            await client.voices.get("v")
        assert scope.cancelled_caught
        assert len(service.asked) == 1


@on_virtual_time
async def test_retries_are_the_requests_that_followed_a_failed_one():
    """Those with a new token count, a wait that was cancelled does not."""

    async def create() -> str:  # noqa: ASYNC124  # it has to be async
        return "opaque"

    scripts = [answer({}, status=401), answer({}, status=503), OK, answer({}, status=503)]
    async with scripted(*scripts, token=create) as (client, service):
        await client.voices.get("v")
        counts = client.statistics()
        assert (counts.requests_sent, counts.retries) == (3, 2)
        with trio.move_on_after(0.1):
            await client.voices.get("v")
        counts = client.statistics()
        assert (counts.requests_sent, counts.retries) == (len(service.asked), 2) == (4, 2)


@on_virtual_time
async def test_a_body_that_is_read_once_is_sent_once():
    """An upload from an iterable cannot be repeated."""

    async def pieces():  # noqa: ASYNC124  # it has to be async
        yield b"audio"

    async with scripted(answer({}, status=429), OK) as (client, service):
        with pytest.raises(RequestFailed):
            await client.voices.clone(clip=pieces(), name="n", language="en")
        assert len(service.asked) == 1


@on_virtual_time
async def test_max_retries_is_an_option_of_the_client_and_of_a_call():
    """The call's wins."""
    async with scripted(answer({}, status=500)) as (client, service):
        eager = client.with_options(max_retries=4)
        with pytest.raises(ServiceFailed):
            await eager.voices.get("v")
        assert len(service.asked) == 5
        with pytest.raises(ServiceFailed):
            await eager.voices.get("v", max_retries=0)
        assert len(service.asked) == 6


@on_virtual_time
async def test_a_refused_connection_is_bounded_too():
    """After two retries the error is raised."""
    async with scripted(OK) as (client, service):
        service.refused = 10
        with pytest.raises(ConnectFailed):
            await client.voices.get("v")
        assert service.refused == 7
