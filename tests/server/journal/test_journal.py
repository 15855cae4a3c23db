from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import (
    MORE,
    TWO_SENTENCES,
    audio,
    connected,
    generation,
    on_virtual_time,
    tones,
    words,
)
from trio_cartesia.server import (
    ContextRecord,
    Journal,
    SpokenUnit,
    SpokenUnits,
    TranscriptionRecord,
)
from trio_cartesia.server.messages.inputs import Generation, read_request


def settings_of(context_id: str, transcript: str = "secret words") -> Generation:
    request = read_request(json.dumps(generation(context_id, transcript)))
    assert isinstance(request, Generation)
    return request


@on_virtual_time
async def test_a_record_tells_what_happened() -> None:
    """A context's record has its inputs, settings, audio and times, as they were on the wire."""
    async with connected() as (client, server):
        await client.send(generation("a", "Good morning. ") | MORE)
        events = await client.speak(generation("a", TWO_SENTENCES, add_timestamps=True))
        assert not words(events)  # the first input did not ask for them
        record = server.journal.context("a")
        assert record.transcripts == ["Good morning. ", TWO_SENTENCES]
        assert record.audio == await tones(record.transcript)
        assert record.audio_bytes == len(record.audio)
        assert [word.text for word in record.words] == record.transcript.split()
        assert record.phonemes[-1].end <= record.audio_bytes / 16000
        assert record.settings.voice_id == generation("")["voice"]
        assert (record.connection, record.inputs, record.ended) == (1, 2, "done")
        assert list(server.journal.order) == ["a"] * record.chunks
        with pytest.raises(KeyError):
            server.journal.context("b")


@on_virtual_time
async def test_handshakes_are_recorded_without_credentials() -> None:
    """A connection's record has path, version and status, and never what it came in with."""
    target = "/tts/websocket?cartesia_version=2025-04-16&api_key=sk_secret"
    headers = [("Authorization", "Bearer sk_secret")]
    async with connected(target, headers=headers) as (_, server):
        (record,) = server.journal.connections
        assert (record.number, record.path, record.version, record.status) == (
            1,
            "/tts/websocket",
            "2025-04-16",
            101,
        )
        assert "sk_secret" not in repr(record)


@on_virtual_time
async def test_reprs_and_logs_show_sizes_and_not_speech() -> None:
    """Neither transcripts nor audio are in any repr or log line."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("trio_cartesia.server")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        async with connected("/tts/websocket?access_token=sk_secret") as (client, server):
            await client.speak(generation("a", "Top secret."))
            journal = server.journal
            shown = repr([journal, *journal.contexts, *journal.connections, server])
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    text = shown + "\n".join(lines)
    assert "secret" not in text
    assert "1 transcripts, 11 characters" in text


operations = st.lists(
    st.tuples(st.sampled_from("nacit"), st.integers(0, 5), st.integers(0, 300)), max_size=60
)


@given(operations)
def test_the_journal_is_bounded(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is recorded, records and bytes stay below their bounds and the counters add up."""
    journal = Journal(max_records=3, max_bytes=1000)
    records: list[ContextRecord] = []
    chunks = 0
    for kind, index, size in steps:
        if kind == "n" or not records:
            settings = settings_of(str(len(records)), "secret words" * size)
            records.append(journal.add_context(1, settings))
            journal.add_connection(path="/", version="", request_id="", status=101)
            journal.add_request(method="GET", path="/", version="", request_id="", status=200)
        record = records[max(0, len(records) - 1 - index)]
        if kind == "a":
            journal.add_chunk(record, bytes(size))
            chunks += 1
        elif kind == "i":
            journal.add_input(record, "天x" * size)
        elif kind == "t":
            journal.add_times(record, [SpokenUnit("天" * size, 0, 1)] * (size // 30), [])
        texts = [record.transcript + record.settings.transcript for record in records]
        units = [unit.text for record in records for unit in record.words]
        held = sum(len(record.audio) for record in records)
        held += sum(len(text.encode()) for text in [*texts, *units])
        assert held <= journal.statistics().held_bytes <= 1000
        assert len(journal.contexts) <= 3
        assert len(journal.connections) <= 3
        assert len(journal.requests) <= 3
    statistics = journal.statistics()
    assert statistics.contexts == statistics.connections == len(records)
    assert statistics.requests == len(records)
    assert statistics.forgotten_contexts == max(0, len(records) - 3)
    assert (statistics.chunks, len(journal.order)) == (chunks, chunks)
    for record in journal.contexts:
        assert len(record.audio) == record.audio_bytes * record.complete


def test_the_oldest_speech_goes_first() -> None:
    """When there is too much to hold, the oldest context loses its speech but keeps its counts."""
    journal = Journal(max_bytes=1000)
    old, new = (journal.add_context(1, settings_of(name)) for name in ("old", "new"))
    journal.add_chunk(old, bytes(900))
    journal.add_chunk(new, bytes(200))
    journal.add_chunk(old, bytes(10))
    assert (len(old.audio), old.audio_bytes, old.chunks, old.complete) == (0, 910, 2, False)
    assert (len(new.audio), new.complete) == (200, True)
    assert journal.statistics().stripped_contexts == 1


def test_the_oldest_records_go() -> None:
    """Past their number the oldest connections and contexts are forgotten, but still counted."""
    journal = Journal(max_records=1)
    records = [journal.add_context(1, settings_of(name)) for name in "ab"]
    for number in (1, 2):
        arguments = {"path": "/", "version": "", "request_id": ""}
        assert journal.add_connection(**arguments, status=101) == number
    journal.add_input(records[0], "Hello.")
    journal.add_times(records[0], [SpokenUnit("Hello.", 0, 1)], [])
    assert journal.contexts == (records[1],)
    assert [record.number for record in journal.connections] == [2]
    assert (records[0].inputs, records[0].transcripts, len(records[0].words)) == (1, [], 0)
    assert journal.statistics().held_bytes == 0


def test_names_are_kept_short() -> None:
    """Of a path and a version only the start is kept."""
    journal = Journal()
    journal.add_connection(path="/x" * 9999, version="2" * 9999, request_id="", status=404)
    (record,) = journal.connections
    assert (record.path, record.version) == ("/x" * 128, "2" * 256)


@given(
    before=st.lists(st.sampled_from("ab"), max_size=9),
    after=st.lists(st.sampled_from("ab"), max_size=9),
)
def test_what_was_forgotten_counts_no_more(before: list[str], after: list[str]) -> None:
    """After `forget` only what is new is known, old records take no room, and old cancels are
    strays.
    """
    journal = Journal()
    old = [journal.add_context(1, settings_of(name)) for name in before]
    journal.add_connection(path="/", version="", request_id="", status=101)
    journal.add_request(method="GET", path="/", version="", request_id="", status=200)
    journal.forget()
    assert (journal.contexts, journal.connections, journal.requests) == ((), (), ())
    for record in old:
        journal.add_chunk(record, bytes(100))
        journal.add_cancel(1, record.context_id)
    new = [journal.add_context(1, settings_of(name)) for name in after]
    assert list(journal.contexts) == new
    statistics = journal.statistics()
    assert (statistics.held_bytes, statistics.stray_cancels) == (0, len(old))
    assert statistics.contexts == len(before) + len(after)
    assert journal.open_connections == {1}
    journal.end_connection(1)
    assert journal.open_connections == set()


@given(st.lists(st.tuples(st.text(max_size=5), st.floats(0, 9), st.floats(0, 9)), max_size=9))
def test_units_are_a_sequence(rows: list[tuple[str, float, float]]) -> None:
    """Units that are held in columns read as the list that they were."""
    units, expected = SpokenUnits(), [SpokenUnit(*row) for row in rows]
    units.extend(expected)
    assert list(units) == expected == units[:]
    assert units[1:-1:2] == expected[1:-1:2]
    assert len(units) == len(expected)
    assert list(reversed(units)) == expected[::-1]
    assert repr(units) == f"SpokenUnits(texts=<{len(rows)}>)"
    with pytest.raises(IndexError):
        units[len(rows)]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 2), st.sampled_from("ab")), max_size=30),
    st.integers(1, 4),
)
def test_a_cancel_goes_to_the_newest_of_its_name(
    steps: list[tuple[bool, int, str]], max_records: int
) -> None:
    """A cancel counts for the last context of that id on that connection, if it is still known."""
    journal = Journal(max_records=max_records)
    expected: list[list[object]] = []
    strays = 0
    for is_cancel, connection, name in steps:
        if not is_cancel:
            journal.add_context(connection, settings_of(name))
            expected = [*expected, [connection, name, 0]][-max_records:]
            continue
        journal.add_cancel(connection, name)
        found = [row for row in expected if row[:2] == [connection, name]]
        if found:
            found[-1][2] += 1
        strays += not found
    assert journal.statistics().stray_cancels == strays
    assert expected == [[row.connection, row.context_id, row.cancels] for row in journal.contexts]


@on_virtual_time
async def test_a_transcript_has_whole_characters() -> None:
    """Two halves of a character that came in two inputs are one, for the voice and in the
    record.
    """
    async with connected() as (client, server):
        await client.send(generation("a", "Hi \ud83d") | MORE)
        events = await client.speak(generation("a", "\ude00 you."))
        record = server.journal.context("a")
        assert record.transcript == "Hi 😀 you."
        assert record.transcripts == ["Hi \ud83d", "\ude00 you."]
        assert audio(events) == await tones("Hi 😀 you.")


def test_streams_of_speech_to_text_are_bounded() -> None:
    """The journal keeps the last ones, counts all, and forgets them with everything else."""
    journal = Journal(max_records=3)
    for number in range(5):
        journal.add_transcription(
            TranscriptionRecord(
                connection=number, path="/stt/websocket", request_id="r", model="m", language="en"
            )
        )
    assert [record.connection for record in journal.transcriptions] == [2, 3, 4]
    assert journal.statistics().transcriptions == 5
    journal.forget()
    assert journal.transcriptions == ()
    assert journal.statistics().transcriptions == 5
