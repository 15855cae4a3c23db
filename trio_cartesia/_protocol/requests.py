"""
Requests to JSON text, through cattrs.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.formats import GenerationConfig, RawOutputFormat
from trio_cartesia._protocol.messages import CancelRequest, GenerationRequest, Request

__all__ = ["MAX_REQUEST_BYTES", "write_request"]

MAX_REQUEST_BYTES: Final = 2**20  # the service may close with 1009 above it (protocol §2.11)


def write_request(request: Request, *, voice_as_object: bool = False) -> str:
    """
    Write one message to the service.

    Args:
        request: What to say.
        voice_as_object: True for API versions before 2026-08-14 (protocol §1.2).

    Raises:
        LocalProtocolError: The message would be larger than `MAX_REQUEST_BYTES`.
    """
    fields: dict[str, object] = _converter.unstructure(request)
    if voice_as_object and "voice" in fields:
        fields["voice"] = {"mode": "id", "id": fields["voice"]}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    if len(text) * 4 > MAX_REQUEST_BYTES and len(text.encode()) > MAX_REQUEST_BYTES:
        raise LocalProtocolError(
            f"a message may have {MAX_REQUEST_BYTES} bytes at most: push the text in pieces",
            context_id=request.context_id,
        )
    return text


def _omit_nones(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _make_converter() -> Converter:
    converter = Converter()
    config = make_dict_unstructure_fn(GenerationConfig, converter)
    converter.register_unstructure_hook(
        GenerationConfig, lambda value: _omit_nones(config(value)) or None
    )
    converter.register_unstructure_hook(
        RawOutputFormat,
        lambda value: {
            "container": value.container,
            "encoding": value.encoding,
            "sample_rate": value.sample_rate,
        },
    )
    generation = make_dict_unstructure_fn(
        GenerationRequest,
        converter,
        continue_=override(rename="continue"),
        flush=override(omit_if_default=True),
    )
    converter.register_unstructure_hook(
        GenerationRequest, lambda value: _omit_nones(generation(value))
    )
    converter.register_unstructure_hook(
        CancelRequest, lambda value: {"context_id": value.context_id, "cancel": True}
    )
    return converter


_converter: Final = _make_converter()
