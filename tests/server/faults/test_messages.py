"""Faults of single messages, and of contexts, over TCP, over TLS and in memory."""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import suppress

import pytest
import trio

from tests.server.raw import WEBSOCKET, Raw, everywhere, service
from tests.server.support import Json, audio, generation, kinds, tones
from trio_cartesia.server import Fault

TEXT = "Here are words enough for some chunks of audio, one after the other."
KNOWN = {"chunk", "done", "error", "timestamps", "phoneme_timestamps", "flush_done"}


async def hear_until_done(raw: Raw, *context_ids: str) -> list[Json]:
    """All messages that can be read, until each of these contexts is done, and what comes at
    once.
    """
    left = set(context_ids)
    while left:
        data = await raw.stream.receive_some(65536)
        assert data
        raw.received += bytes(data)
        left -= {event.get("context_id", "") for event in readable(raw) if event["done"]}
    await raw.read_until_end(0.02)
    return readable(raw)


def readable(raw: Raw) -> list[Json]:
    """The events of a peer that overlooks what is no JSON, and reads binary frames as well."""
    events, parts = [], b""
    for frame in raw.frames:
        parts += frame.payload
        if frame.fin:
            with suppress(ValueError):
                events.append(json.loads(parts))
            parts = b""
    return events


async def speak(raw: Raw, text: str = TEXT) -> list[Json]:
    await raw.send(generation("a", text))
    return await hear_until_done(raw, "a")


@pytest.mark.parametrize(
    "fault",
    [
        "fragmented_frame",
        "fragmented_frame at_frame=2 size_bytes=1000",
        "binary_frame at_frame=2",
        "unknown_event",
        "unknown_fields",
        "stray_event at_frame=3",
        "connection_error at_frame=2",
        "oversized_frame at_frame=2 size_bytes=300000",
        "duplicate_terminal",
        "late_frames count=5",
    ],
)
@everywhere
async def test_what_can_be_overlooked_loses_nothing(transport: str, fault: str) -> None:
    """Whatever is added to the messages, or strange about them, all of the audio comes."""
    async with service(transport) as place:
        events = await speak(await place.connect(fault))
        mine = [event for event in events if event.get("context_id") == "a"]
        chunks = mine[: kinds(mine).index("done")]
        assert audio(chunks) == await tones(TEXT)


@everywhere
async def test_frames_are_fragmented(transport: str) -> None:
    """Messages come in fragments of the size asked for: the first is text, the last is final."""
    async with service(transport) as place:
        raw = await place.connect("fragmented_frame size_bytes=1000")
        await speak(raw)
        opcodes = [frame.opcode for frame in raw.frames]
        assert opcodes.count(1) == sum(frame.fin for frame in raw.frames) > 2
        assert set(opcodes) == {0, 1}
        assert all(len(frame.payload) == 1000 for frame in raw.frames if not frame.fin)


@everywhere
async def test_one_frame_is_fragmented(transport: str) -> None:
    """With a place, only the message there is in fragments."""
    async with service(transport) as place:
        raw = await place.connect("fragmented_frame at_frame=2 size_bytes=1")
        await raw.send(generation("a", "Hi."))
        await hear_until_done(raw, "a")
        assert [frame.opcode for frame in raw.frames][:3] == [1, 1, 0]
        assert [frame.opcode for frame in raw.frames].count(1) == 2


@everywhere
async def test_a_frame_is_binary(transport: str) -> None:
    """The second message comes in a binary frame, and is the same message."""
    async with service(transport) as place:
        raw = await place.connect("binary_frame at_frame=2")
        await speak(raw)
        opcodes = [frame.opcode for frame in raw.frames]
        assert opcodes[:3] == [1, 2, 1]
        assert raw.frames[1].json["type"] == "chunk"


@everywhere
async def test_a_frame_is_larger_than_anybody_takes(transport: str) -> None:
    """Before the second message comes a frame of just the size asked for, which is JSON."""
    async with service(transport) as place:
        raw = await place.connect("oversized_frame at_frame=2 size_bytes=200001")
        await speak(raw)
        assert len(raw.frames[1].payload) == 200_001
        assert raw.frames[1].json["type"] not in KNOWN


@everywhere
async def test_json_is_malformed(transport: str) -> None:
    """The second message is no JSON; the others are."""
    async with service(transport) as place:
        raw = await place.connect("malformed_json at_frame=2")
        events = await speak(raw)
        with pytest.raises(ValueError, match=r"delimiter|Unterminated"):
            json.loads(raw.frames[1].payload)
        assert len(events) == len(raw.frames) - 1
        assert raw.frames[1].opcode == 1


@everywhere
async def test_base64_is_bad(transport: str) -> None:
    """The first chunk from the place on has data that no decoder takes; other messages stay."""
    async with service(transport) as place:
        raw = await place.connect("bad_base64 at_frame=2")
        await raw.send(generation("a", TEXT, add_timestamps=True))
        events = await hear_until_done(raw, "a")
        assert kinds(events)[:3] == ["chunk", "timestamps", "chunk"]
        with pytest.raises(binascii.Error):
            base64.b64decode(events[2]["data"], validate=True)
        assert len(audio([*events[:2], *events[3:]])) < len(await tones(TEXT))


@everywhere
async def test_strange_events_and_fields(transport: str) -> None:
    """An event of unknown type precedes the second message; every message has an unknown field."""
    async with service(transport) as place:
        raw = await place.connect("unknown_fields, unknown_event at_frame=2")
        events = await speak(raw)
        assert events[1]["type"] not in KNOWN
        assert events[1]["context_id"] == "a"
        assert all("surprise" in event for event in events)


@everywhere
async def test_context_ids_are_wrong(transport: str) -> None:
    """A message may lack its context id, have one that nobody opened, or be a stranger's
    ``done``.
    """
    async with service(transport) as place:
        raw = await place.connect(
            "missing_context_id at_frame=1, unknown_context_id at_frame=2, stray_event at_frame=3"
        )
        events = await speak(raw)
        assert "context_id" not in events[0]
        assert kinds(events)[:3] == ["chunk", "chunk", "done"]
        assert len({"a", events[1]["context_id"]}) == 2
        assert events[2]["context_id"] == events[1]["context_id"]
        assert events[3]["context_id"] == "a"


@everywhere
async def test_terminal_events_are_not_the_last(transport: str) -> None:
    """The terminal event comes twice, and chunks follow it."""
    async with service(transport) as place:
        raw = await place.connect("duplicate_terminal, late_frames count=2")
        events = await speak(raw)
        assert kinds(events)[-4:] == ["done", "done", "chunk", "chunk"]
        assert {event["context_id"] for event in events} == {"a"}
        await raw.send(generation("a", "Too late."))  # and it is over all the same
        events = (await raw.receive_messages(len(events) + 1))[len(events) :]
        assert events[0]["title"] == "Context has closed"


@pytest.mark.parametrize("version", ["2026-08-14", "2025-04-16"])
@everywhere
async def test_the_quota_runs_out(transport: str, version: str) -> None:
    """Instead of the third message the context ends with 402; the next context is spoken."""
    async with service(transport) as place:
        raw = await place.connect("quota_exceeded at_frame=3", WEBSOCKET[:-10] + version)
        events = await speak(raw)
        assert kinds(events) == ["chunk", "chunk", "error"]
        assert (events[-1]["status_code"], events[-1]["context_id"]) == (402, "a")
        if version > "2026":
            assert events[-1]["error_code"] == "quota_exceeded"
        else:
            assert events[-1]["error"].startswith("Quota exceeded: ")
        await raw.send(generation("a", "More?"))
        events = (await raw.receive_messages(4))[3:]
        assert [event["status_code"] for event in events] == [400]
        await raw.send(generation("b", "And now?"))
        assert audio(await hear_until_done(raw, "b"), "b") == await tones("And now?")
        assert place.server.journal.context("a").ended == "error"


@everywhere
async def test_the_quota_may_run_out_at_the_very_end(transport: str) -> None:
    """An error in place of ``done`` is the only terminal event."""
    async with service(transport) as place:
        raw = await place.connect("quota_exceeded at_frame=2")
        await raw.send(generation("a", "Hi."))
        assert kinds(await hear_until_done(raw, "a")) == ["chunk", "error"]


@pytest.mark.parametrize("version", ["2026-08-14", "2025-04-16"])
@everywhere
async def test_an_error_may_belong_to_no_context(transport: str, version: str) -> None:
    """Before the second message comes an error without context id, in the shape of the version."""
    async with service(transport) as place:
        fault = "connection_error at_frame=2 status=503"
        raw = await place.connect(fault, WEBSOCKET[:-10] + version)
        error = (await speak(raw))[1]
        assert (error["type"], error["status_code"], error["done"]) == ("error", 503, True)
        assert "context_id" not in error
        assert ("error" in error) == (version < "2026")


@pytest.mark.parametrize(
    "fault", ["stall context_id=b", "silence context_id=b", "stall context_id=b seconds=3600"]
)
@everywhere
async def test_one_context_falls_silent(transport: str, fault: str) -> None:
    """Of the context that is named nothing comes; the other one on the connection is whole."""
    async with service(transport) as place:
        raw = await place.connect(f"{fault} at_frame=2")
        await raw.send(generation("b", TEXT))
        await raw.send(generation("a", TEXT))
        events = await hear_until_done(raw, "a")
        assert audio(events, "a") == await tones(TEXT)
        assert [event["type"] for event in events if event["context_id"] == "b"] == ["chunk"]
        await raw.send(generation("c", TEXT))  # and the service still listens
        assert audio(await hear_until_done(raw, "c"), "c") == await tones(TEXT)


@everywhere
async def test_one_context_is_late(transport: str) -> None:
    """Each message of the context that is named waits; the other one on the connection does not."""
    async with service(transport) as place:
        raw = await place.connect("latency context_id=b seconds=0.05")
        for name in "ba":
            await raw.send(generation(name, "Hi there, you."))
        events = await hear_until_done(raw, "a", "b")
        order = [event["context_id"] for event in events]
        assert order == sorted(order)
        for name in "ab":
            assert audio(events, name) == await tones("Hi there, you.")


@everywhere
async def test_a_context_that_cannot_be_answered_holds_nobody_up(transport: str) -> None:
    """A stalled context that is refused at once is not told, and the connection goes on."""
    async with service(transport) as place:
        raw = await place.connect("stall context_id=b")
        await raw.send({**generation("b", TEXT), "voice": 7})
        await raw.send(generation("a", TEXT))
        events = await hear_until_done(raw, "a")
        assert {event["context_id"] for event in events} == {"a"}


@everywhere
async def test_frames_are_counted_for_a_context(transport: str) -> None:
    """With a context id, only that context's messages count."""
    async with service(transport) as place:
        raw = await place.connect("close context_id=b at_frame=2 code=4000")
        for name in "ab":
            await raw.send(generation(name, TEXT))
        while 8 not in [frame.opcode for frame in raw.frames]:
            raw.received += bytes(await raw.stream.receive_some(65536))
        *messages, goodbye = raw.frames
        assert (goodbye.opcode, goodbye.code) == (8, 4000)
        assert [frame.json["context_id"] for frame in messages].count("b") == 1


@everywhere
async def test_faults_of_the_server_are_for_everybody(transport: str) -> None:
    """What `open_server` is given happens on each connection, beside what the connection asks
    for.
    """
    async with service(transport, faults=[Fault(name="stray_event")]) as place:
        for _ in range(2):
            raw = await place.connect("", WEBSOCKET + "&fault=unknown_fields&fault=late_frames")
            events = await speak(raw)
            assert kinds(events)[:2] == ["done", "chunk"]
            assert kinds(events)[-2:] == ["done", "chunk"]
            assert "surprise" in events[1]
            await trio.aclose_forcefully(raw.stream)
