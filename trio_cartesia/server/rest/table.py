"""The REST endpoints of protocol §5: method, path and handler. An API key may use them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.rest import (
    accents,
    agents,
    files,
    metrics,
    new_voices,
    voice_previews,
    voices,
)
from trio_cartesia.server.rest.access_tokens import create_token
from trio_cartesia.server.rest.datasets import (
    DATASET_FILES,
    DATASETS,
    FINE_TUNES,
    list_fine_tuned_voices,
    upload_file,
)
from trio_cartesia.server.rest.dictionaries import DICTIONARIES

__all__ = ["REST"]

# an earlier path comes before a later one that matches, too
REST: Final[tuple[tuple[str, str, Callable[[Exchange], Awaitable[None]]], ...]] = (
    ("POST", "/access-token", create_token),
    ("GET", "/voices", voices.get_all),
    ("POST", "/voices/clone", new_voices.clone_voice),
    ("POST", "/voices/localize", new_voices.localize_voice),
    ("GET", "/voices/{id}", voices.get_one),
    ("PATCH", "/voices/{id}", voices.patch_voice),
    ("DELETE", "/voices/{id}", voices.delete_voice),
    ("GET", voice_previews.PREVIEW, voice_previews.get_preview),
    ("PATCH", "/voices/{id}/accents", accents.add_accents),
    ("DELETE", "/voices/{id}/accents/{id}", accents.delete_accent),
    ("GET", "/accents", accents.list_accents),
    ("GET", "/pronunciation-dicts", DICTIONARIES.list_all),
    ("POST", "/pronunciation-dicts", DICTIONARIES.create),
    ("GET", "/pronunciation-dicts/{id}", DICTIONARIES.get),
    ("PATCH", "/pronunciation-dicts/{id}", DICTIONARIES.update),
    ("DELETE", "/pronunciation-dicts/{id}", DICTIONARIES.delete),
    ("GET", "/datasets", DATASETS.list_all),
    ("POST", "/datasets", DATASETS.create),
    ("GET", "/datasets/{id}", DATASETS.get),
    ("PATCH", "/datasets/{id}", DATASETS.update),
    ("DELETE", "/datasets/{id}", DATASETS.delete),
    ("GET", "/datasets/{id}/files", DATASET_FILES.list_all),
    ("POST", "/datasets/{id}/files", upload_file),
    ("DELETE", "/datasets/{id}/files/{id}", DATASET_FILES.delete),
    ("GET", "/fine-tunes", FINE_TUNES.list_all),
    ("POST", "/fine-tunes", FINE_TUNES.create),
    ("GET", "/fine-tunes/{id}", FINE_TUNES.get),
    ("DELETE", "/fine-tunes/{id}", FINE_TUNES.delete),
    ("GET", "/fine-tunes/{id}/voices", list_fine_tuned_voices),
    ("GET", "/agents", agents.list_agents),
    ("GET", "/agents/calls", agents.list_calls),
    ("GET", "/agents/calls/{id}", agents.CALLS.get),
    ("GET", "/agents/calls/{id}/audio", agents.get_call_audio),
    ("GET", "/agents/deployments/{id}", agents.DEPLOYMENTS.get),
    ("GET", "/agents/metrics", metrics.METRICS.list_all),
    ("POST", "/agents/metrics", metrics.METRICS.create),
    ("GET", "/agents/metrics/results", metrics.list_results),
    ("GET", "/agents/metrics/results/export", metrics.export_results),
    ("GET", "/agents/metrics/{id}", metrics.METRICS.get),
    ("GET", "/agents/{id}", agents.AGENTS.get),
    ("PATCH", "/agents/{id}", agents.AGENTS.update),
    ("DELETE", "/agents/{id}", agents.AGENTS.delete),
    ("GET", "/agents/{id}/deployments", agents.list_deployments),
    ("GET", "/agents/{id}/phone-numbers", agents.list_phone_numbers),
    ("POST", "/agents/{id}/metrics/{id}", metrics.add_metric),
    ("DELETE", "/agents/{id}/metrics/{id}", metrics.remove_metric),
    ("GET", "/files", files.list_files),
    ("GET", "/files/{id}", files.get_file),
    ("DELETE", "/files/{id}", files.delete_file),
    ("GET", "/files/{id}/info", files.get_file),
    ("GET", "/files/{id}/download", files.download_file),
    ("POST", "/links", files.create_link),
)
