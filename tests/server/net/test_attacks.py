"""Peers that mean harm, or might as well: each test is a way in that was open once."""

from __future__ import annotations

import gc
import json
import logging
from typing import Any, Self

import pytest
import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair

from tests.server.raw import frame
from tests.server.streams import Sliced
from tests.server.support import (
    MORE,
    TONES,
    audio,
    catch_logs,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
)
from tests.server.test_routes import exchange
from trio_cartesia.server import Behaviour, open_server
from trio_cartesia.server.net.http1 import MAX_BODY_BYTES, MAX_HEADER_BYTES, HttpConnection
from trio_cartesia.server.streams import RECEIVE_BYTES
from trio_cartesia.server.tts import session as speech
from trio_cartesia.server.tts.session import TTSSession

OLD = "Cartesia-Version: 2025-04-16"


class Turns(trio.abc.Instrument):
    """How often any task had its turn."""

    count = 0

    def after_task_step(self, _: trio.lowlevel.Task) -> None:
        self.count += 1

    def __enter__(self) -> Self:
        trio.lowlevel.add_instrument(self)
        return self

    def __exit__(self, *_: object) -> None:
        trio.lowlevel.remove_instrument(self)


@on_virtual_time
async def test_garbage_after_a_head_is_refused() -> None:
    """What is no request is refused with a body, also after one that had none in its answer."""
    async with open_server(port=None, voice=TONES) as server:
        with catch_logs(logging.WARNING) as lines:
            answer = await exchange(server, b"HEAD / HTTP/1.1\r\nHost: me\r\n\r\nwhat?\r\n\r\n")
        assert not lines
        assert answer.count(b"HTTP/1.1 ") == 2
        assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["title"] == "Bad Request"


@pytest.mark.parametrize("lines", ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Host: you"])
@on_virtual_time
async def test_nothing_follows_a_request_that_two_peers_may_read_differently(lines: str) -> None:
    """A request whose end or host is ambiguous is refused, and what may be a second one is not
    read.
    """
    head = f"POST / HTTP/1.1\r\nHost: me\r\n{lines}\r\n\r\n"
    smuggled = b"0\r\n\r\nGET /_local/state HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with open_server(port=None, voice=TONES) as server:
        answer = await exchange(server, head.encode() + smuggled)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.lower().count(b"connection: close") == 1
    assert answer.count(b"HTTP/1.1 ") == 1


@on_virtual_time
async def test_early_requests_do_not_pile_up() -> None:
    """However many answers are waited for, so many bytes of early requests are held and no more."""
    ours, theirs = memory_stream_pair()
    taken = 0

    class Counting(Sliced):
        async def receive_some(self, size: int | None = None) -> bytes | bytearray:
            nonlocal taken
            data = await self.stream.receive_some(size)
            taken += len(data)
            return data

    connection = HttpConnection(Counting(theirs, [1]))
    get = b"GET / HTTP/1.1\r\nHost: me\r\n\r\n"
    await ours.send_all(get * 100_000)
    for _ in range(20):
        assert await connection.read_request() is not None
        with trio.move_on_after(1):
            await connection.wait_disconnected()
        await connection.respond(200, b"yes")
    assert taken <= 20 * len(get) + MAX_HEADER_BYTES + RECEIVE_BYTES


@on_virtual_time
async def test_a_body_of_crumbs_keeps_nobody_waiting() -> None:
    """While a body that came in very many chunks is read, others have their turns."""
    head = b"POST /tts/bytes HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with open_server(port=None, voice=TONES) as server:
        with Turns() as turns:
            await exchange(server, head + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")
        assert turns.count > 5000


@pytest.mark.parametrize(
    "flood", [frame(10) * 5000, frame(1, fin=False) + frame(0, fin=False) * 5000]
)
@on_virtual_time
async def test_a_flood_of_frames_keeps_nobody_waiting(flood: bytes) -> None:
    """While frames are read that make no message, others have their turns."""
    async with connected() as (client, _):
        with Turns() as turns:
            await client.stream.send_all(flood)
            await trio.sleep(1)
        assert turns.count > 50


@on_virtual_time
async def test_a_flood_of_flushes_keeps_nobody_waiting() -> None:
    """While flushes are obeyed of which nobody hears, others have their turns."""
    ways = Behaviour(empty_flush="nothing", times_real_time=1)
    async with connected(behaviour=ways) as (client, _):
        await client.send(generation("a", "A sentence that takes a while. ") | MORE)
        for _ in range(500):
            await client.send(generation("a", flush=True) | MORE)
        await trio.sleep(0.1)
        with Turns() as turns:
            await client.speak(generation("a", "The end."))
        assert turns.count > 500


@on_virtual_time
async def test_a_crowd_of_late_inputs_is_heard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `late_input=new_context`, each final input that came late becomes a context of its own,
    in order, and is not looked at again and again.
    """
    received, hear = 0, TTSSession._receive

    def counting(session: Any, request: Any) -> None:
        nonlocal received
        received += 1
        hear(session, request)

    monkeypatch.setattr(speech.TTSSession, "_receive", counting)
    behaviour = Behaviour(late_input="new_context")
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, _):
        texts = [f"Number {number}." for number in range(50)]
        for text in texts:
            await client.send(generation("a", text))
        for text in texts:
            assert audio(await client.receive_until_over("a")) == await tones(text)
    assert received <= 3 * len(texts)


@pytest.mark.parametrize(
    ("request_of_old", "status"),
    [
        (f"GET //[ HTTP/1.1\r\n{OLD}", 400),
        (f"GET /?{'a&' * 201} HTTP/1.1\r\n{OLD}", 400),
        (f"POST /tts/bytes HTTP/1.1\r\n{OLD}\r\nContent-Length: {MAX_BODY_BYTES + 1}", 413),
        (f"POST /?cartesia_version=2024-11-13 HTTP/1.1\r\nContent-Length: {2**20 + 1}", 413),
    ],
)
@on_virtual_time
async def test_old_clients_are_refused_in_their_own_words(request_of_old: str, status: int) -> None:
    """A request that cannot be served is refused in the shape of the version that it names."""
    data = f"{request_of_old}\r\nHost: me\r\n\r\n".encode() + b"x" * (MAX_BODY_BYTES + 1)
    async with open_server(port=None, voice=TONES) as server:
        answer = await exchange(server, data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"content-type: text/plain" in head
    assert b": " in body


@on_virtual_time
async def test_a_long_state_keeps_nobody_waiting() -> None:
    """While the state of a journal that is full is told, others have their turns."""
    async with open_server(port=None, voice=TONES) as server:
        for number in range(4096):
            about = {"version": "2026-08-14", "request_id": str(number), "status": 400}
            server.journal.add_connection(path="/tts/websocket", **about)
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, theirs)
            with Turns() as turns:
                await ours.send_all(b"GET /_local/state?limit=5000 HTTP/1.0\r\n\r\n")
                answer = b"".join([bytes(part) async for part in ours])
        assert answer.count(b'"number"') == 4096
        assert turns.count > 30


@on_virtual_time
async def test_who_leaves_in_mid_sentence_leaves_nothing_behind() -> None:
    """What a connection held goes with it, and waits for no collector of garbage."""
    gc.collect()
    gc.disable()
    try:
        async with connected(behaviour=Behaviour(times_real_time=1)) as (client, server):
            await client.send(generation("a", "A sentence that takes a while. " * 20))
            await client.receive()
            await trio.aclose_forcefully(client.stream)
            await trio.sleep(1)
            assert server.journal.context("a").ended == "lost"
            assert not [each for each in gc.get_objects() if isinstance(each, TTSSession)]
    finally:
        gc.enable()


@pytest.mark.parametrize("place", [1, 2, 3, 4])
@on_virtual_time
async def test_the_journal_knows_when_the_quota_ran_out(place: int) -> None:
    """What a fault kept from being sent is not in the journal, and the context ended with an
    error.
    """
    fault = [("x-fault", f"quota_exceeded at_frame={place}")]
    async with connected(headers=fault) as (client, server):
        text = "Takes two chunks, or so."
        expected = ["chunk", "chunk", "flush_done", "done"]
        events = await client.speak(generation("a", text, flush=True))
        assert kinds(events) == [*expected[: place - 1], "error"]
        assert events[-1]["status_code"] == 402
        record = server.journal.context("a")
        assert (record.ended, bytes(record.audio)) == ("error", audio(events))
        assert (record.chunks, record.flushes) == (min(place - 1, 2), int(place == 4))


@on_virtual_time
async def test_the_quota_may_run_out_after_an_error() -> None:
    """In place of the ``done`` that follows an error comes no second one."""
    asked = [("x-fault", "quota_exceeded at_frame=1"), ("x-behaviour", "done_after_error=true")]
    async with connected(headers=asked) as (client, _):
        assert kinds(await client.speak(generation("a", "Hi.", model_id="none"))) == ["error"]
        assert kinds(await client.speak(generation("b", "Hi."))) == ["chunk", "done"]
