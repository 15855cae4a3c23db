"""`/stt/websocket` (protocol §4.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.stt.support import (
    MANUAL,
    STEP_MS,
    Marked,
    finals,
    listening,
    names,
    rest,
    said,
    shown,
    speech,
)
from tests.server.support import Client, Json, catch_logs, on_virtual_time
from trio_cartesia.server import Behaviour

WHISPER = {"model": "ink-whisper"}


async def closing(client: Client, word: str = "close") -> list[Json]:
    await client.send(word)
    events, closed = await rest(client)
    assert closed.code == 1000
    return events


@on_virtual_time
async def test_a_session() -> None:
    """Interim text replaces itself, final text adds up, and each command has its answer."""
    async with listening(MANUAL) as (client, _):
        assert shown([await client.ask(said(1))]) == ["interim:one"]
        assert shown([await client.ask(said(2))]) == ["interim:one two"]
        await client.send("finalize")
        assert shown([await client.receive(), await client.receive()]) == [
            "final:one two",
            "flush_done",
        ]
        await client.send(said(3))
        events = await closing(client)
    assert shown(events) == ["interim: three", "final: three", "done"]
    assert {event["request_id"] for event in events} == {client.headers["x-request-id"]}


@on_virtual_time
async def test_a_transcript_has_its_fields() -> None:
    """The duration counts from the last final text, and the language is the detected one."""
    async with listening(MANUAL, query=WHISPER | {"language": "de"}) as (client, _):
        await client.send(said(1))
        await client.receive()
        await client.ask("finalize")
        await client.receive()
        await client.send(speech() + said(2))
        await client.receive()
        final = await client.ask("finalize")
    request_id = client.headers["x-request-id"]
    assert final == {
        "type": "transcript",
        "request_id": request_id,
        "is_final": True,
        "text": " two",
        "duration": 0.64,
        "language": "de",
        "words": [{"word": "two", "start": 0.64, "end": 0.74}],
    }


@pytest.mark.parametrize(
    ("model", "behaviour", "has_words"),
    [
        ("ink-2", "", False),
        ("ink-2", "ink2_words=true", True),
        ("ink-whisper", "", True),
        ("ink-whisper-2025-06-04", "", True),
    ],
)
@on_virtual_time
async def test_the_model_decides_whether_there_are_words(
    model: str, behaviour: str, has_words: bool
) -> None:
    """Final transcripts of ink-whisper have the times of words; those of ink-2 may (S12)."""
    query = {"model": model, "behaviour": behaviour}
    async with listening(MANUAL, query=query) as (client, _):
        interim = await client.ask(said(1))
        final = await client.ask("finalize")
    assert "words" not in interim
    assert ("words" in final) == has_words


@settings(max_examples=settings.default.max_examples // 2)
@given(
    words=st.lists(st.integers(0, 9), max_size=6),
    cuts=st.lists(st.integers(0, 40_000), max_size=8),
    length=st.integers(1, 400),
    silence=st.sampled_from([0.01, 0.2, 5]),
)
@on_virtual_time
async def test_frames_make_no_difference(
    words: list[int], cuts: list[int], length: int, silence: float
) -> None:
    """However the same audio is divided into messages, the final text and its times are the same,
    also where silences make it final, and where a message ends inside a sample.
    """
    audio = b"".join(speech(word, milliseconds=length) for word in words)
    query = WHISPER | {"max_silence_duration_secs": silence}
    found = []
    for ends in ([], sorted({cut % (len(audio) + 1) for cut in cuts})):
        async with listening(MANUAL, query=query) as (client, _):
            for start, end in zip([0, *ends], [*ends, len(audio)], strict=True):
                await client.send(audio[start:end])
            events = await closing(client)
        assert shown(events[-1:]) == ["done"]
        found.append([event for event in events if event.get("is_final")])
        for event in found[-1]:
            del event["request_id"]
    assert found[0] == found[1]
    assert finals(found[0]).split() == names(words)


@on_virtual_time
async def test_each_finalize_is_answered() -> None:
    """Several in a row have an answer each; without audio it is the answer alone (S2, S3)."""
    async with listening(MANUAL) as (client, _):
        await client.send("finalize")
        await client.send(said(1))
        for _ in range(3):
            await client.send("finalize")
        events = await closing(client)
    assert shown(events) == [
        *("flush_done", "interim:one", "final:one"),
        *("flush_done", "flush_done", "flush_done", "done"),
    ]


@on_virtual_time
async def test_finalizes_in_a_row_may_have_one_answer() -> None:
    """With `coalesce_flush`, only the first of them is answered (S3)."""
    async with listening(MANUAL, behaviour=Behaviour(coalesce_flush=True)) as (client, _):
        for message in (said(1), "finalize", "finalize", said(2), "finalize"):
            await client.send(message)
        events = await closing(client)
    assert shown(events) == [
        *("interim:one", "final:one", "flush_done"),
        *("interim: two", "final: two", "flush_done", "done"),
    ]


@on_virtual_time
async def test_the_answer_may_come_first() -> None:
    """With `flush_done_first`, the final transcript follows it (S1)."""
    async with listening(MANUAL, behaviour=Behaviour(flush_done_first=True)) as (client, _):
        await client.send(said(1))
        await client.send("finalize")
        events = await closing(client)
    assert shown(events) == ["interim:one", "flush_done", "final:one", "done"]


@pytest.mark.parametrize("word", ["close", "done"])
@on_virtual_time
async def test_what_follows_a_close_is_ignored(word: str) -> None:
    """Audio and commands after it have no effect; `done` is its older name."""
    async with listening(MANUAL) as (client, server):
        for message in (said(1), word, said(2), "finalize"):
            await client.send(message)
        events, closed = await rest(client)
    assert shown(events) == ["interim:one", "final:one", "done"]
    assert closed.code == 1000
    (record,) = server.journal.transcriptions
    assert record.ended == "done"


@on_virtual_time
async def test_the_close_code_is_a_behaviour() -> None:
    """With `stt_close`, it is another one (S4)."""
    async with listening(MANUAL, behaviour=Behaviour(stt_close=1001)) as (client, _):
        await client.send("close")
        assert (await rest(client))[1].code == 1001


@pytest.mark.parametrize("text", ["Finalize", "finalize ", '{"type":"close"}', ""])
@on_virtual_time
async def test_an_unknown_command_is_an_error(text: str) -> None:
    """It gets a 400, which does not repeat it, and the session goes on."""
    async with listening(MANUAL) as (client, _):
        error = await client.ask(text)
        assert (error["type"], error["status_code"]) == ("error", 400)
        assert "done" not in error
        assert "context_id" not in error
        assert shown([await client.ask(said(1))]) == ["interim:one"]


@on_virtual_time
async def test_errors_of_old_versions_are_plain() -> None:
    """They have a message and the request id alone (protocol §1.7.4)."""
    async with listening(MANUAL, query={"cartesia_version": "2024-11-13"}) as (client, _):
        error = await client.ask("stop")
    assert set(error) == {"type", "message", "request_id"}
    assert error["message"].startswith("Invalid request: ")


@pytest.mark.parametrize("seconds", [0.32, 1.6])
@on_virtual_time
async def test_ink_whisper_finalises_after_a_silence(seconds: float) -> None:
    """After `max_silence_duration_secs` below `min_volume` the text is final by itself, once."""
    query = WHISPER | {"max_silence_duration_secs": seconds, "min_volume": 0.1}
    quiet = speech(score=99)  # below a tenth of full scale
    async with listening(MANUAL, query=query) as (client, _):
        await client.send(said(5, milliseconds=STEP_MS * 10))
        assert shown([await client.receive()]) == ["interim:five"]
        pieces = round(seconds / 0.32)
        for _ in range(pieces - 1):
            await client.send(quiet)
        await client.send("nothing")
        assert (await client.receive())["type"] == "error"  # it is not final yet
        await client.send(quiet)
        final = await client.receive()
        for _ in range(3 * pieces):
            await client.send(quiet)
        events = await closing(client)
    assert shown([final]) == ["final:five"]
    assert final["duration"] == pytest.approx(0.32 + seconds)
    assert shown(events) == ["done"]


@on_virtual_time
async def test_keyterms_and_language_reach_the_recogniser() -> None:
    """Both kinds of blanks are blanks, and empty terms are left out."""
    marked = Marked()
    async with listening(MANUAL, keyterms=["Klara", "two words", ""], recognizer=marked) as (
        client,
        server,
    ):
        await closing(client)
        assert server.recognizer is marked
    assert marked.keyterms == ("Klara", "two words")
    assert [(stream.language, stream.is_closed) for stream in marked.streams] == [("en", True)]


@on_virtual_time
async def test_the_log_has_no_text() -> None:
    """A stream is one line with its duration and counts; neither text nor keyterms are logged."""
    with catch_logs(0) as lines:
        async with listening(MANUAL, keyterms=["seven"]) as (client, _):
            await client.send(said(6, 7))
            await closing(client)
    assert not [line for line in lines if "six" in line or "seven" in line]
