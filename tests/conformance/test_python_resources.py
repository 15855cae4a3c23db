"""The official Python client: what an account makes and keeps."""

from __future__ import annotations

import asyncio
import io
import time

import pytest

from tests.conformance.python import (
    HELLO,
    MARKS,
    NO_VOICE,
    SETTINGS,
    VOICE,
    cartesia,
    on_asyncio,
    open_client,
)

pytestmark = MARKS

SPEECH = {**SETTINGS, "transcript": HELLO}
QUICK = {"extra_headers": {"x-behaviour": "training_seconds=0.2"}}


async def all_of(pages):
    return [each async for each in pages]


async def is_missing(call, *args, **fields):
    with pytest.raises(cartesia.NotFoundError):
        await call(*args, **fields)


@on_asyncio
async def test_voices_of_an_account(service, form):
    """A voice is cloned, localized, changed, given accents, spoken with and deleted."""
    async with open_client(form) as client:
        clip = ("clip.wav", io.BytesIO(b"RIFF" * 1000))
        made = await client.voices.clone(clip=clip, name="Me", language="en", description="mine")
        assert (made.name, made.access, made.visibility) == ("Me", "private", "owner")
        other = await client.voices.localize(
            voice_id=made.id, name="Ich", accent="high-german", tagline="Guten Tag"
        )
        assert (other.language, other.tagline) == ("de", "Guten Tag")
        own = await all_of(client.voices.list(is_owner=True, limit=100))
        assert {made.id, other.id} <= {voice.id for voice in own}
        change = {"name": "You", "gender": "feminine", "accent": "british"}
        changed = await client.voices.update(made.id, **change)
        assert (changed.name, changed.gender, changed.accent) == ("You", "feminine", "british")
        added = await client.voices.add_accents(made.id, accents=["australian", "parisian"])
        assert [locale.locale for locale in added.locales] == ["en-GB", "en-AU", "fr-FR"]
        left = await client.voices.delete_accent("parisian", id=made.id)
        assert [locale.locale for locale in left.locales] == ["en-GB", "en-AU"]
        assert await client.voices.get(made.id) == left
        assert len(await (await client.tts.generate(**{**SPEECH, "voice": made.id})).read()) > 8000
        for voice in (made, other):
            assert await client.voices.delete(voice.id) is None
            await is_missing(client.voices.get, voice.id)
        await is_missing(client.voices.localize, voice_id=NO_VOICE, name="a", accent="british")
        with pytest.raises(cartesia.PermissionDeniedError):
            await client.voices.update(VOICE, name="mine")


@on_asyncio
async def test_accents(service, form):
    """The catalogue of accents is sorted, and each has a usual one for its locale."""
    async with open_client(form) as client:
        accents = (await client.voices.list_accents()).accents
    assert [accent.id for accent in accents] == sorted(accent.id for accent in accents)
    usual = [accent.locale for accent in accents if accent.is_locale_default]
    assert sorted(usual) == sorted({accent.locale for accent in accents})


@on_asyncio
async def test_dictionaries(service, form):
    """A dictionary is created, read, listed, changed, followed and deleted."""
    async with open_client(form) as client:
        dicts = client.pronunciation_dicts
        item = {"text": "dear", "alias": "beloved"}
        made = await dicts.create(name="Ours", items=[item])
        assert (made.name, made.items[0].alias) == ("Ours", "beloved")
        assert await dicts.retrieve(made.id) == made
        assert made in await all_of(dicts.list(limit=1))
        plain = await (await client.tts.generate(**SPEECH)).read()
        spoken = await client.tts.generate(**SPEECH, pronunciation_dict_id=made.id)
        assert len(await spoken.read()) > len(plain)
        changed = await dicts.update(made.id, items=[{**item, "case_sensitive": True}])
        assert changed.items[0].case_sensitive
        assert await dicts.delete(made.id) is None
        await is_missing(dicts.retrieve, made.id)


@on_asyncio
async def test_datasets_and_their_files(service, form):
    """A dataset is created, changed, given files and deleted."""
    async with open_client(form) as client:
        made = await client.datasets.create(name="Calls", description="of May")
        assert await client.datasets.retrieve(made.id) == made
        assert made in await all_of(client.datasets.list())
        await client.datasets.update(made.id, name="Talks", description="of June")
        assert (await client.datasets.retrieve(made.id)).name == "Talks"
        files = client.datasets.files
        for number in range(3):
            file = (f"{number}.wav", io.BytesIO(b"RIFF" * (number + 1)))
            assert await files.upload(made.id, file=file, purpose="fine_tune") is None
        found = await all_of(files.list(made.id, limit=2))
        assert [(file.filename, file.size) for file in found] == [
            ("0.wav", 4),
            ("1.wav", 8),
            ("2.wav", 12),
        ]
        assert await files.delete(found[0].id, id=made.id) is None
        assert await all_of(files.list(made.id)) == found[1:]
        assert await client.datasets.delete(made.id) is None
        await is_missing(client.datasets.retrieve, made.id)


@on_asyncio
async def test_fine_tunes(service, form):
    """A fine-tune trains, then has a voice that speaks, and is deleted."""
    async with open_client(form) as client:
        dataset = await client.datasets.create(name="Calls", description="")
        await client.datasets.files.upload(dataset.id, file=("a.wav", io.BytesIO(b"RIFF")))
        made = await client.fine_tunes.create(
            name="Ours",
            description="of callers",
            dataset=dataset.id,
            language="en",
            model_id="sonic-3-2026-01-12",
            **QUICK,
        )
        assert made.status == "created"
        give_up = time.monotonic() + 30
        while (found := await client.fine_tunes.retrieve(made.id)).status != "completed":
            assert found.status in ("created", "training")
            assert time.monotonic() < give_up
            await asyncio.sleep(0.05)
        assert found in await all_of(client.fine_tunes.list())
        (voice,) = await all_of(client.fine_tunes.list_voices(made.id))
        assert len(await (await client.tts.generate(**{**SPEECH, "voice": voice.id})).read()) > 8000
        assert await client.fine_tunes.delete(made.id) is None
        await is_missing(client.fine_tunes.retrieve, made.id)


@on_asyncio
async def test_files_of_saved_speech(service, form):
    """Saved speech can be downloaded, whole and in part, by the client's plain requests."""
    async with open_client(form) as client:
        made = await client.tts.with_raw_response.generate(**SPEECH, save=True)
        file_id = made.headers["cartesia-file-id"]
        info = await client.get(f"/files/{file_id}/info", cast_to=object)
        assert (info["id"], info["size"] > 8000) == (file_id, True)
        link = await client.post(
            "/links", body={"file_id": file_id, "lifetime": "24h"}, cast_to=object
        )
        assert link["url"].startswith(service.url)
        await client.delete(f"/files/{file_id}", cast_to=type(None))
        await is_missing(client.get, f"/files/{file_id}/info", cast_to=object)


@on_asyncio
async def test_agents(service, form):
    """The agent of the account is read and changed, with what belongs to it."""
    async with open_client(form) as client:
        agents = client.agents
        (agent, *_) = (await agents.list()).summaries
        assert await agents.retrieve(agent.id) == agent
        changed = await agents.update(agent.id, description=form)
        assert (changed.description, changed.name) == (form, agent.name)
        assert (await agents.list_templates()).templates
        (number,) = await agents.list_phone_numbers(agent.id)
        assert number.agent_id == agent.id
        for deployment in await agents.deployments.list(agent.id):
            assert await agents.deployments.retrieve(deployment.id) == deployment
        await is_missing(agents.delete, "none")


@on_asyncio
async def test_calls(service, form):
    """Calls are listed page by page, with transcripts if asked, and have audio."""
    async with open_client(form) as client:
        (agent, *_) = (await client.agents.list()).summaries
        calls = client.agents.calls
        plain = await all_of(calls.list(agent_id=agent.id, limit=1))
        assert len(plain) == 3
        assert all(call.transcript is None for call in plain)
        (call, *_) = await all_of(calls.list(agent_id=agent.id, expand="transcript"))
        assert await calls.retrieve(call.id) == call
        assert call.transcript[0].role == "assistant"
        assert await calls.download_audio(call.id) is None


@on_asyncio
async def test_metrics_and_results(service, form):
    """Metrics are created, attached and detached; results are listed, and exported as text."""
    async with open_client(form) as client:
        (agent, *_) = (await client.agents.list()).summaries
        metrics = client.agents.metrics
        made = await metrics.create(name=f"polite-{form}", prompt="Was it polite?")
        assert await metrics.retrieve(made.id) == made
        assert made in (await metrics.list(limit=100)).data
        assert await metrics.add_to_agent(made.id, agent_id=agent.id) is None
        assert await metrics.remove_from_agent(made.id, agent_id=agent.id) is None
        results = await all_of(metrics.results.list(agent_id=agent.id, limit=2))
        assert len(results) == 3
        text = await metrics.results.export(agent_id=agent.id)
        assert [result.id in text for result in results] == [True] * 3
