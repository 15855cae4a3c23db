"""The public names of the package, as its modules list them."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Final

import trio_cartesia

ROOT: Final = Path(trio_cartesia.__file__).parent
MODULES: Final = [
    "trio_cartesia",
    "trio_cartesia.batch",
    "trio_cartesia.blocking",
    "trio_cartesia.playback",
    "trio_cartesia.server",
    "trio_cartesia.telemetry",
    "trio_cartesia.testing",
    "trio_cartesia.testing.script",
    "trio_cartesia.testing.strategies",
    "trio_cartesia.types",
]
OPENERS: Final = {  # classes without a public name, and the expressions that return them
    "trio_cartesia._client.stt.AutoFinalize": "client.stt.auto_finalize",
    "trio_cartesia._client.stt.ManualFinalize": "client.stt.manual_finalize",
    "trio_cartesia._client.stt.STT": "client.stt",
    "trio_cartesia._client.tts.TTS": "client.tts",
    "trio_cartesia._http.resources.account.AccessTokens": "client.access_token",
    "trio_cartesia._http.resources.account.UsageReports": "client.usage",
    "trio_cartesia._http.resources.agents.Agents": "client.agents",
    "trio_cartesia._http.resources.agents.Deployments": "client.agents.deployments",
    "trio_cartesia._http.resources.calls.Calls": "client.agents.calls",
    "trio_cartesia._http.resources.datasets.DatasetFiles": "client.datasets.files",
    "trio_cartesia._http.resources.datasets.Datasets": "client.datasets",
    "trio_cartesia._http.resources.fine_tunes.FineTunes": "client.fine_tunes",
    "trio_cartesia._http.resources.metrics.MetricResults": "client.agents.metrics.results",
    "trio_cartesia._http.resources.metrics.Metrics": "client.agents.metrics",
    "trio_cartesia._http.resources.pronunciation_dicts.PronunciationDicts": (
        "client.pronunciation_dicts"
    ),
    "trio_cartesia._http.resources.voice_changer.VoiceChanger": "client.voice_changer",
    "trio_cartesia._http.resources.voices.Voices": "client.voices",
}


def _source(module: str) -> list[Path]:
    path = ROOT.parent / module.replace(".", "/")
    files = [path / "__init__.py", path / "_exports.py", path.with_suffix(".py")]
    return [file for file in files if file.exists()]


def public_names(module: str) -> list[str]:
    """Return the names that *module* imports as themselves, and those of its ``__all__``.

    ``import name as name`` is how type checkers know a name that is public; names that are loaded
    when they are used, for example because they need an extra, are listed in the same way.
    """
    names = set(getattr(import_module(module), "__all__", ()))
    for path in _source(module):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names |= {alias.name for alias in node.names if alias.asname == alias.name}
    return sorted(name for name in names if not name.startswith("_"))


def load(path: str) -> object:
    """Return the object with a dotted *path*, of a module or of a class in one."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
