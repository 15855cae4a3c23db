"""The life of a context, from its first input to its terminal event (protocol §2.4)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair

from tests.server.support import (
    MORE,
    S16,
    TWO_SENTENCES,
    audio,
    cancel,
    closed,
    connect,
    connected,
    generation,
    is_error,
    kinds,
    on_virtual_time,
    tones,
    words,
)
from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME, SILENCE
from trio_cartesia.server import Behaviour, Spoken, Tones, Utterance

STEPS = st.sampled_from(["text", "sentence", "flush", "final", "empty", "cancel", "wrong", "wait"])


def message(step: str, name: str) -> dict[str, Any]:
    return {
        "text": generation(name, "Good ") | MORE,
        "sentence": generation(name, "Good day. And ", add_timestamps=True) | MORE,
        "flush": generation(name, flush=True) | MORE,
        "final": generation(name, "Bye."),
        "empty": generation(name) | MORE,
        "cancel": cancel(name),
        "wrong": generation(name, "Good ", speed="x") | MORE,
    }[step]


@pytest.mark.slow
@given(
    st.lists(st.tuples(STEPS, st.sampled_from("abc")), max_size=30),
    st.sampled_from(["done", "error", "nothing"]),
)
@on_virtual_time
async def test_nothing_follows_the_last_event(steps: list[tuple[str, str]], ending: str) -> None:
    """Whatever is asked in whatever order, a context ends once at most, and speaks no more then."""
    behaviour = Behaviour(late_input="ignore").with_text(f"cancel_ends_with={ending}")
    async with connected(behaviour=behaviour) as (client, server):
        for step, name in steps:
            if step == "wait":
                await trio.sleep(0.4)
            else:
                await client.send(message(step, name))
        await client.send(generation("end", "Hello. ", max_buffer_delay_ms=5000) | MORE)
        await trio.sleep(60)
        events = await client.receive_until_over("end")
        for name in "abc":
            mine = [event for event in events if event.get("context_id") == name]
            errors = [event for event in mine if event["type"] == "error"]
            records = [record for record in server.journal.contexts if record.context_id == name]
            assert len(records) <= 1
            for record in records:
                assert record.ended in {"done", "cancelled", "expired", "error"}
                assert audio(mine) == record.audio
                last = [event["done"] for event in mine if event not in errors]
                assert not any(last[:-1])


@on_virtual_time
async def test_an_input_that_is_wrong_leaves_no_context() -> None:
    """A first input that is refused names its context in the error, and the id
    is as good as new.
    """
    async with connected() as (client, server):
        error = await client.ask(generation("a", "Hello.", max_buffer_delay_ms=-1))
        assert is_error(error, "a")
        assert not server.journal.contexts
        assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")


@on_virtual_time
async def test_a_closed_context_has_no_error_code() -> None:
    """The error for what comes too late is a 400 without a code (T10)."""
    async with connected() as (client, _):
        await client.speak(generation("a", "Hello."))
        error = await client.ask(generation("a", "More."))
        assert closed(error, "a")
        assert error["error_code"] is None


@on_virtual_time
async def test_contexts_belong_to_their_connection() -> None:
    """The same id on another connection is another context, and neither hears of the other."""
    async with connected() as (client, server), trio.open_nursery() as nursery:
        other = await connect(server, nursery)
        await client.send(generation("a", "Good") | MORE)
        await other.send(generation("a", "Bad") | MORE)
        await other.close()
        assert audio(await client.speak(generation("a", " day."))) == await tones("Good day.")
        assert [record.ended for record in server.journal.contexts] == ["done", "lost"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("encoding", ["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"])
@on_virtual_time
async def test_a_break_is_silence_that_counts(encoding: Any) -> None:
    """A break is heard as silence of its length in every encoding, and later
    words are later by it.
    """
    size, output = BYTES_PER_FRAME[encoding], {**S16, "encoding": encoding}
    settings = {"output_format": output, "add_timestamps": True}
    text = 'One. <break time="1.5s"/>Two.'
    async with connected() as (client, server):
        plain = await client.speak(generation("plain", "One. Two.", **settings))
        events = await client.speak(generation("a", text, **settings))
    first = len(await tones("One. ")) // 2 * size
    silence = SILENCE[encoding] * 12_000
    whole = audio(plain)
    assert audio(events) == whole[:first] + silence + whole[first:]
    (one, *_), (two, start, end) = words(events)
    (_, before, after) = words(plain)[1]
    assert (one, two) == ("One.", "Two.")
    assert (start - before, end - after) == pytest.approx((1.5, 1.5))
    record = server.journal.context("a")
    assert record.generated_characters == record.characters == len(text)


@on_virtual_time
async def test_a_break_is_made_at_the_pace_of_speech() -> None:
    """Silence takes as long to make as speech, in chunks of the usual size."""
    behaviour = Behaviour(times_real_time=10, chunk_bytes=1600)
    async with connected(behaviour=behaviour) as (client, _):
        events = await client.speak(generation("a", '<break time="10s"/>'))
        assert kinds(events) == ["chunk"] * 100 + ["done"]
        assert trio.current_time() == pytest.approx(1, abs=0.02)


@on_virtual_time
async def test_a_break_can_be_cancelled() -> None:
    """A cancel in the middle of a long break is heard, as in the middle of a sentence."""
    behaviour = Behaviour(times_real_time=10, chunk_bytes=1600)
    async with connected(behaviour=behaviour) as (client, server):
        await client.send(generation("a", '<break time="60s"/>Hello.'))
        await trio.sleep(1)
        await client.send(cancel("a"))
        events = await client.receive_until_over("a")
        assert events[-1]["type"] == "done"
        assert trio.current_time() < 1.1
        record = server.journal.context("a")
        assert record.chunks_after_cancel <= 2
        assert record.generated_characters == len('<break time="60s"/>')


@on_virtual_time
async def test_the_journal_knows_how_much_was_generated() -> None:
    """Of a cancelled context, the journal has the characters of the sentences that were made."""
    behaviour = Behaviour(chunk_bytes=1024, cancel_trailing_chunks=0)
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES))
        await client.receive()
        await client.send(cancel("a"))
        await client.receive_until_over("a")
        record = server.journal.context("a")
        assert record.generated_characters == len("Good morning, dear all. ")
        assert record.characters == len(TWO_SENTENCES)


@pytest.mark.slow
@given(limit=st.floats(0.01, 4), chunk_bytes=st.integers(100, 5000))
@on_virtual_time
async def test_a_duration_cuts_the_audio(limit: float, chunk_bytes: int) -> None:
    """With a `duration`, audio ends there to the sample, no word ends later, and `done` follows."""
    text = 'Good morning, dear all. <break time="200ms"/>This is it.'
    async with connected(behaviour=Behaviour(chunk_bytes=chunk_bytes)) as (client, _):
        whole = await client.speak(generation("whole", text, add_timestamps=True))
        cut = await client.speak(generation("cut", text, add_timestamps=True, duration=limit))
        assert audio(cut) == audio(whole)[: 2 * int(8000 * limit)]
        seconds = len(audio(cut)) / 16000
        assert words(cut) == [word for word in words(whole) if word[2] <= seconds]
        assert cut[-1]["type"] == "done"


@on_virtual_time
async def test_a_later_duration_counts() -> None:
    """Of several durations in a context the last one counts, from the context's start."""
    async with connected() as (client, _):
        await client.send(generation("a", "Good ", duration=0.05) | MORE)
        events = await client.speak(generation("a", "day.", duration=0.25))
        assert audio(events) == (await tones("Good day."))[:4000]


@on_virtual_time
async def test_voices_hear_how_a_piece_stands_in_its_text() -> None:
    """What markup and settings say about a piece of text reaches the voice."""

    class Listening(Tones):
        heard: list[Utterance]

        async def speak(self, utterance: Utterance) -> Spoken:
            self.heard.append(utterance)
            return await super().speak(utterance)

    voice = Listening()
    voice.heard = []
    async with connected(voice=voice) as (client, _):
        text = 'A <spell>AB</spell> <speed ratio="1.5"/>c [laughter].'
        await client.speak(
            generation("a", text, normalization="en-IN", use_normalized_timestamps=False)
        )
    assert [(heard.text.strip(), heard.spelled, heard.speed) for heard in voice.heard] == [
        ("A", False, 1.0),
        ("AB", True, 1.0),
        ("c [laughter].", False, 1.5),
    ]
    assert voice.heard[-1].spans
    assert {(heard.normalization, heard.normalized) for heard in voice.heard} == {("en-IN", False)}
    assert {heard.language for heard in voice.heard} == {None}
