"""The client and the local service, which were written apart, together."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import SETTINGS, VOICE, receive_all, received_audio
from trio_cartesia import (
    AuthenticationFailed,
    Cartesia,
    ConnectionLost,
    ContextExpired,
    Event,
    ModelNotFound,
    VoiceNotFound,
)
from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME, SAMPLE_RATES
from trio_cartesia.server import Tones, open_server
from trio_cartesia.testing import (
    bounded_stream_pair,
    cancelled_at_each_step,
    connect_in_memory,
    on_virtual_time,
)


@asynccontextmanager
async def connected(**arguments):
    """A connection to a local service in memory, and that service."""
    async with (
        open_server(port=None, voice=Tones()) as server,
        connect_in_memory(server) as open_stream,
        Cartesia(base_url=server.url, open_stream=open_stream, **arguments) as client,
        client.tts.websocket_connect() as connection,
    ):
        yield connection, server


TEXTS = st.lists(st.text("ab .,!", min_size=1, max_size=12), max_size=5)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), data=st.data())
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_every_context_hears_what_was_spoken_for_it(texts, data):
    """Whatever is pushed to however many contexts, each receives the bytes and
    words of its record.
    """
    rate, encoding = (
        data.draw(st.sampled_from(SAMPLE_RATES)),
        data.draw(st.sampled_from(sorted(BYTES_PER_FRAME))),
    )
    options = {
        **SETTINGS,
        "output_format": {"encoding": encoding, "sample_rate": rate},
        "add_timestamps": True,
    }
    async with connected() as (connection, server):
        speeches = {}

        async def converse(name, pieces):
            async with connection.speak(pieces, **options, context_id=name) as context:
                speeches[name] = await context.collect()

        async with trio.open_nursery() as nursery:
            for number, pieces in enumerate(texts):
                nursery.start_soon(converse, f"c{number}", pieces)
        for number, pieces in enumerate(texts):
            speech = speeches[f"c{number}"]
            if not any(map(str.isalpha, "".join(pieces))):  # nothing is sent
                assert speech.audio == b""
                continue
            record = server.journal.context(f"c{number}")
            assert speech.audio == record.audio
            assert record.transcript == "".join(pieces)
            assert [word.text for word in speech.words] == [word.text for word in record.words]
            assert all(word.end <= speech.duration_seconds + 1e-9 for word in speech.words)
        assert connection.statistics().stray_events == 0


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["tones", "espeak"])
async def test_sixty_four_contexts_at_once(voice):
    """Of sixty-four contexts on one connection over loopback, each hears its own record, whole."""
    heard = {}

    async def converse(connection, number):
        text = f"This is context number {number}, and it has something to say. " * 2
        async with connection.speak(text, **SETTINGS, context_id=f"c{number}") as context:
            heard[f"c{number}"] = (await context.collect()).audio

    async with open_server(voice=voice) as server, Cartesia(base_url=server.url) as client:
        async with client.tts.websocket_connect() as connection, trio.open_nursery() as nursery:
            for number in range(64):
                nursery.start_soon(converse, connection, number)
    assert len(heard) == 64
    for name, audio in heard.items():
        assert audio == server.journal.context(name).audio
        assert len(audio) > 44100


@pytest.mark.parametrize("way", ["break", "exception", "cancel"])
async def test_the_service_hears_one_cancel(way, autojump_clock):
    """Leaving a receive loop, however, is one cancel in the service's journal, and the connection
    carries the next context.
    """
    async with connected() as (connection, server):
        with trio.CancelScope() as scope:
            try:
                async with connection.speak("A long story. " * 200, **SETTINGS) as context:
                    async for _ in context.receive():
                        if way == "break":
                            break
                        if way == "exception":
                            raise KeyError
                        scope.cancel()
            except KeyError:
                assert way == "exception"
        assert connection.statistics().contexts_open == 0
        await trio.sleep(1)
        (record,) = server.journal.contexts
        assert (record.cancels, record.ended) == (1, "cancelled")
        assert connection.statistics().contexts_draining == 0
        async with connection.speak("The next one.", **SETTINGS) as context:
            assert (await context.collect()).complete


async def test_cancelled_at_each_step_the_service_never_hears_two(autojump_clock):
    """Whatever step a conversation is cancelled at, the service hears one cancel of it at the most,
    and no context is left on either side.
    """
    async with connected() as (connection, server):

        async def converse():
            async with connection.context(**SETTINGS) as context:
                await context.push("One sentence. ")
                await context.push("Another. ")
                await context.no_more_inputs()
                await received_audio(context)

        assert await cancelled_at_each_step(converse) > 3
        await trio.sleep(5)
        assert all(record.cancels <= 1 and record.ended for record in server.journal.contexts)
        assert connection.statistics().contexts_open == 0
        assert connection.statistics().contexts_draining == 0


@pytest.mark.parametrize("how", ["reset", "fin"])
async def test_killing_the_socket_in_mid_speech(how, autojump_clock):
    """When the service's socket dies, every receive loop raises at that moment."""
    streams = []

    async with open_server(port=None, voice=Tones()) as server, trio.open_nursery() as nursery:

        async def open_stream(_host, _port):
            near, far = bounded_stream_pair()
            streams.append(far)
            nursery.start_soon(server.serve_stream, far)
            await trio.lowlevel.checkpoint()
            return near

        lost_at = []

        async def listen(connection):
            events: list[Event] = []
            with pytest.raises(ConnectionLost):
                async with connection.context(**SETTINGS) as context:
                    await context.push("A long story. " * 2000)
                    await receive_all(context, events)
            lost_at.append(trio.current_time())

        client = Cartesia(base_url=server.url, open_stream=open_stream)
        async with client.tts.websocket_connect() as connection, trio.open_nursery() as listeners:
            for _ in range(5):
                listeners.start_soon(listen, connection)
            await trio.sleep(0.02)
            if how == "fin":
                await trio.aclose_forcefully(streams[0])
            else:
                streams[0].reset()
        assert lost_at == [0.02] * 5
        nursery.cancel_scope.cancel()


async def test_a_wrong_key_is_refused():
    """Over loopback: a service that wants a key refuses another one, and takes the right one."""
    async with open_server(voice=Tones(), api_keys={"sk_car_right"}) as server:
        with pytest.raises(AuthenticationFailed) as caught:
            async with Cartesia("sk_car_wrong", base_url=server.url).tts.websocket_connect():
                pass
        assert (caught.value.status_code, bool(caught.value.title)) == (401, True)
        assert caught.value.request_id
        async with Cartesia("sk_car_right", base_url=server.url).tts.websocket_connect() as conn:
            assert conn.request_id


@pytest.mark.parametrize(("version", "status"), [("2026-08-14", 404), ("2025-04-16", 400)])
async def test_errors_of_both_generations(version, status, autojump_clock):
    """An unknown voice or model raises its exception, with the fields that its version has."""
    nobody = {**SETTINGS, "voice": "00000000-0000-0000-0000-000000000000"}
    async with connected(version=version) as (connection, _):
        with pytest.raises(VoiceNotFound if version > "2026" else Exception) as caught:
            async with connection.speak("Hello.", **nobody) as context:
                await context.collect()
        assert (caught.value.status_code, caught.value.title) == (status, "Voice not found")
        assert caught.value.context_id
        with pytest.raises(ModelNotFound if version > "2026" else Exception) as caught:
            async with connection.speak("Hello.", **{**SETTINGS, "model_id": "sonar-9"}) as context:
                await context.collect()
        assert (caught.value.status_code, caught.value.title) == (400, "Invalid model")
        async with connection.speak("Hello.", **SETTINGS) as context:
            assert (await context.collect()).complete


async def test_expiry_and_what_was_not_spoken(autojump_clock):
    """A pause of more than a second after the last audio ends the context, and the next push says
    so.
    """
    async with connected() as (connection, _):
        async with connection.context(**SETTINGS) as context:
            await context.push("One. ")
            await context.flush()
            async for _event in context.receive():
                pass
            with pytest.raises(ContextExpired) as caught:
                await context.push("Two. ")
            assert caught.value.unspoken == ("Two. ",)


async def test_segments_of_flushes(autojump_clock):
    """Each flush ends a segment, and the segments together are all of the audio."""
    async with connected() as (connection, server):
        async with connection.context(**SETTINGS, context_id="a") as context:
            for text in ("One. ", "Two is longer. ", "Three."):
                await context.push(text)
                await context.flush()
            await context.no_more_inputs()
            speech = await context.collect()
    assert [segment.flush_id for segment in speech.segments] == [1, 2, 3]
    assert b"".join(segment.audio for segment in speech.segments) == speech.audio
    assert speech.audio == server.journal.context("a").audio


async def test_the_voice_is_heard(autojump_clock):
    """Settings arrive as they were given: voice, language, speed and encoding."""
    async with connected() as (connection, server):
        config = {"speed": 1.5, "volume": 0.5, "emotion": "Sad"}
        async with connection.speak(
            "Hello.", **SETTINGS, context_id="a", language="de", generation_config=config
        ) as context:
            await context.collect()
    asked = server.journal.context("a").settings
    assert (asked.voice_id, asked.language) == (VOICE, "de")
    assert (asked.delivery.speed, asked.delivery.volume) == (1.5, 0.5)
