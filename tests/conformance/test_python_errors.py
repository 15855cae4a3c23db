"""The official Python client, refused: the right exception, with its fields."""

from __future__ import annotations

import pytest

from tests.conformance.python import (
    HELLO,
    LONG,
    MARKS,
    NO_VOICE,
    RAW,
    SETTINGS,
    cartesia,
    on_asyncio,
    open_client,
)

pytestmark = MARKS

SPEECH = {**SETTINGS, "transcript": HELLO}


def says(error, status, code, *parts):
    """Check the fields of a refusal."""
    assert error.status_code == status
    body = error.body
    assert body.get("error_code") == code
    assert body["title"]
    assert body["message"]
    assert body["request_id"] == error.response.headers["x-request-id"]
    return True


@pytest.mark.parametrize("call", ["generate", "generate_sse"])
@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"model_id": "sonic-9"}, "BadRequestError", "model_not_found"),
        ({"voice": NO_VOICE}, "NotFoundError", "voice_not_found"),
        ({"transcript": ""}, "BadRequestError", None),
        ({"output_format": RAW | {"sample_rate": 1}}, "BadRequestError", None),
        ({"language": "en", "locale": "en-GB"}, "BadRequestError", None),
        ({"language": "tlh"}, "BadRequestError", "language_not_supported"),
    ],
    ids=["model", "voice", "transcript", "rate", "both", "language"],
)
@on_asyncio
async def test_bad_requests(service, form, call, change, kind, code):
    """What cannot be spoken is refused before a byte is sent, by the class for its status."""
    async with open_client(form) as client:
        with pytest.raises(getattr(cartesia, kind)) as caught:
            await getattr(client.tts, call)(**SPEECH | change)
    assert says(caught.value, {"N": 404}.get(kind[0], 400), code)


@on_asyncio
async def test_events_are_raw_only(service, form):
    """MP3 cannot be asked for as events."""
    mp3 = {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000}
    async with open_client(form) as client:
        with pytest.raises(cartesia.BadRequestError):
            await client.tts.generate_sse(**SPEECH | {"output_format": mp3})


@on_asyncio
async def test_a_wrong_key(service, form):
    """A key that is not known is 401 everywhere."""
    async with open_client(form, api_key="sk_car_wrong") as client:
        for call in (
            lambda: client.tts.generate(**SPEECH),
            lambda: client.tts.generate_sse(**SPEECH),
            lambda: client.voices.get(SETTINGS["voice"]),
            lambda: client.access_token.create(grants={"tts": True}, expires_in=60),
        ):
            with pytest.raises(cartesia.AuthenticationError) as caught:
                await call()
            assert says(caught.value, 401, None)


@on_asyncio
async def test_too_much_at_once(small_service, form):
    """With as many contexts as the plan allows under way, a request is 429."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        contexts = [connection.context(**SETTINGS) for _ in range(2)]
        for context in contexts:
            await context.push(LONG, continue_=False)
            await anext(aiter(context.receive()))  # it is under way
        for call in (client.tts.generate, client.tts.generate_sse):
            with pytest.raises(cartesia.RateLimitError) as caught:
                await call(**SPEECH)
            assert says(caught.value, 429, "concurrency_limited")


@on_asyncio
async def test_what_comes_later(service, form):
    """What the local service does not do yet is 501, in the shape of every refusal."""
    async with open_client(form) as client:
        with pytest.raises(cartesia.InternalServerError) as caught:
            await client.post("/files", cast_to=object)
    assert says(caught.value, 501, None)


@on_asyncio
async def test_nothing_is_there(service, form):
    """A path that the API does not have is 404."""
    async with open_client(form) as client:
        with pytest.raises(cartesia.NotFoundError) as caught:
            await client.get("/nothing/here", cast_to=object)
    assert says(caught.value, 404, None)


@on_asyncio
async def test_older_versions_have_plain_errors(service, form):
    """A version before 2026-03-01 gets a text: its title and message."""
    old = {"cartesia-version": "2025-04-16"}
    async with open_client(form, default_headers=old) as client:
        with pytest.raises(cartesia.BadRequestError) as caught:
            await client.tts.generate(**SPEECH | {"model_id": "sonic-9"})
    assert caught.value.response.headers["content-type"].startswith("text/plain")
    assert caught.value.body.startswith("Invalid model: ")
