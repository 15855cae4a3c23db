"""The client against the local service, over TCP and TLS."""

from __future__ import annotations

import gc
import ssl
import subprocess
import sys

import pytest
import trio

from tests.support import SETTINGS
from trio_cartesia import (
    AuthenticationFailed,
    BadRequest,
    Cartesia,
    Chunk,
    ConcurrencyLimited,
    ConnectFailed,
    Done,
    PermissionDenied,
    RequestFailed,
    VoiceNotFound,
)
from trio_cartesia.server import open_server

WAV = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 16000}
TEXT = "Good morning, dear all."


async def test_bytes_are_the_speech_of_the_journal():
    """What is received is what the service spoke, and the file that it saved can be had."""
    async with open_server(voice="tones") as server, Cartesia(base_url=server.url) as client:
        settings = SETTINGS | {"output_format": WAV}
        async with client.tts.generate(**settings, transcript=TEXT, save=True) as response:
            audio = await response.read()
            assert response.request_id == server.journal.contexts[0].request_id
        assert audio[44:] == server.journal.contexts[0].audio
        saved = await client.request("GET", f"/files/{response.file_id}/download")
        assert saved.body[44:] == audio[44:]


async def test_events_are_those_of_a_websocket():
    """The same text gives equal audio and equal times over HTTP and over a WebSocket."""
    settings = {**SETTINGS, "add_timestamps": True, "add_phoneme_timestamps": True}
    async with open_server(voice="tones") as server, Cartesia(base_url=server.url) as client:
        async with client.tts.generate_sse(**settings, transcript=TEXT, context_id="c") as response:
            events = [event async for event in response]
        async with (
            client.tts.websocket_connect() as connection,
            connection.speak(TEXT, **settings) as context,
        ):
            speech = await context.collect()
    assert {event.context_id for event in events} == {"c"}
    assert isinstance(events[-1], Done)
    assert b"".join(event.audio for event in events if isinstance(event, Chunk)) == speech.audio
    words = [
        word
        for event in events
        if event.type == "timestamps"
        for word in event.word_timestamps.words
    ]
    assert words == [word.text for word in speech.words]


async def test_leaving_early_ends_the_speech():
    """The service stops speaking, and its slot is free for the next request."""
    long = "This is one sentence of a text that goes on for a while. " * 500
    async with open_server(voice="tones", plan="free") as server:
        async with Cartesia(base_url=server.url) as client:
            for _ in range(5):
                async with client.tts.generate(**SETTINGS, transcript=long) as response:
                    await anext(response)
            with trio.fail_after(10):
                while {one.ended for one in server.journal.contexts} != {"lost"}:  # noqa: ASYNC110  # it has no event
                    await trio.sleep(0.001)
            gc.collect(0)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"voice": "00000000-0000-0000-0000-000000000000"}, VoiceNotFound),
        ({"model_id": "no-such-model"}, RequestFailed),
        ({"language": "xx"}, BadRequest),
    ],
)
@pytest.mark.parametrize("version", ["2026-08-14", "2025-04-16"])
async def test_refusals_have_their_classes(changed, kind, version):
    """For structured bodies, and for the texts of older versions."""
    kind = kind if version > "2026" or kind is RequestFailed else RequestFailed
    async with open_server(voice="tones") as server:
        async with Cartesia(base_url=server.url, version=version) as client:
            with pytest.raises(kind) as caught:
                async with client.tts.generate(**SETTINGS | changed, transcript=TEXT):
                    pass
            assert caught.value.status_code in (400, 404)


async def test_limits_and_credentials():
    """A plan's limit, a wrong key, a token that does what its grants say."""
    async with open_server(voice="tones", plan="free", api_keys=["sk"]) as server:
        async with Cartesia("wrong", base_url=server.url) as stranger:
            with pytest.raises(AuthenticationFailed):
                await anext(stranger.voices.list())
        async with Cartesia("sk", base_url=server.url) as client:
            token = await client.access_token.create(expires_in=60, grants={"tts": True})
        async with Cartesia(token=token.token, base_url=server.url) as client:
            with pytest.raises(PermissionDenied):
                await client.voices.get(SETTINGS["voice"])
            long = TEXT * 400
            async with (
                client.tts.generate(**SETTINGS, transcript=long),
                client.tts.generate(**SETTINGS, transcript=long),
            ):
                with pytest.raises(ConcurrencyLimited):
                    async with client.tts.generate(**SETTINGS, transcript=TEXT, max_retries=0):
                        pass


async def test_a_token_can_be_renewed_by_another_client():
    """A client without a key gets its tokens from one with a key."""
    async with open_server(voice="tones", api_keys=["sk"]) as server:
        async with Cartesia("sk", base_url=server.url) as keeper:

            async def create() -> str:
                created = await keeper.access_token.create(expires_in=60, grants={"tts": True})
                return created.token

            async with Cartesia(token=create, base_url=server.url) as client:
                async with client.tts.generate(**SETTINGS, transcript=TEXT) as response:
                    assert await response.read()
                async with (
                    client.tts.websocket_connect() as connection,
                    connection.speak(TEXT, **SETTINGS) as context,
                ):
                    assert (await context.collect()).audio


async def test_voices_are_listed_whole():
    """Every voice of the catalogue comes once, with pages of any size."""
    async with open_server(voice="tones") as server, Cartesia(base_url=server.url) as client:
        ids = [[v.id async for v in client.voices.list(limit=limit)] for limit in (100, 31)]
        assert ids[0] == ids[1]
        assert len(set(ids[0])) == len(ids[0]) > 31
        voice = await client.voices.get(ids[0][0], expand=["preview_file_url"])
        assert voice.preview_file_url is not None
        assert voice.locales[0].is_native


@pytest.mark.slow
async def test_requests_use_the_tls_settings_of_the_client():
    """An authority that is trusted serves both kinds of requests; another one, neither."""
    async with open_server(voice="tones", tls=True) as server:
        trusted = ssl.create_default_context(cafile=server.ca_file)
        async with Cartesia("k", base_url=server.url, ssl_context=trusted) as client:
            async with client.tts.generate(**SETTINGS, transcript=TEXT) as response:
                assert await response.read()
            for _ in range(3):
                await client.get_status()
            async with client.tts.generate(**SETTINGS, transcript=TEXT * 100) as response:
                await anext(response)
            await client.get_status()
        async with Cartesia("k", base_url=server.url) as client:
            with pytest.raises(ConnectFailed, match="certificate"):
                await client.get_status(max_retries=0)


WEBSOCKET = """
import sys, trio
from trio_cartesia import Cartesia
from trio_cartesia.server import open_server
from tests.support import SETTINGS

async def main():
    async with open_server(voice="tones") as server, Cartesia(base_url=server.url) as client:
        async with client.tts.websocket_connect() as connection:
            async with connection.speak("Hello.", **SETTINGS) as context:
                await context.collect()

trio.run(main)
print(*[name for name in ("httpcore2", "trio_cartesia._http.api") if name in sys.modules])
"""


@pytest.mark.slow
def test_websockets_load_no_http():
    """Who uses WebSockets alone never pays for the import of HTTP."""
    command = [sys.executable, "-W", "error", "-c", WEBSOCKET]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
