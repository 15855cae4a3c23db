"""`/stt/turns/websocket` (protocol §4.4)."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.stt.support import (
    TURNS,
    listening,
    marked_score,
    names,
    refused,
    rest,
    said,
    shown,
    speech,
)
from tests.server.support import Client, Json, on_virtual_time
from trio_cartesia.server import Behaviour

__all__ = ["marked_score"]

GRAMMAR = re.compile(  # protocol §4.4
    r"(turn\.start (turn\.update |turn\.eager_end (turn\.update )*turn\.resume )*"
    r"(turn\.eager_end (turn\.update )*)?turn\.end )*"
)
CLOSE: Json = {"type": "close"}
PAUSE, END = speech(score=30), speech(score=10)  # between the thresholds, and below all of them

segments = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 100), st.integers(1, 700)), max_size=12
)
thresholds = st.fixed_dictionaries(
    {
        "turn_start_threshold": st.floats(0.61, 0.9),
        "turn_eager_end_threshold": st.floats(0.51, 0.6),
        "turn_end_threshold": st.floats(0.05, 0.5),
        "turn_end_timeout_ms": st.floats(640, 2000),
    }
)


async def closing(client: Client) -> list[Json]:
    await client.send(CLOSE)
    events, closed = await rest(client)
    assert closed.code == 1000
    return events


async def events_of(audio: bytes, **options: object) -> list[str]:
    async with listening(TURNS, **options) as (client, _):
        await client.send(audio)
        return shown(await closing(client))


@on_virtual_time
async def test_a_turn() -> None:
    """`connected` comes first; a turn starts, pauses, goes on and ends, with all of its text."""
    audio = b"".join([END, said(1, 2, 3), PAUSE, said(4), PAUSE, END, said(5)])
    assert await events_of(audio) == [
        "connected",
        "turn.start",
        "turn.update:one",
        "turn.update:one two",
        "turn.eager_end:one two three",
        "turn.resume",
        "turn.eager_end:one two three four",
        "turn.end:one two three four",
        "turn.start",
        "turn.end:five",
    ]


any_session = given(
    segments=segments, query=thresholds, cuts=st.lists(st.integers(0, 10**6), max_size=6)
)


@on_virtual_time
async def check_turns(segments: list[tuple[int, int, int]], query: Json, cuts: list[int]) -> None:
    """For any audio and thresholds, events follow the grammar, text only grows, and the turns are
    the same however the audio is divided into messages.
    """
    audio = b"".join(
        speech(word, score=score, milliseconds=length) for word, score, length in segments
    )
    ends = sorted({cut % (len(audio) + 1) for cut in cuts})
    async with listening(TURNS, query=query) as (client, server):
        for start, end in pairwise([0, *ends, len(audio)]):
            await client.send(audio[start:end])
        events = await closing(client)
        (record,) = server.journal.transcriptions
    assert shown(events) == await events_of(audio, query=query)
    first, *others = events
    assert first["type"] == "connected"
    assert GRAMMAR.fullmatch("".join(f"{event['type']} " for event in others))
    text = ""
    for event in others:
        text = "" if event["type"] == "turn.start" else text
        assert event.get("transcript", text).startswith(text)
        text = event.get("transcript", text)
    assert record.final_transcripts == sum(event["type"] == "turn.end" for event in events)
    spoken = names(word for word, _, _ in segments)
    ended = [event["transcript"].split() for event in events if event["type"] == "turn.end"]
    joined = [word for words in ended for word in words]
    assert joined == spoken[: len(joined)]


@settings(max_examples=settings.default.max_examples // 2)
@any_session
def test_turns_are_well_formed(**session: Any) -> None:
    """For any audio and thresholds, events follow the grammar and text only grows."""
    check_turns(**session)


@pytest.mark.slow
@settings(max_examples=20 * settings.default.max_examples)
@any_session
def test_many_turns_are_well_formed(**session: Any) -> None:
    """The same for many more of them."""
    check_turns(**session)


@pytest.mark.parametrize("milliseconds", [640, 1600])
@on_virtual_time
async def test_the_longest_wait(milliseconds: int) -> None:
    """A score that stays between the thresholds ends the turn after `turn_end_timeout_ms`."""
    query = {"turn_end_timeout_ms": milliseconds}
    async with listening(TURNS, query=query) as (client, _):
        await client.send(said(1) + speech(score=30, milliseconds=milliseconds))
        await client.send("{}")  # its error comes once all of that was handled
        events = [await client.receive() for _ in range(4)]
        assert shown(events) == ["connected", "turn.start", "turn.eager_end:one", "error"]
        await client.send(speech(score=30, milliseconds=32))
        assert shown([await client.receive()]) == ["turn.end:one"]


@on_virtual_time
async def test_time_is_audio() -> None:
    """Without audio nothing happens, however long it takes (protocol §4.4)."""
    async with listening(TURNS, query={"turn_end_timeout_ms": 640}) as (client, _):
        await client.send(said(1) + PAUSE)
        events = [await client.receive() for _ in range(3)]
        with trio.move_on_after(100) as patience:
            await client.receive()
        assert patience.cancelled_caught
    assert shown(events)[-1] == "turn.eager_end:one"


@on_virtual_time
async def test_settings_can_change() -> None:
    """`config` changes what it names, without an answer, and all of it is optional."""
    async with listening(TURNS) as (client, _):
        for message in (
            {"type": "config"},
            {"type": "config", "turn": None},
            {"type": "config", "turn": {"start_threshold": 0.6, "end_threshold": 0.05}},
        ):
            await client.send(message)
        await client.send(speech(1, score=65) + speech(score=30) + speech(score=6))
        await client.send(speech(score=4))
        assert shown(await closing(client)) == [
            *("connected", "turn.start", "turn.eager_end:one", "turn.end:one"),
        ]


BAD_SETTINGS = [
    {"start_threshold": 0.95},
    {"start_threshold": "0.8"},
    {"end_threshold": 0.45},  # above the eager end
    {"end_timeout_ms": 639},
    {"end_timeout_ms": True},
    {"eager_end_threshold": 0.7},
    [],
]


@pytest.mark.parametrize("turn", BAD_SETTINGS)
@pytest.mark.parametrize("reaction", ["error", "ignore"])
@on_virtual_time
async def test_bad_settings_change_nothing(turn: Json, reaction: str) -> None:
    """They get a 400, or nothing (S7); the settings are as before."""
    query = {"behaviour": f"config_invalid={reaction}"}
    async with listening(TURNS, query=query) as (client, _):
        await client.send({"type": "config", "turn": turn})
        await client.send(said(1) + PAUSE + END)
        events = await closing(client)
    errors = ["error"] if reaction == "error" else []
    assert shown(events) == [
        *("connected", *errors, "turn.start", "turn.eager_end:one", "turn.end:one"),
    ]


@pytest.mark.parametrize("text", ["close", "{}", "[]", '{"type":"finalize"}', '{"type":["close"]}'])
@on_virtual_time
async def test_an_unknown_command_is_an_error(text: str) -> None:
    """Bare words, and JSON that is no command, get a 400, and the session goes on."""
    async with listening(TURNS) as (client, _):
        await client.receive()
        error = await client.ask(text)
        assert (error["type"], error["status_code"]) == ("error", 400)
        assert shown(await closing(client)) == []


BAD_QUERIES: list[tuple[Json, str | None]] = [
    ({"turn_start_threshold": 0.3}, None),
    ({"turn_end_threshold": 0.45}, None),
    ({"turn_eager_end_threshold": 0.7}, None),
    ({"turn_end_timeout_ms": "soon"}, None),
    ({"turn_end_timeout_ms": "nan"}, None),
    ({"model": "ink-whisper"}, "model_not_found"),
    ({"model": None}, None),
    ({"encoding": "opus"}, None),
    ({"sample_rate": 0}, None),
    ({"sample_rate": None}, None),
]


@pytest.mark.parametrize(("query", "code"), BAD_QUERIES)
@on_virtual_time
async def test_bad_queries_are_judged_after_the_handshake(query: Json, code: str | None) -> None:
    """An error comes in place of `connected`, and then a close (S5, protocol §6a E2)."""
    async with listening(TURNS, query=query) as (client, _):
        (error,), closed = await rest(client)
    assert (error["type"], error["status_code"], error["error_code"]) == ("error", 400, code)
    assert closed.code == 1008


@pytest.mark.parametrize(("query", "code"), BAD_QUERIES)
@on_virtual_time
async def test_bad_queries_may_refuse_the_handshake(query: Json, code: str | None) -> None:
    """With `bad_turns_query=http` the handshake is refused with 400 (S5)."""
    refusal = await refused(TURNS, query=query, behaviour=Behaviour(bad_turns_query="http"))
    assert (refusal.status, json.loads(refusal.body)["error_code"]) == (400, code)


@on_virtual_time
async def test_a_wider_range_for_the_eager_end() -> None:
    """With `wide_eager_end` it may be up to 0.8, as pipecat allows (protocol §6a E1)."""
    query = {"turn_start_threshold": 0.9, "turn_eager_end_threshold": 0.8}
    behaviour = Behaviour(wide_eager_end=True)
    assert await events_of(b"", query=query, behaviour=behaviour) == ["connected"]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("", ["turn.start", "turn.eager_end:one", "turn.end:one"]),
        ("end_on_close=false", ["turn.start", "turn.eager_end:one"]),
        ("empty_turn_end=true", ["turn.start", "turn.update:one", "turn.eager_end:", "turn.end:"]),
    ],
)
@on_virtual_time
async def test_a_close_in_a_turn(behaviour: str, expected: list[str]) -> None:
    """The turn ends, unless `end_on_close` is false (S10); its texts may be empty (S8)."""
    found = await events_of(said(1) + PAUSE, query={"behaviour": behaviour})
    assert found == ["connected", *expected]


@pytest.mark.parametrize("audio", [said(1, 2), said(1, 2) + PAUSE + said(3) + END, said(1) + END])
@on_virtual_time
async def test_updates_have_all_of_the_text_where_ends_are_empty(audio: bytes) -> None:
    """With `empty_turn_end`, the last update of a turn has its last word, too (S8)."""
    behaviour = Behaviour(empty_turn_end=True)
    found = await events_of(audio, behaviour=behaviour)
    last = [event for event in found if event.startswith("turn.update:")][-1]
    texts = [event for event in await events_of(audio) if event.startswith("turn.end:")]
    assert [last.replace("update", "end")] == texts
    assert found[-1] == "turn.end:"


@on_virtual_time
async def test_a_turn_without_words() -> None:
    """It starts and ends with an empty text (protocol §4.4)."""
    audio = speech(score=99) + END
    assert await events_of(audio) == ["connected", "turn.start", "turn.end:"]


@on_virtual_time
async def test_audio_before_connected_may_be_dropped() -> None:
    """With `drop_before_connected`, a client that does not wait loses it (S11)."""
    behaviour = Behaviour(drop_before_connected=True)
    async with listening(TURNS, behaviour=behaviour) as (client, _):
        await client.send(said(1) + END)
        assert shown([await client.receive()]) == ["connected"]
        await client.send(said(2) + END)
        assert shown(await closing(client)) == ["turn.start", "turn.end:two"]
    assert await events_of(said(1) + END) == ["connected", "turn.start", "turn.end:one"]


commands = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.sampled_from(["config"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "turn", "start_threshold", "end_timeout_ms"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(messages=st.lists(commands.map(json.dumps) | st.text(max_size=8), max_size=6))
@on_virtual_time
async def test_any_command_is_handled(messages: list[str]) -> None:
    """Whatever text is sent, the answer is a 400 or nothing, and the session goes on."""
    async with listening(TURNS) as (client, _):
        for message in messages:
            await client.send(message)
        first, *events = await closing(client)
    assert first["type"] == "connected"
    assert all(event["status_code"] == 400 for event in events)
    assert len(events) <= len(messages)
