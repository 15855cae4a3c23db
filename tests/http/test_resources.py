"""Our client and the local service: what an account makes and keeps."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trio_cartesia import Cartesia, NotFound, PermissionDenied
from trio_cartesia.server import Behaviour, open_server

CLARA = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
SPEECH: dict[str, Any] = {
    "model_id": "sonic-3.5",
    "transcript": "Good morning, dear all.",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8000},
}
RIFF = b"RIFF" * 100


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Cartesia]:
    behaviour = Behaviour(training_seconds=0, unknown_voice="error")
    async with (
        open_server(voice="tones", behaviour=behaviour, **options) as server,
        Cartesia(base_url=server.url) as client,
    ):
        yield client


async def spoken(client: Cartesia, **others: Any) -> bytes:
    async with client.tts.generate(**{"voice": CLARA, **SPEECH, **others}) as response:
        return await response.read()


async def test_voices_of_an_account() -> None:
    """A voice is cloned, localized, changed, given accents, spoken with and deleted."""
    async with serving() as client:
        made = await client.voices.clone(clip=RIFF, name="Me", language="en")
        other = await client.voices.localize(voice_id=made.id, name="Ich", accent="high-german")
        own = [voice.id async for voice in client.voices.list(is_owner=True)]
        assert own == [made.id, other.id]
        changed = await client.voices.update(made.id, name="You", accent="british")
        assert (changed.name, changed.accent) == ("You", "british")
        await client.voices.add_accents(made.id, accents=["australian"])
        left = await client.voices.delete_accent("australian", id=made.id)
        assert await client.voices.get(made.id) == left
        assert await spoken(client, voice=made.id) == await spoken(client, voice=other.id)
        await client.voices.delete(made.id)
        with pytest.raises(NotFound):
            await client.voices.get(made.id)
        with pytest.raises(PermissionDenied):
            await client.voices.update(CLARA, name="mine")
        assert len((await client.voices.list_accents()).accents) == 79


async def test_dictionaries() -> None:
    """A dictionary is created, listed, changed, followed and deleted."""
    async with serving() as client:
        dicts = client.pronunciation_dicts
        made = await dicts.create(name="Ours", items=[{"text": "dear", "alias": "beloved"}])
        assert [each async for each in dicts.list()] == [made]
        plain = await spoken(client)
        assert len(await spoken(client, pronunciation_dict_id=made.id)) > len(plain)
        await dicts.update(made.id, items=[])
        assert await spoken(client, pronunciation_dict_id=made.id) == plain
        await dicts.delete(made.id)
        with pytest.raises(NotFound):
            await dicts.retrieve(made.id)


async def test_datasets_and_fine_tunes() -> None:
    """A fine-tune of a dataset with a file has a voice; files are listed and deleted."""
    async with serving() as client:
        dataset = await client.datasets.create(name="Calls", description="")
        await client.datasets.update(dataset.id, name="Talks", description="of May")
        for _ in range(2):
            await client.datasets.files.upload(dataset.id, file=RIFF, purpose="fine_tune")
        files = [file async for file in client.datasets.files.list(dataset.id)]
        assert [file.size for file in files] == [400, 400]
        await client.datasets.files.delete(files[0].id, id=dataset.id)
        tune = await client.fine_tunes.create(
            name="Ours",
            description="",
            dataset=dataset.id,
            language="en",
            model_id="sonic-3-2026-01-12",
        )
        tune = await client.fine_tunes.retrieve(tune.id)
        assert tune.status == "completed"
        (voice,) = [each async for each in client.fine_tunes.list_voices(tune.id)]
        assert await spoken(client, voice=voice.id)
        await client.fine_tunes.delete(tune.id)
        await client.datasets.delete(dataset.id)
        assert [each async for each in client.datasets.list()] == []


async def test_agents_and_calls() -> None:
    """The agent of an account is changed; its calls have transcripts and audio."""
    async with serving() as client:
        (agent,) = (await client.agents.list()).summaries
        changed = await client.agents.update(agent.id, name="Porter")
        assert (changed.id, changed.name) == (agent.id, "Porter")
        assert await client.agents.list_phone_numbers(agent.id)
        assert (await client.agents.list_templates()).templates
        deployments = await client.agents.deployments.list(agent.id)
        assert await client.agents.deployments.retrieve(deployments[0].id) == deployments[0]
        calls = [call async for call in client.agents.calls.list(agent_id=agent.id, limit=2)]
        assert len(calls) == 3
        call = await client.agents.calls.retrieve(calls[0].id)
        assert call.transcript
        async with client.agents.calls.download_audio(call.id) as response:
            audio = await response.read()
        with wave.open(io.BytesIO(audio)) as file:
            assert file.getnframes() > file.getframerate()
        await client.agents.delete(agent.id)
        assert not (await client.agents.list()).summaries


async def test_metrics() -> None:
    """A metric is created, attached and detached; results are listed and exported."""
    async with serving() as client:
        metrics = client.agents.metrics
        made = await metrics.create(name="polite", prompt="Was it polite?")
        assert await metrics.retrieve(made.id) == made
        assert made in [each async for each in metrics.list()]
        await metrics.add_to_agent(made.id, agent_id="agent_local")
        await metrics.remove_from_agent(made.id, agent_id="agent_local")
        results = [each async for each in metrics.results.list(limit=2)]
        text = await metrics.results.export()
        assert all(result.id in text for result in results)
        assert len(results) == 3


async def test_usage() -> None:
    """Usage is that of the text that was spoken."""
    async with serving() as client:
        await spoken(client)
        now = datetime.now(UTC)
        usage = await client.usage.credits(start_ts=now - timedelta(days=1), end_ts=now)
        assert sum(bucket.credits for bucket in usage.data) == len(SPEECH["transcript"])
