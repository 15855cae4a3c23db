"""The settings of a session, which are in the query of its handshake (protocol §4.2 to §4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, urlencode

import attrs
from attrs.validators import optional

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.events import size_of
from trio_cartesia._protocol.stt.audio import InputFormat, STTEncoding

__all__ = [
    "MAX_KEYTERMS",
    "MAX_KEYTERM_CHARACTERS",
    "ManualFinalizeSettings",
    "Reconnect",
    "SessionSettings",
    "query_string",
]

MAX_KEYTERMS: Final = 100
MAX_KEYTERM_CHARACTERS: Final = 1200  # of all keyterms together


def _keyterms(value: object) -> tuple[str, ...]:
    """Return terms that are checked."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        kind = type(value).__name__
        raise LocalProtocolError(f"keyterms must be an iterable of str, not {kind}")
    terms = tuple(checks.printable(term, "a keyterm") for term in value)
    if len(terms) > MAX_KEYTERMS:
        raise LocalProtocolError(f"there are {len(terms)} keyterms: at most {MAX_KEYTERMS} may be")
    if (characters := sum(map(len, terms))) > MAX_KEYTERM_CHARACTERS:
        raise LocalProtocolError(
            f"the keyterms have {characters} characters: at most {MAX_KEYTERM_CHARACTERS} may be"
        )
    return terms


@attrs.frozen(kw_only=True)
class SessionSettings:
    """What both kinds of session have in their queries.

    The service decides which models and languages exist, so the client does not check them.

    Attributes:
        model: A model, such as ``"ink-2"``.
        encoding: The encoding of the audio, one of `STT_ENCODINGS`.
        sample_rate: Samples a second; 16000 is recommended.
        keyterms: Names and terms to expect: at most 100, of at most 1,200 characters in all. Only
            for the families ``ink-2`` and ``ink-preview``.

    Raises:
        LocalProtocolError: A value is missing, of the wrong type or out of its range.
    """

    model: str = attrs.field(validator=checks.identifier)
    encoding: STTEncoding
    sample_rate: int
    keyterms: tuple[str, ...] = attrs.field(default=(), converter=_keyterms, repr=size_of)
    input_format: InputFormat = attrs.field(init=False)

    @input_format.default
    def _make_input_format(self) -> InputFormat:
        return InputFormat(encoding=self.encoding, sample_rate=self.sample_rate)

    def parameters(self) -> Iterator[tuple[str, object]]:
        """Yield the names and values of the query; a name may be repeated, and None is not sent."""
        yield "model", self.model
        yield "encoding", self.encoding
        yield "sample_rate", self.sample_rate
        for term in self.keyterms:
            yield "keyterm", term


@attrs.frozen(kw_only=True)
class ManualFinalizeSettings(SessionSettings):
    """The settings of a session with manual finalize; a field that is None is not sent.

    Attributes:
        language: A language, such as ``"en"``.
        min_volume: The volume below which audio is silence, 0 to 1; for ``ink-whisper``.
        max_silence_duration_secs: The seconds of silence after which the service finalizes by
            itself; for ``ink-whisper``.

    Raises:
        LocalProtocolError: A value is missing, of the wrong type or out of its range.
    """

    language: str | None = attrs.field(default=None, validator=optional(checks.identifier))
    min_volume: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0, 1))
    )
    max_silence_duration_secs: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0, 86_400))
    )

    def parameters(self) -> Iterator[tuple[str, object]]:
        """Yield the names and values of the query."""
        yield from super().parameters()
        yield "language", self.language
        yield "min_volume", self.min_volume
        yield "max_silence_duration_secs", self.max_silence_duration_secs


@attrs.frozen(kw_only=True)
class Reconnect:
    """How a session goes on when its connection is lost: on another one.

    The audio that has no final text yet is kept, within a limit, and sent again on the next
    connection, at eight times its pace; it is billed again, too. Audio that is sent meanwhile is
    kept likewise. Audio that could not be kept is not transcribed, and is reported by a `Gap`
    event. The text and the turns so far stay, calls that wait go on waiting, and times count from
    the start of the session's audio.

    Between attempts, delays grow from half a second to ten seconds, and are jittered. After the
    last attempt, or at once for an error that no attempt changes, the session ends with
    `ConnectionLost`. If the service closes a connection with 1000 on which nothing was sent for 20
    seconds or longer, the next one is opened when there is something to send, and that is no
    failure.

    Attributes:
        attempts: The connections in a row that may fail until the session is given up, 1 to 100:
            those that cannot be made, and those that are lost within five seconds and without final
            text.
        replay_seconds: The audio without final text that is kept, to be sent again; 0.1 to 600.

    Raises:
        LocalProtocolError: A value is of the wrong type or out of its range.
    """

    attempts: int = attrs.field(default=5, validator=checks.whole_between(1, 100))
    replay_seconds: float = attrs.field(default=30.0, validator=checks.number_between(0.1, 600))


def query_string(settings: SessionSettings) -> str:
    """Return the query of the handshake, without a question mark.

    A space is ``%20``, since not all services are known to take ``+`` (protocol §7.2 S15).
    """
    given = [(name, value) for name, value in settings.parameters() if value is not None]
    return urlencode(given, quote_via=quote)
