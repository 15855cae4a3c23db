"""The records of the journal: a value for each request and handshake, an object for each context.

None of them has a credential. Paths have no query, since it may have a key.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final, overload

import attrs

from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.text.sentences import join_halves

__all__ = ["ConnectionRecord", "ContextRecord", "JournalStatistics", "RequestRecord", "SpokenUnit"]

LINKS: Final = "/links/"
MAX_NAME: Final = 256  # characters of a path or a version


def loggable_path(path: str) -> str:
    """Return the start of *path*, cut where a query would begin, since that may have a key.

    The id of a link to a file is left out, since it is a credential.
    """
    if path.startswith(LINKS):
        return f"{LINKS}..."
    return path.partition("?")[0].partition("&")[0][:MAX_NAME]


@attrs.frozen
class SpokenUnit:
    """A word or a phoneme; its times are seconds from the start of the context's audio."""

    text: str
    start: float
    end: float


@attrs.define(eq=False)
class SpokenUnits(Sequence[SpokenUnit]):
    """A sequence of units, stored in columns.

    Millions of small objects would make the garbage collector block other tasks for long.
    """

    texts: list[str] = attrs.field(factory=list, repr=lambda texts: f"<{len(texts)}>", init=False)
    starts: array[float] = attrs.field(factory=lambda: array("d"), repr=False, init=False)
    ends: array[float] = attrs.field(factory=lambda: array("d"), repr=False, init=False)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> SpokenUnit: ...

    @overload
    def __getitem__(self, index: slice) -> list[SpokenUnit]: ...

    def __getitem__(self, index: int | slice) -> SpokenUnit | list[SpokenUnit]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        return SpokenUnit(self.texts[index], self.starts[index], self.ends[index])

    def extend(self, units: Iterable[SpokenUnit]) -> None:
        """Append *units*."""
        for unit in units:
            self.texts.append(unit.text)
            self.starts.append(unit.start)
            self.ends.append(unit.end)


@attrs.frozen(kw_only=True)
class ConnectionRecord:
    """One WebSocket handshake.

    Attributes:
        path: The first 256 characters; likewise the version.
        status: 101 if it was accepted, or else the status of the response.
    """

    number: int
    path: str
    version: str
    request_id: str
    status: int


@attrs.frozen(kw_only=True)
class RequestRecord:
    """One response over HTTP, including refused handshakes.

    Attributes:
        method: The first 32 characters.
        path: The first 256 characters, without the query; likewise the version.
        request_id: The ``X-Request-ID`` of the response.
    """

    number: int
    method: str
    path: str
    version: str
    request_id: str
    status: int


def _sizes(values: list[str]) -> str:
    return f"<{len(values)} transcripts, {sum(map(len, values))} characters>"


@attrs.define(eq=False, kw_only=True)
class ContextRecord:
    """One context, as the service saw it.

    Attributes:
        connection: The number of its WebSocket, or 0 for a context over HTTP.
        path: The path of its endpoint.
        account: The id of the account of its client, which is no credential.
        request_id: The id of its handshake or request.
        settings: The first input, without its transcript.
        opened_at: The time it was opened, on the clock of the service.
        transcripts: The texts of all accepted inputs in order, including empty ones.
        audio: The bytes that were sent, decoded.
        words: The words whose audio was sent completely; likewise `phonemes`.
        inputs: The number of inputs.
        characters: The number of characters in them.
        generated_characters: The number of characters that were turned into speech, or were about
            to be, when it ended; fewer than `characters` if it was cancelled, failed or lost.
        credits: The price of the text that was turned into speech: 1 for each character, and for
            each pause or spelling, whatever its tag says (protocol §1.9).
        chunks: The number of chunks.
        first_chunk_seconds: The time from opening it to its first chunk.
        cancels: The number of cancel requests, including those after its end.
        chunks_after_cancel: The number of chunks that were sent after the first cancel request.
        flushes: The number of ``flush_done`` that were sent.
        body_bytes: The size of the response over HTTP with the audio in its container, once it is
            complete; likewise `body_sha256`, its digest in hexadecimal. 0 for other responses.
        ended: ``done``, ``cancelled``, ``expired``, ``error``, ``lost``; None while it is open.
        complete: False once the journal has dropped its speech and transcripts.
    """

    connection: int
    context_id: str
    settings: Generation
    path: str = "/tts/websocket"
    account: str = attrs.field(default="", repr=False)
    request_id: str = ""
    opened_at: float = 0.0
    transcripts: list[str] = attrs.field(factory=list, repr=_sizes, init=False)
    audio: bytearray = attrs.field(
        factory=bytearray, repr=lambda audio: f"<{len(audio)} bytes>", init=False
    )
    words: SpokenUnits = attrs.field(factory=SpokenUnits, init=False)
    phonemes: SpokenUnits = attrs.field(factory=SpokenUnits, init=False)
    inputs: int = attrs.field(default=0, init=False)
    characters: int = attrs.field(default=0, init=False)
    generated_characters: int = attrs.field(default=0, init=False)
    credits: int = attrs.field(default=0, init=False)
    chunks: int = attrs.field(default=0, init=False)
    first_chunk_seconds: float | None = attrs.field(default=None, init=False)
    cancels: int = attrs.field(default=0, init=False)
    chunks_after_cancel: int = attrs.field(default=0, init=False)
    flushes: int = attrs.field(default=0, init=False)
    audio_bytes: int = attrs.field(default=0, init=False)
    body_bytes: int = attrs.field(default=0, init=False)
    body_sha256: str = attrs.field(default="", init=False)
    ended: str | None = attrs.field(default=None, init=False)
    complete: bool = attrs.field(default=True, init=False)
    _digest: Any = attrs.field(factory=hashlib.sha256, repr=False, init=False)

    @property
    def transcript(self) -> str:
        """All inputs, joined verbatim; two halves of a character make one."""
        return join_halves("".join(self.transcripts))

    @property
    def audio_sha256(self) -> str:
        """The digest of all audio that was sent, in hexadecimal, even if the audio was dropped."""
        return str(self._digest.hexdigest())

    @property
    def audio_seconds(self) -> float:
        """The duration of the audio that was sent."""
        return self.settings.output.seconds(self.audio_bytes)

    def count_chunk(self, audio: bytes, *, at: float) -> None:
        """Count a chunk that was sent at the time *at*, on the clock of the service."""
        if self.first_chunk_seconds is None:
            self.first_chunk_seconds = at - self.opened_at
        self.chunks += 1
        self.chunks_after_cancel += self.cancels > 0
        self.audio_bytes += len(audio)
        self._digest.update(audio)

    def strip(self) -> None:
        """Drop speech and transcripts; the counts stay."""
        self.complete = False
        self.audio = bytearray()
        self.transcripts, self.words, self.phonemes = [], SpokenUnits(), SpokenUnits()


@attrs.frozen(kw_only=True)
class JournalStatistics:
    """Counters since the service started.

    Attributes:
        transcriptions: Streams of speech to text.
        forgotten_contexts: Contexts that are no longer in the journal.
        stray_cancels: Cancel requests for contexts that are not in the journal.
        stripped_contexts: Contexts whose speech and transcripts were dropped.
        held_bytes: The size of the speech and transcripts in the journal now.
    """

    connections: int
    requests: int
    transcriptions: int
    contexts: int
    forgotten_contexts: int
    stripped_contexts: int
    chunks: int
    stray_cancels: int
    held_bytes: int
