"""The endpoint `/_local/state`: the journal, for tests in any language.

docs/reference/local-state.md describes the response. It is sent in small parts, so that a full
journal neither takes its size in memory again nor blocks other tasks; changes meanwhile may or may
not be in it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from trio_cartesia._version import __version__
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.journal.records import ContextRecord, SpokenUnits
from trio_cartesia.server.messages.errors import JSON_TYPE
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.state import ServerState

__all__ = ["STATE", "delete_state", "get_state"]

STATE: Final = "/_local/state"
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 10**9 - 1
AUDIO_SLICE: Final = 48 * 1024  # a multiple of 3, so that base64 of slices can be joined
UNITS_SLICE: Final = 2048

Json = dict[str, Any]


@attrs.frozen(kw_only=True)
class StateQuery:
    """The parameters of a request.

    Attributes:
        context_id: Include only contexts with this id; all if None.
        limit: The number of records of each kind, the newest ones.
        with_audio: Whether to include the audio.
    """

    context_id: str | None
    limit: int
    with_audio: bool


async def get_state(exchange: Exchange) -> None:
    """Respond with the state and the journal."""
    query = _parse_query(Query(exchange.request.query))
    if exchange.request.method == "HEAD":
        await exchange.respond(200, b"")
        return
    async with exchange.streaming(JSON_TYPE):
        for text in _join(_state(exchange, query)):
            await exchange.send(text.encode("ascii"))


async def delete_state(exchange: Exchange) -> None:
    """Clear the journal."""
    journal = exchange.state.journal
    forgotten = len(journal.contexts)
    journal.forget()
    await exchange.respond_json({"forgotten_contexts": forgotten})


def _parse_query(query: Query) -> StateQuery:
    return StateQuery(
        context_id=query.text("context_id"),
        limit=query.integer("limit", low=0, high=MAX_LIMIT, default=DEFAULT_LIMIT),
        with_audio=query.choice("audio", ("base64",)) is not None,
    )


def _state(exchange: Exchange, query: StateQuery) -> Iterator[str]:
    """Yield the JSON of the response in parts."""
    journal = exchange.state.journal
    rows: dict[str, Iterator[Json]] = {
        "connections": _connections(journal, query.limit),
        "requests": map(attrs.asdict, _newest(journal.requests, query.limit)),
        "transcriptions": map(attrs.asdict, _newest(journal.transcriptions, query.limit)),
    }
    contexts = _newest(
        [record for record in journal.contexts if query.context_id in (None, record.context_id)],
        query.limit,
    )
    yield json.dumps(_overview(exchange))[:-1]
    for name, values in rows.items():
        yield f', "{name}": ['
        for number, row in enumerate(values):
            yield (", " if number else "") + json.dumps(row)
        yield "]"
    yield ', "contexts": ['
    for number, record in enumerate(contexts):
        yield ", " if number else ""
        yield from _context(record, query)
    yield "]}"


def _join(texts: Iterable[str]) -> Iterator[str]:
    """Join *texts* to parts of at least `AUDIO_SLICE` characters."""
    gathered, size = list[str](), 0
    for text in texts:
        gathered.append(text)
        size += len(text)
        if size >= AUDIO_SLICE:
            yield "".join(gathered)
            gathered, size = [], 0
    yield "".join(gathered)


def _newest(values: Sequence[Any], limit: int) -> Sequence[Any]:
    return values[max(0, len(values) - limit) :]


def _overview(exchange: Exchange) -> Json:
    state = exchange.state
    journal, held = state.journal, attrs.asdict(state.statistics())
    return {
        "version": __version__,
        "api_version": CURRENT_VERSION,
        "voice": state.voice.name,
        "recognizer": state.recognizer.name,
        "plan": attrs.asdict(exchange.account.plan),
        "behaviour": {
            name: "inf" if value == math.inf else value
            for name, value in attrs.asdict(state.behaviour).items()
        },
        "faults": _faults(state),
        "open": {
            "connections": len(journal.open_connections),
            "contexts": sum(record.ended is None for record in journal.contexts),
            "transcriptions": sum(record.ended is None for record in journal.transcriptions),
        },
        "statistics": attrs.asdict(journal.statistics()),
        "recognition": held.pop("recognition"),
        "store": held,
        "limits": {"max_records": journal.max_records, "max_bytes": journal.max_bytes},
    }


def _faults(state: ServerState) -> list[Json]:
    return [
        {name: value for name, value in attrs.asdict(fault).items() if value is not None}
        for fault in state.faults
    ]


def _connections(journal: Journal, limit: int) -> Iterator[Json]:
    still_open = journal.open_connections
    for record in _newest(journal.connections, limit):
        yield {**attrs.asdict(record), "is_open": record.number in still_open}


def _context(record: ContextRecord, query: StateQuery) -> Iterator[str]:
    """Yield the JSON of a record as it is now; it may grow while this is sent."""
    audio, words, phonemes = record.audio, record.words, record.phonemes
    size, counts = len(audio), (len(words), len(phonemes))
    yield json.dumps(_head(record))[:-1]
    if query.with_audio:
        yield ', "audio": "'
        for start in range(0, size, AUDIO_SLICE):
            piece = bytes(audio[start : min(size, start + AUDIO_SLICE)])
            yield base64.b64encode(piece).decode("ascii")
        yield '"'
    yield from _times("word", words, counts[0])
    yield from _times("phoneme", phonemes, counts[1])
    yield "}"


def _head(record: ContextRecord) -> Json:
    output = record.settings.output
    return {
        "context_id": record.context_id,
        "connection": record.connection,
        "path": record.path,
        "request_id": record.request_id,
        "settings": _settings(record),
        "transcript": record.transcript,
        "transcripts": record.transcripts,
        "inputs": record.inputs,
        "characters": record.characters,
        "generated_characters": record.generated_characters,
        "credits": record.credits,
        "chunks": record.chunks,
        "first_chunk_seconds": record.first_chunk_seconds,
        "flushes": record.flushes,
        "cancels": record.cancels,
        "chunks_after_cancel": record.chunks_after_cancel,
        "ended": record.ended,
        "complete": record.complete,
        "encoding": output.encoding,
        "sample_rate": output.sample_rate,
        "audio_bytes": record.audio_bytes,
        "audio_seconds": record.audio_seconds,
        "audio_sha256": record.audio_sha256,
    }


def _settings(record: ContextRecord) -> Json:
    values = attrs.asdict(record.settings)
    for name in ("transcript", "context_id", "output"):  # they are in the response already
        del values[name]
    for name in ("voice", "pronunciations"):  # they have ids
        del values[name]
    return values


def _times(name: str, units: SpokenUnits, count: int) -> Iterator[str]:
    """Yield times in the shape of the wire (protocol §2.3)."""
    columns: dict[str, Sequence[Any]] = {
        f"{name}s": units.texts,
        "start": units.starts,
        "end": units.ends,
    }
    yield f', "{name}_timestamps": {{'
    for number, (column, values) in enumerate(columns.items()):
        yield f'{", " if number else ""}"{column}": ['
        for start in range(0, count, UNITS_SLICE):
            piece = list(values[start : min(count, start + UNITS_SLICE)])
            yield (", " if start else "") + json.dumps(piece)[1:-1]
        yield "]"
    yield "}"
