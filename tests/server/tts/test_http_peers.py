from __future__ import annotations

import json

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from tests.server.http_client import (
    BOTH,
    BYTES,
    LONG,
    MP3,
    SSE,
    WAV_S16,
    Cut,
    Failing,
    HttpClient,
    Slow,
    dial,
    over_http,
    speech,
)
from tests.server.streams import Sliced
from tests.server.support import (
    S16,
    TONES,
    TWO_SENTENCES,
    Json,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import open_server


@BOTH
@on_virtual_time
async def test_audio_comes_while_the_rest_is_made(path: str) -> None:
    """Of a text of ten minutes the first piece comes before a hundredth of it has been made; a peer
    that leaves then ends it at that moment.
    """
    async with over_http() as (client, server):
        await client.send("POST", path, speech(LONG))
        started = trio.current_time()
        assert (await client.begin()).status == 200
        assert await client.receive()
        (record,) = server.journal.contexts
        assert record.ended is None
        assert record.settings.output.seconds(record.audio_bytes) < 0.01 * 600
        assert trio.current_time() == started
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert record.ended == "lost"
        assert record.settings.output.seconds(record.audio_bytes) < 0.02 * 600
        assert trio.current_time() == started


@BOTH
@on_virtual_time
async def test_a_peer_that_leaves_before_the_first_audio_is_missed(path: str) -> None:
    """While nothing has been sent yet, the end of the connection ends the context as well."""
    async with over_http(voice=Slow()) as (client, server):
        await client.send("POST", path, speech("Hi."))
        await trio.sleep(1)
        (record,) = server.journal.contexts
        assert record.ended is None
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert (record.ended, trio.current_time()) == ("lost", record.opened_at + 1)
        assert server.journal.requests == ()


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    paths=st.lists(st.sampled_from([BYTES, SSE, "/", "/nowhere"]), min_size=1, max_size=5),
)
@on_virtual_time
async def test_requests_that_come_early_are_answered_in_their_turn(
    sizes: list[int], paths: list[str]
) -> None:
    """Requests that are sent all at once, in whatever slices they arrive, are
    answered one by one.
    """

    def sliced() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        ours, theirs = memory_stream_pair()
        return ours, Sliced(theirs, sizes)

    async with over_http(pair=sliced) as (client, server):
        readers = []
        for number, path in enumerate(paths):
            sender = HttpClient(client.stream)
            method = "GET" if path == "/" else "POST"
            await sender.send(method, path, speech(f"This is number {number}."))
            readers.append(sender)
        early = b""
        for number, (path, reader) in enumerate(zip(paths, readers, strict=True)):
            if early:
                reader.wire.receive_data(early)
            answer = await reader.finish()
            early, _ = reader.wire.trailing_data
            assert answer.status == (404 if path == "/nowhere" else 200)
            if path == BYTES:
                assert answer.body == await tones(f"This is number {number}.")
        assert [request.path for request in server.journal.requests] == paths


@on_virtual_time
async def test_a_peer_that_leaves_is_missed_though_it_asked_for_more() -> None:
    """A further request that waits does not hide that its sender has gone."""
    async with over_http() as (client, server):
        await client.send("POST", BYTES, speech(LONG))
        await client.begin()
        await client.stream.send_all(b"GET / HTTP/1.1\r\nhost: me\r\n\r\n")
        await wait_all_tasks_blocked()
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert [record.ended for record in server.journal.contexts] == ["lost"]
        assert [request.path for request in server.journal.requests] == [BYTES]


@BOTH
@on_virtual_time
async def test_peers_of_http_1_0_get_no_chunks(path: str) -> None:
    """To a peer that knows no chunks the body comes as it is, and ends with the connection."""
    body = json.dumps(speech(TWO_SENTENCES)).encode()
    head = f"POST {path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = b""
    async with open_server(port=None, voice=TONES) as server, trio.open_nursery() as nursery:
        client = dial(server, nursery)
        await client.stream.send_all(head + body)
        while data := await client.stream.receive_some(65536):
            answer += data
        headers, _, body = answer.partition(b"\r\n\r\n")
        assert headers.startswith(b"HTTP/1.1 200 ")
        assert b"transfer-encoding" not in headers.lower()
        assert b"connection: close" in headers.lower()
        (record,) = server.journal.contexts
        assert body == record.audio if path == BYTES else body.startswith(b"data: {")
        await client.stream.aclose()


@BOTH
@on_virtual_time
async def test_whoever_does_not_read_is_given_up(path: str) -> None:
    """A peer that stays and does not read is cut off after the idle time; the service does not wait
    for it when it stops.
    """
    async with trio.open_nursery() as nursery:
        async with open_server(port=None, voice=TONES) as server:
            for waits_for in (301, 0):
                client = dial(server, nursery, lockstep_stream_pair)
                await client.send("POST", path, speech(LONG))
                await client.begin()
                started = trio.current_time()
                await trio.sleep(waits_for)
                assert server.journal.contexts[-1].ended == ("lost" if waits_for else None)
        await wait_all_tasks_blocked()
        assert server.journal.contexts[-1].ended == "lost"
    assert trio.current_time() - started <= 1


@on_virtual_time
async def test_after_its_head_a_failure_can_only_cut() -> None:
    """A voice that fails in the middle of bytes leaves a body without an end,
    and no further word.
    """
    async with over_http(voice=Failing(1)) as (client, server):
        with pytest.raises(Cut) as caught:
            await client.bytes(TWO_SENTENCES)
        (record,) = server.journal.contexts
        assert caught.value.args == (bytes(record.audio),)
        assert record.ended == "error"
        assert 0 < record.audio_bytes < len(await tones(TWO_SENTENCES))


@pytest.mark.slow
@pytest.mark.parametrize("output", [S16, WAV_S16, MP3], ids=["raw", "wav", "mp3"])
async def test_ten_minutes_begin_and_stop_over_tcp(output: Json) -> None:
    """In real time too, and with the best voice that is installed: the first bytes come long before
    the last are made, and a peer that leaves stops the rest.
    """
    async with open_server() as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        client = HttpClient(await trio.open_tcp_stream(host, int(port)))
        await client.send("POST", BYTES, speech(LONG, output_format=output))
        with trio.fail_after(30):
            assert (await client.begin()).status == 200
            assert await client.receive()
            (record,) = server.journal.contexts
            assert record.ended is None
            assert record.generated_characters < len(LONG) / 4
            await client.stream.aclose()
            while record.ended is None:  # noqa: ASYNC110  # the journal wakes nobody
                await trio.sleep(0.01)
        assert record.ended == "lost"
        assert record.generated_characters < len(LONG) / 2
