"""Usage: what was spoken, by day, model, voice and key."""

from __future__ import annotations

import math
import shutil
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http_client import NOW, HttpClient, an_error, over_http, speech, upload
from tests.server.rest.support import asked
from tests.server.support import (
    S16,
    TWO_SENTENCES,
    Json,
    cancel,
    connect,
    generation,
    in_memory,
    on_virtual_time,
)
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server import Behaviour
from trio_cartesia.server.store.database import open_store

KEYS = ["sk_1", "sk_2", "sk_car_admin_1"]
ADMIN = [*NOW, ("x-api-key", "sk_car_admin_1")]
DAY = 86_400
OTHER = "a0e99841-438c-4a64-b679-ae501e7d6091"


def of(key: str) -> list[tuple[str, str]]:
    return [*NOW, ("x-api-key", key)]


async def usage(client: HttpClient, **query: str) -> list[Json]:
    line = f"GET /usage/credits?{urlencode(query)}"
    return list((await asked(client, line, headers=ADMIN))["data"])


async def total(client: HttpClient, **query: str) -> float:
    return sum(bucket["credits"] for bucket in await usage(client, **query))


@on_virtual_time
async def test_usage_adds_up_to_what_was_spoken() -> None:
    """Each endpoint adds the characters that it spoke, before the client has all of its answer; a
    text that was refused or cancelled before it was spoken adds nothing.
    """
    async with over_http(api_keys=KEYS) as (client, server), trio.open_nursery() as nursery:
        assert await usage(client) != []
        assert await total(client) == 0
        for path in ("/tts/bytes", "/tts/sse"):
            await client.ask("POST", path, speech("Good morning."), of("sk_1"))
        assert await total(client) == 26
        headers = [("x-api-key", "sk_2")]
        socket = await connect(server, nursery, headers=headers)
        await socket.speak(generation("a", "Hello."))
        assert await total(client) == 32
        await client.ask("POST", "/tts/bytes", speech("Hi.", model_id="none"), of("sk_1"))
        await client.ask("POST", "/tts/bytes", speech(""), of("sk_1"))
        assert await total(client) == 32
        spoken = sum(record.generated_characters for record in server.journal.contexts)
        assert spoken == 32
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("end", ["cancelled", "disconnected", "killed"])
@on_virtual_time
async def test_what_a_context_spoke_before_its_end_is_counted(end: str, tmp_path: Path) -> None:
    """A context that is cancelled or lost counts with the sentences that it spoke; so it does if
    the process is killed, except for the sentence that it was sending.
    """
    live, behaviour = tmp_path / "live", Behaviour(times_real_time=1)
    live.mkdir()
    async with in_memory(store=live / "store", behaviour=behaviour) as (server, nursery):
        socket = await connect(server, nursery)
        await socket.send(generation("c", TWO_SENTENCES * 9))
        for _ in range(12):
            await socket.receive()
        (record,) = server.journal.contexts
        if end == "cancelled":
            await socket.send(cancel("c"))
            await socket.receive_until_over("c")
        elif end == "disconnected":
            await socket.stream.aclose()
            await trio.sleep(60)
        used = record.credits
        shutil.copytree(live, tmp_path / "left")
    with closing(open_store(tmp_path / "left" / "store")) as store:
        rows = store.usage.rows(date.min, date.max)
        counted = sum(row.credits for row in rows)
    assert 0 < used < len(TWO_SENTENCES * 9)
    if end == "killed":
        assert used - len(TWO_SENTENCES) <= counted < used
    else:
        assert counted == used


@on_virtual_time
async def test_usage_in_groups() -> None:
    """Groups of each kind add up to the whole, and a key's own usage is that of its group."""
    requests = [
        ("sk_1", {}),
        ("sk_2", {}),
        ("sk_1", {"voice": OTHER}),
        ("sk_1", {"model_id": "sonic-3"}),
    ]
    async with over_http(api_keys=KEYS) as (client, _):
        for key, others in requests:
            await client.ask("POST", "/tts/bytes", speech("Hi there.", **others), of(key))
        expected = {
            "capability": [("tts", 36)],
            "model": [("sonic-3", 9), ("sonic-3.5", 27)],
            "voice": [(speech("")["voice"], 27), (OTHER, 9)],
        }
        for group, credits_of in expected.items():
            found = await usage(client, group_by=group)
            assert [(each[group], each["credits"]) for each in found] == credits_of
        keys = await usage(client, group_by="api_key")
        assert sorted(each["credits"] for each in keys) == [9, 27]
        for each in keys:
            assert await total(client, api_key_id=each["api_key"]) == each["credits"]


@on_virtual_time
async def test_usage_in_buckets() -> None:
    """Days, weeks and months divide the time that was asked for, and add up to the whole."""
    async with over_http(api_keys=KEYS) as (client, server):
        started = datetime.now(UTC)
        for _ in range(3):
            await client.ask("POST", "/tts/bytes", speech("Hi there."), of("sk_1"))
            server._state.clock._offset += DAY  # idle connections would not last
        days = await usage(client, interval="day")
        assert len(days) == 7
        assert [day["credits"] for day in days] == [0, 0, 0, 9, 9, 9, 0]
        for day, following in pairwise(days):
            assert day["end_ts"] == following["start_ts"]
        times = {
            "start_ts": (started - timedelta(days=40)).isoformat(),
            "end_ts": (started + timedelta(days=40)).isoformat(),
        }
        for interval, least in (("week", 11), ("month", 3), ("", 1)):
            buckets = await usage(client, interval=interval, **times)
            assert len(buckets) >= least
            assert sum(bucket["credits"] for bucket in buckets) == 27
        (whole,) = await usage(client, end_ts=started.isoformat())
        assert whole["credits"] == 9


@pytest.mark.parametrize(
    "query",
    [
        {"start_ts": "yesterday"},
        {"end_ts": "9999-99-99"},
        {"end_ts": "0001-01-01T00:00:00Z"},
        {"end_ts": "9999-12-31T12:00:00Z", "interval": "month"},
        {"start_ts": "2024-01-01T00:00:00Z", "end_ts": "2026-01-01T00:00:00Z"},
        {"start_ts": "2026-01-02T00:00:00Z", "end_ts": "2026-01-01T00:00:00Z"},
        {"interval": "hour"},
        {"group_by": "colour"},
        {"group_by": "model", "interval": "week"},
        {"group_by": "api_key", "api_key_id": "1"},
    ],
)
@on_virtual_time
async def test_bad_questions_are_refused(query: Any) -> None:
    """A time that is none, a span of more than a year, and groups of weeks are 400."""
    async with over_http(api_keys=KEYS) as (client, _):
        answer = await client.ask("GET", f"/usage/credits?{urlencode(query)}", b"", ADMIN)
        assert an_error(answer, 400)


@on_virtual_time
async def test_usage_is_kept(tmp_path: Path) -> None:
    """A later run with the same store counts on; a normal key is refused."""
    for run in (1, 2):
        async with over_http(api_keys=KEYS, store=tmp_path / "s") as (client, server):
            await client.ask("POST", "/tts/bytes", speech("Hi there."), of("sk_1"))
            assert await total(client) == 9 * run
            assert server.statistics().usage_rows == 1
            assert an_error(await client.ask("GET", "/usage/credits", b"", of("sk_1")), 403)


@on_virtual_time
async def test_half_a_character_does_no_harm() -> None:
    """Ids with a lone surrogate, which JSON can carry, are unknown ones; their speech counts."""
    half = "sonic-3-\ud800"
    async with over_http(api_keys=KEYS) as (client, _):
        request = speech("Hi there.", model_id=half, pronunciation_dict_id="\ud800")
        answer = await client.ask("POST", "/tts/bytes", request, of("sk_1"))
        assert answer.status == 200
        assert await total(client) == 9
        body = {"voice_id": "\ud800", "name": "\ud800", "accent": "british"}
        assert an_error(await client.ask("POST", "/voices/localize", body, of("sk_1")), 404)
        body["voice_id"] = OTHER
        answer = await client.ask("POST", "/voices/localize", body, of("sk_1"))
        assert (answer.status, answer.json["name"]) == (200, "\ud800")


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab"), st.integers(1, 9)), max_size=30),
    st.integers(1, 6),
)
def test_the_oldest_days_are_dropped(used: list[tuple[int, str, int]], bound: int) -> None:
    """There are never more rows than the bound, and the rows of the newest days add up."""
    store = open_store(None)
    table = store.usage
    table.max_rows = bound
    expected: dict[tuple[int, str], int] = {}
    for day, voice, amount in used:
        table.add(
            seconds=day * DAY, account="", capability="tts", model="m", voice=voice, amount=amount
        )
        expected[day, voice] = expected.get((day, voice), 0) + amount
        while len(expected) > bound:
            oldest = min(expected)[0]
            expected = {key: value for key, value in expected.items() if key[0] != oldest}
        first, last = (datetime.fromtimestamp(day * DAY, UTC).date() for day in (0, 9))
        rows = {((row.day - first).days, row.voice): row.credits for row in table.rows(first, last)}
        assert rows == expected
        assert len(table) == len(expected) == store.statistics().usage_rows
    store.close()


@pytest.mark.parametrize(
    ("transcript", "price"),
    [
        ("Hello.", 6),
        ('Hello. <break time="2s"/> Hello.', 6 + 1 + 1 + 1 + 6),
        ("<spell>AB</spell>", 3),
        ('<speed ratio="1.2"/>Hello.', 6),
    ],
)
@on_virtual_time
async def test_a_tag_costs_one_character(transcript: str, price: int) -> None:
    """A pause and a spelling cost one credit for their tags, and other tags are free."""
    async with over_http(api_keys=KEYS) as (client, server):
        for path in ("/tts/bytes", "/tts/sse"):
            await client.ask("POST", path, speech(transcript), of("sk_1"))
        assert [record.credits for record in server.journal.contexts] == [price, price]
        assert await total(client) == 2 * price


@on_virtual_time
async def test_recordings_have_prices_of_their_own() -> None:
    """An infill costs 300 credits and its text, and the voice changer 15 for each second."""
    fields: Json = {"output_format": S16, "model_id": "sonic-3", "language": "en"}
    async with over_http(api_keys=KEYS) as (client, _):
        own = await client.ask("POST", "/tts/bytes", speech("Good morning."), of("sk_1"))
        clip = ("a.raw", own.body, "audio/wav")
        wav = SampleFormat(encoding="pcm_s16le", sample_rate=8000)
        infill = {**fields, "transcript": "Hello.", "voice_id": OTHER}
        recording = ("a.wav", wav.wav_header(8000) + b"\x10\x00\xf0\xff" * 2000, "audio/wav")
        key = [("x-api-key", "sk_1")]
        for refused in ({}, {"left_audio": recording}):
            await upload(client, "/infill/bytes", infill, refused, key)
        change = {"voice": {"id": OTHER}, "output_format": S16}
        price = 0
        for changed in (clip, recording):
            answer = await upload(client, "/voice-changer/bytes", change, {"clip": changed}, key)
            price += math.ceil(15 * wav.seconds(len(answer.body)))
        rows = await usage(client, group_by="capability")
    found = {row["capability"]: row["credits"] for row in rows}
    assert found == {"tts": 13, "infill": 306, "voice_changer": price}
