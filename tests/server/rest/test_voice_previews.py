from __future__ import annotations

import json
import logging
import wave
from io import BytesIO
from typing import Any

import pytest

from tests.server.net.test_tls import dial, over_tls, own_contexts, read_to_the_end
from tests.server.rest.voices import CURRENT, IDS, KEY, get
from tests.server.support import TONES, catch_logs, on_virtual_time
from tests.server.test_routes import ask, exchange
from trio_cartesia.server import Tones, Utterance, open_server


@pytest.mark.parametrize("path", ["/voices", f"/voices/{IDS[0]}"])
@on_virtual_time
async def test_a_preview_can_be_heard(path: str) -> None:
    """Who asks for previews gets addresses where each voice says its name, as WAV, with the same
    key.
    """
    async with open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as server:
        _, body = await get(server, path, **{"expand[]": "preview_file_url"})
        for voice in body.get("data", [body]):
            assert set(voice) == {*CURRENT, "preview_file_url"}
            url = voice["preview_file_url"]
            assert url == f"http://me/voices/{voice['id']}/preview"
            target = url.removeprefix("http://me")
            status, headers, wav = await ask(server, f"GET {target}", KEY)
            assert (status, headers["content-type"]) == (200, "audio/wav")
            with wave.open(BytesIO(wav)) as file:
                assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (
                    *(1, 2),
                    24000,
                )
                assert file.getnframes() > 0.5 * 24000
            status, headers, nothing = await ask(server, f"HEAD {target}", KEY)
            assert (status, nothing) == (200, b"")
            assert int(headers["content-length"]) == len(wav)
            assert (await ask(server, f"GET {target}"))[0] == 401
        assert not server.journal.contexts


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:80", "http://[::1]:80"),
        ("", None),
    ],
)
@on_virtual_time
async def test_a_preview_is_where_the_client_is(host: str, base: str | None) -> None:
    """The address of a preview starts as the client reached us; without a sensible host there is
    none.
    """
    async with open_server(port=None, voice="tones") as server:
        line = f"GET /voices/{IDS[0]}?expand%5B%5D=preview_file_url HTTP/1.1"
        head = "\r\n".join([line, f"Host: {host}", "Connection: close", "", ""])
        answer = await exchange(server, head.encode())
        url = json.loads(answer.partition(b"\r\n\r\n")[2])["preview_file_url"]
        assert url == (base and f"{base}/voices/{IDS[0]}/preview")


async def test_a_preview_is_as_safe_as_the_list() -> None:
    """Who asks over TLS gets an address with https."""
    mine, theirs = own_contexts()
    async with open_server(voice="tones", tls=mine) as server:
        async with over_tls(theirs, await dial(server)) as stream:
            target = f"/voices/{IDS[0]}?expand%5B%5D=preview_file_url"
            head = f"GET {target} HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n"
            await stream.send_all(head.encode())
            answer = await read_to_the_end(stream)
    url = json.loads(answer.partition(b"\r\n\r\n")[2])["preview_file_url"]
    assert url == f"https://me/voices/{IDS[0]}/preview"


@on_virtual_time
async def test_a_preview_that_fails_is_told() -> None:
    """A preview of nobody is not found, and a voice that fails is an error of the service."""

    class Mute(Tones):
        async def speak(self, _: Utterance) -> Any:
            raise OSError

    async with open_server(port=None, voice=Mute()) as server:
        with catch_logs(logging.ERROR) as lines:
            status, _, body = await ask(server, f"GET /voices/{IDS[0]}/preview")
        assert (status, json.loads(body)["title"]) == (500, "Internal server error")
        assert lines == ["synthesis failed: OSError"]
        status, _, body = await ask(server, "GET /voices/nobody/preview")
        assert (status, json.loads(body)["error_code"]) == (404, "voice_not_found")
