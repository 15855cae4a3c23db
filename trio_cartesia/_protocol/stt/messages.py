"""The events of the STT WebSockets (protocol §4.3, §4.4), as frozen values with the wire's names.

Text is left out of every repr.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent, size_of

__all__ = [
    "AutoFinalizeEvent",
    "Connected",
    "Gap",
    "ManualFinalizeEvent",
    "Received",
    "Transcript",
    "TranscriptDone",
    "TranscriptFlushDone",
    "TranscriptWord",
    "TurnEagerEnd",
    "TurnEnd",
    "TurnResume",
    "TurnStart",
    "TurnUpdate",
]


@attrs.frozen(kw_only=True)
class TranscriptWord:
    """A word with its times.

    Attributes:
        word: The word, with its punctuation.
        start: Seconds from the start of the session's audio, over all of its connections.
        end: Likewise.
    """

    word: str = attrs.field(repr=size_of)
    start: float
    end: float


@attrs.frozen(kw_only=True)
class Transcript:
    """A piece of the transcript.

    A piece that is not final replaces the one before it that was not final, and is replaced by the
    next final one. All final pieces, joined as they are, are the transcript.

    Attributes:
        is_final: True if the piece will not be revised.
        text: The text since the last final piece, with its white space; it may be empty.
        duration: The seconds of audio that the piece is of, or None.
        language: The language that was detected, or None.
        words: Its words with their times; None if the service sent none.
        request_id: The service's id of the session, or None.
    """

    type: ClassVar[Literal["transcript"]] = "transcript"

    is_final: bool
    text: str = attrs.field(repr=size_of)
    duration: float | None = None
    language: str | None = None
    words: tuple[TranscriptWord, ...] | None = attrs.field(default=None, repr=size_of)
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TranscriptFlushDone:
    """The answer to ``finalize``: the audio before it was transcribed.

    Its final piece comes before it, or shortly after it.

    Attributes:
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["flush_done"]] = "flush_done"

    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TranscriptDone:
    """The end of a session with manual finalize: all of its audio was transcribed.

    Attributes:
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["done"]] = "done"

    request_id: str | None = None


@attrs.frozen(kw_only=True)
class Connected:
    """The first event of each connection with turns; audio may be sent before it.

    Attributes:
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["connected"]] = "connected"

    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TurnStart:
    """The user begins to speak.

    Attributes:
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["turn.start"]] = "turn.start"

    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TurnUpdate:
    """More of the turn's text.

    Attributes:
        transcript: All text of the turn so far; None if the service sent none.
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["turn.update"]] = "turn.update"

    transcript: str | None = attrs.field(default=None, repr=size_of)
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TurnEagerEnd:
    """The user may be done; `TurnResume` or `TurnEnd` follows.

    Attributes:
        transcript: As in `TurnUpdate`.
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["turn.eager_end"]] = "turn.eager_end"

    transcript: str | None = attrs.field(default=None, repr=size_of)
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TurnResume:
    """The user went on after `TurnEagerEnd`.

    Attributes:
        request_id: As in `Transcript`.
    """

    type: ClassVar[Literal["turn.resume"]] = "turn.resume"

    request_id: str | None = None


@attrs.frozen(kw_only=True)
class TurnEnd:
    """The turn is over.

    Attributes:
        transcript: The definitive text of the turn; None or empty if the service sent none, and
            then the text of the last update stands (protocol §7.2 S8).
        request_id: As in `Transcript`.
        is_complete: False if the service has not ended the turn: the session has reconnected within
            it, and the service did not find the turn again.
    """

    type: ClassVar[Literal["turn.end"]] = "turn.end"

    transcript: str | None = attrs.field(default=None, repr=size_of)
    is_complete: bool = True
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class Gap:
    """Audio that was not transcribed, because connections were lost.

    It comes from sessions that reconnect, and never from the service. There is no final text of
    this audio.

    Attributes:
        start_seconds: Where it starts, in seconds from the start of the audio.
        end_seconds: Where it ends.
    """

    type: ClassVar[Literal["gap"]] = "gap"

    start_seconds: float
    end_seconds: float


ManualFinalizeEvent = Transcript | TranscriptFlushDone | TranscriptDone | Gap | UnknownEvent
AutoFinalizeEvent = (
    Connected | TurnStart | TurnUpdate | TurnEagerEnd | TurnResume | TurnEnd | Gap | UnknownEvent
)
Received = ManualFinalizeEvent | AutoFinalizeEvent | ErrorEvent
