"""The official Python client: voices, and tokens."""

from __future__ import annotations

import pytest

from tests.conformance.python import (
    HELLO,
    MARKS,
    NO_VOICE,
    SETTINGS,
    VOICE,
    cartesia,
    on_asyncio,
    open_client,
)

pytestmark = MARKS

SPEECH = {**SETTINGS, "transcript": HELLO}


async def all_of(client, **query):
    return [voice async for voice in client.voices.list(**query)]


@on_asyncio
async def test_pages_follow_each_other(service, form):
    """All voices come, page after page, each once, whatever the size of a page."""
    async with open_client(form) as client:
        large = [voice.id for voice in await all_of(client, limit=100)]
        small = [voice.id for voice in await all_of(client, limit=7)]
        page = await client.voices.list()
    assert large == small
    assert len(set(large)) == len(large) > 10
    assert VOICE in large
    assert [voice.id for voice in page.data] == large[:10]


@on_asyncio
async def test_pages_backwards(service, form):
    """Pages can be walked backwards from any voice."""
    async with open_client(form) as client:
        every = [voice.id for voice in await all_of(client, limit=100)]
        page = await client.voices.list(limit=3, ending_before=every[7])
        assert [voice.id for voice in page.data] == every[4:7]
        before = [v.id for v in await all_of(client, limit=3, ending_before=every[7])]
    assert set(before) == set(every[:7])


@on_asyncio
async def test_filters(service, form):
    """Voices can be searched by gender, by words and by id, and with their previews."""
    async with open_client(form) as client:
        every = await all_of(client, limit=100)
        for gender in {voice.gender for voice in every} - {None}:
            found = await all_of(client, gender=gender, limit=100)
            assert [v.id for v in found] == [v.id for v in every if v.gender == gender]
        by_name = await all_of(client, q=every[0].name.upper(), limit=100)
        assert every[0].id in [voice.id for voice in by_name]
        by_id = await all_of(client, q=VOICE)
        assert [voice.id for voice in by_id] == [VOICE]
        assert await all_of(client, q="no voice has these words") == []
        assert all([voice.is_owner async for voice in client.voices.list(is_owner=True)])
        previews = await all_of(client, expand=["preview_file_url"], limit=100)
    assert all("preview_file_url" in voice.model_fields_set for voice in previews)
    assert not any("preview_file_url" in voice.model_fields_set for voice in every)


@on_asyncio
async def test_one_voice(service, form):
    """A voice can be had by its id, and is the same as in the list."""
    async with open_client(form) as client:
        listed = await all_of(client, q=VOICE)
        voice = await client.voices.get(VOICE)
        with pytest.raises(cartesia.NotFoundError) as caught:
            await client.voices.get(NO_VOICE)
    assert [voice.model_dump()] == [each.model_dump() for each in listed]
    assert caught.value.body["error_code"] == "voice_not_found"


@on_asyncio
async def test_every_language_speaks(service, form):
    """A voice of each of the 44 languages can be spoken with."""
    async with open_client(form) as client:
        voices = {voice.language: voice.id for voice in await all_of(client, limit=100)}
        assert len(voices) == 44
        for language, voice in voices.items():
            settings = SPEECH | {"voice": voice, "language": language}
            assert len(await (await client.tts.generate(**settings)).read()) > 8000


@on_asyncio
async def test_a_token_speaks_and_no_more(service, form):
    """A token with the grant for speech speaks over HTTP and WebSockets, and
    can do nothing else.
    """
    async with open_client(form) as client:
        token = (await client.access_token.create(grants={"tts": True}, expires_in=60)).token
    async with open_client(form, token=token) as client:
        assert await (await client.tts.generate(**SPEECH)).read()
        async with client.tts.websocket_connect() as connection:
            context = connection.context(**SETTINGS)
            await context.push(HELLO, continue_=False)
            events = [event.type async for event in context.receive()]
        assert events[-1] == "done"
        for call in (
            lambda: client.voices.get(VOICE),
            lambda: client.access_token.create(grants={"tts": True}, expires_in=60),
        ):
            with pytest.raises((cartesia.PermissionDeniedError, cartesia.AuthenticationError)):
                await call()


@on_asyncio
async def test_a_token_without_the_grant(service, form):
    """A token for something else does not speak."""
    async with open_client(form) as client:
        token = (await client.access_token.create(grants={"stt": True}, expires_in=60)).token
        with pytest.raises(cartesia.BadRequestError):
            await client.access_token.create(grants={"tts": True}, expires_in=3601)
    async with open_client(form, token=token) as client:
        with pytest.raises(cartesia.PermissionDeniedError):
            await client.tts.generate(**SPEECH)
