"""What the service sends, where the protocol leaves that open (§7.1)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair
from wsproto.events import AcceptConnection, Request
from wsproto.extensions import PerMessageDeflate

from tests.server.support import (
    FLUSH,
    MORE,
    S16,
    TONES,
    TWO_SENTENCES,
    Client,
    audio,
    cancel,
    closed,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
    words,
)
from trio_cartesia.server import Behaviour, Tones, Utterance, open_server

TIMES = {"add_timestamps": True, "add_phoneme_timestamps": True}


@pytest.mark.parametrize("always", [True, False])
@on_virtual_time
async def test_flush_ids_may_come_with_the_first_flush(always: bool) -> None:
    """Without `flush_id_always`, events carry a flush id from the first `flush_done` on (T1)."""
    async with connected(behaviour=Behaviour(flush_id_always=always)) as (client, _):
        await client.send(generation("a", "One.", **TIMES, **FLUSH))
        await client.send(generation("a", "Two.", **TIMES, **FLUSH))
        events = await client.speak(generation("a", "Three.", **TIMES))
        ids = [event.get("flush_id") for event in events]
        first = [1 if always else None] * 3
        assert ids == [*first, 1, 2, 2, 2, 2, 3, 3, 3, None]


@on_virtual_time
async def test_times_may_begin_again_after_a_flush() -> None:
    """With `times_per_segment`, times count from the last `flush_done` (T4)."""
    async with connected(behaviour=Behaviour(times_per_segment=True)) as (client, server):
        await client.send(generation("a", "One. Two.", **TIMES, **FLUSH))
        events = await client.speak(generation("a", "One. Two.", **TIMES))
        both = words(events)
        assert both[:2] == both[2:]
        assert words(events, "phoneme")[:6] == words(events, "phoneme")[6:]
        starts = [unit.start for unit in server.journal.context("a").words]
        assert starts == sorted(set(starts))  # the journal's are those of the whole context


@pytest.mark.parametrize("ending", ["done", "error", "nothing"])
@on_virtual_time
async def test_a_cancel_ends_in_one_of_three_ways(ending: str) -> None:
    """After a cancel comes `done`, or an error, or nothing at all; then the
    slot is free (T6, T28).
    """
    behaviour = Behaviour().with_text(f"cancel_ends_with={ending}")
    async with connected(behaviour=behaviour, plan="free") as (client, server):
        await client.send(generation("a", "Good") | MORE)
        await client.send(generation("b", "Good", max_buffer_delay_ms=5000) | MORE)
        await client.send(cancel("a"))
        if ending != "nothing":
            event = await client.receive()
            assert (event["type"], event["context_id"], event["done"]) == (ending, "a", True)
        await trio.sleep(0.1)
        events = await client.speak(generation("c", "Hello."))
        assert {event["context_id"] for event in events} == {"c"}
        assert server.journal.context("a").ended == "cancelled"
        assert closed(await client.ask(generation("a", "More.")), "a")


@on_virtual_time
async def test_a_context_may_expire_without_a_word() -> None:
    """Without `expiry_done` nothing tells that a context is over, but its slot
    is free (T17, T28).
    """
    async with connected(behaviour=Behaviour(expiry_done=False), plan="free") as (client, server):
        for name in "ab":
            await client.send(generation(name, "Hello.") | FLUSH)
            assert kinds([await client.receive(), await client.receive()]) == [
                "chunk",
                "flush_done",
            ]
        await trio.sleep(1.1)
        assert [record.ended for record in server.journal.contexts] == ["expired"] * 2
        assert kinds(await client.speak(generation("c", "Hello."))) == ["chunk", "done"]
        assert closed(await client.ask(generation("a", "More.")), "a")


@pytest.mark.slow
@given(
    encoding=st.sampled_from(["pcm_f32le", "pcm_s16le", "pcm_mulaw"]),
    chunk_bytes=st.integers(64, 3000),
)
@on_virtual_time
async def test_chunks_may_end_within_a_sample(encoding: str, chunk_bytes: int) -> None:
    """With `misaligned_chunks` the audio is the same, cut where samples are not (T29)."""
    output = {**S16, "encoding": encoding}
    size = {"pcm_f32le": 4, "pcm_s16le": 2, "pcm_mulaw": 1}[encoding]
    whole = []
    for misaligned in (False, True):
        behaviour = Behaviour(misaligned_chunks=misaligned, chunk_bytes=chunk_bytes)
        async with connected(behaviour=behaviour) as (client, server):
            await client.send(generation("a", "Hi. ", output_format=output) | FLUSH)
            events = await client.speak(generation("a", "You.", output_format=output))
            parts = [
                base64.b64decode(event["data"]) for event in events if event["type"] == "chunk"
            ]
            assert all(0 < len(part) <= chunk_bytes for part in parts)
            assert any(len(part) % size for part in parts) == (misaligned and size > 1)
            whole.append(b"".join(parts))
            assert server.journal.context("a").audio == whole[-1]
            segment = kinds(events).index("flush_done")
            assert len(audio(events[:segment])) % size == 0
    assert whole[0] == whole[1]


@on_virtual_time
async def test_normalized_times_are_the_default_that_was_chosen() -> None:
    """What `use_normalized_timestamps` is where it is not set, is `normalized_default` (T32)."""

    class Listening(Tones):
        heard: list[bool]

        async def speak(self, utterance: Utterance) -> Any:
            self.heard.append(utterance.normalized)
            return await super().speak(utterance)

    for default in (True, False):
        voice = Listening()
        voice.heard = []
        async with connected(voice=voice, behaviour=Behaviour(normalized_default=default)) as (
            client,
            _,
        ):
            for number, asked in enumerate((None, True, False)):
                request = generation(str(number), "$20", use_normalized_timestamps=asked)
                await client.speak(request)
        assert voice.heard == [default, True, False]


@on_virtual_time
async def test_a_cancel_mid_sentence_keeps_the_slot_until_done() -> None:
    """A cancelled context counts until its last event, and no longer (T28)."""
    behaviour = Behaviour(chunk_bytes=1024)
    async with connected(behaviour=behaviour, plan="free", pair=lockstep_stream_pair) as (
        client,
        _,
    ):
        await client.send(generation("b", "Good", max_buffer_delay_ms=5000) | MORE)
        await client.send(generation("a", TWO_SENTENCES))
        await client.receive()
        await client.send(cancel("a"))
        await client.send(generation("c", "Hello."))
        events = await client.receive_until_over("a", "c")
        limited = next(event for event in events if event["context_id"] == "c")
        assert limited["status_code"] == 429
        assert audio(await client.speak(generation("d", "Hello."))) == await tones("Hello.")


@on_virtual_time
async def test_all_frames_are_text_and_steps_are_numbers() -> None:
    """Every event is a text frame (T33), and chunks tell the milliseconds they
    took to make (T34).
    """

    class Slow(Tones):
        async def speak(self, utterance: Utterance) -> Any:
            await trio.sleep(0.25)
            return await super().speak(utterance)

    behaviour = Behaviour(chunk_bytes=8000, times_real_time=10)
    async with connected(voice=Slow(), behaviour=behaviour) as (client, _):
        events = await client.speak(generation("a", TWO_SENTENCES[:23]))
        steps = [event["step_time"] for event in events if event["type"] == "chunk"]
        assert steps[0] == pytest.approx(250)
        assert steps[1] == pytest.approx(50)  # half a second of audio, ten times as fast


@pytest.mark.parametrize("accepted", [True, False])
@on_virtual_time
async def test_compression_may_be_accepted(accepted: bool) -> None:
    """With `deflate`, `permessage-deflate` is accepted if offered; by default it is not (T27)."""
    async with (
        open_server(port=None, voice=TONES, behaviour=Behaviour(deflate=accepted)) as server,
        trio.open_nursery() as nursery,
    ):
        ours, theirs = memory_stream_pair()
        nursery.start_soon(server.serve_stream, theirs)
        client, offer = Client(ours), PerMessageDeflate()
        target = "/tts/websocket?cartesia_version=2026-08-14"
        await client.send_event(Request(host="localhost", target=target, extensions=[offer]))
        answer = await client.next_event()
        assert isinstance(answer, AcceptConnection)
        assert [extension.name for extension in answer.extensions] == (
            ["permessage-deflate"] if accepted else []
        )
        events = await client.speak(generation("a", TWO_SENTENCES))
        assert audio(events) == await tones(TWO_SENTENCES)
        nursery.cancel_scope.cancel()
