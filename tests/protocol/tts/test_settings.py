"""What callers may ask for, and how it is written."""

from __future__ import annotations

import json
import logging
import re

import attrs
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
from trio_cartesia._protocol.tts import known_values
from trio_cartesia._protocol.tts.encoder import (
    MAX_REQUEST_BYTES,
    write_cancel,
    write_input,
    write_settings,
)
from trio_cartesia._protocol.tts.known_values import EMOTIONS, LANGUAGES
from trio_cartesia._protocol.tts.requests import GenerationRequest
from trio_cartesia._protocol.tts.settings import settings_from

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
    "language of a wrong type": {"language": 7},
    "empty language": {"language": ""},
    "locale with a line break": {"locale": "en\n"},
    "normalization of a wrong type": {"normalization": ["auto"]},
    "rate of 5,000 digits": {"output_format": {**RAW, "sample_rate": 10**5000}},
    "empty emotion": {"generation_config": {"emotion": " "}},
    "lone surrogate": {"model_id": "\ud800"},
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
    "unknown member": {"generation_config": {"pitch": 1}},
    "config of a wrong type": {"generation_config": 1.2},
    "word speed": {"speed": "fastest"},
    "no duration": {"duration": 0},
    "truth of a wrong type": {"add_timestamps": "yes"},
    "another one": {"add_phoneme_timestamps": 1},
    "and another": {"use_normalized_timestamps": "no"},
    "empty dictionary": {"pronunciation_dict_id": ""},
    "unknown setting": {"modle_id": "x"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_fields_out_of_the_references_ranges_are_refused(change):
    """Every field and range that the reference states is checked when a context is opened, and the
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
    (
        {"output_format": {"a": 1, "b": 2}},
        "output_format has no member 'a', 'b'; its members are encoding, sample_rate",
    ),
    ({"output_format": {}}, "output_format lacks encoding, sample_rate"),
    ({"generation_config": 7}, "generation_config must be a GenerationConfig or a mapping"),
    ({"yes": 1, "no": 2}, "a context has no setting no, yes"),
]


@pytest.mark.parametrize(("change", "says"), SAID)
def test_an_error_says_what_may_be_and_what_was_given(change, says):
    """Whoever gives a setting that cannot be reads what is allowed, and the
    type of what was given.
    """
    with pytest.raises(LocalProtocolError, match=re.escape(says)):
        settings_from({**SETTINGS, **change})


def test_all_missing_settings_are_named():
    """If all settings are missing, the error names all required ones."""
    with pytest.raises(LocalProtocolError, match="a context needs model_id, output_format, voice"):
        settings_from({})


def test_the_ends_of_ranges_belong_to_them():
    """The longest name and the ends of each range are taken."""
    longest = {"model_id": "x" * 256, "duration": 86_400, "generation_config": {"speed": 1.5}}
    settings = settings_from({**SETTINGS, **longest, "max_buffer_delay_ms": 5000})
    assert (settings.duration, settings.max_buffer_delay_ms) == (86_400, 5000)
    shortest = {"duration": 0.001, "generation_config": {"speed": 0.6, "volume": 0.5}}
    settings = settings_from({**SETTINGS, **shortest, "max_buffer_delay_ms": 0})
    assert (settings.duration, settings.max_buffer_delay_ms) == (0.001, 0)


@pytest.mark.parametrize("tag", ["en", "EN", "en-GB", "zh-Hant", "pt_BR", "yue", "x", "Scots (UK)"])
def test_languages_are_the_service_s_business(tag):
    """Languages, known or not, are sent as they are given."""
    for name in ("language", "locale", "normalization"):
        settings = settings_from({**SETTINGS, name: tag})
        assert json.loads(f"{{{write_settings(settings)}}}")[name] == tag


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("speed", speed) for speed in ("slow", "normal", "fast")),
        *(("normalization", way) for way in ("auto", "off")),
    ],
)
def test_every_word_of_the_reference_can_be_asked_for(name, value):
    """Words that the reference lists are taken, and sent as they are."""
    assert (
        json.loads(f"{{{write_settings(settings_from({**SETTINGS, name: value}))}}}")[name] == value
    )


@pytest.mark.parametrize("name", ["model_id", "voice", "output_format"])
def test_a_missing_setting_is_named(name):
    """A missing setting is named."""
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
def test_requests_are_written_with_the_wires_names(config, delay, transcript, continues, flushes):
    """A request's JSON has the wire's names, the given values, and nothing that was not given."""
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
    """A ``generation_config`` that is given with an input stands in for the context's."""
    settings = ContextSettings(**SETTINGS, generation_config={"speed": 0.8})
    inputs = [
        GenerationRequest(
            settings=settings,
            context_id="a",
            transcript="x",
            continue_=True,
            generation_config=config,
        )
        for config in (None, {"speed": 1.2, "emotion": "SAD"})
    ]
    written = [json.loads(write_input(one, write_settings(settings))) for one in inputs]
    assert [one["generation_config"] for one in written] == [
        {"speed": 0.8},
        {"speed": 1.2, "emotion": "sad"},
    ]
    assert not any("flush" in one for one in written)
    with pytest.raises(LocalProtocolError, match="speed"):
        GenerationRequest(
            settings=settings,
            context_id="a",
            transcript="x",
            continue_=True,
            generation_config={"speed": 7},
        )


def test_both_generations_of_the_voice():
    """A voice is taken as an id or as an object, and written as the API version has it."""
    for voice in (VOICE, {"id": VOICE}, {"mode": "id", "id": VOICE}):
        settings = ContextSettings(**{**SETTINGS, "voice": voice})
        newer = json.loads(f"{{{write_settings(settings)}}}")
        assert newer["voice"] == VOICE
        older = json.loads(f"{{{write_settings(settings, voice_as_object=True)}}}")
        assert older == {**newer, "voice": {"mode": "id", "id": VOICE}}


def test_normalization_is_a_switch_or_a_language():
    """Normalization is left to the service, switched off, or given a language; all are sent as
    said.
    """
    for normalization in ("auto", "off", "en-GB"):
        settings = ContextSettings(**SETTINGS, normalization=normalization)
        written = json.loads(f"{{{write_settings(settings)}}}")
        assert written["normalization"] == normalization


def test_a_cancel_has_two_fields_and_nothing_else():
    """A cancel is what protocol §2.2.2 shows."""
    assert json.loads(write_cancel("a")) == {"context_id": "a", "cancel": True}


def test_times_are_of_the_written_text_unless_said_otherwise():
    """Where times are asked for, their base is always sent, since its default is not known."""
    assert ContextSettings(**SETTINGS).use_normalized_timestamps is None
    asked = ContextSettings(**SETTINGS, add_timestamps=True)
    assert asked.use_normalized_timestamps is False
    spoken = ContextSettings(**SETTINGS, add_timestamps=True, use_normalized_timestamps=True)
    assert spoken.use_normalized_timestamps is True


def test_formats_are_checked_when_they_are_made():
    """Output formats and generation settings refuse what does not exist."""
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
    """The repr of a request leaves its text out."""
    request = GenerationRequest(
        settings=ContextSettings(**SETTINGS), context_id="a", transcript="canary", continue_=True
    )
    assert "canary" not in repr(request)


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u20ac", "\U0001d11e"])
def test_a_message_may_be_as_large_as_the_service_takes_and_no_larger(letter):
    """The bound is one of bytes, whatever the text is written in; one above it is refused, and the
    error names the context.
    """
    settings = ContextSettings(**SETTINGS)
    common = write_settings(settings)

    def written(transcript):
        request = GenerationRequest(
            settings=settings, context_id="mine", transcript=transcript, continue_=True
        )
        return write_input(request, common)

    room = MAX_REQUEST_BYTES - len(written("").encode())
    width = len(letter.encode())
    largest = letter * (room // width) + "b" * (room % width)
    assert len(written(largest).encode()) == MAX_REQUEST_BYTES
    with pytest.raises(LocalProtocolError, match="push the text in pieces") as caught:
        written(largest + "b")
    assert caught.value.context_id == "mine"


def test_every_setting_is_written_under_its_name():
    """Each setting of a context comes in its JSON under its own name, and with its own value."""
    given_settings = {
        **SETTINGS,
        "locale": "en-GB",
        "normalization": "off",
        "max_buffer_delay_ms": 0,
        "add_timestamps": False,
        "add_phoneme_timestamps": True,
        "use_normalized_timestamps": True,
        "pronunciation_dict_id": "d",
        "speed": "slow",
        "duration": 1.5,
    }
    written = json.loads(f"{{{write_settings(settings_from(given_settings))}}}")
    assert written == given_settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"language": "en", "locale": "en-GB"}, "give language or locale, not both"),
        ({"voice": {"id": "v", "speed": 1}}, "voice must be an id, or {'id': ...}"),
        ({"voice": {"mode": "embedding", "id": "v"}}, "voice must be an id, or {'id': ...}"),
        ({"voice": None}, "voice must be a str, not NoneType"),
        ({"voice": ["v"]}, "voice must be a str, not list"),
        ({"output_format": MP3OutputFormat(sample_rate=8000, bit_rate=32000)}, "not 'mp3'"),
        ({"output_format": {**RAW, "container": "wav"}}, "not 'wav'"),
        ({"output_format": {**RAW, "sample_rate": 10**5000}}, "not int"),
        ({"output_format": {**RAW, "encoding": "x" * 9000}}, "not 'xxx"),
        ({"generation_config": {"emotion": 7}}, "emotion must be a str, not int"),
    ],
)
def test_an_error_about_what_the_wire_does_not_have_says_so(change, says):
    """What belongs to other modes, containers and versions is refused in words."""
    with pytest.raises(LocalProtocolError, match=re.escape(says)):
        settings_from({**SETTINGS, **change})


@pytest.mark.parametrize("asked", ["add_timestamps", "add_phoneme_timestamps"])
def test_either_kind_of_times_says_which_text_they_are_of(asked):
    """Word times and phoneme times alike send the base of their times; neither asked for, it is
    not.
    """
    assert ContextSettings(**SETTINGS, **{asked: True}).use_normalized_timestamps is False
    assert ContextSettings(**SETTINGS, **{asked: False}).use_normalized_timestamps is None


def test_emotions_are_those_of_the_service():
    """There are fifty-eight emotions in the reference; upper and lower case are the same."""
    assert len(EMOTIONS) == 58
    for emotion in EMOTIONS:
        assert GenerationConfig(emotion=emotion.upper()).emotion == emotion
        assert emotion.isalpha()
        assert emotion.islower()


RATES = (8000, 16000, 22050, 24000, 44100, 48000)  # protocol §3.1
BIT_RATES = (32000, 64000, 96000, 128000, 192000)


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        (RawOutputFormat, "sample_rate", RATES),
        (WavOutputFormat, "sample_rate", RATES),
        (MP3OutputFormat, "sample_rate", RATES),
        (MP3OutputFormat, "bit_rate", BIT_RATES),
    ],
)
def test_every_rate_of_the_reference_can_be_asked_for_and_no_other(kind, name, values):
    """The rates of the reference are allowed, and their neighbours are not."""
    usual = {"sample_rate": 8000, "bit_rate": 32000} if kind is MP3OutputFormat else RAW
    for value in values:
        assert getattr(kind(**{**usual, name: value}), name) == value
        for other in (value - 1, value + 1):
            with pytest.raises(LocalProtocolError, match=name):
                kind(**{**usual, name: other})


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (RawOutputFormat, RAW, {"encoding": "mp3"}),
        (RawOutputFormat, RAW, {"sample_rate": 8001}),
        (WavOutputFormat, RAW, {"encoding": "mp3"}),
        (WavOutputFormat, RAW, {"sample_rate": 8001}),
        (MP3OutputFormat, {"sample_rate": 8000, "bit_rate": 32000}, {"sample_rate": 8001}),
        (MP3OutputFormat, {"sample_rate": 8000, "bit_rate": 32000}, {"bit_rate": 32001}),
    ],
)
def test_every_member_of_every_format_is_checked_and_needed(kind, right, wrong):
    """A format that is right is made; a wrong member is refused by its name, and so is a missing
    one.
    """
    assert attrs.asdict(kind(**right)) == right
    (name,) = wrong
    with pytest.raises(LocalProtocolError, match=f"{name} must be one of"):
        kind(**{**right, **wrong})
    with pytest.raises(TypeError, match=name):
        kind(**{key: value for key, value in right.items() if key != name})


NEW = {
    "emotion": {"generation_config": {"emotion": "Peckish"}},
    "language": {"language": "tlh"},
    "model": {"model_id": "tango-1"},
}


@pytest.mark.parametrize("kind", NEW)
def test_new_values_are_passed_on_and_logged_once(kind, caplog):
    """An emotion, language or model that this version does not know is sent, and named once at
    DEBUG.
    """
    caplog.set_level(logging.DEBUG, "trio_cartesia.protocol")
    known_values._note_once.cache_clear()
    for _ in range(3):
        settings = settings_from({**SETTINGS, **NEW[kind]})
    request = GenerationRequest(settings=settings, context_id="a", transcript="x", continue_=True)
    written = write_input(request, write_settings(settings))
    assert {"emotion": "peckish", "language": "tlh", "model": "tango-1"}[kind] in written
    (record,) = caplog.records
    assert f"the {kind} " in record.getMessage()


@pytest.mark.parametrize(
    "change",
    [
        {"language": "en"},
        {"locale": "pt_BR"},
        {"normalization": "off"},
        {"normalization": "de-AT"},
        {"generation_config": {"emotion": "SAD"}},
    ],
)
def test_known_values_are_not_logged(change, caplog):
    """Emotions, languages and models of the reference cause no log record."""
    caplog.set_level(logging.DEBUG, "trio_cartesia.protocol")
    settings_from({**SETTINGS, **change})
    assert not caplog.records
    assert len(LANGUAGES) == 44
