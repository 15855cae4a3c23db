"""The settings of a context, which stay the same within it (protocol §2.5)."""

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
from trio_cartesia._protocol.tts.known_values import note_language, note_model

__all__ = [
    "SPEEDS",
    "ContextOptions",
    "ContextSettings",
    "Speed",
    "generation_config_from",
    "settings_from",
    "voice_id",
]

Speed = Literal["slow", "normal", "fast"]
SPEEDS: Final = ("slow", "normal", "fast")


def voice_id(value: object, name: str = "voice") -> str:
    """Return the id of a voice, given as an id or as the wire's object.

    The object is ``{"id": ...}`` or, as before 2026-08-14, ``{"mode": "id", "id": ...}``
    (protocol §1.2).

    Raises:
        LocalProtocolError: It is neither; the service no longer takes embeddings.
    """
    if isinstance(value, Mapping):
        if value.get("mode", "id") != "id" or not value.keys() <= {"mode", "id"}:
            raise LocalProtocolError(
                f"{name} must be an id, or {{'id': ...}}: the service takes no other modes"
            )
        value = value.get("id")
    return checks.printable(value, name)


def _model(_: object, field: attrs.Attribute[str], value: object) -> None:
    note_model(checks.printable(value, field.name))


def _language(_: object, field: attrs.Attribute[str], value: object) -> None:
    note_language(checks.printable(value, field.name))


def _normalization(_: object, field: attrs.Attribute[str], value: object) -> None:
    if checks.printable(value, field.name) not in ("auto", "off"):
        note_language(str(value))


def generation_config_from(value: object) -> GenerationConfig | None:
    """Return a `GenerationConfig`, given as one, as a mapping of its shape, or as None."""
    return None if value is None else value_from(GenerationConfig, value, "generation_config")


@attrs.frozen(kw_only=True)
class ContextSettings:
    """The settings of a context, with the wire's names and ranges (protocol §2.2.1).

    A field that is None is not sent, so that the service's default applies. The service decides
    which models, languages and voices exist, so the client does not check them.

    Attributes:
        model_id: A model, such as ``"sonic-latest"``.
        voice: The id of a voice, or the wire's object.
        output_format: A `RawOutputFormat`, or a mapping of its fields.
        language: A language, such as ``"en"``; set it if it is known.
        locale: A locale, such as ``"en-GB"``; set this or *language*, not both.
        normalization: ``"auto"``, ``"off"`` or a locale.
        max_buffer_delay_ms: The milliseconds for which the service may hold text for better
            prosody, 0 to 5000 (the service's default is 3000). With 0 it speaks each push at once.
        add_timestamps: Request word times.
        add_phoneme_timestamps: Request phoneme times.
        use_normalized_timestamps: Times of the text as it is spoken ("twenty dollars") rather
            than as it was written ("$20"). The service's default is not documented, so False is
            sent where times are requested and this is None.
        pronunciation_dict_id: The id of a pronunciation dictionary of the account.
        generation_config: Speed, volume and emotion; a push may override them.
        speed: ``"slow"``, ``"normal"`` or ``"fast"``; older models only.
        duration: The longest audio in seconds; older API versions only.

    Raises:
        LocalProtocolError: A value is missing, of the wrong type or out of its range.
    """

    model_id: str = attrs.field(validator=_model)
    voice: str = attrs.field(converter=voice_id)
    output_format: RawOutputFormat = attrs.field(converter=raw_output_format)
    language: str | None = attrs.field(default=None, validator=optional(_language))
    locale: str | None = attrs.field(default=None, validator=optional(_language))
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


_NAMES: Final = frozenset(field.name for field in attrs.fields(ContextSettings))
_REQUIRED: Final = frozenset(
    field.name for field in attrs.fields(ContextSettings) if field.default is attrs.NOTHING
)


class ContextOptions(TypedDict):
    """The keyword arguments of `ContextSettings`, for signatures that pass them on."""

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
    """Return *options* as checked settings.

    Raises:
        LocalProtocolError: One is missing, unknown, of the wrong type or out of range.
    """
    if unknown := options.keys() - _NAMES:
        raise LocalProtocolError(f"a context has no setting {', '.join(sorted(unknown))}")
    if missing := _REQUIRED - options.keys():
        raise LocalProtocolError(f"a context needs {', '.join(sorted(missing))}")
    return ContextSettings(**options)  # type: ignore[arg-type]  # the validators check each
