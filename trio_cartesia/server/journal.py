"""
What the service was asked, and what it said: for tests that look at the other side.

Everything is bounded. The journal keeps the last 4,096 connections and contexts, 256 MiB of speech
and transcripts, and the order of the last 65,536 chunks. Past the bytes the oldest contexts lose
their speech; past the number they go. Settings and ids, which are short, are not counted; text is
counted as UTF-8. Credentials never come here.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from .requests import Generation
from .sentences import join_halves

__all__ = ["ConnectionRecord", "ContextRecord", "Journal", "JournalStatistics", "SpokenUnit"]

MAX_RECORDS: Final = 4096
MAX_BYTES: Final = 256 * 1024 * 1024
MAX_ORDER: Final = 65_536
MAX_NAME: Final = 256  # characters of a path or a version
UNIT_BYTES: Final = 176  # what an input, a word or a phoneme counts, beside its text


@attrs.frozen
class SpokenUnit:
    """
    A word or a phoneme; its times are seconds from the start of the context's audio.
    """

    text: str
    start: float
    end: float


@attrs.frozen(kw_only=True)
class ConnectionRecord:
    """
    One WebSocket handshake.

    Attributes:
        path: Its first 256 characters, and so of the version.
        status: 101 if it was accepted, else the status of the refusal.
    """

    number: int
    path: str
    version: str
    request_id: str
    status: int


def _sizes(values: list[str]) -> str:
    return f"<{len(values)} transcripts, {sum(map(len, values))} characters>"


def _utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _key(record: ContextRecord) -> tuple[int, str]:
    return record.connection, record.context_id


def _count(values: list[SpokenUnit]) -> str:
    return f"<{len(values)}>"


@attrs.define(eq=False, kw_only=True)
class ContextRecord:
    """
    One context, as the service saw it.

    Attributes:
        settings: The first input, without its transcript.
        transcripts: All inputs that were accepted, in order, those without text included.
        audio: Exactly the bytes that were written, once decoded.
        words: Words whose audio was written whole.
        inputs: How many inputs there were.
        chunks: How many chunks there were.
        cancels: How many cancel requests were heard, also after its end.
        chunks_after_cancel: Chunks that were written after the first of them.
        flushes: How many ``flush_done`` were sent.
        ended: ``done``, ``cancelled``, ``expired``, ``error``, ``lost``; None while it lives.
        complete: False if the journal no longer holds all of it.
    """

    connection: int
    context_id: str
    settings: Generation
    transcripts: list[str] = attrs.field(factory=list, repr=_sizes, init=False)
    audio: bytearray = attrs.field(
        factory=bytearray, repr=lambda audio: f"<{len(audio)} bytes>", init=False
    )
    words: list[SpokenUnit] = attrs.field(factory=list, repr=_count, init=False)
    phonemes: list[SpokenUnit] = attrs.field(factory=list, repr=_count, init=False)
    inputs: int = attrs.field(default=0, init=False)
    chunks: int = attrs.field(default=0, init=False)
    cancels: int = attrs.field(default=0, init=False)
    chunks_after_cancel: int = attrs.field(default=0, init=False)
    flushes: int = attrs.field(default=0, init=False)
    audio_bytes: int = attrs.field(default=0, init=False)
    ended: str | None = attrs.field(default=None, init=False)
    complete: bool = attrs.field(default=True, init=False)

    @property
    def transcript(self) -> str:
        """
        All inputs, joined verbatim; two halves of a character make one.
        """
        return join_halves("".join(self.transcripts))


@attrs.frozen(kw_only=True)
class JournalStatistics:
    """
    Counters since the service started.

    Attributes:
        forgotten_contexts: Contexts that are no longer in the journal.
        stray_cancels: Cancel requests for contexts that the journal does not know.
        stripped_contexts: Contexts whose speech and transcripts the journal had to drop.
        held_bytes: Speech and transcripts in the journal now.
    """

    connections: int
    contexts: int
    forgotten_contexts: int
    stripped_contexts: int
    chunks: int
    stray_cancels: int
    held_bytes: int


@attrs.define(eq=False, repr=False, kw_only=True)
class Journal:
    """
    Records of the last connections and contexts, oldest first.

    Attributes:
        order: The context ids of the last chunks that were written, one a chunk.
    """

    max_records: int = MAX_RECORDS
    max_bytes: int = MAX_BYTES
    order: deque[str] = attrs.field(factory=lambda: deque(maxlen=MAX_ORDER), init=False)
    _connections: deque[ConnectionRecord] = attrs.field(factory=deque, init=False)
    _contexts: deque[ContextRecord] = attrs.field(factory=deque, init=False)
    _newest: dict[tuple[int, str], ContextRecord] = attrs.field(factory=dict, init=False)
    _sizes: dict[ContextRecord, int] = attrs.field(factory=dict, init=False)  # of complete ones
    _held: int = attrs.field(default=0, init=False)
    _opened: int = attrs.field(default=0, init=False)
    _accepted: int = attrs.field(default=0, init=False)
    _stripped: int = attrs.field(default=0, init=False)
    _stray_cancels: int = attrs.field(default=0, init=False)
    _chunks: int = attrs.field(default=0, init=False)

    def __repr__(self) -> str:
        return f"Journal({self.statistics()!r})"

    @property
    def connections(self) -> tuple[ConnectionRecord, ...]:
        """
        All handshakes that are still known.
        """
        return tuple(self._connections)

    @property
    def contexts(self) -> tuple[ContextRecord, ...]:
        """
        All contexts that are still known.
        """
        return tuple(self._contexts)

    def context(self, context_id: str) -> ContextRecord:
        """
        Return the newest context of that id.

        Raises:
            KeyError: None is known.
        """
        for record in reversed(self._contexts):
            if record.context_id == context_id:
                return record
        raise KeyError(context_id)

    def statistics(self) -> JournalStatistics:
        """
        Return the counters as they are now.
        """
        return JournalStatistics(
            connections=self._accepted,
            contexts=self._opened,
            forgotten_contexts=self._opened - len(self._contexts),
            stripped_contexts=self._stripped,
            chunks=self._chunks,
            stray_cancels=self._stray_cancels,
            held_bytes=self._held,
        )

    def add_connection(self, *, path: str, version: str, request_id: str, status: int) -> int:
        """
        Record a handshake and return its number, counted from 1.
        """
        self._accepted += 1
        path, version = path[:MAX_NAME], version[:MAX_NAME]
        record = ConnectionRecord(
            number=self._accepted, path=path, version=version, request_id=request_id, status=status
        )
        self._connections.append(record)
        if len(self._connections) > self.max_records:
            self._connections.popleft()
        return record.number

    def add_context(self, connection: int, settings: Generation) -> ContextRecord:
        """
        Start the record of a context.
        """
        record = ContextRecord(
            connection=connection,
            context_id=settings.context_id,
            settings=attrs.evolve(settings, transcript=""),
        )
        self._opened += 1
        self._contexts.append(record)
        self._newest[_key(record)] = record
        self._sizes[record] = 0
        if len(self._contexts) > self.max_records:
            self._forget_oldest()
        return record

    def add_input(self, record: ContextRecord, transcript: str) -> None:
        """
        Record an input that was accepted.
        """
        record.inputs += 1
        if self._hold(record, _utf8_bytes(transcript) + UNIT_BYTES):
            record.transcripts.append(transcript)

    def add_cancel(self, connection: int, context_id: str) -> None:
        """
        Record a cancel request, whether or not its context still lives.
        """
        record = self._newest.get((connection, context_id))
        if record is None:
            self._stray_cancels += 1
        else:
            record.cancels += 1

    def add_chunk(self, record: ContextRecord, audio: bytes) -> None:
        """
        Record a chunk that was written.
        """
        self._chunks += 1
        self.order.append(record.context_id)
        record.chunks += 1
        record.audio_bytes += len(audio)
        record.chunks_after_cancel += record.cancels > 0
        if self._hold(record, len(audio)):
            record.audio += audio

    def add_times(
        self, record: ContextRecord, words: list[SpokenUnit], phonemes: list[SpokenUnit]
    ) -> None:
        """
        Record when words and phonemes were spoken.
        """
        units = [*words, *phonemes]
        if self._hold(record, sum(_utf8_bytes(unit.text) + UNIT_BYTES for unit in units)):
            record.words += words
            record.phonemes += phonemes

    def _hold(self, record: ContextRecord, size_bytes: int) -> bool:
        """
        Make room for *size_bytes* more of *record*; False if it is not to be kept.
        """
        if record not in self._sizes:
            return False
        self._sizes[record] += size_bytes
        self._held += size_bytes
        while self._held > self.max_bytes:
            self._stripped += 1
            self._drop(next(iter(self._sizes)))
        return record in self._sizes

    def _forget_oldest(self) -> None:
        record = self._contexts.popleft()
        if self._newest[_key(record)] is record:  # and not another one of that id
            del self._newest[_key(record)]
        self._drop(record)

    def _drop(self, record: ContextRecord) -> None:
        self._held -= self._sizes.pop(record, 0)
        record.complete = False
        record.audio = bytearray()
        record.transcripts, record.words, record.phonemes = [], [], []
