"""``/datasets`` and their files, and ``/fine-tunes`` (protocol §5.4, §5.5).

Of a file only the name and the size are kept, because no endpoint returns its contents. A fine-tune
trains for ``training_seconds`` and then has a voice; without a file in its dataset it fails.
"""

from __future__ import annotations

from typing import Any, Final

from trio_cartesia.server.catalogue.accents import ACCENTS
from trio_cartesia.server.catalogue.models import FINE_TUNE_MODELS, LANGUAGES
from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.rest.resources import Field, Resource, name, text, timestamp
from trio_cartesia.server.rest.voice_bodies import voice_serializer
from trio_cartesia.server.store.database import Record
from trio_cartesia.server.store.voices import add_voice, list_voices_with_id

__all__ = ["DATASETS", "DATASET_FILES", "FINE_TUNES", "list_fine_tuned_voices", "upload_file"]

MODEL_NOT_FOUND: Final = ErrorBody(
    status=400,
    title="Invalid model",
    message=f"The base models of fine-tunes are {', '.join(FINE_TUNE_MODELS)}.",
    code="model_not_found",
)
STARTED: Final = "started_at"  # internal fields of a fine-tune
SECONDS: Final = "training_seconds"
VOICE: Final = "voice_id"
WAITING: Final = 0.1  # of the training: the part before it starts

DATASETS: Final = Resource(
    kind="dataset",
    title="Dataset",
    prefix="dataset_",
    fields={"name": Field(name, required=True), "description": Field(text, required=True)},
    is_replaced=True,
)
DATASET_FILES: Final = Resource(
    kind="dataset_file", title="File", prefix="file_", fields={}, parent=DATASETS
)


async def upload_file(exchange: Exchange) -> None:
    """Add a file to a dataset.

    Raises:
        APIError: There is no such dataset, or the form has no file.
    """
    file = exchange.form().file("file")
    DATASET_FILES.add(exchange, {"filename": file.filename, "size": len(file.content)})
    await exchange.respond_empty()


def _language(fields: Fields, key: str) -> Any:
    return fields.choice(key, sorted(LANGUAGES))


def _accent(fields: Fields, key: str) -> Any:
    return fields.choice(key, tuple(ACCENTS))


def _begin(exchange: Exchange, values: dict[str, Any]) -> dict[str, Any]:
    """Start to train: the voice exists from now on, and is visible once it is ready."""
    if values["model_id"] not in FINE_TUNE_MODELS:
        raise APIError(MODEL_NOT_FOUND)
    dataset = DATASETS.find(exchange, values["dataset"])
    store, account, now = exchange.state.store, exchange.account, exchange.state.clock.now()
    started = {STARTED: now, SECONDS: exchange.behaviour.training_seconds}
    if not any(store.records(DATASET_FILES.kind, account.id, dataset.id)):
        return {**started, VOICE: None}
    voice = VoiceEntry.owned(
        name=values["name"],
        description=values["description"],
        language=values["language"],
        accent=values["accent"],
        created_at=timestamp(now),
        ready_at=now + exchange.behaviour.training_seconds,
    )
    add_voice(store, account.id, voice)
    return {**started, VOICE: voice.id}


def _status(exchange: Exchange, fields: dict[str, Any]) -> str:
    elapsed = exchange.state.clock.now() - fields[STARTED]
    if elapsed < fields[SECONDS]:
        return "created" if elapsed < fields[SECONDS] * WAITING else "training"
    return "completed" if fields[VOICE] else "failed"


def _shown(exchange: Exchange, record: Record) -> dict[str, Any]:
    fields = record.fields
    shown = {key: fields[key] for key in FINE_TUNES.fields}
    return {"id": record.id, **shown, "status": _status(exchange, fields)}


FINE_TUNES: Final = Resource(
    kind="fine_tune",
    title="Fine-tune",
    prefix="fine_tune_",
    fields={
        "name": Field(name, required=True),
        "description": Field(text, required=True),
        "language": Field(_language, required=True),
        "model_id": Field(name, required=True),
        "dataset": Field(name, required=True),
        "accent": Field(_accent),
    },
    added=_begin,
    show=_shown,
)


async def list_fine_tuned_voices(exchange: Exchange) -> None:
    """Respond with a page of the voices of a fine-tune: one, once it is completed.

    Raises:
        APIError: There is no such fine-tune, or a parameter is not valid.
    """
    voice_id = FINE_TUNES.find(exchange).fields[VOICE] or ""
    query, now = Query(exchange.request.query), exchange.state.clock.now()
    voices = list_voices_with_id(exchange.state.store, exchange.account.id, voice_id)
    page = await page_of(voices, query, lambda voice: voice.ready_at <= now)
    await exchange.respond_json(page.json(voice_serializer(exchange, query)))
