"""Requests of older versions, and of services that read the protocol in another way."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import generation
from trio_cartesia.server import Behaviour
from trio_cartesia.server.catalogue.voices import VOICES
from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.messages.fields import Dialect
from trio_cartesia.server.messages.inputs import Delivery, Generation, read_request

VOICE: Final = generation("")["voice"]
OLDEST: Final = ["2024-06-10", "2024-11-13"]
UNBUFFERED: Final = [*OLDEST, "2025-04-16"]
LEGACY: Final = [*UNBUFFERED, "2025-11-04"]
WITH_MODES: Final = [*LEGACY, "2026-03-01", "2026-04-03"]
NEWEST: Final = ["2026-08-14", "2026-08-15", "tomorrow"]
EMBEDDING: Final = [0.5] * 192


def read(version: str = "2026-08-14", behaviour: str = "", **fields: Any) -> Generation:
    dialect = Dialect(version=version, behaviour=Behaviour().with_text(behaviour))
    message = {**generation("c-1", "Hello."), **fields}
    request = read_request(json.dumps(message), dialect)
    assert isinstance(request, Generation)
    return request


def refused(*args: str, **fields: Any) -> ErrorBody:
    with pytest.raises(APIError) as caught:
        read(*args, **fields)
    return caught.value.body


@pytest.mark.parametrize("version", OLDEST)
def test_the_oldest_versions_have_embeddings(version: str) -> None:
    """Before 2025-04-16 a voice may be 192 numbers: the same ones are the same voice, others
    another.
    """
    voice = {"mode": "embedding", "embedding": EMBEDDING}
    first, again = (read(version, voice=voice).voice_id for _ in range(2))
    other = read(version, voice={"embedding": [0.25, *EMBEDDING[1:]]}).voice_id
    assert first == again != other
    assert read(version, voice={"mode": "id", "id": VOICE}).voice_id == VOICE
    for wrong in (EMBEDDING[1:], [*EMBEDDING[1:], "x"], [*EMBEDDING[1:], True], 1, None):
        refusal = refused(version, voice={"mode": "embedding", "embedding": wrong})
        assert "voice.embedding" in refusal.message


@pytest.mark.parametrize("version", [*WITH_MODES, *NEWEST])
def test_later_versions_have_none(version: str) -> None:
    """From 2025-04-16 on, embeddings and experimental controls are refused."""
    if version in OLDEST:
        return
    for extra in ({"embedding": EMBEDDING}, {"__experimental_controls": {"speed": "fast"}}):
        assert refused(version, voice={"id": VOICE, **extra}).status == 400
    assert refused(version, voice={"mode": "embedding", "embedding": EMBEDDING}).status == 400


@pytest.mark.parametrize(
    ("controls", "delivery"),
    [
        ({}, Delivery()),
        ({"speed": "slowest"}, Delivery(speed=0.6)),
        ({"speed": "fastest"}, Delivery(speed=1.5)),
        ({"speed": -1}, Delivery(speed=0.6)),
        ({"speed": 0.5}, Delivery(speed=1.25)),
        ({"emotion": ["anger:high", "positivity"]}, Delivery(emotion="angry")),
        ({"emotion": []}, Delivery()),
    ],
)
def test_the_oldest_versions_have_experimental_controls(
    controls: dict[str, Any], delivery: Delivery
) -> None:
    """Before 2025-04-16, speed and emotion stand beside the voice, and take effect."""
    voice = {"mode": "id", "id": VOICE, "__experimental_controls": controls}
    assert read("2024-11-13", voice=voice, model_id="sonic-2-2025-03-07").delivery == delivery


@pytest.mark.parametrize(
    "controls",
    [
        *({"speed": "quick"}, {"speed": 1.1}, 1),
        *({"emotion": value} for value in ("anger", ["joy"], ["anger"] * 17, [1])),
    ],
)
def test_wrong_controls_are_refused(controls: Any) -> None:
    """What is none of the documented speeds and emotions is a 400 that says where it is."""
    voice = {"mode": "id", "id": VOICE, "__experimental_controls": controls}
    assert "__experimental_controls" in refused("2024-06-10", voice=voice).message


@pytest.mark.parametrize("version", [*WITH_MODES, *NEWEST])
def test_modes_may_be_strict(version: str) -> None:
    """Without `accept_mode`, a mode is refused in the versions that have none, and in no other."""
    voice = {"mode": "id", "id": VOICE}
    assert read(version, voice=voice).voice_id == VOICE
    if version in WITH_MODES:
        assert read(version, "accept_mode=false", voice=voice).voice_id == VOICE
    else:
        assert "voice.mode" in refused(version, "accept_mode=false", voice=voice).message
    assert read(version, "accept_mode=false", voice={"id": VOICE}).voice_id == VOICE


@pytest.mark.parametrize("version", [*WITH_MODES, *NEWEST])
def test_unknown_ids_had_another_status(version: str) -> None:
    """A voice or a dictionary that is not there is a 404 since 2026-03-01, and was a 400 before."""
    status = 400 if version in LEGACY else 404
    nobody = {"mode": "id", "id": "nobody"}
    assert refused(version, voice=nobody).status == status
    ways = "unknown_dictionary=error"
    assert refused(version, ways, pronunciation_dict_id="pdict_1").status == status


@pytest.mark.parametrize("version", [*WITH_MODES, *NEWEST])
def test_older_versions_do_not_wait(version: str) -> None:
    """Where no buffer delay is given it is 3 seconds, and was 0 before 2025-11-04."""
    delay = 0 if version in UNBUFFERED else 3000
    assert read(version).max_buffer_delay_ms == delay
    assert read(version, max_buffer_delay_ms=700).max_buffer_delay_ms == 700


@pytest.mark.parametrize("version", [*WITH_MODES, *NEWEST])
def test_older_versions_make_an_id(version: str) -> None:
    """Without a `context_id` one is made where it is optional; elsewhere it is missing."""
    if version in UNBUFFERED:
        ids = {read(version, context_id=None).context_id for _ in range(2)}
        assert len(ids) == 2
        assert "context_id" in refused(version, context_id=None, cancel=True).message
    else:
        assert "context_id" in refused(version, context_id=None).message


@pytest.mark.parametrize("version", [*WITH_MODES, *NEWEST])
def test_original_timestamps_were_the_opposite(version: str) -> None:
    """`use_original_timestamps` is read in versions before 2026-03-01, and unknown since."""
    is_known = version in LEGACY
    for original in (True, False):
        asked = read(version, use_original_timestamps=original)
        assert asked.use_normalized_timestamps == ((not original) if is_known else None)
    both = read(version, use_original_timestamps=True, use_normalized_timestamps=True)
    assert both.use_normalized_timestamps is True


@given(speed=st.floats(-1e9, 1e9), volume=st.integers(-(10**9), 10**9), delay=st.integers(-(10**9)))
def test_ranges_may_clamp(speed: float, volume: int, delay: int) -> None:
    """With `range_errors=clamp`, any speed, volume and delay is taken as the
    nearest that there is.
    """
    asked = read(
        "2026-08-14",
        "range_errors=clamp",
        generation_config={"speed": speed, "volume": volume},
        max_buffer_delay_ms=delay,
    )
    assert asked.delivery.speed == min(max(speed, 0.6), 1.5)
    assert asked.delivery.volume == min(max(volume, 0.5), 2.0)
    assert asked.max_buffer_delay_ms == min(max(delay, 0), 5000)


@pytest.mark.parametrize("field", ["duration", "max_buffer_delay_ms"])
def test_clamping_takes_no_other_types(field: str) -> None:
    """What has the wrong type is refused, however ranges are read, and so is a duration below 0."""
    for value in ("1", True, [1]):
        assert field in refused("2026-08-14", "range_errors=clamp", **{field: value}).message
    assert "duration" in refused("2026-08-14", "range_errors=clamp", duration=-1).message


def test_unknown_emotions_may_be_ignored() -> None:
    """With `unknown_emotion=ignore`, an emotion that nobody knows is as good as none."""
    config = {"emotion": "Hangry", "speed": 1.2}
    assert "emotion" in refused(generation_config=config).message
    asked = read("2026-08-14", "unknown_emotion=ignore", generation_config=config)
    assert asked.delivery == Delivery(speed=1.2)


def test_voices_may_have_to_be_listed() -> None:
    """With `unknown_voice=error`, only the service's own voices speak; by default, any well-formed
    id.
    """
    stranger = "12345678-1234-4321-8765-123456789abc"
    assert read(voice=stranger).voice_id == stranger
    assert refused("2026-08-14", "unknown_voice=error", voice=stranger).code == "voice_not_found"
    for voice in VOICES:
        assert read("2026-08-14", "unknown_voice=error", voice=voice.id).voice_id == voice.id


@pytest.mark.parametrize("model", ["sonic-2", "sonic-turbo-2025-03-07", "sonic", "sonic-english"])
def test_older_models_do_not_know_generation_config(model: str) -> None:
    """`generation_config` is checked for every model, and heard by sonic-3 and newer ones."""
    config = {"speed": 1.5, "volume": 2.0, "emotion": "sad"}
    assert read(model_id=model, generation_config=config).delivery == Delivery()
    assert read(model_id=model, speed="fast", generation_config=config).delivery.speed == 1.2
    for newer in ("sonic-3", "sonic-3.5-2026-05-04", "sonic-3-2026-01-12", "sonic-latest"):
        heard = read(model_id=newer, speed="fast", generation_config=config).delivery
        assert heard == Delivery(speed=1.5, volume=2.0, emotion="sad")
    assert refused(model_id=model, generation_config={"speed": 9}).status == 400


def test_locale_and_normalization_are_read() -> None:
    """On WebSockets too, `locale` and `normalization` are known fields, and checked."""
    assert read(locale="en-GB", normalization="en-IN").locale == "en-GB"
    assert refused(locale="english").code == "language_not_supported"
    assert "normalization" in refused(normalization="maybe").message


def test_unknown_fields_are_ignored() -> None:
    """What nobody knows does no harm; what is known must have its type and one of its values."""
    assert read(stream=True, emotion=["happy"], unheard_of=None) == read()
    assert refused(add_timestamps="yes").status == 400
    assert refused(speed="quick").status == 400
