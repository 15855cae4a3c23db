"""The agent of each account, its calls, and metrics."""

from __future__ import annotations

import csv
import io
import wave
from typing import Any
from urllib.parse import urlencode

import pytest
import trio

from tests.server.http_client import NOW, an_error, over_http
from tests.server.rest.support import asked, listed
from tests.server.support import on_virtual_time, tones

AGENT = "/agents/agent_local"
METRIC = {"name": "polite-1", "prompt": "Was it polite?", "display_name": "Polite"}


@on_virtual_time
async def test_every_account_has_an_agent() -> None:
    """Each account has an agent of its own, which it may change and delete for good."""
    first, second = ([*NOW, ("x-api-key", f"sk_{number}")] for number in (1, 2))
    async with over_http(api_keys=["sk_1", "sk_2"]) as (client, server):
        (agent,) = (await asked(client, "GET /agents", headers=first))["summaries"]
        assert agent == await asked(client, f"GET {AGENT}", headers=first)
        await trio.sleep(1)
        change = {"name": "Porter", "tts_language": "de"}
        changed = await asked(client, f"PATCH {AGENT}", change, headers=first)
        assert changed == {**agent, **change, "updated_at": changed["updated_at"]}
        assert changed["updated_at"] > agent["updated_at"]
        assert await asked(client, f"GET {AGENT}", headers=second) == agent
        for wrong in ({"name": None}, {"tts_language": "xx"}, {"tts_voice": 1}):
            assert an_error(await client.ask("PATCH", AGENT, wrong, first), 400)
        assert await asked(client, f"DELETE {AGENT}", headers=first) is None
        assert await asked(client, "GET /agents", headers=first) == {"summaries": []}
        for path in (AGENT, f"{AGENT}/deployments", "/agents/calls?agent_id=agent_local"):
            assert an_error(await client.ask("GET", path, b"", first), 404)
        assert await asked(client, f"GET {AGENT}", headers=second) == agent
        assert server.statistics().records > 0


@on_virtual_time
async def test_to_look_at_agents_stores_nothing_for_each_key() -> None:
    """Any number of keys read their agents and stay within one set of records, and so does a
    refused change; with an accepted change an account has records of its own.
    """
    async with over_http() as (client, server):
        await asked(client, "GET /agents")
        stored = server.statistics().records
        change = {"name": "Porter"}
        for number in range(20):
            headers = [*NOW, ("x-api-key", f"sk_{number}")]
            for path in ("/agents", AGENT, "/agents/metrics", "/agents/calls/call_1"):
                await asked(client, f"GET {path}", headers=headers)
            for refused, status in (({"name": "answered", "prompt": "a"}, 400), ({}, 400)):
                answer = await client.ask("POST", "/agents/metrics", refused, headers)
                assert an_error(answer, status)
            assert an_error(await client.ask("DELETE", "/agents/none", b"", headers), 404)
        assert server.statistics().records == stored
        await asked(client, f"PATCH {AGENT}", change, headers=headers)
        assert server.statistics().records == 2 * stored
        assert (await asked(client, f"GET {AGENT}"))["name"] != "Porter"
        assert (await asked(client, f"GET {AGENT}", headers=headers))["name"] == "Porter"


@on_virtual_time
async def test_what_belongs_to_an_agent() -> None:
    """Deployments and phone numbers are bare lists; templates are for everybody."""
    async with over_http() as (client, _):
        deployments = await asked(client, f"GET {AGENT}/deployments")
        assert [each["is_live"] for each in deployments] == [False, True]
        for each in deployments:
            assert await asked(client, f"GET /agents/deployments/{each['id']}") == each
        (number,) = await asked(client, f"GET {AGENT}/phone-numbers")
        assert number["agent_id"] == "agent_local"
        assert an_error(await client.ask("GET", "/agents/deployments/none"), 404)
    async with over_http(api_keys=["sk_1"]) as (client, _):
        assert (await asked(client, "GET /agents/templates"))["templates"]
        assert an_error(await client.ask("GET", "/agents"), 401)


@on_virtual_time
async def test_calls_and_their_audio() -> None:
    """Calls are listed newest first, with their transcripts if asked, and can be listened to."""
    async with over_http() as (client, _):
        calls = await listed(client, "/agents/calls?agent_id=agent_local", limit=2)
        started = [call["start_time"] for call in calls]
        assert started == sorted(started, reverse=True)
        assert all("transcript" not in call for call in calls)
        target = "/agents/calls?agent_id=agent_local&expand=transcript"
        (call, *_) = await listed(client, target)
        assert call == await asked(client, f"GET /agents/calls/{call['id']}")
        audio = await client.ask("GET", f"/agents/calls/{call['id']}/audio")
        assert audio.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(audio.body)) as file:
            rate, data = file.getframerate(), file.readframes(file.getnframes())
        first = await tones(call["transcript"][0]["text"], sample_rate=rate)
        assert data.startswith(first)
        assert len(data) > 2 * len(first)
        for line in ("", "agent_id=none", "agent_id=agent_local&expand=all"):
            answer = await client.ask("GET", f"/agents/calls?{line}")
            assert an_error(answer, 404 if "none" in line else 400)
        assert an_error(await client.ask("GET", "/agents/calls/none/audio"), 404)


@on_virtual_time
async def test_metrics() -> None:
    """A metric is created under a name of its own, and attached to an agent and detached."""
    async with over_http() as (client, server):
        made = await asked(client, "POST /agents/metrics", METRIC)
        assert made == {**METRIC, "id": made["id"], "created_at": made["created_at"]}
        assert await asked(client, f"GET /agents/metrics/{made['id']}") == made
        assert (await listed(client, "/agents/metrics", limit=1))[-1] == made
        for change in ({}, {"name": "Polite"}, {"name": ""}, {"name": "b", "prompt": None}):
            answer = await client.ask("POST", "/agents/metrics", {**METRIC, **change})
            assert an_error(answer, 400)
        before = server.statistics().records
        for method, more in (("POST", 1), ("POST", 1), ("DELETE", 0), ("DELETE", 0)):
            assert await asked(client, f"{method} {AGENT}/metrics/{made['id']}") is None
            assert server.statistics().records == before + more
        for path in (f"{AGENT}/metrics/none", f"/agents/none/metrics/{made['id']}"):
            assert an_error(await client.ask("POST", path), 404)


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({}, [6, 7, 8]),
        ({"call_id": "call_2"}, [7]),
        ({"agent_id": "agent_local", "metric_id": "metric_local"}, [6, 7, 8]),
        ({"deployment_id": "deployment_1"}, []),
        ({"start_date": "2026-01-07T10:01:00Z"}, [7, 8]),
        ({"end_date": "2026-01-07T12:01:00+02:00"}, [6, 7]),
        ({"start_date": "2026-01-07", "end_date": "2026-01-08"}, [7, 8]),
        ({"end_date": "2026-01-07"}, [6, 7]),
        ({"end_date": "2026-01-07T00:00"}, [6]),
        ({"end_date": "9999-12-31"}, [6, 7, 8]),
    ],
)
@on_virtual_time
async def test_results_are_filtered_and_exported(query: Any, days: list[int]) -> None:
    """Results can be filtered, inclusive of both times; the export has the same rows."""
    expected = [f"2026-01-{day:02}T10:01:00Z" for day in days]
    async with over_http() as (client, _):
        results = await listed(client, f"/agents/metrics/results?{urlencode(query)}", limit=2)
        assert [result["createdAt"] for result in results] == expected
        line = f"/agents/metrics/results/export?{urlencode(query)}"
        export = await client.ask("GET", line)
        rows = list(csv.DictReader(io.StringIO(export.body.decode(), newline="")))
        assert export.headers["content-type"].startswith("text/csv")
        assert [row["id"] for row in rows] == [result["id"] for result in results]
        for row, result in zip(rows, results, strict=True):
            assert row.items() <= {key: str(value) for key, value in result.items()}.items()
        wrong = await client.ask("GET", "/agents/metrics/results/export?start_date=soon")
        assert an_error(wrong, 400)
