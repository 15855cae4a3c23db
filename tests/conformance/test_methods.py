"""Every method of the official client, beside ours: what they send, and what they can return.

The list comes from the installed package, so a method, a parameter or a field that a new release
adds fails here. Differences that were chosen are in docs/reference/methods.md.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

import trio_cartesia
from tests.conformance.expectations import expect_module
from tests.conformance.recorder import Recorded, Recorder, recording
from trio_cartesia import CartesiaError
from trio_cartesia._http.listing import Listing
from trio_cartesia._protocol.rest.records import wire_name
from trio_cartesia.types import Status

cartesia = expect_module("cartesia")
pydantic = expect_module("pydantic")
_resource = expect_module("cartesia._resource")

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.filterwarnings("default::DeprecationWarning"),  # theirs, of their own libraries
]

PAGE = Path(__file__).parent.parent.parent / "docs/reference/methods.md"
OPTIONS = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

VALUES: dict[str, Any] = {  # of parameters, by name
    "accents": ["parisian", "british"],
    "add_phoneme_timestamps": True,
    "add_timestamps": True,
    "clip": b"clip",
    "end_date": MOMENT,
    "expires_in": 60,
    "file": b"file",
    "gender": "feminine",
    "generation_config": {"speed": 1.1, "volume": 1.2, "emotion": "calm"},
    "grants": {"tts": True, "stt": False},
    "is_owner": True,
    "items": [{"text": "SQL", "alias": "sequel", "case_sensitive": True}],
    "language": "en",
    "left_audio": b"left",
    "limit": 7,
    "locale": "en-GB",
    "model_id": "sonic-3",
    "output_format": {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 16000},
    "output_format_bit_rate": 64000,
    "output_format_sample_rate": 44100,
    "right_audio": b"right",
    "save": True,
    "speed": "fast",
    "start_date": "2026-01-01",
    "use_normalized_timestamps": False,
}
OTHERWISE: dict[tuple[str, str], Any] = {  # where the name alone does not say it
    ("voices.list", "expand"): ["preview_file_url"],
    ("voices.get", "expand"): ["preview_file_url"],
    ("stt.transcribe", "encoding"): "pcm_s16le",
    ("stt.transcribe", "sample_rate"): 16000,
    ("stt.transcribe", "timestamp_granularities"): ["word"],
    ("tts.generate_sse", "output_format"): {
        "container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000,
    },
}  # fmt: skip
NEVER_BOTH = {"locale": "language"}  # the first is left out where the second is given


def methods_of(resource: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all methods below a client or a resource."""
    for name in dir(type(resource)):
        if name.startswith(("_", "with_")):
            continue
        member = inspect.getattr_static(type(resource), name)
        if inspect.isfunction(member):
            if prefix or name == "get_status":
                yield f"{prefix}{name}"
        elif isinstance(value := getattr(resource, name), _resource.SyncAPIResource):
            yield from methods_of(value, f"{prefix}{name}.")


def official() -> Any:
    return cartesia.Cartesia(api_key="k", base_url="http://127.0.0.1:9", max_retries=0)


def resolved(client: Any, name: str) -> Any:
    for part in name.split("."):
        client = getattr(client, part)
    return client


@cache
def listed() -> set[str]:
    """Return the methods that the page lists as having no counterpart."""
    section = (
        PAGE.read_text().partition("## Methods without a counterpart")[2].partition("\n## ")[0]
    )
    return set(re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE))


METHODS = sorted(methods_of(official()))
COMPARED = [name for name in METHODS if name not in listed() and "websocket" not in name]


def test_every_method_has_a_counterpart_or_is_listed():
    """A method is either in both clients, under one name, or on the page with the reason."""
    ours = trio_cartesia.Cartesia("k", base_url="http://127.0.0.1:9")
    found = set()
    for name in METHODS:
        with suppress(AttributeError):
            resolved(ours, name)
            found.add(name)
    assert set(METHODS) - found == listed()
    assert len(found) >= 50


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """Return the parameters of an official method, without the options of all."""
    found = inspect.signature(resolved(official(), name)).parameters
    return {key: value for key, value in found.items() if key not in OPTIONS}


def arguments(name: str, *, only_required: bool) -> dict[str, Any]:
    """Return arguments of a method."""
    given = {
        key: OTHERWISE.get((name, key), VALUES.get(key, f"some-{key}".replace("_", "-")))
        for key, parameter in parameters(name).items()
        if parameter.default is inspect.Parameter.empty
        or key in REQUIRED.get(name, ())
        or not only_required
    }
    for left_out, other in NEVER_BOTH.items():
        if other in given:
            given.pop(left_out, None)
    return given


def sent_by_official(recorder: Recorder, name: str, given: dict[str, Any]) -> Recorded:
    client = cartesia.Cartesia(api_key="k", base_url=recorder.url, max_retries=0)
    with client, suppress(cartesia.CartesiaError):
        resolved(client, name)(**given)
    return recorder.take()


def sent_by_ours(recorder: Recorder, name: str, given: dict[str, Any]) -> Recorded:
    async def call() -> None:
        async with trio_cartesia.Cartesia("k", base_url=recorder.url) as client:
            result = resolved(client, name)(**given)
            with suppress(CartesiaError):  # the answer is not what was asked for
                if inspect.isawaitable(result):
                    await result
                elif isinstance(result, Listing):
                    await anext(result)
                else:
                    async with result:
                        pass

    trio.run(call)
    return recorder.take()


# Parameters that ours requires, where the official client sends a request that the service refuses.
REQUIRED = {
    "access_token.create": {"expires_in"},
    "datasets.files.upload": {"file"},
    "tts.infill": {"language", "left_audio", "model_id", "output_format", "transcript", "voice_id"},
    **dict.fromkeys(
        ("voice_changer.generate", "voice_changer.generate_sse"),
        ("clip", "voice_id", "output_format_container", "output_format_sample_rate"),
    ),
}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.mark.parametrize("only_required", [False, True])
@pytest.mark.parametrize("name", COMPARED)
def test_both_send_the_same(recorder, name, only_required):
    """Method, path, query, body and form are equal, with all parameters and with few."""
    given = arguments(name, only_required=only_required)
    theirs, ours = (send(recorder, name, given) for send in (sent_by_official, sent_by_ours))
    assert ours == theirs


def test_some_parameters_are_never_given_together(recorder):
    """A locale instead of a language."""
    for name in ("tts.generate", "tts.generate_sse"):
        given = arguments(name, only_required=True) | {"locale": "en-GB"}
        assert sent_by_ours(recorder, name, given) == sent_by_official(recorder, name, given)


# -- types


def models(kind: Any) -> set[type]:
    """Return the models that an official type mentions."""
    if inspect.isclass(kind) and issubclass(kind, pydantic.BaseModel):
        arguments = kind.__pydantic_generic_metadata__["args"]
        return set().union(*map(models, arguments)) if arguments else {kind}
    return set().union(*map(models, typing.get_args(kind))) if typing.get_args(kind) else set()


def records(kind: Any) -> set[type]:
    """Return the records that a type of ours mentions."""
    found = {kind} if inspect.isclass(kind) and attrs.has(kind) else set()
    return found.union(*map(records, typing.get_args(kind)))


def returned(client: Any, name: str) -> Any:
    function = inspect.unwrap(resolved(client, name).__func__)
    return typing.get_type_hints(function)["return"]


def missing_fields(model: type, record: type) -> set[str]:
    """Return the fields of a model, and of those in it, that a record does not have."""
    ours = {wire_name(field): field.name for field in attrs.fields(record)}
    hints = typing.get_type_hints(record)
    missing = set()
    for name, field in model.model_fields.items():
        wire = field.alias or name
        if wire not in ours:
            missing.add(f"{model.__name__}.{wire}")
            continue
        for inner in models(field.annotation):
            (matching,) = records(hints[ours[wire]]) or {type(None)}
            missing |= missing_fields(inner, matching) if attrs.has(matching) else {wire}
    return missing


STREAMED = ("tts.generate", "tts.generate_sse", "tts.infill", "voice_changer.generate",
            "voice_changer.generate_sse", "agents.calls.download_audio")  # fmt: skip


@pytest.mark.parametrize("name", [name for name in COMPARED if name not in STREAMED])
def test_every_field_of_a_response_is_there(name):
    """Whatever the official client returns, ours has the same fields, under the wire's names."""
    ours = trio_cartesia.Cartesia("k", base_url="http://127.0.0.1:9")
    theirs = returned(official(), name)
    found = models(theirs)
    if name == "agents.metrics.list":  # a page of its own class
        found = models(next(iter(found)).model_fields["data"].annotation)
    mine = {Status} if name == "get_status" else records(returned(ours, name))
    if found:
        (model,), (record,) = found, mine - {Listing}
        assert missing_fields(model, record) == set()


def test_every_event_over_http_is_read():
    """The event classes are those of a WebSocket; what they leave out is on the page."""
    text = PAGE.read_text()
    types = cartesia.types
    pairs = {
        types.tts_sse_event.TTSSSEChunkEvent: trio_cartesia.Chunk,
        types.tts_sse_event.TTSSSETimestampsEvent: trio_cartesia.WordTimestamps,
        types.tts_sse_event.TTSSSEPhonemeTimestampsEvent: trio_cartesia.PhonemeTimestamps,
        types.tts_sse_event.TTSSSEDoneEvent: trio_cartesia.Done,
        types.voice_changer_sse_event.VoiceChangerSSEChunk: trio_cartesia.Chunk,
        types.voice_changer_sse_event.VoiceChangerSSEDone: trio_cartesia.Done,
    }
    for model, event in pairs.items():
        known = {*attrs.fields_dict(event), "type"} | ({"data"} if "audio" in dir(event) else set())
        left_out = set(model.model_fields) - known
        assert all(f"`{name}`" in text for name in left_out)
