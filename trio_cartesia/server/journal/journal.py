"""The journal: records of requests and of the speech that was sent, for tests of clients.

Everything is bounded. The journal keeps the last 4,096 connections, requests, contexts and streams
of speech to text, 256 MiB of speech and transcripts, and the order of the last 65,536 chunks.
Beyond the bytes the oldest contexts lose their speech; beyond the number they are dropped. Text
counts as UTF-8; settings and ids, which are short, do not count. Credentials are never recorded.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from trio_cartesia.server.journal.records import (
    MAX_NAME,
    ConnectionRecord,
    ContextRecord,
    JournalStatistics,
    RequestRecord,
    SpokenUnit,
    loggable_path,
)
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord
from trio_cartesia.server.messages.inputs import Generation

__all__ = ["Journal"]

SWITCHING: Final = 101
MAX_RECORDS: Final = 4096
MAX_BYTES: Final = 256 * 1024 * 1024
MAX_ORDER: Final = 65_536
MAX_METHOD: Final = 32  # characters
UNIT_BYTES: Final = 176  # for each input, word or phoneme, beside its text


def _utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _key(record: ContextRecord) -> tuple[int, str]:
    return record.connection, record.context_id


@attrs.define(eq=False, repr=False, kw_only=True)
class Journal:
    """Records of the last connections, requests and contexts, oldest first.

    Attributes:
        clock: Returns the time in seconds, from an arbitrary start.
        order: The context id of each of the last chunks.
    """

    max_records: int = MAX_RECORDS
    max_bytes: int = MAX_BYTES
    clock: Callable[[], float] = time.monotonic
    order: deque[str] = attrs.field(factory=lambda: deque(maxlen=MAX_ORDER), init=False)
    _connections: deque[ConnectionRecord] = attrs.field(init=False)
    _open: set[int] = attrs.field(factory=set, init=False)  # connections, by their numbers
    _requests: deque[RequestRecord] = attrs.field(init=False)
    _transcriptions: deque[TranscriptionRecord] = attrs.field(init=False)
    _contexts: deque[ContextRecord] = attrs.field(factory=deque, init=False)
    _newest: dict[tuple[int, str], ContextRecord] = attrs.field(factory=dict, init=False)
    _sizes: dict[ContextRecord, int] = attrs.field(factory=dict, init=False)  # of complete ones
    _new_speech: dict[ContextRecord, None] = attrs.field(factory=dict, init=False)  # in order
    _held_bytes: int = attrs.field(default=0, init=False)
    _context_count: int = attrs.field(default=0, init=False)
    _connection_count: int = attrs.field(default=0, init=False)
    _request_count: int = attrs.field(default=0, init=False)
    _transcription_count: int = attrs.field(default=0, init=False)
    _stripped_count: int = attrs.field(default=0, init=False)
    _stray_cancels: int = attrs.field(default=0, init=False)
    _chunk_count: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._connections = deque(maxlen=self.max_records)
        self._requests = deque(maxlen=self.max_records)
        self._transcriptions = deque(maxlen=self.max_records)

    def __repr__(self) -> str:
        return f"Journal({self.statistics()!r})"

    @property
    def connections(self) -> tuple[ConnectionRecord, ...]:
        """The handshakes, refused ones included."""
        return tuple(self._connections)

    @property
    def open_connections(self) -> frozenset[int]:
        """The numbers of the open connections."""
        return frozenset(self._open)

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests over HTTP."""
        return tuple(self._requests)

    @property
    def transcriptions(self) -> tuple[TranscriptionRecord, ...]:
        """The streams of speech to text."""
        return tuple(self._transcriptions)

    @property
    def contexts(self) -> tuple[ContextRecord, ...]:
        """The contexts."""
        return tuple(self._contexts)

    def context(self, context_id: str) -> ContextRecord:
        """Return the newest context with that id.

        Raises:
            KeyError: There is none in the journal.
        """
        for record in reversed(self._contexts):
            if record.context_id == context_id:
                return record
        raise KeyError(context_id)

    def find_spoken(self, audio: bytes, *, account: str) -> ContextRecord | None:
        """Return the account's newest complete context with *audio*, if its text is still known.

        Args:
            audio: All samples that it has sent, or the whole body of its response.
            account: The id of the account.
        """
        size = len(audio)
        found = [
            record
            for record in reversed(self._contexts)
            if size in (record.audio_bytes, record.body_bytes)
            and (record.account, record.ended) == (account, "done")
        ]
        digest = hashlib.sha256(audio).hexdigest() if found else ""
        known = (
            record
            for record in found
            if digest in (record.audio_sha256, record.body_sha256) and record.transcript
        )
        return next(known, None)

    def take_new_speech(self) -> list[ContextRecord]:
        """Return the contexts that have sent audio since the last call, oldest first."""
        records, self._new_speech = list(self._new_speech), {}
        return records

    def statistics(self) -> JournalStatistics:
        """Return the counters as they are now."""
        return JournalStatistics(
            connections=self._connection_count,
            requests=self._request_count,
            transcriptions=self._transcription_count,
            contexts=self._context_count,
            forgotten_contexts=self._context_count - len(self._contexts),
            stripped_contexts=self._stripped_count,
            chunks=self._chunk_count,
            stray_cancels=self._stray_cancels,
            held_bytes=self._held_bytes,
        )

    def add_connection(self, *, path: str, version: str, request_id: str, status: int) -> int:
        """Record a handshake and return its number, counted from 1."""
        self._connection_count += 1
        record = ConnectionRecord(
            number=self._connection_count,
            path=loggable_path(path),
            version=version[:MAX_NAME],
            request_id=request_id,
            status=status,
        )
        self._connections.append(record)
        if status == SWITCHING:
            self._open.add(record.number)
        return record.number

    def end_connection(self, number: int) -> None:
        """Record the end of a connection."""
        self._open.discard(number)

    def add_request(
        self, *, method: str, path: str, version: str, request_id: str, status: int
    ) -> None:
        """Record a response over HTTP."""
        self._request_count += 1
        record = RequestRecord(
            number=self._request_count,
            method=method[:MAX_METHOD],
            path=loggable_path(path),
            version=version[:MAX_NAME],
            request_id=request_id,
            status=status,
        )
        self._requests.append(record)

    def add_transcription(self, record: TranscriptionRecord) -> None:
        """Add the record of a stream that begins; its owner changes it until it ends."""
        self._transcription_count += 1
        self._transcriptions.append(record)

    def add_context(
        self,
        connection: int,
        settings: Generation,
        *,
        path: str = "/tts/websocket",
        account: str = "",
        request_id: str = "",
    ) -> ContextRecord:
        """Start the record of a context; *connection* is 0 for one over HTTP."""
        record = ContextRecord(
            connection=connection,
            context_id=settings.context_id,
            settings=attrs.evolve(settings, transcript=""),
            path=path,
            account=account,
            request_id=request_id,
            opened_at=self.clock(),
        )
        self._context_count += 1
        self._contexts.append(record)
        self._newest[_key(record)] = record
        self._sizes[record] = 0
        if len(self._contexts) > self.max_records:
            self._forget_oldest()
        return record

    def add_input(self, record: ContextRecord, transcript: str) -> None:
        """Record an input that was accepted."""
        record.inputs += 1
        record.characters += len(transcript)
        if self._reserve(record, _utf8_bytes(transcript) + UNIT_BYTES):
            record.transcripts.append(transcript)

    def add_cancel(self, connection: int, context_id: str) -> None:
        """Record a cancel request, even for a context that has ended."""
        record = self._newest.get((connection, context_id))
        if record is None:
            self._stray_cancels += 1
        else:
            record.cancels += 1

    def add_generated(self, record: ContextRecord, characters: int, price: int) -> None:
        """Record that *characters* more became speech, for *price* credits."""
        record.generated_characters += characters
        record.credits += price

    def add_chunk(self, record: ContextRecord, audio: bytes) -> None:
        """Record a chunk that was sent."""
        self._chunk_count += 1
        self.order.append(record.context_id)
        record.count_chunk(audio, at=self.clock())
        if self._reserve(record, len(audio)):
            record.audio += audio
            self._new_speech[record] = None

    def add_times(
        self, record: ContextRecord, words: list[SpokenUnit], phonemes: list[SpokenUnit]
    ) -> None:
        """Record the times of words and phonemes."""
        units = [*words, *phonemes]
        if self._reserve(record, sum(_utf8_bytes(unit.text) + UNIT_BYTES for unit in units)):
            record.words.extend(words)
            record.phonemes.extend(phonemes)

    def forget(self) -> None:
        """Drop all records, including those of open contexts; the counters stay.

        An open context is not recorded again, though its own record still counts.
        """
        while self._contexts:
            self._forget_oldest()
        self._connections.clear()
        self._requests.clear()
        self._transcriptions.clear()
        self.order.clear()

    def _reserve(self, record: ContextRecord, size_bytes: int) -> bool:
        """Count *size_bytes* more for *record*; return False if they are not to be kept."""
        if record not in self._sizes:
            return False
        self._sizes[record] += size_bytes
        self._held_bytes += size_bytes
        while self._held_bytes > self.max_bytes:
            self._stripped_count += 1
            self._drop(next(iter(self._sizes)))
        return record in self._sizes

    def _forget_oldest(self) -> None:
        record = self._contexts.popleft()
        if self._newest[_key(record)] is record:  # and not another one of that id
            del self._newest[_key(record)]
        self._drop(record)

    def _drop(self, record: ContextRecord) -> None:
        self._held_bytes -= self._sizes.pop(record, 0)
        self._new_speech.pop(record, None)
        record.strip()
