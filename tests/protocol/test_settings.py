"""What callers may ask for, and how it is written."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, VOICE
from trio_cartesia import (
    ContextSettings,
    GenerationConfig,
    LocalProtocolError,
    MP3OutputFormat,
    RawOutputFormat,
    WavOutputFormat,
)
from trio_cartesia._protocol.formats import EMOTIONS
from trio_cartesia._protocol.messages import GenerationRequest
from trio_cartesia._protocol.requests import write_cancel, write_input, write_settings
from trio_cartesia._protocol.settings import settings_from

RAW = {"encoding": "pcm_s16le", "sample_rate": 44100}

BAD = {
    "missing voice": {"voice": None},
    "empty voice": {"voice": ""},
    "blank voice": {"voice": "  "},
    "voice of a wrong type": {"voice": 7},
    "voice embedding": {"voice": {"mode": "embedding", "embedding": [0.1]}},
    "voice without id": {"voice": {}},
    "missing model": {"model_id": ""},
    "unknown encoding": {"output_format": {**RAW, "encoding": "pcm_s24le"}},
    "unknown rate": {"output_format": {**RAW, "sample_rate": 44000}},
    "rate of a wrong type": {"output_format": {**RAW, "sample_rate": 44100.0}},
    "other container": {"output_format": {**RAW, "container": "wav"}},
    "format that is not raw": {"output_format": MP3OutputFormat(sample_rate=8000, bit_rate=32000)},
    "format without rate": {"output_format": {"encoding": "pcm_s16le"}},
    "format with more": {"output_format": {**RAW, "bit_rate": 1}},
    "no format": {"output_format": None},
    "locale with language": {"language": "en", "locale": "en-GB"},
    "odd language": {"language": "english please"},
    "language of one letter": {"language": "e"},
    "language of a wrong type": {"language": 7},
    "language with a stub": {"language": "en-"},
    "lone surrogate": {"model_id": "\ud800"},
    "odd normalization": {"normalization": "yes please"},
    "negative delay": {"max_buffer_delay_ms": -1},
    "long delay": {"max_buffer_delay_ms": 5001},
    "delay beyond all bounds": {"max_buffer_delay_ms": 10**5000},
    "voice with blanks around": {"voice": " v "},
    "delay of a wrong type": {"max_buffer_delay_ms": 1.5},
    "delay that is a truth": {"max_buffer_delay_ms": True},
    "slow speed": {"generation_config": {"speed": 0.59}},
    "quick speed": {"generation_config": {"speed": 1.51}},
    "speed that is no number": {"generation_config": {"speed": float("nan")}},
    "low volume": {"generation_config": {"volume": 0.49}},
    "high volume": {"generation_config": {"volume": 2.01}},
    "unknown emotion": {"generation_config": {"emotion": "peckish"}},
    "unknown member": {"generation_config": {"pitch": 1}},
    "config of a wrong type": {"generation_config": 1.2},
    "word speed": {"speed": "fastest"},
    "no duration": {"duration": 0},
    "truth of a wrong type": {"add_timestamps": "yes"},
    "empty dictionary": {"pronunciation_dict_id": ""},
    "unknown setting": {"modle_id": "x"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_what_the_service_would_refuse_is_refused_here(change):
    """
    Every field and range that the reference states is checked when a context is opened, and the
    error names the field, or the member of it.
    """
    with pytest.raises(LocalProtocolError) as caught:
        settings_from({**SETTINGS, **change})
    members = {key for value in change.values() if isinstance(value, dict) for key in value}
    wanted = {*change, *members, *({"raw"} if "output_format" in change else ())}
    assert wanted & set(re.findall(r"\w+", str(caught.value)))


SAID = [
    ({"model_id": 7}, "model_id must be a str, not int"),
    ({"model_id": "x" * 257}, "model_id must be at most 256 printable characters"),
    ({"speed": "fastest"}, "speed must be one of 'slow', 'normal', 'fast', not 'fastest'"),
    ({"duration": "long"}, "duration must be a number, not str"),
    ({"duration": 86_401}, "duration must be from 0.001 to 86400"),
    ({"max_buffer_delay_ms": 5001}, "max_buffer_delay_ms must be from 0 to 5000"),
    ({"max_buffer_delay_ms": 1.5}, "max_buffer_delay_ms must be a whole number"),
    ({"add_timestamps": "yes"}, "add_timestamps must be True or False, not str"),
    ({"output_format": 7}, "output_format must be a RawOutputFormat or a mapping, not int"),
    ({"output_format": {"a": 1, "b": 2}}, "output_format has no member 'a', 'b'"),
    ({"output_format": {}}, "output_format lacks encoding, sample_rate"),
    ({"generation_config": 7}, "generation_config must be a GenerationConfig or a mapping"),
    ({"yes": 1, "no": 2}, "a context has no setting no, yes"),
]


@pytest.mark.parametrize(("change", "says"), SAID)
def test_an_error_says_what_may_be_and_what_was_given(change, says):
    """
    Whoever gives a setting that cannot be reads what is allowed, and the type of what was given.
    """
    with pytest.raises(LocalProtocolError, match=re.escape(says)):
        settings_from({**SETTINGS, **change})


def test_all_that_is_missing_is_named_at_once():
    """
    Whoever gives no setting at all reads all those that are needed.
    """
    with pytest.raises(LocalProtocolError, match="a context needs model_id, output_format, voice"):
        settings_from({})


def test_the_ends_of_ranges_belong_to_them():
    """
    The longest name and the ends of each range are taken.
    """
    longest = {"model_id": "x" * 256, "duration": 86_400, "generation_config": {"speed": 1.5}}
    assert settings_from({**SETTINGS, **longest}).duration == 86_400
    shortest = {"duration": 0.001, "generation_config": {"speed": 0.6, "volume": 0.5}}
    assert settings_from({**SETTINGS, **shortest}).duration == 0.001


@pytest.mark.parametrize("tag", ["en", "EN", "en-GB", "zh-Hant", "pt_BR", "yue", "es-419"])
def test_languages_are_the_service_s_business(tag):
    """
    Whatever looks like a language tag is taken, in either case, and sent as it is.
    """
    for name in ("language", "locale", "normalization"):
        settings = settings_from({**SETTINGS, name: tag})
        assert json.loads(f"{{{write_settings(settings)}}}")[name] == tag


@pytest.mark.parametrize("name", ["model_id", "voice", "output_format"])
def test_what_is_needed_is_asked_for(name):
    """
    A missing setting is named.
    """
    with pytest.raises(LocalProtocolError, match=name):
        settings_from({key: value for key, value in SETTINGS.items() if key != name})


@given(
    config=st.fixed_dictionaries(
        {},
        optional={
            "speed": st.floats(0.6, 1.5),
            "volume": st.floats(0.5, 2.0),
            "emotion": st.sampled_from(sorted(EMOTIONS)).flatmap(
                lambda word: st.sampled_from([word, word.title(), word.upper()])
            ),
        },
    ),
    delay=st.none() | st.integers(0, 5000),
    transcript=st.text(st.characters(codec="utf-8"), max_size=20),
    continues=st.booleans(),
    flushes=st.booleans(),
)
def test_what_is_allowed_is_written_as_the_wire_has_it(
    config, delay, transcript, continues, flushes
):
    """
    A request's JSON has the wire's names, the given values, and nothing that was not given.
    """
    settings = ContextSettings(**SETTINGS, generation_config=config, max_buffer_delay_ms=delay)
    request = GenerationRequest(
        settings=settings,
        context_id="a",
        transcript=transcript,
        continue_=continues,
        flush=flushes,
    )
    expected = {
        "context_id": "a",
        "model_id": "sonic-latest",
        "voice": VOICE,
        "output_format": {"container": "raw", **RAW},
        "transcript": transcript,
        "continue": continues,
    }
    if flushes:
        expected["flush"] = True
    if delay is not None:
        expected["max_buffer_delay_ms"] = delay
    if config:
        emotion = {"emotion": config["emotion"].lower()} if "emotion" in config else {}
        expected["generation_config"] = {**config, **emotion}
    assert json.loads(write_input(request, write_settings(settings))) == expected


def test_an_input_may_have_a_delivery_of_its_own():
    """
    A ``generation_config`` that is given with an input stands in for the context's.
    """
    settings = ContextSettings(**SETTINGS, generation_config={"speed": 0.8})
    inputs = [
        GenerationRequest(
            settings=settings,
            context_id="a",
            transcript="x",
            continue_=True,
            generation_config=config,
        )
        for config in (None, {"speed": 1.2, "emotion": "sad"})
    ]
    written = [json.loads(write_input(one, write_settings(settings))) for one in inputs]
    assert [one["generation_config"] for one in written] == [
        {"speed": 0.8},
        {"speed": 1.2, "emotion": "sad"},
    ]


def test_both_generations_of_the_voice():
    """
    A voice is taken as an id or as an object, and written as the API version has it.
    """
    for voice in (VOICE, {"id": VOICE}, {"mode": "id", "id": VOICE}):
        settings = ContextSettings(**{**SETTINGS, "voice": voice})
        newer = json.loads(f"{{{write_settings(settings)}}}")
        assert newer["voice"] == VOICE
        older = json.loads(f"{{{write_settings(settings, voice_as_object=True)}}}")
        assert older == {**newer, "voice": {"mode": "id", "id": VOICE}}


def test_a_cancel_has_two_fields_and_nothing_else():
    """
    A cancel is what protocol §2.2.2 shows.
    """
    assert json.loads(write_cancel("a")) == {"context_id": "a", "cancel": True}


def test_times_are_of_the_written_text_unless_said_otherwise():
    """
    Where times are asked for, their base is always sent, since its default is not known.
    """
    assert ContextSettings(**SETTINGS).use_normalized_timestamps is None
    asked = ContextSettings(**SETTINGS, add_timestamps=True)
    assert asked.use_normalized_timestamps is False
    spoken = ContextSettings(**SETTINGS, add_timestamps=True, use_normalized_timestamps=True)
    assert spoken.use_normalized_timestamps is True


def test_formats_are_checked_when_they_are_made():
    """
    Output formats and generation settings refuse what does not exist.
    """
    assert WavOutputFormat(**RAW).container == "wav"
    for make in (
        lambda: RawOutputFormat(encoding="mp3", sample_rate=8000),
        lambda: WavOutputFormat(encoding="pcm_s16le", sample_rate=1),
        lambda: MP3OutputFormat(sample_rate=44100, bit_rate=1),
        lambda: GenerationConfig(speed="fast"),
    ):
        with pytest.raises(LocalProtocolError):
            make()


def test_a_transcript_shows_in_no_repr():
    """
    The repr of a request leaves its text out.
    """
    request = GenerationRequest(
        settings=ContextSettings(**SETTINGS), context_id="a", transcript="canary", continue_=True
    )
    assert "canary" not in repr(request)
