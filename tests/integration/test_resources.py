"""Every resource, between the client and the local service."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.support import VOICE
from trio_cartesia import Cartesia, NotFound
from trio_cartesia.server import open_server
from trio_cartesia.testing import connect_in_memory, on_virtual_time
from trio_cartesia.types import Voice

CLIP = io.BytesIO()
with wave.open(CLIP, "wb") as _file:
    _file.setparams((1, 2, 16000, 0, "NONE", ""))
    _file.writeframes(bytes(32000))
CLIP_BYTES = CLIP.getvalue()


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Yield a client of a service in memory, whose clock is virtual."""
    async with (
        open_server(port=None, voice="tones") as server,
        connect_in_memory(server) as open_stream,
        Cartesia("k", base_url="http://localhost", open_stream=open_stream) as client,
    ):
        yield client


@on_virtual_time
async def test_voices():
    """A voice is cloned, changed, given accents, localized and deleted."""
    async with open_client() as client:
        made = await client.voices.clone(
            clip=CLIP_BYTES, name="Me", language="en", description="Mine", accent="british"
        )
        assert (made.name, made.language) == ("Me", "en")
        changed = await client.voices.update(made.id, name="You", gender="feminine")
        assert isinstance(changed, Voice)
        assert (changed.name, changed.gender, changed.is_owner) == ("You", "feminine", True)
        assert (await client.voices.update(made.id, gender=None)).gender is None
        more = await client.voices.add_accents(made.id, accents=["parisian"])
        assert "fr-FR" in [each.locale for each in more.locales]
        fewer = await client.voices.delete_accent("parisian", id=made.id)
        assert "fr-FR" not in [each.locale for each in fewer.locales]
        other = await client.voices.localize(voice_id=made.id, name="Moi", accent="parisian")
        assert other.language == "fr"
        mine = [voice.id async for voice in client.voices.list(is_owner=True, limit=1)]
        assert set(mine) == {made.id, other.id}
        assert "parisian" in [accent.id for accent in (await client.voices.list_accents()).accents]
        await client.voices.delete(made.id)
        with pytest.raises(NotFound):
            await client.voices.get(made.id)


@on_virtual_time
async def test_datasets_and_fine_tunes():
    """A dataset with a file trains a voice."""
    async with open_client() as client:
        dataset = await client.datasets.create(name="d", description="of mine")
        await client.datasets.files.upload(dataset.id, file=CLIP_BYTES, purpose="fine_tune")
        (file,) = [each async for each in client.datasets.files.list(dataset.id)]
        assert file.size == len(CLIP_BYTES)
        await client.datasets.update(dataset.id, name="e", description="of yours")
        assert (await client.datasets.retrieve(dataset.id)).name == "e"
        tune = await client.fine_tunes.create(
            name="t",
            description="",
            language="en",
            model_id="sonic-3-2026-01-12",
            dataset=dataset.id,
        )
        while (await client.fine_tunes.retrieve(tune.id)).status != "completed":  # noqa: ASYNC110  # of a service
            await trio.sleep(1)
        assert [voice async for voice in client.fine_tunes.list_voices(tune.id)]
        assert tune.id in [each.id async for each in client.fine_tunes.list()]
        await client.fine_tunes.delete(tune.id)
        await client.datasets.files.delete(file.id, id=dataset.id)
        await client.datasets.delete(dataset.id)
        assert [each async for each in client.datasets.list()] == []


@on_virtual_time
async def test_pronunciation_dicts():
    """A dictionary is made, changed and used."""
    async with open_client() as client:
        made = await client.pronunciation_dicts.create(
            name="n", items=[{"text": "SQL", "alias": "sequel"}]
        )
        assert made.items[0].alias == "sequel"
        changed = await client.pronunciation_dicts.update(made.id, items=[*made.items, *made.items])
        assert len(changed.items) == 2
        assert (await client.pronunciation_dicts.retrieve(made.id)).name == "n"
        async with client.tts.generate(
            model_id="sonic-3", voice=VOICE, transcript="SQL", pronunciation_dict_id=made.id,
            output_format={"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
        ) as response:  # fmt: skip
            assert await response.read()
        await client.pronunciation_dicts.delete(made.id)


@on_virtual_time
async def test_agents():
    """Agents, calls with their recordings, metrics and their results."""
    async with open_client() as client:
        summary = (await client.agents.list()).summaries[0]
        assert (await client.agents.retrieve(summary.id)).name == summary.name
        assert (await client.agents.update(summary.id, description="new")).description == "new"
        await client.agents.list_templates()
        await client.agents.list_phone_numbers(summary.id)
        for deployment in await client.agents.deployments.list(summary.id):
            assert (await client.agents.deployments.retrieve(deployment.id)).agent_id == summary.id
        calls = [
            c async for c in client.agents.calls.list(agent_id=summary.id, expand="transcript")
        ]
        assert calls
        assert (await client.agents.calls.retrieve(calls[0].id)).status == calls[0].status
        async with client.agents.calls.download_audio(calls[0].id) as response:
            with wave.open(io.BytesIO(await response.read())) as file:
                assert file.getnframes()
        metric = await client.agents.metrics.create(name="polite", prompt="Was it polite?")
        assert metric.id in [each.id async for each in client.agents.metrics.list()]
        await client.agents.metrics.add_to_agent(metric.id, agent_id=summary.id)
        results = [each async for each in client.agents.metrics.results.list(agent_id=summary.id)]
        assert all(result.agent_id == summary.id for result in results)
        assert "," in await client.agents.metrics.results.export(agent_id=summary.id)
        await client.agents.metrics.remove_from_agent(metric.id, agent_id=summary.id)
        await client.agents.delete(summary.id)
