"""Whatever the service, or something before it, answers: an error of ours with what is known."""

from __future__ import annotations

import json
import math
from datetime import datetime

import pytest
import trio

from tests.http.scripted import CLOSE, STALL, answer, chunked, scripted
from tests.support import SETTINGS
from trio_cartesia import (
    AuthenticationFailed,
    BadRequest,
    CartesiaError,
    ConcurrencyLimited,
    ConnectFailed,
    ConnectionLost,
    LocalProtocolError,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    RemoteProtocolError,
    RequestFailed,
    ServiceFailed,
    VoiceNotFound,
)
from trio_cartesia.testing import on_virtual_time

KINDS = {
    302: RequestFailed,
    400: BadRequest,
    401: AuthenticationFailed,
    402: QuotaExceeded,
    403: PermissionDenied,
    404: NotFound,
    408: ServiceFailed,
    409: BadRequest,
    413: BadRequest,
    418: RequestFailed,
    422: BadRequest,
    429: ConcurrencyLimited,
    500: ServiceFailed,
    501: ServiceFailed,
    503: ServiceFailed,
}
STRUCTURED = {"error_code": None, "title": "Too bad", "message": "It is.", "request_id": "r-1"}
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>No</h1></body></html>"


def cut(script):
    """Send half of the body, and end the connection."""
    head, _, body = script[0].partition(b"\r\n\r\n")
    return [head, b"\r\n\r\n", body[: len(body) // 2], CLOSE]


FORMS = {  # of bodies: the answer to a status, and what the message has
    "structured": (lambda status: answer(STRUCTURED, status=status), "It is."),
    "legacy": (lambda status: answer(b"Too bad: It is.", status=status), "It is."),
    "html": (lambda status: answer(PAGE, status=status, kind="text/html"), "502 Bad Gateway"),
    "empty": (lambda status: answer(b"", status=status), "gave no reason"),
    "truncated": (lambda status: cut(answer(b"Too bad: It was cut", status=status)), "Too bad"),
    "wrong type": (
        lambda status: answer(json.dumps(STRUCTURED).encode(), status=status, kind="image/png"),
        "It is.",
    ),
    "array": (lambda status: answer([1, 2], status=status), "[1, 2]"),
    "not text": (lambda status: answer(bytes(range(256)), status=status), ""),
    "endless": (lambda _: [*chunked(b"x" * 100_000, kind="text/plain")[:2], STALL], "xxx"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", KINDS)
@on_virtual_time
async def test_each_status_and_body_becomes_an_error(status, form):
    """The class says who has to act, the attributes have what the response said."""
    make, text = FORMS[form]
    script = make(status)
    script[0] = (
        script[0]
        .replace(b" 200 OK", b" %d X" % status)
        .replace(b"\r\n", b"\r\nX-Request-Id: r-0\r\n", 1)
    )
    async with scripted(script) as (client, _):
        with pytest.raises(RequestFailed) as caught:
            await client.voices.get("v", max_retries=0)
    error = caught.value
    assert type(error) is KINDS[status]
    assert error.status_code == status
    assert error.request_id == ("r-1" if form in ("structured", "wrong type") else "r-0")
    assert text in error.message or text in (error.title or "")
    assert error.message.isprintable()
    assert "<" not in error.message or form == "not text"


@on_virtual_time
async def test_a_code_wins_over_the_status():
    """The service's code is more exact than its status."""
    body = {**STRUCTURED, "error_code": "voice_not_found", "doc_url": "https://docs"}
    async with scripted(answer(body, status=400)) as (client, _):
        with pytest.raises(VoiceNotFound) as caught:
            await client.voices.get("v")
    assert (caught.value.error_code, caught.value.doc_url) == ("voice_not_found", "https://docs")


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(PAGE, kind="text/html"), RemoteProtocolError),
        (answer(b"", kind="application/json"), RemoteProtocolError),
        (answer(b"{", kind="application/json"), RemoteProtocolError),
        (answer([1], kind="application/json"), RemoteProtocolError),
        (answer({"name": "has no id"}), RemoteProtocolError),
        (answer(b"", status=204), RemoteProtocolError),
        ([b"HTTP/1.1 two hundred\r\n\r\n"], RemoteProtocolError),
        (
            [b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx"],
            RemoteProtocolError,
        ),
        (cut(answer({"id": "v", "name": "cut short"})), ConnectionLost),
        (chunked(b'{"id":', kind="application/json", ends=False), ConnectionLost),
        ([b"HTTP/1.1 200", CLOSE], ConnectionLost),
        ([CLOSE], ConnectionLost),
    ],
)
@on_virtual_time
async def test_a_response_that_is_not_what_was_requested_is_an_error(script, kind):
    """What cannot be read raises, bare and with the status, and nothing of it is quoted."""
    async with scripted(script) as (client, _):
        with pytest.raises(kind) as caught:
            await client.voices.get("v", max_retries=0)
    assert "has no id" not in str(caught.value)


async def first_event(client):
    async with client.tts.generate_sse(**SETTINGS, transcript="Hi.") as response:
        await anext(response)


async def raw_json(client):
    (await client.request("GET", "/x")).json()


@pytest.mark.parametrize(
    ("call", "script"),
    [
        (lambda client: client.voices.get("v"), answer({"id": 5})),
        (lambda client: client.get_status(), answer({"ok": 5})),
        (lambda client: anext(client.voices.list()), answer({"data": [{"id": 5}]})),
        (lambda client: anext(client.voices.list().pages()), answer([])),
        (raw_json, answer(b"{")),
        (first_event, answer(b"data: {\n\n", kind="text/event-stream")),
        (first_event, answer(b"data: [1]\n\n", kind="text/event-stream")),
        (first_event, answer(b'data: {"type":"chunk"}\n\n', kind="text/event-stream")),
    ],
)
@on_virtual_time
async def test_a_malformed_response_has_its_status_and_request_id(call, script):
    """So that it can be reported."""
    script[0] = script[0].replace(b"\r\n", b"\r\nx-request-id: r-1\r\n", 1)
    async with scripted(script) as (client, _):
        with pytest.raises(RemoteProtocolError) as caught:
            await call(client)
    assert (caught.value.status_code, caught.value.request_id) == (200, "r-1")


@pytest.mark.parametrize(
    "script", [answer(PAGE, kind="text/html"), answer({"ok": True}), chunked(b"RIFF", ends=False)]
)
@on_virtual_time
async def test_audio_that_is_none_is_an_error(script):
    """A page of a proxy, JSON and a response that was cut short are not taken for audio."""
    async with scripted(script) as (client, _):
        with pytest.raises((RemoteProtocolError, ConnectionLost)):
            async with client.agents.calls.download_audio("c") as response:
                await response.read()


@on_virtual_time
async def test_a_service_that_cannot_be_reached_is_an_error_with_its_cause():
    """Nothing was sent, and the cause is the system's."""
    async with scripted(answer({})) as (client, service):
        service.refused = 100
        with pytest.raises(ConnectFailed, match="connection refused") as caught:
            await client.get_status()
    assert isinstance(caught.value.__cause__, OSError)


@on_virtual_time
async def test_connecting_has_a_deadline_of_its_own():
    """A service that does not answer is given up after 30 seconds."""

    async def hang(host, port):
        await trio.sleep_forever()

    async with scripted(answer({}), open_stream=hang) as (client, _):
        start = trio.current_time()
        with pytest.raises(ConnectFailed, match="within 30 seconds"):
            await client.get_status(max_retries=0)
        assert trio.current_time() == start + 30


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.voices.get(""),
        lambda client: client.voices.get(7),
        lambda client: client.voices.get(".."),
        lambda client: client.voices.list(limit=0),
        lambda client: client.voices.list(limit="10"),
        lambda client: client.voices.update("v", name=b"bytes"),
        lambda client: client.voices.get("v", extra_headers={"Host": "elsewhere"}),
        lambda client: client.voices.get("v", max_retries=-1),
        lambda client: client.voices.get("v", on_response="print"),
        lambda client: client.voices.get("v", timeout=3),
        lambda client: client.access_token.create(expires_in=3601),
        lambda client: client.voices.clone(clip="nowhere.wav", name="n", language="en"),
        lambda client: client.voices.clone(clip=7, name="n", language="en"),
        lambda client: client.request("GET", "https://elsewhere"),
        lambda client: client.request("FETCH", "/voices"),
        lambda client: client.request("GET", "/voices?limit=1"),
        lambda client: client.request("POST", "/voices", json=float("nan")),
        lambda client: client.request("POST", "/voices", json=[1], extra_body={"a": 1}),
        lambda client: client.tts.infill(
            model_id="m",
            language="en",
            transcript="x",
            voice_id="v",
            output_format={"container": "mp3", "sample_rate": 44100, "bit_rate": 32000},
        ),
        lambda client: client.with_options(extra_query=3),
    ],
)
@on_virtual_time
async def test_what_cannot_be_sent_raises_before_anything_is(call):
    """A wrong argument is an error of the call, and no connection is made for it."""
    async with scripted(answer({})) as (client, service):
        with pytest.raises(LocalProtocolError):
            await call(client)
        assert service.connections == 0


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def endless() -> object:
    value: list[object] = []
    value.append(value)
    return value


INFILL = {
    "model_id": "m",
    "language": "en",
    "transcript": "x",
    "voice_id": "v",
    "output_format": {"container": "mp3", "sample_rate": 44100, "bit_rate": 32000},
    "left_audio": b"audio",
}
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  # which is the mistake


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda client: client.request("POST", "/x", json=endless()), "json must not contain itse"),
        (lambda client: client.request("POST", "/x", json=nested(101)), "more than 100 levels"),
        (lambda client: client.request("POST", "/x", json=[math.inf]), "json .* finite .* inf"),
        (lambda client: client.request("POST", "/x", json=10**5000), "json .* finite"),
        (lambda client: client.request("GET", "/x", query={"a": math.nan}), "a must be a finite"),
        (lambda client: client.request("GET", "/x", query={"a": 10**5000}), "a must be a finite"),
        (lambda client: client.request("GET", "/x", query={"a": NAIVE}), "a must have a time zone"),
        (lambda client: client.request("GET", "/x", query={1: "a"}), "name of a parameter"),
        (lambda client: client.request("GET", "/x", query=[("a", 1)]), "query must be a mapping"),
        (lambda client: client.voices.get("v", extra_query={"a": math.nan}), "a must be a finite"),
        (lambda client: client.usage.credits(start_ts=NAIVE), "start_ts must have a time zone"),
        (lambda client: client.voices.add_accents("v", accents="us"), "accents must be a list"),
        (lambda client: client.voices.list(expand="x"), "expand must be a list"),
        (
            lambda client: client.voices.clone(
                clip=b"x", name="n", language="en", extra_body={"a": math.nan}
            ),
            "extra_body must be a finite",
        ),
        (
            lambda client: client.voices.clone(clip=b"x", name="n", language="en", progress=1),
            "progress must be a function",
        ),
        (lambda client: client.tts.infill(**INFILL, speed="fast"), "no setting speed"),
        (
            lambda client: client.tts.infill(
                **{name: INFILL[name] for name in INFILL if name != "voice_id"}
            ),
            "needs voice_id",
        ),
        (lambda client: client.tts.infill(**{**INFILL, "voice_id": 5}), "voice_id must be"),
    ],
)
@on_virtual_time
async def test_what_cannot_be_sent_is_named(call, found):
    """The error names the parameter at fault, and what it may be; nothing is sent."""
    async with scripted(answer({})) as (client, service):
        with pytest.raises(LocalProtocolError, match=found):
            await call(client)
        assert service.connections == 0


@on_virtual_time
async def test_json_of_100_levels_can_be_sent():
    """That is the limit."""
    async with scripted(answer({})) as (client, service):
        await client.request("POST", "/x", json=nested(100))
    assert service.asked[0].json == nested(100)


@on_virtual_time
async def test_requests_need_the_block():
    """Outside of the client's block there are no connections to use."""
    async with scripted(answer({"ok": True})) as (client, _):
        await client.get_status()
    with pytest.raises(LocalProtocolError, match="async with"):
        await client.get_status()


@on_virtual_time
async def test_an_error_does_not_wait_for_its_body():
    """The status is known, so a body that does not come is given up after five seconds."""
    stalled = [b"HTTP/1.1 404 X\r\ncontent-length: 9\r\n\r\nToo bad", STALL]
    async with scripted(stalled) as (client, _):
        start = trio.current_time()
        with pytest.raises(NotFound, match="Too bad"):
            await client.voices.get("v")
        assert trio.current_time() == start + 5


def test_every_error_is_of_one_tree():
    """One except clause catches whatever a request raises."""
    assert all(issubclass(kind, CartesiaError) for kind in KINDS.values())
