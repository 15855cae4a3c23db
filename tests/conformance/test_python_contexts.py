"""The official Python client over a WebSocket: contexts, and what is true of them."""

from __future__ import annotations

import array
import asyncio
import statistics

import pytest

from tests.conformance.python import (
    HELLO,
    LONG,
    MARKS,
    NO_VOICE,
    SETTINGS,
    Heard,
    last_record,
    listen,
    on_asyncio,
    open_client,
    spoken_alike,
)

pytestmark = MARKS


def loudness(audio: bytes) -> float:
    return statistics.fmean(map(abs, array.array("h", audio)))


@on_asyncio
async def test_one_text(service, form):
    """A context with one text gets its audio and then done."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        await context.push(HELLO)
        await context.no_more_inputs()
        heard = await listen(context)
    record = last_record(service, context)
    spoken_alike(heard, record)
    assert record.transcript == HELLO
    assert record.ended == "done"


@on_asyncio
async def test_continuations_are_one_text(service, form):
    """Pieces are joined verbatim: split within a word, they are spoken like the whole."""
    pieces = ["Good mor", "ning, dear ", "all. And here is", " a second sentence."]
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS, add_timestamps=True, language="en")
        for piece in pieces:
            await context.push(piece)
        await context.no_more_inputs()
        in_pieces = await listen(context)
        whole = connection.context(**SETTINGS, add_timestamps=True, language="en")
        await whole.push("".join(pieces), continue_=False)
        at_once = await listen(whole)
    record = last_record(service, context)
    spoken_alike(in_pieces, record)
    assert record.transcripts == [*pieces, ""]
    words = [word for word, _, _ in at_once.units("word")]
    assert words == [word for word, _, _ in in_pieces.units("word")] == "".join(pieces).split()
    times = [time for _, *times in at_once.units("word") for time in times]
    assert times == pytest.approx(
        [time for _, *times in in_pieces.units("word") for time in times], abs=0.01
    )


@on_asyncio
async def test_timestamps(service, form):
    """Words and phonemes come with times that rise and lie within the audio."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context = connection.context(
            **SETTINGS, add_timestamps=True, add_phoneme_timestamps=True, max_buffer_delay_ms=0
        )
        await context.push(HELLO)
        await context.no_more_inputs()
        heard = await listen(context)
    spoken_alike(heard, last_record(service, context))
    assert [word for word, _, _ in heard.units("word")] == HELLO.split()
    seconds = len(heard.audio) / 32000
    for kind in ("word", "phoneme"):
        times = [time for _, start, end in heard.units(kind) for time in (start, end)]
        assert times
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= seconds


@on_asyncio
async def test_flushing(service, form):
    """A flush is answered by flush_done, and splits the chunks by their flush id."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        await context.push("The first. ")
        await context.push("", flush=True)
        await context.push("The second.")
        await context.no_more_inputs()
        heard = await listen(context)
    spoken_alike(heard, last_record(service, context))
    (flushed,) = [n for n, event in enumerate(heard.events) if event.type == "flush_done"]
    ids = [event.flush_id for event in heard.events if event.type == "chunk"]
    before = [event.flush_id for event in heard.events[:flushed] if event.type == "chunk"]
    assert heard.events[flushed].flush_id == 1
    assert set(before) == {1}
    assert set(ids[len(before) :]) == {2}


@on_asyncio
async def test_concurrent_contexts(service, form):
    """Contexts of one socket are spoken at the same time, each for itself."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        contexts = [connection.context(**SETTINGS) for _ in range(3)]
        for number, context in enumerate(contexts):
            await context.push(f"This is context number {number}. " * 20)
            await context.no_more_inputs()
        heard = await asyncio.gather(*map(listen, contexts))
    for mine, context in zip(heard, contexts, strict=True):
        spoken_alike(mine, last_record(service, context))
        assert {event.context_id for event in mine.events} == {context._context_id}


@on_asyncio
async def test_speed_volume_and_emotion(service, form):
    """A generation_config reaches the voice: fast speech is shorter, quiet
    speech has less power.
    """
    audio = []
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        for config in ({}, {"speed": 1.5}, {"volume": 0.5}, {"emotion": "sad"}):
            context = connection.context(**SETTINGS, generation_config=config or None)
            await context.push(HELLO * 3)
            await context.no_more_inputs()
            heard = await listen(context)
            record = last_record(service, context)
            spoken_alike(heard, record)
            audio.append(heard.audio)
    plain, fast, quiet, sad = audio
    assert len(fast) < 0.8 * len(plain)
    assert len(quiet) == pytest.approx(len(plain), rel=0.01)
    assert loudness(quiet) == pytest.approx(loudness(plain) / 2, rel=0.1)
    assert sad


@on_asyncio
async def test_cancel(service, form):
    """After cancel little more is spoken, and other contexts of the socket go on."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context, other = connection.context(**SETTINGS), connection.context(**SETTINGS)
        await context.push(LONG)
        await context.no_more_inputs()
        async for event in context.receive():
            assert event.type == "chunk"
            break
        await context.cancel()
        await other.push(HELLO)
        await other.no_more_inputs()
        heard = Heard()
        while "done" not in heard.kinds:  # the sync client ends a loop at any context's done
            events = [event async for event in other.receive()]
            heard.events += [e for e in events if e.context_id == other._context_id]
    spoken_alike(heard, last_record(service, other))
    record = last_record(service, context)
    assert record.ended == "cancelled"
    assert record.cancels == 1
    assert record.chunks_after_cancel <= 2


@on_asyncio
async def test_a_forgotten_end(service, form):
    """A context whose end is never said expires, with done."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS, max_buffer_delay_ms=0)
        await context.push(HELLO)
        heard = await listen(context)
    record = last_record(service, context)
    spoken_alike(heard, record)
    assert record.ended == "expired"


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"model_id": "sonic-9"}, "model_not_found", 400),
        ({"voice": NO_VOICE}, "voice_not_found", 404),
        ({"output_format": {"container": "mp3"}}, None, 400),
        ({"generation_config": {"speed": 9}}, None, 400),
    ],
    ids=lambda value: None if isinstance(value, (int, str)) else next(iter(value or ["none"])),
)
@on_asyncio
async def test_errors_end_their_context(service, form, change, code, status):
    """A refused input ends its own context, with all the fields of an error; the others go on."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        other = connection.context(**SETTINGS)
        await other.push(HELLO)
        context = connection.context(**SETTINGS | change)
        await context.push(HELLO)
        heard = await listen(context)
        await other.no_more_inputs()
        spoken_alike(await listen(other), last_record(service, other))
    (error,) = heard.events
    assert (error.type, error.status_code, error.done) == ("error", status, True)
    assert error.context_id == context._context_id
    assert error.error_code == code
    assert error.title
    assert error.message
    assert error.request_id


@on_asyncio
async def test_an_empty_context(service, form):
    """A context that ends before it has a text is refused."""
    async with open_client(form) as client, client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        await context.no_more_inputs()
        heard = await listen(context)
    assert heard.kinds == ["error"]
    assert heard.events[0].status_code == 400


@on_asyncio
async def test_too_many_contexts(small_service, form):
    """One context more than the plan allows is refused with 429, and the rest is not touched."""
    async with (
        open_client(form) as client,
        client.tts.websocket_connect() as connection,
    ):
        contexts = [connection.context(**SETTINGS) for _ in range(3)]
        for context in contexts:
            await context.push(HELLO)
        refused = await listen(contexts[-1])
        for context in contexts[:2]:
            await context.no_more_inputs()
        heard = await asyncio.gather(*map(listen, contexts[:2]))
    (error,) = refused.events
    assert (error.status_code, error.error_code) == (429, "concurrency_limited")
    assert [mine.kinds[-1] for mine in heard] == ["done", "done"]


@on_asyncio
async def test_a_wrong_key_is_refused_at_the_handshake(service, form):
    """A socket is not opened for a key that is not known."""
    from websockets.exceptions import InvalidStatus

    async with open_client(form, api_key="sk_car_wrong") as client:
        with pytest.raises(InvalidStatus) as caught:
            async with client.tts.websocket_connect():
                pass
    response = caught.value.response
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/json"
    assert b'"title"' in response.body


@on_asyncio
async def test_an_idle_socket_is_closed(service, form):
    """A socket that does nothing ends with 1000, which is a loop's ordinary end."""
    wish = {"x-behaviour": "idle_seconds=0.2"}
    async with open_client(form) as client:
        async with client.tts.websocket_connect(extra_headers=wish) as connection:
            events = [event async for event in connection]
            assert connection._connection.close_code == 1000
            assert connection._connection.close_reason == "connection idle timeout"
    assert events == []


@on_asyncio
async def test_the_older_interface(service, form):
    """What programs for version 2 of the client use works too: one call, one result."""
    async with open_client(form) as client:
        socket = client.tts.websocket() if form == "sync" else await client.tts.websocket()
        await socket.connect()
        output = await socket.send(**SETTINGS, transcript=HELLO, stream=False, add_timestamps=True)
        await socket.close()
    record = service.record(output.context_id)
    assert output.audio == record.audio
    assert output.word_timestamps["words"] == HELLO.split()
