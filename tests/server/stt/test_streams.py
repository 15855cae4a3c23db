"""What both WebSockets of speech to text share: limits, prices, faults, failures and ends."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair
from wsproto.utilities import RemoteProtocolError

from tests.server.stt.support import (
    MANUAL,
    TURNS,
    Marked,
    MarkedStream,
    finals,
    listening,
    marked_score,
    refused,
    rest,
    said,
    shown,
    speech,
    target,
)
from tests.server.support import (
    APIError,
    Client,
    Closed,
    Json,
    catch_logs,
    connect,
    in_memory,
    on_virtual_time,
)
from trio_cartesia.server import FAULTS, Behaviour

__all__ = ["marked_score"]

BOTH = pytest.mark.parametrize("path", [MANUAL, TURNS])
UNREADABLE = (APIError, Closed, trio.BrokenResourceError, RemoteProtocolError, ValueError)
CLOSES = {MANUAL: "close", TURNS: json.dumps({"type": "close"})}


async def first_text(client: Client, path: str) -> Json:
    """Send a word, and receive the event with its text."""
    await client.send(said(1) + (speech(score=30) if path == TURNS else b""))
    while True:
        event = await client.receive()
        if "text" in event or "transcript" in event:
            return event


@BOTH
@on_virtual_time
async def test_an_idle_connection_is_closed(path: str) -> None:
    """Three minutes after the last message it is closed (protocol §1.8, §7.2 S6)."""
    async with listening(path) as (client, _):
        await first_text(client, path)
        begun = trio.current_time()
        _, closed = await rest(client)
        assert (closed.code, closed.reason) == (1000, "connection idle timeout")
        assert trio.current_time() - begun == pytest.approx(180)


@BOTH
@on_virtual_time
async def test_audio_and_commands_hold_the_idle_close_off(path: str) -> None:
    """Silence and commands count as traffic, and the time is that of `stt_idle_seconds` (S6)."""
    async with listening(path, behaviour=Behaviour(stt_idle_seconds=10)) as (client, _):
        for message in (speech(), "nothing") * 3:
            await trio.sleep(9)
            await client.send(message)
        begun = trio.current_time()
        await rest(client)
        assert trio.current_time() - begun == pytest.approx(10)


@pytest.mark.parametrize("plan", [("free", 8), ("pro", 12)])
@on_virtual_time
async def test_open_streams_are_limited(plan: tuple[str, int]) -> None:
    """Each open WebSocket counts for the plan, in both modes and while it is idle, and one more is
    refused; contexts of text-to-speech do not count (protocol §1.8).
    """
    name, most = plan
    async with in_memory(recognizer=Marked(), plan=name) as (server, nursery):
        clients = [
            await connect(server, nursery, target((MANUAL, TURNS)[number % 2]))
            for number in range(most)
        ]
        for path in (MANUAL, TURNS):
            with pytest.raises(APIError) as caught:
                await connect(server, nursery, target(path))
            assert caught.value.status == 429
            assert json.loads(caught.value.body)["error_code"] == "concurrency_limited"
        await connect(server, nursery)  # for text-to-speech
        await clients[0].close()
        await connect(server, nursery, target(MANUAL))


@pytest.mark.parametrize(
    ("path", "model", "price"),
    [(MANUAL, "ink-2", 9), (MANUAL, "ink-whisper", 3), (TURNS, "ink-2", 9)],
)
@on_virtual_time
async def test_a_stream_has_a_price(path: str, model: str, price: int) -> None:
    """ink-2 is 3 credits a second, ink-whisper 1 (protocol §1.9)."""
    async with listening(path, query={"model": model}) as (client, server):
        await client.send(speech(milliseconds=3000))
        await client.send(CLOSES[path])
        await rest(client)
        (record,) = server.journal.transcriptions
        (row,) = server._state.store.usage.rows(*days(server))
    assert (record.credits, record.audio_seconds, record.ended) == (price, 3.0, "done")
    assert (row.capability, row.model, row.credits) == ("stt", model, price)


def days(server: Any) -> tuple[date, date]:
    today = datetime.fromtimestamp(server._state.clock.now(), UTC).date()
    return today - timedelta(days=1), today


@BOTH
@on_virtual_time
async def test_the_journal_counts_streams_and_keeps_no_text(path: str) -> None:
    """A record has sizes and counts; one whose client leaves is `lost`."""
    async with listening(path) as (client, server):
        await first_text(client, path)
        await client.close()
        await trio.testing.wait_all_tasks_blocked()
        (record,) = server.journal.transcriptions
        (handshake,) = server.journal.connections
    assert (record.connection, record.path) == (handshake.number, path)
    assert record.request_id == handshake.request_id == client.headers["x-request-id"]
    assert record.ended == "lost"
    assert record.audio_bytes == 2 * 16_000 * record.audio_seconds > 0
    assert "one" not in repr(record)


class Broken(MarkedStream):
    def interim(self) -> Any:
        raise LookupError("seven")


class BrokenRecognizer(Marked):
    def open_stream(self, **_: Any) -> MarkedStream:
        return Broken("en")


@BOTH
@on_virtual_time
async def test_a_recogniser_that_fails_ends_its_stream(path: str) -> None:
    """The client gets a 500 and a close; the log has the error's type and no speech."""
    with catch_logs(40) as lines:
        async with listening(path, recognizer=BrokenRecognizer()) as (client, server):
            await client.send(said(7))
            events, closed = await rest(client)
            assert server.journal.transcriptions[0].ended == "error"
    assert (events[-1]["type"], events[-1]["status_code"]) == ("error", 500)
    assert closed.code == 1011
    assert lines == ["the recogniser failed: LookupError"]


class Unopened(Marked):
    def open_stream(self, **_: Any) -> MarkedStream:
        raise LookupError("seven")


@BOTH
@on_virtual_time
async def test_a_recogniser_that_does_not_start_refuses_the_handshake(path: str) -> None:
    """There is no WebSocket then, and the plan's slot is free again."""
    with catch_logs(40):
        async with in_memory(recognizer=Unopened(), plan="free") as (server, nursery):
            for _ in range(9):
                with pytest.raises(APIError) as caught:
                    await connect(server, nursery, target(path))
                assert caught.value.status == 500


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("connection_error at_frame=2 status=503", "error"),
        ("quota_exceeded at_frame=2", "error"),
        ("unknown_event at_frame=2", "surprise"),
    ],
)
@BOTH
@on_virtual_time
async def test_faults_happen_here_too(path: str, fault: str, kind: str) -> None:
    """Faults of messages have the forms of speech to text: no context, and no `done`."""
    async with listening(path, query={"fault": fault}) as (client, _):
        await client.send(said(1, 2))
        await client.send(said(3))
        await client.receive()
        event = await client.receive()
    assert event["type"] == kind
    assert "context_id" not in event
    if kind == "error":
        assert "done" not in event


@BOTH
@on_virtual_time
async def test_an_error_that_is_not_a_bad_request_ends_the_stream(path: str) -> None:
    """Without credits, the connection is closed after the error."""
    async with listening(path, query={"fault": "quota_exceeded at_frame=2"}) as (client, server):
        await client.send(said(1, 2))
        await client.send(said(3))
        events, closed = await rest(client)
        assert server.journal.transcriptions[0].ended == "error"
    assert (events[-1]["status_code"], closed.code) == (402, 1008)


@pytest.mark.parametrize("fault", ["duplicate_terminal", "late_frames count=1"])
@BOTH
@on_virtual_time
async def test_events_after_the_end(path: str, fault: str) -> None:
    """The last event comes twice, or another one after it."""
    async with listening(path, query={"fault": fault}) as (client, _):
        await client.send(said(1) + speech(score=30))
        await client.send(CLOSES[path])
        events, _ = await rest(client)
    *_, last, late = shown(events)
    if fault == "duplicate_terminal":
        assert late == last
    else:
        assert late == {MANUAL: "final: late", TURNS: "turn.update:one"}[path]


@pytest.mark.parametrize(
    "fault", ["reset at_frame=2", "fin at_frame=2", "close at_frame=2 code=1011"]
)
@BOTH
@on_virtual_time
async def test_the_connection_can_be_cut(path: str, fault: str) -> None:
    """The stream is then lost, and its slot is free."""
    async with listening(path, query={"fault": fault}) as (client, server):
        await client.send(said(1, 2))
        try:
            await client.send(said(3))
            await rest(client)
        except trio.BrokenResourceError:
            pass
        await trio.sleep(5)
        assert server.journal.transcriptions[0].ended == "lost"
        assert not server.journal.open_connections


PARAMETERS = {
    "drip": "size_bytes=1000 seconds=0.001",
    "latency": "seconds=0.01",
    "bandwidth": "bytes_per_second=100000",
    "oversized_frame": "size_bytes=100000",
}


@pytest.mark.parametrize("name", FAULTS)
@BOTH
@on_virtual_time
async def test_no_fault_breaks_the_service(path: str, name: str) -> None:
    """Each one can be injected here, and afterwards nothing is left of the stream."""
    with catch_logs(40) as lines:
        async with in_memory(recognizer=Marked(), plan="free") as (server, nursery):
            query = {"fault": f"{name} {PARAMETERS.get(name, '')}"}
            with trio.move_on_after(600):
                ours, theirs = memory_stream_pair()
                nursery.start_soon(server.serve_stream, theirs)
                client = Client(ours)
                try:
                    await client.shake_hands(target(path, query), [])
                    await client.send(said(1, 2) + speech(score=30))
                    await client.send(CLOSES[path])
                    await rest(client)
                except UNREADABLE:
                    await client.stream.aclose()
            await trio.sleep(1000)
            assert not server.journal.open_connections
            assert all(record.ended for record in server.journal.transcriptions)
            for _ in range(8):
                await connect(server, nursery, target(path))
    assert lines == []


@pytest.mark.parametrize("behaviour", ["close_on_error=true", "close_on_error=false"])
@BOTH
@on_virtual_time
async def test_an_error_may_close(path: str, behaviour: str) -> None:
    """With `close_on_error` a bad command does, in every form of errors."""
    for version in ("2026-08-14", "2024-11-13"):
        query = {"behaviour": behaviour, "cartesia_version": version}
        async with listening(path, query=query) as (client, _):
            await client.send("nothing")
            await client.send(CLOSES[path])
            _, closed = await rest(client)
        assert closed.code == (1008 if behaviour.endswith("true") else 1000)


@on_virtual_time
async def test_a_stopping_service_closes_its_streams() -> None:
    """The close says that the service is stopping, and the recogniser's stream is closed."""
    marked = Marked()
    async with trio.open_nursery() as nursery:
        async with in_memory(recognizer=marked) as (server, connections):
            client = await connect(server, connections, target(MANUAL))
            await client.ask(said(1))
            nursery.start_soon(expect_stopping, client)
            await trio.testing.wait_all_tasks_blocked()
    assert marked.streams[0].is_closed


async def expect_stopping(client: Client) -> None:
    _, closed = await rest(client)
    assert closed.code == 1001


@BOTH
@on_virtual_time
async def test_audio_without_an_end_is_divided(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that is not final for too long becomes so, so that no recogniser holds more."""
    monkeypatch.setattr("trio_cartesia.server.stt.transcription.MAX_PIECE_SECONDS", 1.6)
    async with listening(path) as (client, server):
        await client.send(speech(milliseconds=1600) + said(1, 2, 3, 4, 5, 6, 7))
        await client.send(CLOSES[path])
        events, _ = await rest(client)
        assert server.journal.transcriptions[0].audio_seconds == pytest.approx(3.84)
    if path == MANUAL:
        assert finals(events) == "one two three four five six seven"
        assert len([event for event in events if event.get("is_final")]) == 2
    else:
        ends = [event["transcript"] for event in events if event["type"] == "turn.end"]
        assert ends == ["one two three four five", "six seven"]


@on_virtual_time
async def test_usage_is_complete_with_the_last_event() -> None:
    """Who has received `done` finds the price of the stream."""
    async with listening(MANUAL) as (client, server):
        await client.send(speech(milliseconds=1000))
        assert (await client.ask("close"))["type"] == "done"
        assert server.journal.transcriptions[0].credits == 3


texts = st.sampled_from(["finalize", "close", "done", CLOSES[TURNS]]) | st.text(max_size=40)


@BOTH
@given(messages=st.lists(texts, max_size=4), encoding=st.sampled_from(["pcm_mulaw", "pcm_f32le"]))
@on_virtual_time
async def test_audio_is_never_parsed(path: str, messages: list[str], encoding: str) -> None:
    """A binary message is audio, even if its bytes are a text or a command; it may be empty."""
    audio = [message.encode() for message in messages]
    async with listening(path, query={"encoding": encoding}) as (client, server):
        for piece in audio:
            await client.send(piece)
        await client.send(CLOSES[path])
        events, closed = await rest(client)
        (record,) = server.journal.transcriptions
    assert not {"error", "flush_done"} & set(shown(events))
    assert record.audio_bytes == sum(map(len, audio))
    assert closed.code == 1000


BAD_QUERIES: list[tuple[Json, str | None]] = [
    ({"model": "whisper-1"}, "model_not_found"),
    ({"language": "de"}, "language_not_supported"),
    ({"model": "ink-whisper", "language": "klingon"}, "language_not_supported"),
    ({"encoding": "mp3"}, None),
    ({"sample_rate": 10**6}, None),
    ({"encoding": None, "sample_rate": None}, None),
    ({"min_volume": 1.5}, None),
    ({"max_silence_duration_secs": "-1"}, None),
]


@pytest.mark.parametrize(("query", "code"), BAD_QUERIES)
@on_virtual_time
async def test_bad_queries_of_the_manual_mode(query: Json, code: str | None) -> None:
    """The handshake is refused with 400, or with `bad_query=event` an error and a close follow it
    (S5).
    """
    refusal = await refused(MANUAL, query=query)
    assert (refusal.status, json.loads(refusal.body)["error_code"]) == (400, code)
    async with listening(MANUAL, query=query | {"behaviour": "bad_query=event"}) as (
        client,
        server,
    ):
        await client.send(said(1))
        (error,), closed = await rest(client)
        assert not server.journal.transcriptions
    assert (error["type"], error["status_code"], error["error_code"]) == ("error", 400, code)
    assert closed.code == 1008


@pytest.mark.parametrize("terms", [["x"] * 101, ["x" * 1201]])
@BOTH
@on_virtual_time
async def test_keyterms_are_limited(path: str, terms: list[str]) -> None:
    """There are at most 100 of 1200 characters in all (protocol §4.2); so many are accepted."""
    query = {"behaviour": "bad_query=event"}
    async with listening(path, query=query, keyterms=terms) as (client, _):
        (error,), _ = await rest(client)
        assert error["status_code"] == 400
    async with listening(path, keyterms=["x" * 12] * 100) as (client, _):
        await client.send(CLOSES[path])
        assert "error" not in shown((await rest(client))[0])


@BOTH
@on_virtual_time
async def test_a_refused_handshake_is_in_the_journal(path: str) -> None:
    """It is a connection with its status, and no stream."""
    async with in_memory(recognizer=Marked(), api_keys=["sk_car_1"]) as (server, nursery):
        with pytest.raises(APIError):
            await connect(server, nursery, target(path))
        (record,) = server.journal.connections
        assert not server.journal.transcriptions
    assert (record.path, record.status) == (path, 401)
