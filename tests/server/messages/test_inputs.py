from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import S16, generation
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.catalogue.voices import find_voice
from trio_cartesia.server.messages.errors import APIError, error_event, http_body, invalid
from trio_cartesia.server.messages.inputs import Cancel, Delivery, Generation, read_request

VOICE: Final = generation("")["voice"]


def read(**fields: Any) -> Generation:
    request = read_request(json.dumps({**generation("c-1", "Hello."), **fields}))
    assert isinstance(request, Generation)
    return request


def refused(message: str | bytes) -> APIError:
    with pytest.raises(APIError) as caught:
        read_request(message)
    return caught.value


def test_a_whole_request_is_read() -> None:
    """Every field of a generation request arrives in the value."""
    request = read(
        voice={"id": VOICE},
        flush=True,
        max_buffer_delay_ms=0,
        locale="en-GB",
        normalization="en-IN",
        generation_config={"speed": 0.6, "volume": 2, "emotion": "Happy"},
        add_timestamps=True,
        add_phoneme_timestamps=True,
        use_normalized_timestamps=False,
        pronunciation_dict_id="d",
        duration=3,
        unheard_of={"is": "ignored"},
        **{"continue": True},
    )
    assert request == Generation(
        context_id="c-1",
        model_id="sonic-3.5",
        transcript="Hello.",
        voice_id=VOICE,
        voice=find_voice(VOICE),
        output=SampleFormat(encoding="pcm_s16le", sample_rate=8000),
        continues=True,
        flush=True,
        max_buffer_delay_ms=0,
        locale="en-GB",
        normalization="en-IN",
        delivery=Delivery(speed=0.6, volume=2.0, emotion="happy"),
        add_timestamps=True,
        add_phoneme_timestamps=True,
        use_normalized_timestamps=False,
        pronunciation_dict_id="d",
        duration=3.0,
    )


OPTIONAL = (
    *("continue", "flush", "max_buffer_delay_ms", "language", "locale", "normalization"),
    *("generation_config", "speed", "add_timestamps", "add_phoneme_timestamps", "duration"),
    *("use_normalized_timestamps", "pronunciation_dict_id", "cancel"),
)


def test_null_means_not_set() -> None:
    """Optional fields that are null, also inside the delivery, have their defaults."""
    assert read(**dict.fromkeys(OPTIONAL)) == read()
    assert read(generation_config={"speed": None, "volume": None, "emotion": None}) == read()
    assert read().max_buffer_delay_ms == 3000
    assert read().delivery == Delivery()


@pytest.mark.parametrize(
    "voice",
    [
        *(VOICE, VOICE.upper(), {"id": VOICE}, {"mode": "id", "id": VOICE}),
        {"id": VOICE, "embedding": None, "__experimental_controls": None},
    ],
)
def test_a_voice_is_known_by_its_id(voice: Any) -> None:
    """All shapes of a voice with an id are read alike."""
    assert read(voice=voice).voice_id == VOICE


BAD_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "context_id": (None, 1, "", "x" * 1025),
    "model_id": (None, 3, "", "sonic-" + "x" * 1019),
    "transcript": (None, 1, ["Hello"]),
    "voice": (
        *(
            None,
            1,
            "",
            {},
            {"id": ""},
            {"id": 1},
            {"id": VOICE, "embedding": [0.0]},
            {"id": VOICE, "__experimental_controls": {}},
        ),
        *("v" * 1025, {"id": "v" * 1025}),
    ),
    "output_format": (None, "raw", {}, []),
}
BAD_OUTPUTS: Final[dict[str, tuple[Any, ...]]] = {
    "container": ("wav", "mp3", None, {}),
    "encoding": ("pcm_s32le", None, []),
    "sample_rate": (8001, "8000", 8000.0),
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, value) for name, values in BAD_VALUES.items() for value in values),
        ("voice", {"mode": "embedding", "embedding": [0.0]}),
        *(
            ("output_format", {**S16, name: value})
            for name, values in BAD_OUTPUTS.items()
            for value in values
        ),
        *(("continue", value) for value in (1, "true")),
        ("flush", 0),
        ("cancel", "yes"),
        *(("max_buffer_delay_ms", value) for value in (-1, 5001, 10.5, "0", True)),
        *(("language", value) for value in (1, "", "xx", "english", "EN")),
        ("locale", "en_GB"),
        ("normalization", "on"),
        ("speed", "faster"),
        ("speed", 1),
        ("generation_config", 1),
        *(("generation_config", {"speed": value}) for value in (0.59, 1.51, "1", True)),
        *(("generation_config", {"volume": value}) for value in (0.49, 2.01)),
        *(("generation_config", {"emotion": value}) for value in ("cheery", 1, "")),
        ("add_timestamps", 1),
        ("add_phoneme_timestamps", "x"),
        ("use_normalized_timestamps", 1),
        ("pronunciation_dict_id", 1),
        ("pronunciation_dict_id", "d" * 1025),
        ("duration", -1),
        ("duration", 10**400),
    ],
)
def test_a_field_that_is_wrong_is_refused(field: str, value: Any) -> None:
    """Each wrong value is a 400 that names the field, and the context if that is known."""
    refusal = refused(json.dumps({**generation("c-1", "Hello."), field: value}))
    assert refusal.body.status == 400
    assert refusal.context_id == (None if field == "context_id" else "c-1")
    assert refusal.body.code or field in refusal.body.message


def test_a_voice_that_is_not_there_is_missed() -> None:
    """A voice that is null or left out is said to be missing, and not to have the wrong type."""
    request = generation("c-1", "Hello.")
    del request["voice"]
    for message in (request, {**request, "voice": None}):
        assert "voice is missing" in refused(json.dumps(message)).body.message


def test_language_and_locale_exclude_each_other() -> None:
    """Together they are refused, alone they are not."""
    assert read(language="de").language == "de"
    assert read(locale="en").locale == "en"
    message = json.dumps(generation("c-1", "Hello.", language="en", locale="en-GB"))
    assert refused(message).body.status == 400


@pytest.mark.parametrize(
    ("field", "value", "status", "code", "title"),
    [
        ("model_id", "sonic-9", 400, "model_not_found", "Invalid model"),
        ("model_id", "sonic-35", 400, "model_not_found", "Invalid model"),
        ("language", "tlh", 400, "language_not_supported", "Language not supported"),
        (
            "voice",
            "00000000-0000-0000-0000-000000000000",
            404,
            "voice_not_found",
            "Voice not found",
        ),
        ("voice", "Barbershop Man", 404, "voice_not_found", "Voice not found"),
        ("voice", {"id": VOICE + "0"}, 404, "voice_not_found", "Voice not found"),
    ],
)
def test_what_does_not_exist_has_a_code(
    field: str, value: Any, status: int, code: Any, title: str
) -> None:
    """Unknown models, languages and voices carry the code that clients match on."""
    refusal = refused(json.dumps({**generation("c-1"), field: value})).body
    assert (refusal.status, refusal.code, refusal.title) == (status, code, title)


@pytest.mark.parametrize(
    "model", ["sonic", "sonic-2-2025-03-07", "sonic-3.5-2026-05-04", "sonic-latest", "sonic-turbo"]
)
def test_every_family_is_known(model: str) -> None:
    """Models are accepted by family, with or without a date."""
    assert read(model_id=model).model_id == model


def test_a_cancel_needs_an_id_alone() -> None:
    """A cancel is known by its flag, pretty-printed or not."""
    assert read_request('{\n  "context_id": "a",\n  "cancel": true\n}') == Cancel(context_id="a")
    assert refused('{"cancel": true}').context_id is None
    assert refused('{"context_id": "a", "cancel": false}').context_id == "a"


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "1", '"x"', "null", b"{}", "[" * 100_000, '{"context_id": NaN}', "9" * 5000],
)
def test_what_is_no_object_is_refused_without_an_id(message: Any) -> None:
    """Broken JSON, JSON that is no object and binary messages belong to no context."""
    refusal = refused(message)
    assert (refusal.body.status, refusal.context_id) == (400, None)


@given(st.text(min_size=1, max_size=1024), st.text())
def test_ids_and_transcripts_are_any_text(context_id: str, transcript: str) -> None:
    """Any text is an id and any is a transcript, and neither is changed; reprs
    show no transcript.
    """
    request = read_request(json.dumps(generation(context_id, transcript)))
    assert isinstance(request, Generation)
    assert (request.context_id, request.transcript) == (context_id, transcript)
    assert f"<{len(transcript)} characters>" in repr(request)


@pytest.mark.parametrize("version", ["2026-03-01", "2026-04-03", "2026-08-14"])
def test_errors_are_structured_since_march(version: str) -> None:
    """Versions that have structured errors get all their fields, over HTTP and WebSockets."""
    kind, body = http_body(invalid("no"), version=version, request_id="r")
    assert kind == "application/json"
    assert json.loads(body) == {
        "error_code": None,
        "title": "Invalid request",
        "message": "no",
        "request_id": "r",
    }
    event = error_event(invalid("no"), version=version, request_id="r", context_id="c")
    assert event["request_id"].startswith("r:c:")
    assert {**event, "request_id": ""} == {
        "type": "error",
        "context_id": "c",
        "status_code": 400,
        "done": True,
        "error_code": None,
        "title": "Invalid request",
        "message": "no",
        "request_id": "",
    }


@pytest.mark.parametrize("version", ["2025-11-04", "2024-06-10", "2026-08-15", "tomorrow"])
def test_errors_were_text_before(version: str) -> None:
    """Older versions, and those that do not exist, get a line of text."""
    kind, body = http_body(invalid("no"), version=version, request_id="r")
    assert (kind, body) == ("text/plain; charset=utf-8", b"Invalid request: no")
    assert error_event(invalid("no"), version=version, request_id="r", context_id=None) == {
        "type": "error",
        "status_code": 400,
        "done": True,
        "error": "Invalid request: no",
    }
