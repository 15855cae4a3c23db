"""Requests to JSON text.

The settings that all inputs of a context repeat are written once, with cattrs, when the context is
opened; an input consists of them and of its own fields.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.tts import formats
from trio_cartesia._protocol.tts import settings as settings_module
from trio_cartesia._protocol.tts.formats import GenerationConfig, RawOutputFormat
from trio_cartesia._protocol.tts.requests import GenerationRequest
from trio_cartesia._protocol.tts.settings import ContextSettings

if TYPE_CHECKING:  # loaded by the first connection
    from cattrs import Converter

__all__ = ["MAX_REQUEST_BYTES", "write_cancel", "write_input", "write_settings"]

MAX_REQUEST_BYTES: Final = 2**20  # the service may close with 1009 above it (protocol §2.11)

_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@lru_cache(maxsize=16)  # contexts of a connection mostly have the same ones
def write_settings(settings: ContextSettings, *, voice_as_object: bool = False) -> str:
    """Write what all inputs of a context have in common: members of an object, without its braces.

    Args:
        settings: The context's; ``generation_config`` is left to `write_input`.
        voice_as_object: True for API versions before 2026-08-14 (protocol §1.2).
    """
    fields: dict[str, Any] = _converter().unstructure(settings)
    fields.pop("generation_config", None)
    if voice_as_object:
        fields["voice"] = {"mode": "id", "id": fields["voice"]}
    return _to_json(fields)[1:-1]


def write_input(request: GenerationRequest, common: str) -> str:
    """Write one input of a context (protocol §2.2.1).

    Args:
        request: The input.
        common: The result of `write_settings` for the context's settings.

    Raises:
        LocalProtocolError: The message would be larger than `MAX_REQUEST_BYTES`.
    """
    fields: dict[str, object] = {"context_id": request.context_id}
    config = request.generation_config or request.settings.generation_config
    if config is not None and (written := _converter().unstructure(config)):
        fields["generation_config"] = written
    fields["transcript"] = request.transcript
    fields["continue"] = request.continue_
    if request.flush:
        fields["flush"] = True
    text = f"{{{common},{_to_json(fields)[1:]}"
    if len(text) * 4 > MAX_REQUEST_BYTES and len(text.encode()) > MAX_REQUEST_BYTES:
        raise LocalProtocolError(
            f"a message may have {MAX_REQUEST_BYTES} bytes at most: push the text in pieces",
            context_id=request.context_id,
        )
    return text


def write_cancel(context_id: str) -> str:
    """Write the message that stops a context (protocol §2.2.2)."""
    return _to_json({"context_id": context_id, "cancel": True})


def _omit_nones(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


@cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_unstructure_fn

    for kind, module in (
        (GenerationConfig, formats),
        (RawOutputFormat, formats),
        (ContextSettings, settings_module),
    ):  # which is not their __module__
        attrs.resolve_types(kind, vars(module))
    converter = Converter()
    config = make_dict_unstructure_fn(GenerationConfig, converter)
    converter.register_unstructure_hook(GenerationConfig, lambda value: _omit_nones(config(value)))
    converter.register_unstructure_hook(
        RawOutputFormat,
        lambda value: {
            "container": value.container,
            "encoding": value.encoding,
            "sample_rate": value.sample_rate,
        },
    )
    common = make_dict_unstructure_fn(ContextSettings, converter)
    converter.register_unstructure_hook(ContextSettings, lambda value: _omit_nones(common(value)))
    return converter
