"""
What stays the same within one context (protocol §2.5), checked when the context is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NotRequired, TypedDict

import attrs
from attrs.validators import optional

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.formats import (
    GenerationConfig,
    RawOutputFormat,
    raw_output_format,
    value_from,
)

__all__ = [
    "ContextOptions",
    "ContextSettings",
    "Speed",
    "generation_config_from",
    "settings_from",
    "voice_id",
]

Speed = Literal["slow", "normal", "fast"]
SPEEDS: Final = ("slow", "normal", "fast")


def voice_id(value: object) -> str:
    """
    Return the id of a voice that is given as an id or as the wire's object.

    Both generations of the object are read: ``{"id": ...}`` and, from before 2026-08-14,
    ``{"mode": "id", "id": ...}`` (protocol §1.2).

    Raises:
        LocalProtocolError: It is neither; embeddings are not served any more.
    """
    if isinstance(value, Mapping):
        if value.get("mode", "id") != "id" or not value.keys() <= {"mode", "id"}:
            raise LocalProtocolError("voice must be an id, or {'id': ...}; other modes are gone")
        value = value.get("id")
    if value is None or not checks.text(value, "voice").strip():
        raise LocalProtocolError("voice must be the id of a voice, and not empty")
    assert isinstance(value, str)
    return value


def _normalization(owner: object, field: attrs.Attribute[str], value: object) -> None:
    if value not in ("auto", "off"):
        checks.language_tag(owner, field, value)


def generation_config_from(value: object) -> GenerationConfig | None:
    """Return a configuration that is given as one, or as a mapping like it, or not at all."""
    return None if value is None else value_from(GenerationConfig, value, "generation_config")


@attrs.frozen(kw_only=True)
class ContextSettings:
    """
    The settings of a context, with the wire's names and ranges (protocol §2.2.1).

    None leaves a field out, so that the service's own default holds.

    Attributes:
        model_id: Such as ``"sonic-latest"``; which ones exist the service knows.
        voice: A voice's id; the wire's object is taken too.
        output_format: A `RawOutputFormat`, or a mapping like it.
        language: Such as ``"en"``; best given whenever it is known.
        locale: Such as ``"en-GB"``, instead of *language*, never beside it.
        normalization: ``"auto"``, ``"off"`` or a locale.
        max_buffer_delay_ms: 0 to 5000 (the service's default: 3000): how long the service may
            hold text back for better prosody. 0: each push is spoken as it comes.
        add_timestamps: Ask for word times.
        add_phoneme_timestamps: Ask for phoneme times.
        use_normalized_timestamps: Times of the text as it is spoken ("twenty dollars") rather
            than as it was written ("$20"). Its default is not known, so where times are asked for
            and this is None, False is sent.
        pronunciation_dict_id: A dictionary of the account.
        generation_config: Speed, volume and emotion; a push may carry its own.
        speed: ``"slow"``, ``"normal"`` or ``"fast"``; older models only.
        duration: The longest audio in seconds; older API versions only.

    Raises:
        LocalProtocolError: A value is missing, of the wrong type or out of its range.
    """

    model_id: str = attrs.field(validator=checks.identifier)
    voice: str = attrs.field(converter=voice_id, validator=checks.identifier)
    output_format: RawOutputFormat = attrs.field(converter=raw_output_format)
    language: str | None = attrs.field(default=None, validator=optional(checks.language_tag))
    locale: str | None = attrs.field(default=None, validator=optional(checks.language_tag))
    normalization: str | None = attrs.field(default=None, validator=optional(_normalization))
    max_buffer_delay_ms: int | None = attrs.field(
        default=None, validator=optional(checks.whole_between(0, 5000))
    )
    add_timestamps: bool | None = attrs.field(default=None, validator=optional(checks.flag))
    add_phoneme_timestamps: bool | None = attrs.field(default=None, validator=optional(checks.flag))
    use_normalized_timestamps: bool | None = attrs.field(
        default=None, validator=optional(checks.flag)
    )
    pronunciation_dict_id: str | None = attrs.field(
        default=None, validator=optional(checks.identifier)
    )
    generation_config: GenerationConfig | None = attrs.field(
        default=None, converter=generation_config_from
    )
    speed: Speed | None = attrs.field(default=None, validator=optional(checks.one_of(SPEEDS)))
    duration: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0.001, 86_400))
    )

    def __attrs_post_init__(self) -> None:
        if self.language is not None and self.locale is not None:
            raise LocalProtocolError("give language or locale, not both")
        if self.use_normalized_timestamps is None and (
            self.add_timestamps or self.add_phoneme_timestamps
        ):
            object.__setattr__(self, "use_normalized_timestamps", False)  # protocol §7.1 T32


class ContextOptions(TypedDict):
    """The arguments that make `ContextSettings`, for the signatures that take them."""

    model_id: str
    voice: str | Mapping[str, str]
    output_format: RawOutputFormat | Mapping[str, object]
    language: NotRequired[str | None]
    locale: NotRequired[str | None]
    normalization: NotRequired[str | None]
    max_buffer_delay_ms: NotRequired[int | None]
    add_timestamps: NotRequired[bool | None]
    add_phoneme_timestamps: NotRequired[bool | None]
    use_normalized_timestamps: NotRequired[bool | None]
    pronunciation_dict_id: NotRequired[str | None]
    generation_config: NotRequired[GenerationConfig | Mapping[str, object] | None]
    speed: NotRequired[Speed | None]
    duration: NotRequired[float | None]


def settings_from(options: Mapping[str, object]) -> ContextSettings:
    """
    Check *options* and make settings of them.

    Raises:
        LocalProtocolError: One is missing, unknown, of the wrong type or out of range.
    """
    fields = {field.name: field for field in attrs.fields(ContextSettings)}
    if unknown := options.keys() - fields.keys():
        raise LocalProtocolError(f"a context has no setting {', '.join(sorted(unknown))}")
    required = {name for name, field in fields.items() if field.default is attrs.NOTHING}
    if missing := required - options.keys():
        raise LocalProtocolError(f"a context needs {', '.join(sorted(missing))}")
    return ContextSettings(**options)  # type: ignore[arg-type]  # each is checked in there
