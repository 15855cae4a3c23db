"""Responses that are left early, at any step, leave nothing behind."""

from __future__ import annotations

import gc
import wave

import pytest
import trio
import trio.testing

from tests.http.scripted import CLOSE, STALL, answer, chunked, scripted
from tests.support import SETTINGS
from trio_cartesia import Chunk, ConnectionLost, Done, LocalProtocolError, ServiceFailed
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time

SPEECH = {**SETTINGS, "transcript": "Hello."}
AUDIO = chunked(b"one", b"two", b"three")
CHUNK = b'data: {"type":"chunk","data":"AAAA","done":false,"status_code":206}\n\n'
DONE = b'data: {"type":"done","done":true,"status_code":206}\n\n'
EVENTS = chunked(CHUNK, CHUNK, DONE, kind="text/event-stream")
PAGE = answer({"data": [{"id": "a", "name": "a"}], "has_more": True, "next_page": "a"})
FLOAT = SampleFormat(encoding="pcm_f32le", sample_rate=16000)


def open_audio(client):
    return client.tts.generate(**SPEECH)


def open_events(client):
    return client.tts.generate_sse(**SPEECH)


async def count_received(response):
    """Return how much comes; pieces of audio may come together."""
    received = [each async for each in response]
    return len(received) if isinstance(received[-1], Done) else len(b"".join(received))


STREAMS = {"audio": (open_audio, AUDIO), "events": (open_events, EVENTS)}
COUNTS = {"audio": len(b"onetwothree"), "events": 3}


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("count", [0, 1, 2])
@on_virtual_time
async def test_a_loop_that_is_left_leaves_the_pool_clean(kind, count):
    """Its connection is closed, no generator is left to be collected, and the next one works."""
    open_stream, script = STREAMS[kind]
    async with scripted(script, script) as (client, service):
        async with open_stream(client) as response:
            for _ in range(count):
                await anext(response)
        gc.collect(0)
        async with open_stream(client) as response:
            assert await count_received(response) == COUNTS[kind]
        assert service.connections == 2
        async with open_stream(client) as response:
            assert await count_received(response) == COUNTS[kind]
        assert service.connections == 2  # a whole response leaves its connection for the next


@pytest.mark.parametrize("kind", STREAMS)
@on_virtual_time
async def test_a_cancelled_stream_leaves_the_pool_clean(kind):
    """Whatever step is cancelled, the next request works, with the connections that may be open."""
    open_stream, script = STREAMS[kind]
    async with scripted(script, max_connections=2) as (client, _):

        async def receive():
            async with open_stream(client) as response:
                return await count_received(response)

        await cancelled_at_each_step(receive)
        gc.collect(0)
        assert await receive() == COUNTS[kind]


@on_virtual_time
async def test_a_cancelled_call_leaves_the_pool_clean():
    """The same for a request whose response is read whole, and for a list."""
    async with scripted(PAGE, max_connections=1) as (client, _):

        async def receive():
            await client.voices.get("v", max_retries=0)

        async def list_two():
            pages = client.voices.list().pages()
            await anext(pages)

        with pytest.raises(Exception, match="malformed"):
            await cancelled_at_each_step(receive)
        await cancelled_at_each_step(list_two)


@on_virtual_time
async def test_a_cancelled_upload_leaves_the_pool_clean():
    """At each step of reading the upload and of sending it; its generator is closed."""
    closed = []

    async def pieces():
        try:
            for _ in range(3):
                await trio.lowlevel.checkpoint()
                yield bytes(70_000)
        finally:
            closed.append(1)

    async with scripted(answer({"id": "v", "name": "n"}), max_connections=1) as (client, _):

        async def upload():
            await client.voices.clone(clip=pieces(), name="n", language="en")

        steps = await cancelled_at_each_step(upload)
        gc.collect(0)
        assert steps > 10
        assert closed


@on_virtual_time
async def test_statistics_count_requests_and_connections():
    """What is open, and what waits for the next request."""
    failed = answer({}, status=503)
    async with scripted(failed, PAGE, AUDIO) as (client, _):
        await anext(client.voices.list())
        counts = client.statistics()
        assert (counts.requests_sent, counts.retries) == (2, 1)
        assert (counts.connections_open, counts.connections_idle) == (1, 1)
        async with client.tts.generate(**SPEECH):
            assert client.statistics().connections_idle == 0
        assert client.statistics().connections_open == 0


@on_virtual_time
async def test_a_client_with_options_is_not_entered_itself():
    """Its block is that of the client that it was made from."""
    async with scripted(PAGE) as (client, _):
        with pytest.raises(LocalProtocolError, match="entered already"):
            await client.with_options(max_retries=1).__aenter__()
        await anext(client.voices.list())


@on_virtual_time
async def test_a_stalled_stream_is_cancelled_at_once():
    """The caller's deadline is the only one, and closing does not wait for the service."""
    script = [*chunked(b"one")[:2], STALL]
    async with scripted(script, AUDIO) as (client, _):
        start = trio.current_time()
        with trio.move_on_after(5) as scope:
            async with client.tts.generate(**SPEECH) as response:
                async for _ in response:
                    pass
        assert scope.cancelled_caught
        assert trio.current_time() == start + 5


@on_virtual_time
async def test_an_error_in_the_block_leaves_it_as_it_was_raised():
    """There is no group around it."""
    async with scripted(AUDIO) as (client, _):
        with pytest.raises(KeyError):
            async with client.tts.generate(**SPEECH) as response:
                async for _ in response:
                    raise KeyError


@on_virtual_time
async def test_requests_beyond_the_limit_wait():
    """The limit of connections holds, and a request waits for a free one."""
    async with scripted(AUDIO, max_connections=1) as (client, service):
        async with client.tts.generate(**SPEECH):
            with trio.move_on_after(60) as scope:
                await client.get_status()
            assert scope.cancelled_caught
        async with client.tts.generate(**SPEECH) as response:
            await response.read()
        assert service.connections == 2  # the first was left with its response unread


@on_virtual_time
async def test_leaving_the_client_ends_what_is_open():
    """A stream that outlives the client's block fails, and does not hang."""
    script = [*chunked(b"one")[:2], STALL]
    async with scripted(script) as (client, _):
        async with client.tts.generate(**SPEECH) as response:
            await anext(response)
            await client.__aexit__(None, None, None)
            with pytest.raises(ConnectionLost):
                await anext(response)
            await client.__aenter__()


@pytest.mark.parametrize(
    "script",
    [
        chunked(CHUNK, kind="text/event-stream"),
        chunked(CHUNK, kind="text/event-stream", ends=False),
        chunked(kind="text/event-stream"),
        chunked(DONE.strip(), kind="text/event-stream"),
    ],
)
@on_virtual_time
async def test_events_without_their_end_are_cut_short(script):
    """A response that ends before `Done` raises, though HTTP may call it complete."""
    async with scripted(script) as (client, _):
        with pytest.raises(ConnectionLost) as caught:
            async with client.tts.generate_sse(**SPEECH) as response:
                async for _ in response:
                    pass
    assert caught.value.status_code == 200 or caught.value.status_code is None


@on_virtual_time
async def test_an_error_event_is_raised():
    """It has what the event says, and it is the last."""
    event = b'event: error\ndata: {"type":"error","done":true,"status_code":500,"message":"No"}\n\n'
    async with scripted(chunked(CHUNK, event, kind="text/event-stream")) as (client, _):
        async with client.tts.generate_sse(**SPEECH, context_id="c-1") as response:
            assert isinstance(await anext(response), Chunk)
            with pytest.raises(ServiceFailed, match="No") as caught:
                await anext(response)
            assert caught.value.context_id == "c-1"
            with pytest.raises(StopAsyncIteration):
                await anext(response)


@on_virtual_time
async def test_events_of_the_voice_changer_have_no_type():
    """They are the same classes all the same (protocol §3.4)."""
    script = chunked(
        b'data: {"data":"AAAA","done":false,"status_code":206,"sample_rate":44100}\n\n',
        b'data: {"done":true,"status_code":200}\n\n',
        kind="text/event-stream",
    )
    settings = {"output_format_container": "raw", "output_format_sample_rate": 44100}
    async with scripted(script) as (client, _):
        async with client.voice_changer.generate_sse(
            clip=b"audio", voice_id="v", output_format_encoding="pcm_s16le", **settings
        ) as response:
            events = [event async for event in response]
    assert [type(event) for event in events] == [Chunk, Done]
    assert events[0].audio == bytes(3)


@pytest.mark.parametrize("odd", [b"", b"\1"])
async def test_a_saved_file_has_its_sizes(tmp_path, odd):
    """A WAV file that was streamed gets the sizes that its header left open."""
    samples = bytes(400) + odd
    script = chunked(FLOAT.wav_header(), samples)
    async with scripted(script) as (client, _):
        async with client.tts.generate(**SPEECH) as response:
            await response.save(tmp_path / "speech.wav")
        async with client.tts.generate(**SPEECH) as response:
            whole = await response.read()
    expected = FLOAT.wav_header(len(samples)) + samples + bytes(len(samples) % 2)
    assert (tmp_path / "speech.wav").read_bytes() == whole == expected
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


async def test_wave_reads_what_was_saved(tmp_path):
    """The standard library's reader, which needs sizes, takes the file."""
    header = SampleFormat(encoding="pcm_s16le", sample_rate=8000).wav_header()
    async with scripted(chunked(header[:10], header[10:], bytes(200))) as (client, _):
        async with client.tts.generate(**SPEECH) as response:
            await response.save(str(tmp_path / "speech.wav"))
    with wave.open(str(tmp_path / "speech.wav")) as file:
        assert file.getnframes() == 100


@pytest.mark.parametrize("before", [None, b"before"])
async def test_a_file_is_saved_whole_or_not_at_all(tmp_path, before):
    """What is cut short, or cancelled, leaves the file of before, or none, and no part of it."""
    path = tmp_path / "speech.wav"
    if before is not None:
        path.write_bytes(before)
    stalled = [*chunked(b"one")[:2], STALL]
    async with scripted(chunked(b"one", ends=False), stalled) as (client, _):
        with pytest.raises(ConnectionLost):
            async with client.tts.generate(**SPEECH) as response:
                await response.save(path)
        with trio.move_on_after(0.05):
            async with client.tts.generate(**SPEECH) as response:
                await response.save(path)
    assert {each.name for each in tmp_path.iterdir()} == ({path.name} if before else set())
    assert before is None or path.read_bytes() == before


@on_virtual_time
async def test_audio_is_received_once(tmp_path):
    """Asking for the whole after the start is an error, not half of it."""
    async with scripted(AUDIO) as (client, _):
        async with client.tts.generate(**SPEECH) as response:
            await anext(response)
            with pytest.raises(LocalProtocolError, match="once"):
                await response.read()
            with pytest.raises(LocalProtocolError, match="once"):
                await response.save(tmp_path / "speech.wav")


@on_virtual_time
async def test_a_connection_that_the_service_has_closed_is_not_used_for_speech():
    """A kept connection that ended meanwhile fails a GET only once; it is sent again."""
    status = answer({"ok": True})
    async with scripted([*status, CLOSE], status) as (client, service):
        await client.get_status()
        await trio.testing.wait_all_tasks_blocked()
        await client.get_status()
        assert service.connections == 2


@pytest.mark.parametrize("kind", STREAMS)
@on_virtual_time
async def test_what_was_cut_never_looks_complete(kind):
    """After a cancellation, a loss or the end of the block, receiving goes on with an error."""
    open_stream, script = STREAMS[kind]
    head = script[0]
    async with scripted([head, STALL], [head, CLOSE], script) as (client, _):
        async with open_stream(client) as response:
            with trio.move_on_after(1) as patience:
                await anext(response)
            assert patience.cancelled_caught
            for _ in range(2):
                with pytest.raises(ConnectionLost):
                    await anext(response)
        async with open_stream(client) as response:
            for _ in range(2):
                with pytest.raises(ConnectionLost):
                    await anext(response)
        async with open_stream(client) as response:
            await anext(response)
        if kind == "audio":  # the events that came already may be read
            with pytest.raises(ConnectionLost):
                await anext(response)


@on_virtual_time
async def test_one_task_receives_at_a_time():
    """Another one gets an error, and the first one goes on."""
    async with scripted([AUDIO[0], STALL]) as (client, _), open_audio(client) as response:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(anext, response)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(LocalProtocolError, match="another task"):
                await anext(response)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("path", ["", "/", "..", "a\0b", None, 3])
async def test_a_path_that_is_no_file_s_loses_nothing(path, tmp_path):
    """It is refused, and the audio can still be saved elsewhere, under a name of any length."""
    async with scripted(AUDIO) as (client, _), open_audio(client) as response:
        with pytest.raises(LocalProtocolError, match="path must be"):
            await response.save(path)
        await response.save(tmp_path / ("a" * 250))
    assert (tmp_path / ("a" * 250)).read_bytes() == b"onetwothree"
