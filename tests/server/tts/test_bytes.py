from __future__ import annotations

import itertools

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http_client import MP3, WAV_S16, an_error, over_http, speech
from tests.server.support import S16, TWO_SENTENCES, Json, on_virtual_time, tones
from trio_cartesia._protocol.base.audio import ENCODINGS, SAMPLE_RATES
from trio_cartesia.server import Behaviour
from trio_cartesia.server.audio.encodings import encode
from trio_cartesia.server.audio.mp3 import Mp3Encoder


@given(
    encoding=st.sampled_from(ENCODINGS),
    sample_rate=st.sampled_from(SAMPLE_RATES),
    chunk_bytes=st.integers(500, 40_000),
)
@settings(max_examples=settings.default.max_examples // 2)
@on_virtual_time
async def test_raw_is_the_speech_alone(encoding: str, sample_rate: int, chunk_bytes: int) -> None:
    """Raw audio is what the voice says, in the encoding that was asked for, however it is cut."""
    output: Json = {"container": "raw", "encoding": encoding, "sample_rate": sample_rate}
    async with over_http(behaviour=Behaviour(chunk_bytes=chunk_bytes)) as (client, _):
        answer = await client.bytes("Hi you. Hm.", output_format=output)
    expected = encode(await tones("Hi you. Hm.", sample_rate=sample_rate), encoding)
    assert (answer.status, answer.body) == (200, expected)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "cartesia-file-id" not in answer.headers


@on_virtual_time
async def test_a_text_without_words_is_no_error_over_http() -> None:
    """`wordless_start=error` is for WebSockets alone (E4)."""
    async with over_http(behaviour=Behaviour(wordless_start="error")) as (client, _):
        assert (await client.bytes("...", output_format=S16)).status == 200


@pytest.mark.parametrize(
    "output",
    [
        {"container": "mp3", "sample_rate": 44100},
        {"container": "mp3", "sample_rate": 44100, "bit_rate": None},
        {"container": "mp3", "sample_rate": 44100, "bit_rate": 128},
        {"container": "mp3", "sample_rate": 44100, "bit_rate": "128000"},
        {"container": "mp3", "bit_rate": 128000},
        {"container": "mp3", "sample_rate": 11025, "bit_rate": 128000},
        {"container": "wav", "sample_rate": 44100},
        {"container": "wav", "encoding": "pcm_s16be", "sample_rate": 44100},
        {"container": "wav", "encoding": "pcm_s16le"},
        {"encoding": "pcm_s16le", "sample_rate": 44100},
    ],
)
@on_virtual_time
async def test_a_container_needs_its_fields(output: Json) -> None:
    """Each container names what it needs, and what that may be."""
    async with over_http() as (client, _):
        answer = await client.bytes("Hi.", output_format=output)
        assert an_error(answer, 400)
        assert "output_format." in answer.json["message"]


@pytest.mark.parametrize("container", ["raw", "wav", "mp3"])
@on_virtual_time
async def test_a_container_ignores_what_belongs_to_others(container: str) -> None:
    """A bit rate beside raw audio, or an encoding beside MP3, does not matter."""
    extra: Json = {"raw": {"bit_rate": 7}, "wav": {"bit_rate": 7}, "mp3": {"encoding": "?"}}
    plain = {"raw": S16, "wav": WAV_S16, "mp3": MP3}[container]
    async with over_http() as (client, _):
        both = [
            await client.bytes("Hi.", output_format=output)
            for output in (plain, {**plain, **extra[container]})
        ]
    assert both[0].status == both[1].status == 200
    assert both[0].body == both[1].body


@pytest.mark.parametrize(
    ("output", "size"),
    [(S16, range(1)), (WAV_S16, range(44, 45)), (MP3, range(1000, 4000))],
)
@on_virtual_time
async def test_blanks_make_no_sound_and_no_error(output: Json, size: range) -> None:
    """A text of blanks is answered with a body that has no audio, or nearly none for MP3."""
    async with over_http() as (client, server):
        answer = await client.bytes("  \n ", output_format=output)
        assert (answer.status, len(answer.body) in size) == (200, True)
        (record,) = server.journal.contexts
        assert (record.ended, record.audio_bytes) == ("done", 0)


@pytest.mark.parametrize("output", [WAV_S16, MP3])
@on_virtual_time
async def test_containers_stream_too(output: Json) -> None:
    """Headers and encoders do not wait for the end: audio of a container comes while it is made."""
    async with over_http() as (client, server):
        await client.send("POST", "/tts/bytes", speech(TWO_SENTENCES * 50, output_format=output))
        await client.begin()
        assert await client.receive()
        (record,) = server.journal.contexts
        assert (record.ended, record.chunks <= 1) == (None, True)
        await client.stream.aclose()


@on_virtual_time
async def test_every_answer_has_an_id_of_its_own() -> None:
    """Two answers on one connection have different request ids, and the journal knows both."""
    async with over_http() as (client, server):
        answers = [await client.bytes("Hi."), await client.bytes("")]
        ids = [answer.headers["x-request-id"] for answer in answers]
        assert [request.request_id for request in server.journal.requests] == ids
        assert len(set(ids)) == 2


@given(cuts=st.lists(st.integers(0, 6000), max_size=8))
def test_mp3_does_not_depend_on_its_pieces(cuts: list[int]) -> None:
    """However audio is cut on its way to the encoder, the stream is the same."""
    audio = bytes(range(256)) * 24
    bounds = [0, *sorted(cut // 2 * 2 for cut in cuts), len(audio)]
    streams = []
    for pieces in ([audio], [audio[a:b] for a, b in itertools.pairwise(bounds)]):
        encoder = Mp3Encoder(sample_rate=16000, bit_rate=32000)
        streams.append(b"".join([*map(encoder.add, pieces), encoder.end()]))
    assert streams[0] == streams[1]


@on_virtual_time
async def test_the_pace_is_that_of_generation() -> None:
    """Audio is sent as fast as it could be made, and no faster."""
    async with over_http(behaviour=Behaviour(times_real_time=10)) as (client, _):
        started = trio.current_time()
        answer = await client.bytes(TWO_SENTENCES * 20)
        seconds = len(answer.body) / 16000
        assert 0.9 * seconds / 10 < trio.current_time() - started <= seconds / 10
