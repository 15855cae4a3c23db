"""Output formats and generation settings, checked when they are created.

Parameters of one of these types also accept a mapping of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, TypeVar

import attrs
from attrs.validators import optional

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.audio import ENCODINGS, SAMPLE_RATES, Encoding, SampleFormat
from trio_cartesia._protocol.tts.known_values import note_emotion

__all__ = [
    "GenerationConfig",
    "MP3OutputFormat",
    "OutputFormat",
    "RawOutputFormat",
    "WavOutputFormat",
    "output_format",
    "raw_output_format",
    "value_from",
]

BIT_RATES: Final = (32000, 64000, 96000, 128000, 192000)  # protocol §3.1


@attrs.frozen(kw_only=True)
class RawOutputFormat:
    """Audio without a header, the only container of a WebSocket (protocol §2.2.1, §6.1).

    Attributes:
        encoding: ``pcm_f32le``, ``pcm_s16le``, ``pcm_mulaw`` or ``pcm_alaw``; always mono.
        sample_rate: 8000, 16000, 22050, 24000, 44100 or 48000 frames a second.

    Raises:
        LocalProtocolError: The encoding or the sample rate is not among these.
    """

    container: ClassVar[Literal["raw"]] = "raw"

    encoding: Encoding = attrs.field(validator=checks.one_of(ENCODINGS))
    sample_rate: int = attrs.field(validator=checks.one_of(SAMPLE_RATES))

    @property
    def sample_format(self) -> SampleFormat:
        """The layout of its bytes, with conversions between bytes and seconds."""
        return SampleFormat(encoding=self.encoding, sample_rate=self.sample_rate)


@attrs.frozen(kw_only=True)
class WavOutputFormat:
    """Audio in a RIFF file, for requests over HTTP (protocol §3.1).

    Attributes:
        encoding: As in `RawOutputFormat`.
        sample_rate: As in `RawOutputFormat`.

    Raises:
        LocalProtocolError: The encoding or the rate is not among the allowed ones.
    """

    container: ClassVar[Literal["wav"]] = "wav"

    encoding: Encoding = attrs.field(validator=checks.one_of(ENCODINGS))
    sample_rate: int = attrs.field(validator=checks.one_of(SAMPLE_RATES))


@attrs.frozen(kw_only=True)
class MP3OutputFormat:
    """Audio as MP3, for requests over HTTP (protocol §3.1).

    Attributes:
        sample_rate: As in `RawOutputFormat`.
        bit_rate: 32000, 64000, 96000, 128000 or 192000 bits a second.

    Raises:
        LocalProtocolError: The sample rate or the bit rate is not among the allowed ones.
    """

    container: ClassVar[Literal["mp3"]] = "mp3"

    sample_rate: int = attrs.field(validator=checks.one_of(SAMPLE_RATES))
    bit_rate: int = attrs.field(validator=checks.one_of(BIT_RATES))


OutputFormat = RawOutputFormat | WavOutputFormat | MP3OutputFormat


def _lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _emotion(_: object, field: attrs.Attribute[str], value: object) -> None:
    note_emotion(checks.printable(value, field.name))


@attrs.frozen(kw_only=True)
class GenerationConfig:
    """Speed, volume and emotion of speech, for models from sonic-3 on (protocol §2.2.1).

    A field that is None is not sent, so that the service's default applies.

    Attributes:
        speed: 0.6 to 1.5 times the voice's usual speed.
        volume: 0.5 to 2.0 times its usual volume.
        emotion: An emotion, such as ``"content"``, sent in lower case. The service decides which
            ones exist.

    Raises:
        LocalProtocolError: A value has the wrong type or is out of its range.
    """

    speed: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0.6, 1.5))
    )
    volume: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0.5, 2.0))
    )
    emotion: str | None = attrs.field(
        default=None, converter=_lower_case, validator=optional(_emotion)
    )


_T = TypeVar("_T", RawOutputFormat, WavOutputFormat, MP3OutputFormat, GenerationConfig)


def _members(cls: type[_T]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a class's fields, and those of the required ones."""
    fields = attrs.fields(cls)
    required = (field.name for field in fields if field.default is attrs.NOTHING)
    return frozenset(field.name for field in fields), frozenset(required)


_MEMBERS: Final[Mapping[type, tuple[frozenset[str], frozenset[str]]]] = {
    RawOutputFormat: _members(RawOutputFormat),
    WavOutputFormat: _members(WavOutputFormat),
    MP3OutputFormat: _members(MP3OutputFormat),
    GenerationConfig: _members(GenerationConfig),
}


def value_from(cls: type[_T], value: object, name: str) -> _T:
    """Return *value*, an instance of *cls* or a mapping of the wire's shape, as a *cls*.

    Raises:
        LocalProtocolError: It is neither, or has members that are missing, unknown or wrong.
    """
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise LocalProtocolError(f"{name} must be a {cls.__name__} or a mapping, not {kind}")
    known, required = _MEMBERS[cls]
    if unknown := value.keys() - known:
        listed = ", ".join(sorted(map(checks.quoted, unknown)))
        raise LocalProtocolError(
            f"{name} has no member {listed}; its members are {', '.join(sorted(known))}"
        )
    if missing := required - value.keys():
        raise LocalProtocolError(f"{name} lacks {', '.join(sorted(missing))}")
    return cls(**value)


def raw_output_format(value: object) -> RawOutputFormat:
    """Return *value* as the format of a context, which must be raw (protocol §2.2.1).

    Raises:
        LocalProtocolError: It has another container, or members that are missing or wrong.
    """
    members = value
    if isinstance(value, Mapping):
        members = {key: member for key, member in value.items() if key != "container"}
        container = value.get("container", "raw")
    else:
        container = getattr(value, "container", "raw")
    if container != "raw":
        raise LocalProtocolError(
            f"the container of output_format must be 'raw', not {checks.quoted(container)}: "
            "a WebSocket carries raw audio only"
        )
    return value_from(RawOutputFormat, members, "output_format")


def output_format(value: object) -> OutputFormat:
    """Return *value* as the format of a request over HTTP (protocol §3.1).

    Raises:
        LocalProtocolError: It has no container or an unknown one, or members that are missing or
            wrong.
    """
    if isinstance(value, OutputFormat):
        return value
    if not isinstance(value, Mapping):
        raise LocalProtocolError(
            "output_format must be a RawOutputFormat, WavOutputFormat or MP3OutputFormat, or a "
            f"mapping, not {type(value).__name__}"
        )
    container = value.get("container")
    checks.choice(container, "the container of output_format", ("raw", "wav", "mp3"))
    members = {key: member for key, member in value.items() if key != "container"}
    if container == "mp3":
        return value_from(MP3OutputFormat, members, "output_format")
    if container == "wav":
        return value_from(WavOutputFormat, members, "output_format")
    return value_from(RawOutputFormat, members, "output_format")
