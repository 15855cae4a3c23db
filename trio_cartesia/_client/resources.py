"""The resources of a client, each of which is loaded when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from trio_cartesia._constructors import create

if TYPE_CHECKING:
    from trio_cartesia._client.endpoint import Endpoint

__all__ = ["RESOURCES", "load_resource"]

_OVER_HTTP: Final = {  # by the name of the attribute: the module and the class
    "access_token": ("account", "AccessTokens"),
    "agents": ("agents", "Agents"),
    "datasets": ("datasets", "Datasets"),
    "fine_tunes": ("fine_tunes", "FineTunes"),
    "pronunciation_dicts": ("pronunciation_dicts", "PronunciationDicts"),
    "usage": ("account", "UsageReports"),
    "voice_changer": ("voice_changer", "VoiceChanger"),
    "voices": ("voices", "Voices"),
}
RESOURCES: Final = ("stt", *_OVER_HTTP)


def load_resource(name: str, endpoint: Endpoint) -> Any:
    """Return the resource that is called *name*; it is of `RESOURCES`."""
    if name == "stt":
        from trio_cartesia._client.stt import STT

        return create(STT, endpoint)
    module, kind = _OVER_HTTP[name]
    loaded = import_module(f"trio_cartesia._http.resources.{module}")
    return create(getattr(loaded, kind), endpoint.api())
