from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.utilities import LocalProtocolError

from tests.server.fuzzing import TERMINAL, attacker, besieged, check_event
from tests.server.support import Client, Closed, Json, cancel, generation, on_virtual_time
from trio_cartesia.server import Behaviour

NUMBERS: dict[str, list[float]] = {
    "flush_id_base": [0, 1, 7],
    "cancel_trailing_chunks": [0, 1, 2, 100],
    "expiry_seconds": [0, 0.01, 1, 60],
    "idle_seconds": [0.01, 5, 300],
    "idle_close": [1000, 1001, 4000],
    "chunk_bytes": [4, 7, 1000, 65536],
    "max_message_bytes": [10, 600, 1024 * 1024],
    "max_waiting_characters": [1, 30, 1024 * 1024],
    "times_real_time": [0.5, 100, float("inf")],
    "remembered_contexts": [0, 1, 10_000],
    "foreign_voice": [403, 404],
    "training_seconds": [0, 5],
    "stt_close": [1000, 4000],
    "stt_idle_seconds": [0.01, 5, 180],
}


def _values(name: str, kind: Any) -> st.SearchStrategy[Any]:
    if name in NUMBERS:
        return st.sampled_from(NUMBERS[name])
    if kind is bool:
        return st.booleans()
    return st.sampled_from(get_args(kind) if get_origin(kind) is Literal else [206, 200])


ways = st.fixed_dictionaries(
    {},
    optional={
        name: _values(name, kind)
        for name, kind in get_type_hints(Behaviour).items()
        if name not in ("deflate", "missing_version") and not name.startswith("_")
    },
)

ids = st.sampled_from(["a", "b", "\N{SNOWMAN}\ud800"])
words = st.sampled_from(
    [
        *("Hello there. ", "And", " so on. ", "", "", " ", "...", "\n\n", "\ud83d", "\ude00"),
        *('<break time="1s"/>', "<spell>ab", "</spell>", "[laughter]", "<<a|b>>", "<" * 50),
        *("A much longer text, which goes on and on. " * 12, "\u4f60\u597d\u3002", "\0\x07"),
    ]
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["id", "en", "raw", 10**400, -1, 1e308, "x" * 2000, "sonic-3"]),
)
grown = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
inputs = st.builds(
    generation,
    ids,
    words,
    **{
        "continue": st.sampled_from([True, True, True, False]),
        "flush": st.sampled_from([False, False, True]),
        "max_buffer_delay_ms": st.sampled_from([0, 50, 3000]),
        "add_timestamps": st.booleans(),
        "add_phoneme_timestamps": st.booleans(),
        "duration": st.sampled_from([None, None, 0.00001, 0.5]),
        "model_id": st.sampled_from(["sonic-3.5"] * 5 + ["sonic-2"]),
    },
)
FIELDS = [*generation("a"), "continue", "flush", "max_buffer_delay_ms", "language", "locale"]
FIELDS += ["normalization", "generation_config", "speed", "add_timestamps", "duration", "cancel"]
FIELDS += ["use_normalized_timestamps", "pronunciation_dict_id"]


def _with(message: Json, name: str, value: Any, is_inner: bool) -> Json:
    if is_inner:
        inner = message["output_format"]
        return {**message, "output_format": {**inner, "encoding": value, name: value}}
    return {**message, name: value}


bent = st.builds(_with, inputs, st.sampled_from(FIELDS), grown, st.booleans())
cancels = ids.map(lambda name: cancel(name))
right: st.SearchStrategy[Any] = st.one_of(inputs, inputs, inputs, cancels)
NO_REQUESTS = [b"binary", "not JSON", "[" * 5000, '{"a":NaN}', "{}", '"x"', "", "1" * 9999]
wrong: st.SearchStrategy[Any] = st.one_of(
    bent,
    grown,
    st.dictionaries(st.sampled_from(FIELDS), grown, max_size=6),
    st.sampled_from(NO_REQUESTS),
)
waits = st.sampled_from([0.0, 0.01, 0.3, 1.5, 10.0]).map(lambda seconds: ("wait", seconds))


@attrs.define(eq=False)
class Heard:
    events: list[Json] = attrs.field(factory=list)
    closed: Closed | None = None

    async def listen(self, client: Client) -> None:
        try:
            while True:
                self.events.append(await client.receive())
        except Closed as closed:
            self.closed = closed
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


async def talk(version: str, behaviour: dict[str, Any], steps: list[Any]) -> Heard:
    """Say all of that to a service that others use meanwhile, and return what it answered."""
    heard = Heard()
    text = ",".join(f"{name}={str(value).lower()}" for name, value in behaviour.items())
    async with besieged() as (server, nursery), attacker(server) as stream:
        client = Client(stream)
        headers = [("x-behaviour", text)] if text else []
        await client.shake_hands(f"/tts/websocket?cartesia_version={version}", headers)
        nursery.start_soon(heard.listen, client)
        try:
            for step in steps:
                if isinstance(step, tuple):
                    await trio.sleep(step[1])
                elif isinstance(step, (str, bytes)):
                    await client.send(step)
                else:
                    await client.send(json.dumps(step))
            await trio.sleep(100)
        except (trio.BrokenResourceError, LocalProtocolError):
            pass  # it was enough, and the client may know
    return heard


def rounds(events: list[Json], context_id: str, *, pairs: bool) -> list[list[str]]:
    """The kinds of a context's events, up to each terminal one; with *pairs*, without the ``done``
    that follows each error, sooner or later.
    """
    found: list[list[str]] = [[]]
    owed = 0
    for kind in (event["type"] for event in events if event.get("context_id") == context_id):
        if kind == "done" and owed:
            owed -= 1
            continue
        owed += pairs and kind == "error"
        found[-1].append(kind)
        if kind in TERMINAL:
            found.append([])
    return [part for part in found if part]


def check(behaviour: dict[str, Any], version: str, steps: list[Any], heard: Heard) -> None:
    pairs = bool(behaviour.get("done_after_error"))
    for event in heard.events:
        check_event(
            event,
            is_structured=version > "2026",
            is_aligned=not behaviour.get("misaligned_chunks"),
        )
    sent = [step.get("context_id") for step in steps if isinstance(step, dict)]
    reopens = behaviour.get("late_input") == "new_context" or (
        behaviour.get("remembered_contexts", 10) < 10
    )
    for context_id in {event.get("context_id") for event in heard.events} - {None}:
        assert context_id in sent or version < "2025"
        ends = rounds(heard.events, context_id, pairs=pairs)
        assert len(ends) <= sent.count(context_id)
        spoke = [number for number, part in enumerate(ends) if part[0] != "error"]
        if spoke and not reopens:
            assert all(part[0] == "error" for part in ends[spoke[0] + 1 :])


@pytest.mark.slow
@given(
    st.sampled_from(["2026-08-14", "2026-08-14", "2025-04-16"]),
    ways,
    st.lists(right | right | waits, max_size=12),
)
@on_virtual_time
async def test_any_order_of_good_messages(
    version: str, behaviour: dict[str, Any], steps: list[Any]
) -> None:
    """Inputs, flushes and cancels in any order, under any behaviour: each context ends once,
    nothing but refusals follow, and nobody else notices.
    """
    check(behaviour, version, steps, await talk(version, behaviour, steps))


@pytest.mark.slow
@given(
    st.sampled_from(["2026-08-14", "2025-04-16", "2024-06-10"]),
    ways,
    st.lists(wrong | right | waits, max_size=10),
)
@example("2026-08-14", {}, NO_REQUESTS)
@on_virtual_time
async def test_any_json(version: str, behaviour: dict[str, Any], steps: list[Any]) -> None:
    """Any JSON, and what is none, gets events or a close; every refusal has its body, and nobody
    else notices.
    """
    heard = await talk(version, behaviour, steps)
    for event in heard.events:
        aligned = not behaviour.get("misaligned_chunks")
        check_event(event, is_structured=version > "2026", is_aligned=aligned)


@pytest.mark.slow
@given(st.lists(right | right | waits, max_size=12))
@on_virtual_time
async def test_good_messages_by_default(steps: list[Any]) -> None:
    """No order of good messages makes the service close the connection, or leave a context open."""
    heard = await talk("2026-08-14", {}, steps)
    check({}, "2026-08-14", steps, heard)
    assert heard.closed is None
    for context_id in {event["context_id"] for event in heard.events}:
        mine = [event for event in heard.events if event["context_id"] == context_id]
        assert mine[-1]["done"]
