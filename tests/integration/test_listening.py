"""Sessions of speech to text against the service, whatever it chooses where the protocol is open.

The recogniser reads marked samples, so the text that the service knows follows from the audio.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.server.stt.support import (
    TURNS,
    Marked,
    listening,
    marked_score,
    names,
    rest,
    said,
    speech,
)
from tests.server.support import Json
from trio_cartesia import AutoFinalizeSession, Cartesia, ManualFinalizeSession, Turn
from trio_cartesia.server import Behaviour, open_server
from trio_cartesia.testing import connect_in_memory, on_virtual_time

__all__ = ["marked_score"]

SETTINGS: Any = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
READINGS: dict[str, tuple[Any, ...]] = {  # protocol §7.2, the default first
    "flush_done_first": (False, True),
    "coalesce_flush": (False, True),
    "stt_close": (1000, 1001, 4999),
    "bad_query": ("http", "event"),
    "bad_turns_query": ("event", "http"),
    "stt_idle_seconds": (180.0, 3.0),
    "config_invalid": ("error", "ignore"),
    "empty_turn_end": (False, True),
    "end_on_close": (True, False),
    "drop_before_connected": (False, True),
    "wide_eager_end": (False, True),
    "ink2_words": (False, True),
}
ALL = [(name, value) for name, values in READINGS.items() for value in values]

some = settings(max_examples=settings.default.max_examples // 4)
readings = st.lists(st.sampled_from(ALL), max_size=2).map(dict)
segments = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([5, 30, 55, 95]), st.integers(32, 500)),
    max_size=10,
)


def audio_of(told: list[tuple[int, int, int]]) -> bytes:
    return b"".join(speech(word, score=score, milliseconds=length) for word, score, length in told)


@asynccontextmanager
async def client_of(behaviour: Behaviour) -> AsyncIterator[Cartesia]:
    """A client of a service with that behaviour."""
    async with (
        open_server(port=None, voice="tones", recognizer=Marked(), behaviour=behaviour) as server,
        connect_in_memory(server) as open_stream,
        Cartesia(base_url=server.url, open_stream=open_stream) as client,
    ):
        yield client


def turns_in(events: list[Json]) -> Iterator[tuple[str, bool]]:
    """Yield the text of each turn, and whether the service has ended it."""
    text: str | None = None
    for event in events:
        if event["type"] == "turn.start":
            text = ""
        elif text is not None:
            text = event.get("transcript") or text
            if event["type"] == "turn.end":
                yield text, True
                text = None
    if text is not None:
        yield text, False


async def turns_of_the_service(audio: bytes, behaviour: Behaviour) -> list[tuple[str, bool]]:
    """What a client that is not ours receives."""
    async with listening(TURNS, behaviour=behaviour) as (client, _):
        assert (await client.receive())["type"] == "connected"
        await client.send(audio)
        await client.send({"type": "close"})
        events, closed = await rest(client)
    assert closed.code == behaviour.stt_close
    return list(turns_in(events))


async def follow(turn: Turn, seen: list[tuple[str, bool]]) -> None:
    """Iterate one turn, whose text only grows."""
    before = ""
    async for text in turn:
        assert text.startswith(before)
        before = text
    assert before == turn.text
    assert turn.is_over
    seen.append((turn.text, turn.is_complete))


def check_turns(reading: dict[str, Any], told: list[tuple[int, int, int]]) -> None:
    """Check the turns that a session receives, of some audio."""
    audio, behaviour, seen = audio_of(told), Behaviour(**reading), []

    @on_virtual_time
    async def run() -> None:
        session: AutoFinalizeSession
        async with client_of(behaviour) as client:
            async with client.stt.auto_finalize.websocket(**SETTINGS) as session:
                await session.wait_connected()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(lambda: session.feed(audio, pace="as_fast_as_possible"))
                    nursery.start_soon(session.config)
                await session.no_more_audio()
                async for turn in session.turns():
                    await follow(turn, seen)
            assert session.is_complete
        assert seen == await turns_of_the_service(audio, behaviour)

    run()
    if not reading.get("empty_turn_end") and reading.get("end_on_close") is not False:
        spoken = names(word for word, _, _ in told)
        words = " ".join(text for text, _ in seen).split()
        assert words == spoken[: len(words)]
        assert all(is_complete for _, is_complete in seen)


@pytest.mark.parametrize("name", READINGS)
def test_turns_under_each_reading(name):
    """Two turns and a cut one, with a pause, are received whole under every reading."""
    *_, other = READINGS[name]
    told = [(0, 5, 320), (1, 95, 320), (2, 95, 320), (0, 30, 320), (3, 95, 320), (0, 5, 320)]
    check_turns({name: other}, [*told, *told[1:3], (0, 5, 320), (4, 95, 320), (5, 95, 320)])


@some
@given(readings, segments)
def test_turns_are_well_formed_under_any_two_readings(reading, told):
    """For any audio, the turns are those that the service sent, and none of their text is lost."""
    check_turns(reading, told)


@some
@given(readings, st.lists(st.tuples(segments, st.integers(0, 3)), max_size=4))
@example({"flush_done_first": True, "coalesce_flush": True}, [([(1, 0, 320)], 3), ([], 2)])
def test_finalizing_under_any_two_readings(reading, rounds):
    """Each call returns once, all texts together are the transcript, and leaving the block right
    after the last audio loses none of it.
    """
    answers: list[str] = []
    words = names(word for told, _ in rounds for word, _, _ in told)

    @on_virtual_time
    async def run() -> None:
        async with client_of(Behaviour(**reading)) as client:
            async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
                for told, calls in rounds:
                    await session.feed(audio_of(told), pace="as_fast_as_possible")
                    async with trio.open_nursery() as nursery:
                        for _ in range(calls):
                            nursery.start_soon(keep_answer, session, answers)
                    if calls:
                        assert "".join(answers) == session.transcript.final
            assert session.is_complete
            assert session.transcript.final.split() == words
            pieces = [event async for event in session.receive() if event.type == "transcript"]
            assert "".join(p.text for p in pieces if p.is_final) == session.transcript.final

    run()
    assert len(answers) == sum(calls for _, calls in rounds)


async def keep_answer(session: ManualFinalizeSession, answers: list[str]) -> None:
    answers.append(await session.finalize())


@on_virtual_time
async def test_many_sessions_finalize_at_once():
    """With six sessions that finalize from many tasks while audio is sent, each call is answered
    once, and every session has its own text.
    """

    async def use(client: Cartesia, number: int) -> None:
        answers: list[str] = []
        async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(session.feed, said(*range(1, number + 1), milliseconds=96))
                for _ in range(6):
                    nursery.start_soon(keep_answer, session, answers)
                    await trio.sleep(0.07)
            await keep_answer(session, answers)
            assert "".join(answers) == session.transcript.final
        assert len(answers) == 7
        assert session.transcript.final.split() == names(range(1, number + 1))

    async with client_of(Behaviour()) as client, trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(use, client, number)
