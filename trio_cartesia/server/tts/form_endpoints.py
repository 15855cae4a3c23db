"""The endpoints that take recordings: `/infill/bytes` and the voice changer (protocol §3.3, §3.4).

An infill is spoken like any other text, and the recordings beside it change nothing. The voice
changer speaks speech of the same account again, which it finds in the journal, and shifts the pitch
of other recordings. Each request is one context, as on `/tts/bytes`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import attrs
import trio

from trio_cartesia.server.audio.clips import decode, samples_of
from trio_cartesia.server.audio.pitch import shift
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.messages.inputs import DEFAULT_DELAY_MS, Generation
from trio_cartesia.server.tts.form_requests import (
    ChangeRequest,
    read_change_request,
    read_infill_request,
)
from trio_cartesia.server.tts.http_endpoints import EVENTS, NO_CACHE, recorded, speak
from trio_cartesia.server.tts.http_sinks import BytesSink, ChangerSink, JoiningSink
from trio_cartesia.server.tts.output import ContextOutput
from trio_cartesia.server.voices.interface import Spoken

__all__ = [
    "CHANGER_BYTES",
    "CHANGER_SSE",
    "INFILL",
    "change_voice_bytes",
    "change_voice_sse",
    "infill_bytes",
]

INFILL: Final = "/infill/bytes"
CHANGER_BYTES: Final = "/voice-changer/bytes"
CHANGER_SSE: Final = "/voice-changer/sse"
SEMITONES: Final = (-7, -6, -5, -4, 4, 5, 6, 7)  # of other recordings; the voice decides which


async def infill_bytes(exchange: Exchange) -> None:
    """Respond with the speech that belongs between two recordings.

    Raises:
        APIError: The request is not valid or failed, and nothing has been sent yet.
        Disconnected: The peer has left, or speech failed after the first audio.
    """
    parsed = read_infill_request(
        exchange.form(), dialect=exchange.dialect, request_id=exchange.request_id
    )
    is_joined = exchange.behaviour.infill_has_recordings  # protocol §7.3 R7
    sink = JoiningSink(
        container=parsed.audio.open(),
        send=exchange.send,
        left=parsed.left if is_joined else iter(()),
        right=parsed.right if is_joined else iter(()),
    )
    with exchange.account.context_slot():
        async with exchange.streaming(parsed.audio.kind):
            await speak(exchange, parsed.generation, sink)


async def change_voice_bytes(exchange: Exchange) -> None:
    """Respond with a recording in another voice, in a container.

    Raises:
        APIError: The request is not valid or failed, and nothing has been sent yet.
        Disconnected: The peer has left, or speech failed after the first audio.
    """
    parsed = read_change_request(exchange.form(), dialect=exchange.dialect)
    sink = BytesSink(container=parsed.audio.open(), send=exchange.send)
    with exchange.account.context_slot():
        async with exchange.streaming(parsed.audio.kind):
            await _change_voice(exchange, parsed, sink)


async def change_voice_sse(exchange: Exchange) -> None:
    """Respond with a recording in another voice, as server-sent events.

    Raises:
        APIError: The request is not valid or failed, and nothing has been sent yet.
        Disconnected: The peer has left.
    """
    parsed = read_change_request(exchange.form(), dialect=exchange.dialect, containers=("raw",))
    sink = ChangerSink(
        sample_rate=parsed.audio.samples.sample_rate,
        send=exchange.send,
        version=exchange.version,
        request_id=exchange.request_id,
    )
    with exchange.account.context_slot():
        async with exchange.streaming(EVENTS, [NO_CACHE]):
            await _change_voice(exchange, parsed, sink)


async def _change_voice(
    exchange: Exchange, parsed: ChangeRequest, sink: BytesSink | ChangerSink
) -> None:
    samples, account = samples_of(parsed.clip), exchange.account.id
    own = exchange.state.journal.find_spoken(samples, account=account)
    if own is None:
        await _shift_pitch(exchange, parsed, sink)
    else:
        await speak(exchange, _again(own, parsed, exchange), sink)


def _again(own: ContextRecord, parsed: ChangeRequest, exchange: Exchange) -> Generation:
    """Return the text of a context as the single input of another one, in the new voice."""
    return attrs.evolve(
        own.settings,
        context_id=exchange.request_id,
        transcript=own.transcript,
        voice_id=parsed.voice_id,
        voice=exchange.find_voice(parsed.voice_id),
        output=parsed.audio.samples,
        continues=False,
        flush=False,
        max_buffer_delay_ms=DEFAULT_DELAY_MS,
        add_timestamps=False,
        add_phoneme_timestamps=False,
    )


async def _shift_pitch(
    exchange: Exchange, parsed: ChangeRequest, sink: BytesSink | ChangerSink
) -> None:
    """Send the clip at another pitch; in the journal it is a context without text.

    Raises:
        APIError: The clip cannot be decoded.
        Disconnected: The peer has left.
    """
    settings = Generation(
        context_id=exchange.request_id,
        model_id="",
        transcript="",
        voice_id=parsed.voice_id,
        output=parsed.audio.samples,
    )
    with recorded(exchange, settings) as record:
        output = ContextOutput(
            settings=settings,
            record=record,
            journal=exchange.state.journal,
            behaviour=exchange.behaviour,
            sink=sink,
        )
        try:
            await _send_shifted(exchange, parsed, output)
        finally:
            exchange.meter(record)()
        record.ended = "done"
        await sink.done(status=exchange.behaviour.done_status)


async def _send_shifted(exchange: Exchange, parsed: ChangeRequest, output: ContextOutput) -> None:
    started = trio.current_time()
    frames = parsed.audio.samples.frames(exchange.behaviour.chunk_bytes)
    gathered = bytearray()
    for piece in _shifted(parsed):
        gathered += piece
        await trio.lowlevel.checkpoint()
        if len(gathered) >= 2 * frames:
            await output.send_speech(_sound(gathered[: 2 * frames]), started)
            del gathered[: 2 * frames]
            started = trio.current_time()
    await output.send_speech(_sound(gathered), started)


def _shifted(parsed: ChangeRequest) -> Iterator[bytes]:
    rate = parsed.audio.samples.sample_rate
    semitones = SEMITONES[zlib.crc32(parsed.voice_id.encode()) % len(SEMITONES)]
    return shift(decode(parsed.clip, rate), factor=2 ** (semitones / 12), sample_rate=rate)


def _sound(samples: bytearray) -> Spoken:
    return Spoken(samples=bytes(samples), words=(), phonemes=())
