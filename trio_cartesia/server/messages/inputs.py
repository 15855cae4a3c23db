"""Parse the messages that clients send on `/tts/websocket` (protocol §2.2).

Unknown fields are ignored. Known fields are checked, even if the local voices do not use them.
"""

from __future__ import annotations

from typing import Final
from uuid import uuid4

import attrs

from trio_cartesia._protocol.base.audio import ENCODINGS, SAMPLE_RATES, SampleFormat
from trio_cartesia.server.catalogue.models import UNBUFFERED_VERSIONS
from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Dialect, Fields, read_object
from trio_cartesia.server.messages.settings import (
    Delivery,
    read_delivery,
    read_dictionary,
    read_duration,
    read_language,
    read_model,
    read_normalization,
    read_normalized,
    read_voice,
)

__all__ = ["Cancel", "Delivery", "Generation", "read_generation", "read_request"]

DEFAULT_DELAY_MS: Final = 3000  # protocol §2.8
MAX_DELAY_MS: Final = 5000


@attrs.frozen(kw_only=True)
class Generation:
    """One input of a context (protocol §2.2.1).

    Attributes:
        continues: Whether more inputs may follow.
        output: Encoding and rate of the raw audio.
        language: At most one of language and locale is set; with neither, the voice's own is used.
        duration: Seconds after which the context's audio is cut, a setting of old versions; if
            several inputs set it, the last one applies.
        voice: The voice with that id; None if the account has none.
        pronunciations: The items of the dictionary.
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
    delivery: Delivery = attrs.field(factory=Delivery)
    add_timestamps: bool = False
    add_phoneme_timestamps: bool = False
    use_normalized_timestamps: bool | None = None
    pronunciation_dict_id: str | None = None
    voice: VoiceEntry | None = attrs.field(default=None, repr=False)
    pronunciations: tuple[Pronunciation, ...] = attrs.field(default=(), repr=False)
    duration: float | None = None

    @property
    def fixed(self) -> tuple[object, ...]:
        """The settings that all inputs of a context share (protocol §2.5)."""
        return self.model_id, self.voice_id, self.language, self.locale, self.output

    @property
    def is_empty(self) -> bool:
        """True if it has neither text nor a flush and is not final (protocol §7.1 T13)."""
        return not self.transcript and self.continues and not self.flush


@attrs.frozen(kw_only=True)
class Cancel:
    """Stop a context (protocol §2.2.2)."""

    context_id: str


def read_request(message: str | bytes, dialect: Dialect | None = None) -> Generation | Cancel:
    """Read one WebSocket message.

    Raises:
        APIError: The message is not valid; the error has its context id, if the message has one.
    """
    if isinstance(message, bytes):  # protocol §2.11
        raise APIError(invalid("Messages are JSON in text frames; this one is binary."))
    dialect = dialect or Dialect()
    values = read_object(message)
    context_id = _read_context_id(Fields(values, dialect=dialect))
    fields = Fields(values, context_id=context_id, dialect=dialect)
    if fields.flag("cancel"):
        return Cancel(context_id=context_id)
    return read_generation(fields, context_id)


def _read_context_id(fields: Fields) -> str:
    """Return the context id; versions where it is optional get a new one (protocol §2.2.1)."""
    is_optional = fields.dialect.version in UNBUFFERED_VERSIONS
    if is_optional and fields.values.get("context_id") is None and not fields.flag("cancel"):
        return str(uuid4())
    return fields.nonempty_text("context_id")


def read_generation(fields: Fields, context_id: str) -> Generation:
    """Read an input for the context of that id.

    Raises:
        APIError: A field is not valid.
    """
    language, locale = read_language(fields)
    voice_id = read_voice(fields)
    dictionary_id, pronunciations = read_dictionary(fields)
    return Generation(
        context_id=context_id,
        model_id=read_model(fields),
        transcript=fields.text("transcript", required=True) or "",
        voice_id=voice_id,
        output=_read_output(fields.inner("output_format", required=True)),
        continues=fields.flag("continue"),
        flush=fields.flag("flush"),
        max_buffer_delay_ms=_read_delay(fields),
        language=language,
        locale=locale,
        normalization=read_normalization(fields),
        delivery=read_delivery(fields),
        add_timestamps=fields.flag("add_timestamps"),
        add_phoneme_timestamps=fields.flag("add_phoneme_timestamps"),
        use_normalized_timestamps=read_normalized(fields),
        pronunciation_dict_id=dictionary_id,
        voice=fields.dialect.find_voice(voice_id),
        pronunciations=pronunciations,
        duration=read_duration(fields),
    )


def _read_output(fields: Fields) -> SampleFormat:
    fields.choice("container", ("raw",), required=True)  # protocol §6.1: on WebSockets, raw only
    return SampleFormat(
        encoding=fields.choice("encoding", ENCODINGS, required=True),
        sample_rate=fields.choice("sample_rate", SAMPLE_RATES, required=True),
    )


def _read_delay(fields: Fields) -> int:
    """Return the buffer delay in milliseconds, by default 0 in older versions (protocol §2.8)."""
    is_old = fields.dialect.version in UNBUFFERED_VERSIONS
    return fields.integer(
        "max_buffer_delay_ms",
        low=0,
        high=MAX_DELAY_MS,
        default=0 if is_old else DEFAULT_DELAY_MS,
        may_clamp=True,
    )
