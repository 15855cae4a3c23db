"""The bodies of requests for speech over HTTP (protocol §3.1, §3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs.validators import optional

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.reading import to_wire
from trio_cartesia._protocol.tts.formats import OutputFormat, output_format
from trio_cartesia._protocol.tts.settings import ContextSettings

__all__ = ["BytesSettings", "EventsSettings", "bytes_body", "events_body"]


def _transcript(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not checks.text(value, field.name):
        raise LocalProtocolError(f"{field.name} must not be empty")


@attrs.frozen(kw_only=True)
class BytesSettings(ContextSettings):
    """What ``tts.generate`` takes: the settings of a context, and what HTTP adds to them.

    Attributes:
        transcript: The whole text; no ``repr`` shows it.
        output_format: A `RawOutputFormat`, `WavOutputFormat` or `MP3OutputFormat`, or a mapping.
        save: Keep the audio as a file of the account; the response has its id.
    """

    output_format: OutputFormat = attrs.field(converter=output_format)  # type: ignore[assignment]  # of any container
    transcript: str = attrs.field(validator=_transcript, repr=False)
    save: bool | None = attrs.field(default=None, validator=optional(checks.flag))


@attrs.frozen(kw_only=True)
class EventsSettings(ContextSettings):
    """What ``tts.generate_sse`` takes.

    Attributes:
        transcript: The whole text; no ``repr`` shows it.
        context_id: An id that the service repeats in each event.
    """

    transcript: str = attrs.field(validator=_transcript, repr=False)
    context_id: str | None = attrs.field(default=None, validator=optional(checks.identifier))


def _settings_of(
    kind: type[ContextSettings], *without: str
) -> tuple[type[ContextSettings], frozenset[str], frozenset[str]]:
    """Return a class, its settings *without* some, and those of them that are required."""
    fields = [field for field in attrs.fields(kind) if field.name not in without]
    required = (field.name for field in fields if field.default is attrs.NOTHING)
    return kind, frozenset(field.name for field in fields), frozenset(required)


_BYTES: Final = _settings_of(
    BytesSettings,
    "max_buffer_delay_ms",
    "add_timestamps",
    "add_phoneme_timestamps",
    "use_normalized_timestamps",
)
_EVENTS: Final = _settings_of(EventsSettings, "max_buffer_delay_ms")


def bytes_body(options: Mapping[str, Any], *, voice_as_object: bool) -> dict[str, Any]:
    """Return the body of a request for ``/tts/bytes``.

    Raises:
        LocalProtocolError: An option is missing, unknown, of the wrong type or out of range.
    """
    return _body(*_BYTES, options, voice_as_object)


def events_body(options: Mapping[str, Any], *, voice_as_object: bool) -> dict[str, Any]:
    """Return the body of a request for ``/tts/sse``; raises as `bytes_body`."""
    return _body(*_EVENTS, options, voice_as_object)


def _body(
    kind: type[ContextSettings],
    known: frozenset[str],
    required: frozenset[str],
    options: Mapping[str, Any],
    voice_as_object: bool,
) -> dict[str, Any]:
    if unknown := options.keys() - known:
        raise LocalProtocolError(f"there is no setting {', '.join(sorted(unknown))}")
    if missing := required - options.keys():
        raise LocalProtocolError(f"speech needs {', '.join(sorted(missing))}")
    body: dict[str, Any] = to_wire(kind(**options), "a setting")
    if voice_as_object:
        body["voice"] = {"mode": "id", "id": body["voice"]}
    return body
