"""Peers that mean harm: what they can cost has a bound, and their end is one of our exceptions."""

from __future__ import annotations

import base64
import json
import logging

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.transport.attacks import (
    MIB,
    flood,
    header,
    message,
    never_receive,
    peak,
    suffer,
)
from trio_cartesia import ConnectionLost, Done, InboxOverflow, RemoteProtocolError
from trio_cartesia._protocol.base.json import MAX_VALUES
from trio_cartesia._protocol.tts.decoder import read_event
from trio_cartesia._runtime.inbox import ByteCounter, Inbox
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia._runtime.transport.frame_limiter import MAX_FRAGMENTS
from trio_cartesia._runtime.transport.websocket import MAX_MESSAGE_BYTES
from trio_cartesia.testing import MemoryStream, on_virtual_time

DONE = message(b'{"type":"done","context_id":"a"}')
FEW_MIB = 6  # of memory, beside what is being sent


@pytest.fixture(params=[True, False], ids=["fast-path", "without"], autouse=True)
def fast_path(request, monkeypatch):
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", request.param)
    return request.param


def then(*parts):
    """Attacks and bytes, one after the other."""

    async def attack(stream: MemoryStream) -> None:
        for part in parts:
            if isinstance(part, bytes):
                await stream.send_all(part)
            else:
                await part(stream)

    return attack


async def test_a_frame_of_a_gigabyte_is_not_waited_for(autojump_clock):
    """A header that promises a gigabyte reserves nothing; its bytes end the
    connection with 1009.
    """
    with peak() as most:
        seen = await suffer(then(header(2**30), flood(b" ", MAX_MESSAGE_BYTES + MIB)))
    assert isinstance(seen.error, ConnectionLost)
    assert seen.error.close_code == 1009
    assert most() < 3 * MAX_MESSAGE_BYTES / MIB
    assert seen.seconds < 1


async def test_a_frame_of_a_gigabyte_that_never_comes_costs_nothing(autojump_clock):
    """Such a header alone costs no memory, and the keepalive ends the silence after it."""
    with peak() as most:
        seen = await suffer(then(header(2**30), b"{"))
    assert isinstance(seen.error, ConnectionLost)
    assert most() < FEW_MIB
    assert seen.seconds <= KEEPALIVE_SECONDS + PONG_SECONDS


@pytest.mark.parametrize("piece", [b"", b"\xce\xbb"], ids=["empty", "small"])
@pytest.mark.parametrize("opcode", [0x01, 0x02], ids=["text", "binary"])
async def test_a_message_of_endless_fragments_is_given_up(piece, opcode, autojump_clock):
    """A message in ever more fragments, even empty ones, ends the connection
    after some thousands.
    """
    first, more = message(b"{", opcode), message(piece, 0x00)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trio_cartesia._runtime.transport.frame_limiter.MAX_FRAGMENTS", 1000)
        with peak() as most:
            seen = await suffer(then(first, flood(more, 4 * MIB)), with_bystander=True)
    assert isinstance(seen.error, ConnectionLost)
    assert "fragments" in str(seen.error)
    assert most() < FEW_MIB
    assert seen.turns > 1000 / 200


@pytest.mark.slow
async def test_as_many_fragments_as_are_allowed_cost_little(fast_path, autojump_clock):
    """What a message in the most fragments costs is some megabytes."""
    more = message(b"\xce\xbb", 0x00)
    with peak() as most:
        seen = await suffer(then(message(b"{", 0x01), flood(more, 4 * (MAX_FRAGMENTS + 65536))))
    assert "fragments" in str(seen.error)
    assert most() < 20


@pytest.mark.parametrize(
    ("piece", "frames"),
    [(b"\x8a\0", 20_000), (b"\x89\0", 6000), (message(b'{"type":"x"}'), 20_000)],
    ids=["pong", "ping", "stray"],
)
@pytest.mark.slow
async def test_a_flood_of_frames_holds_nobody_up(piece, frames, fast_path, autojump_clock):
    """Other tasks have their turn at least once in some hundred frames, whatever is sent."""
    seen = await suffer(then(flood(piece, frames * len(piece)), DONE), with_bystander=True)
    assert seen.error is None
    assert seen.turns > frames / 300


@pytest.mark.parametrize("depth", [1000, 100_000, 4 * MIB])
async def test_deep_nesting_ends_the_connection_at_the_most(depth, autojump_clock):
    """JSON that is nested too deeply is not JSON to us: no recursion, no crash."""
    deep = b'{"type":"x","context_id":"a","x":' + b"[" * depth + b"]" * depth + b"}"
    with peak() as most:
        seen = await suffer(then(message(deep), DONE), inbox_bytes=64 * MIB)
    if depth == 1000:
        assert seen.error is None
    else:
        assert isinstance(seen.error, ConnectionLost)
        assert isinstance(seen.error.__cause__, RemoteProtocolError)
    assert most() < 64
    assert seen.seconds == 0


@pytest.mark.parametrize(
    "number",
    ["1" * 5000, "-" + "9" * 100_000, "1e999", "-1e999", "1e-999", "0." + "1" * 100_000, "NaN"],
)
@pytest.mark.parametrize("name", ["step_time", "flush_id", "status_code", "other"])
async def test_huge_numbers_are_no_numbers(number, name, autojump_clock):
    """A number that no float or integer of ours can hold is left out, or ends what it is in."""
    event = f'{{"type":"chunk","context_id":"a","data":"AAAA","{name}":{number}}}'
    seen = await suffer(then(message(event.encode()), DONE))
    if seen.error is None:
        chunk, done = seen.events
        assert chunk.audio == bytes(3)
        assert chunk.step_time is None or abs(chunk.step_time) < 1e300
        assert type(done) is Done
    else:
        assert isinstance(seen.error, ConnectionLost)


@pytest.mark.parametrize("where", ["context_id", "type", "title", "words"])
async def test_escaped_lone_surrogates_are_no_text(where, autojump_clock):
    """A surrogate in an escape never comes out as a string that cannot be printed."""
    event = {"type": "error", "context_id": "a", "title": "No", "message": "No."}
    event[where] = "\ud800"
    seen = await suffer(then(message(json.dumps(event).encode()), DONE))
    assert isinstance(seen.error, ConnectionLost)
    str(seen.error).encode()


@pytest.mark.slow
async def test_events_for_unknown_contexts_leave_nothing_behind(autojump_clock):
    """Ids that nobody opened are counted, and not kept."""
    spray = b"".join(
        message(b'{"type":"%s","context_id":"id-%d"}' % (kind, number))
        for number in range(3000)
        for kind in (b"flush_done", b"done", b"x")
    )
    with peak() as most:
        seen = await suffer(then(spray, DONE))
    assert seen.statistics.stray_events == 9000
    assert seen.statistics.contexts_open == seen.statistics.contexts_draining == 0
    assert most() < FEW_MIB


async def test_only_the_first_terminal_event_counts(autojump_clock):
    """Terminal events that come again and again are counted and dropped."""
    failed = message(b'{"type":"error","context_id":"a","message":"No."}')
    seen = await suffer(then(DONE * 500 + failed * 500, DONE))
    assert [type(event) for event in seen.events] == [Done]
    assert seen.error is None


@pytest.mark.slow
async def test_a_stream_of_unknown_events_ends_at_the_budget(autojump_clock):
    """Events that nobody takes fail their context at its budget, which is what
    they really take up.
    """
    values = ",".join(['{"":0}'] * 1000)
    event = message(b'{"type":"x","context_id":"a","x":[%s]}' % values.encode())

    async def attack(stream):
        await flood(event, 8 * MIB)(stream)

    budget = 8 * MIB
    with peak() as most:
        seen = await never_receive(attack, budget)
    assert isinstance(seen, InboxOverflow)
    assert most() < 1.25 * budget / MIB + FEW_MIB


@pytest.mark.slow
async def test_a_stream_of_empty_chunks_ends_at_the_budget(autojump_clock):
    """The same for chunks without audio: each counts for what it is itself."""
    budget = 2 * MIB
    event = message(b'{"type":"chunk","context_id":"a","data":"","flush_id":12345,"step_time":1.5}')
    with peak() as most:
        seen = await never_receive(flood(event, 4 * MIB), budget)
    assert isinstance(seen, InboxOverflow)
    assert most() < 1.5 * budget / MIB + FEW_MIB


@pytest.mark.parametrize("part", ["[],", "{},", '{"":0},', '{"":{"":{"":{"":0}}}},', "[[[[]]]],"])
async def test_no_event_takes_more_than_it_counts(part):  # noqa: ASYNC124  # an inbox belongs to a run
    """What an event counts against a budget is what it takes, also where it is made of tiny
    objects.
    """
    text = f'{{"type":"x","context_id":"a","x":[{(part * 300)[:-1]}]}}'
    inbox = Inbox(2**40, blocks=False, total=ByteCounter())
    with peak() as most:
        for _ in range(20):
            inbox.put(read_event(text), len(text))
    assert inbox.counter.held_bytes > 0.9 * most() * MIB


@pytest.mark.slow
async def test_pings_whose_pongs_are_not_read_end_the_connection(autojump_clock):
    """A peer that pings and never reads the answers is lost once keepalive has asked in vain."""
    seen = await suffer(then(flood(message(b"x" * 125, 0x89), 4 * MIB)), drinks=False)
    assert isinstance(seen.error, ConnectionLost)
    assert seen.seconds <= KEEPALIVE_SECONDS + PONG_SECONDS + 1


async def test_pongs_are_no_sign_of_life(autojump_clock):
    """A peer that only sends pings and pongs of its own is lost like a silent one."""

    async def attack(stream):
        while True:
            await stream.send_all(message(b"?", 0x89) + message(b"?", 0x8A))
            await trio.sleep(1)

    seen = await suffer(attack)
    assert isinstance(seen.error, ConnectionLost)
    assert seen.seconds <= KEEPALIVE_SECONDS + PONG_SECONDS


@pytest.mark.parametrize("size", [0, 1, 126, 65536, 2**40])
async def test_odd_closes_end_the_connection(size, autojump_clock):
    """A close frame of a wrong or huge size, and any flood after it, is an end like others."""
    closes = header(size, 0x88) + b"\x03\xe8" * 20_000
    seen = await suffer(then(closes, flood(message(b"\x03\xe8bye", 0x88), MIB)))
    assert isinstance(seen.error, ConnectionLost)
    assert seen.seconds == 0


async def test_close_reasons_are_printable_lines(autojump_clock, caplog):
    """Control characters of a close reason reach no log and no terminal."""
    caplog.set_level(logging.DEBUG, logger="trio_cartesia")
    reason = "ok\r\n\x1b[31mERROR \u202e".encode()
    seen = await suffer(then(message(b"\x03\xe9" + reason, 0x88)))
    assert seen.error.close_code == 1001
    texts = [str(seen.error), seen.error.close_reason, *(r.getMessage() for r in caplog.records)]
    assert all(text.isprintable() or "\ufffd" in text for text in texts)
    assert not any(character in text for text in texts for character in "\r\n\x1b\u202e")


@pytest.mark.parametrize("data", ["A" * 1_000_001, "=" * 1_000_000, "A" * 999_999 + "!"])
async def test_base64_that_is_none_fails_its_context_alone(data, autojump_clock):
    """A megabyte that is not base64 is refused whole, and not repaired."""
    event = {"type": "chunk", "context_id": "a", "data": data}
    seen = await suffer(then(message(json.dumps(event, separators=(",", ":")).encode())))
    assert isinstance(seen.error, RemoteProtocolError)
    assert seen.error.context_id == "a"
    assert len(str(seen.error)) < 200


@pytest.mark.slow
async def test_a_large_chunk_costs_a_few_times_its_size(fast_path, autojump_clock):
    """The largest chunk that there may be fits, and needs no more than a few copies of itself."""
    audio = bytes(MAX_MESSAGE_BYTES * 3 // 4 - 300)
    data = base64.b64encode(audio)
    event = b'{"type":"chunk","context_id":"a","data":"' + data + b'"}'
    with peak() as most:
        seen = await suffer(then(message(event), DONE), inbox_bytes=64 * MIB)
    assert seen.events[0].audio == audio
    assert most() < (6 if fast_path else 16) * len(event) / MIB


@pytest.mark.parametrize("in_chunk", [False, True])
@pytest.mark.parametrize("part", ["[],", "{},", '{"":0},', '"",', "1,", '"a":0,'])
async def test_a_message_of_too_many_values_is_not_read(part, in_chunk, autojump_clock):
    """JSON of a million tiny values would take thirty times its size: it ends the connection
    unread.
    """
    values = part * (MAX_VALUES // part.count(",") + 1)
    whole = "{%s}" if ":" in part and part[0] != "{" else "[%s]"
    text = '{"type":"x","context_id":"a","x":%s}' % (whole % values[:-1])
    if in_chunk:
        text = '{"type":"chunk","context_id":"a","data":"AAAA",' + text[1:].partition(",")[2]
    with peak() as most:
        seen = await suffer(then(message(text.encode())), inbox_bytes=64 * MIB)
    assert isinstance(seen.error.__cause__, RemoteProtocolError)
    assert "too many values" in str(seen.error)
    assert most() < 6 * len(text) / MIB


@pytest.mark.slow
@given(start=st.integers(1, 9), pieces=st.lists(st.binary(max_size=200), max_size=30))
@on_virtual_time
async def test_frames_of_any_kind_end_in_our_exceptions(start, pieces):
    """Whatever frames a peer makes up, the end is `ConnectionLost` or none, and in bounded time."""
    frames = [message(piece, (start * number * 7) % 256) for number, piece in enumerate(pieces)]
    seen = await suffer(then(*frames))
    assert isinstance(seen.error, ConnectionLost)
    assert seen.seconds <= 101
