"""What the service speaks is recognised word for word at each endpoint."""

from __future__ import annotations

import json
from itertools import product

import pytest

from tests.server.http_client import HttpClient, dial, form, form_headers
from tests.server.stt.support import MANUAL, TURNS, finals, rest, target
from tests.server.support import Client, audio, connect, generation, in_memory
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server import Behaviour, open_voice

STARTS = (
    *("The quick brown", "A small", "An old grey", "My friendly", "The very last"),
    *("Every second", "No other", "One more careful", "Her youngest", "That famous"),
)
ENDS = (
    "fox jumps over the lazy dog.",
    "teacher wrote a letter to the mayor.",
    "sailor crossed the northern sea in winter.",
    "engineer repaired the broken bridge.",
    "child found seven coins under the table.",
    "doctor answered three difficult questions.",
)
SENTENCES = [f"{start} {end}" for start, end in product(STARTS, ENDS)]
FORMATS = [
    SampleFormat(encoding="pcm_s16le", sample_rate=16_000),
    SampleFormat(encoding="pcm_mulaw", sample_rate=8_000),
]


async def spoken(client: Client, text: str, samples: SampleFormat) -> bytes:
    """The speech, with silence on both sides of it."""
    output = {"container": "raw", "encoding": samples.encoding, "sample_rate": samples.sample_rate}
    events = await client.speak(generation("a", text, output_format=output))
    second = samples.silence(samples.sample_rate)
    return second + audio(events) + 2 * second


async def transcribed(client: HttpClient, clip: bytes, samples: SampleFormat) -> str:
    query = f"encoding={samples.encoding}&sample_rate={samples.sample_rate}"
    body = form([("model", "ink-whisper")], {"file": ("clip", clip, "application/octet-stream")})
    answer = await client.ask("POST", f"/stt?{query}", body, list(form_headers().items()))
    return str(answer.json["text"])


async def streamed(client: Client, clip: bytes, samples: SampleFormat, close: str) -> list[str]:
    """The final texts of a WebSocket that gets a tenth of a second at a time."""
    size = samples.bytes_per_frame * samples.sample_rate // 10
    for start in range(0, len(clip), size):
        await client.send(clip[start : start + size])
    await client.send(close)
    events, _ = await rest(client)
    turns = [event["transcript"] for event in events if event["type"] == "turn.end"]
    return turns or [finals(events).strip()]


@pytest.mark.slow
@pytest.mark.parametrize("samples", FORMATS, ids=lambda samples: samples.encoding)
async def test_own_speech_is_recognised_word_for_word(samples: SampleFormat) -> None:
    """Sixty sentences are the same as a recording, on both WebSockets, and after 8 kHz mu-law."""
    behaviour = Behaviour(times_real_time=float("inf"))
    query = {"encoding": samples.encoding, "sample_rate": samples.sample_rate}
    closes = {MANUAL: "close", TURNS: json.dumps({"type": "close"})}
    async with in_memory(voice=open_voice("espeak"), behaviour=behaviour) as (server, nursery):
        http = dial(server, nursery)
        for text in SENTENCES:
            speaker = await connect(server, nursery)
            clip = await spoken(speaker, text, samples)
            await speaker.close()
            assert await transcribed(http, clip, samples) == text
            for path, close in closes.items():
                client = await connect(server, nursery, target(path, query))
                assert " ".join(await streamed(client, clip, samples, close)) == text
            server.journal.forget()  # sentences that share words would compete
