"""
What clients ask on `/tts/websocket`, read into values or refused (protocol §2.2).

Unknown fields are ignored; known ones are checked, whether or not the local voices use them.
"""

from __future__ import annotations

from typing import Final

import attrs

from .._protocol.audio import ENCODINGS, SAMPLE_RATES, SampleFormat
from .catalogue import EMOTIONS, NO_VOICE, is_language, is_model
from .fields import MAX_NAME, Fields, read_object
from .refusals import Refusal, Refused, invalid

DEFAULT_DELAY_MS: Final = 3000  # protocol §2.8
MAX_DELAY_MS: Final = 5000
MAX_DURATION_SECONDS: Final = 86_400
SPEED_WORDS: Final = {"slow": 0.8, "normal": 1.0, "fast": 1.2}  # the factors are our own


@attrs.frozen(kw_only=True)
class Delivery:
    """
    How a text is to be spoken; the one setting that may change within a context.
    """

    speed: float = 1.0
    volume: float = 1.0
    emotion: str | None = None


@attrs.frozen(kw_only=True)
class Generation:
    """
    One input of a context (protocol §2.2.1).

    Attributes:
        continues: True if more inputs may follow.
        output: Encoding and rate of the raw audio.
        language: Given by a client that does not give ``locale``; neither means automatic.
        duration: The legacy limit in seconds. It is read and not applied: output "may" be cut.
    """

    context_id: str
    model_id: str
    transcript: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")
    voice_id: str
    output: SampleFormat
    continues: bool = False
    flush: bool = False
    max_buffer_delay_ms: int = DEFAULT_DELAY_MS
    language: str | None = None
    locale: str | None = None
    normalization: str = "auto"
    delivery: Delivery = Delivery()
    add_timestamps: bool = False
    add_phoneme_timestamps: bool = False
    use_normalized_timestamps: bool | None = None
    pronunciation_dict_id: str | None = None
    duration: float | None = None

    @property
    def fixed(self) -> tuple[object, ...]:
        """
        What must be the same in all inputs of a context (protocol §2.5).
        """
        return self.model_id, self.voice_id, self.language, self.locale, self.output

    @property
    def is_empty(self) -> bool:
        """
        True if it asks for nothing at all (protocol §7.1 T13).
        """
        return not self.transcript and self.continues and not self.flush


@attrs.frozen(kw_only=True)
class Cancel:
    """
    Stop a context (protocol §2.2.2).
    """

    context_id: str


def read_request(message: str | bytes) -> Generation | Cancel:
    """
    Read one WebSocket message.

    Raises:
        Refused: With the id of the context it names, if it names one.
    """
    if isinstance(message, bytes):  # protocol §2.11
        raise Refused(invalid("Messages are JSON in text frames; this one is binary."))
    values = read_object(message)
    context_id = Fields(values).name("context_id")
    fields = Fields(values, context_id=context_id)
    if fields.flag("cancel"):
        return Cancel(context_id=context_id)
    return _read_generation(fields, context_id)


def _read_generation(fields: Fields, context_id: str) -> Generation:
    language, locale = _read_language(fields)
    return Generation(
        context_id=context_id,
        model_id=_read_model(fields),
        transcript=fields.text("transcript", required=True) or "",
        voice_id=_read_voice(fields),
        output=_read_output(fields.inner("output_format", required=True)),
        continues=fields.flag("continue"),
        flush=fields.flag("flush"),
        max_buffer_delay_ms=fields.whole(
            "max_buffer_delay_ms", low=0, high=MAX_DELAY_MS, default=DEFAULT_DELAY_MS
        ),
        language=language,
        locale=locale,
        normalization=_read_normalization(fields),
        delivery=_read_delivery(fields),
        add_timestamps=fields.flag("add_timestamps"),
        add_phoneme_timestamps=fields.flag("add_phoneme_timestamps"),
        use_normalized_timestamps=_read_optional_flag(fields, "use_normalized_timestamps"),
        pronunciation_dict_id=fields.text("pronunciation_dict_id", longest=MAX_NAME),
        duration=fields.number("duration", low=0, high=MAX_DURATION_SECONDS, default=0) or None,
    )


def _read_model(fields: Fields) -> str:
    model_id = fields.name("model_id")
    if is_model(model_id):
        return model_id
    refusal = Refusal(  # protocol §1.7.5
        status=400,
        title="Invalid model",
        message="There is no speech model of that name.",
        code="model_not_found",
    )
    raise Refused(refusal, fields.context_id)


def _read_voice(fields: Fields) -> str:
    if fields.values.get("voice") is None:
        raise Refused(
            invalid("A voice is missing: voice must be the id of one."), fields.context_id
        )
    if isinstance(fields.values.get("voice"), str):
        voice_id = fields.name("voice")
    else:
        voice = fields.inner("voice", required=True)
        voice.choice("mode", ("id",))  # protocol §1.2: superfluous since 2026-08-14
        if voice.values.get("embedding") is not None:
            raise voice.refuse("embedding", "left out; voices have ids")
        voice_id = voice.name("id")
    if voice_id != NO_VOICE:
        return voice_id
    refusal = Refusal(
        status=404,
        title="Voice not found",
        message=f"No voice with id {NO_VOICE} is available to this account.",
        code="voice_not_found",
    )
    raise Refused(refusal, fields.context_id)


def _read_output(fields: Fields) -> SampleFormat:
    fields.choice("container", ("raw",), required=True)  # protocol §6.1: on WebSockets, raw only
    return SampleFormat(
        encoding=fields.choice("encoding", ENCODINGS, required=True),
        sample_rate=fields.choice("sample_rate", SAMPLE_RATES, required=True),
    )


def _read_language(fields: Fields) -> tuple[str | None, str | None]:
    language, locale = fields.text("language"), fields.text("locale")
    if language is not None and locale is not None:
        raise fields.refuse("locale", "left out where language is given")
    tag = language if locale is None else locale
    if tag is None or is_language(tag):
        return language, locale
    refusal = Refusal(
        status=400,
        title="Language not supported",
        message="The service does not speak that language.",
        code="language_not_supported",
    )
    raise Refused(refusal, fields.context_id)


def _read_normalization(fields: Fields) -> str:
    value = fields.text("normalization") or "auto"
    if value not in ("auto", "off") and not is_language(value):
        raise fields.refuse("normalization", "auto, off or a locale")
    return value


def _read_delivery(fields: Fields) -> Delivery:
    word = fields.choice("speed", tuple(SPEED_WORDS)) or "normal"
    config = fields.inner("generation_config")
    emotion = config.text("emotion")
    if emotion is not None and emotion.lower() not in EMOTIONS:
        raise config.refuse("emotion", "an emotion of the list in the documentation")
    return Delivery(  # protocol §2.2.1
        speed=config.number("speed", low=0.6, high=1.5, default=SPEED_WORDS[word]),
        volume=config.number("volume", low=0.5, high=2.0, default=1.0),
        emotion=None if emotion is None else emotion.lower(),
    )


def _read_optional_flag(fields: Fields, name: str) -> bool | None:
    return None if fields.values.get(name) is None else fields.flag(name)
