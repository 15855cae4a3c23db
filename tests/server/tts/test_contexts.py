from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import (
    MORE,
    TWO_SENTENCES,
    audio,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
    words,
)
from trio_cartesia.server import Behaviour

texts = st.text(st.sampled_from("ab .?!,é日\n"), min_size=1, max_size=80)


@on_virtual_time
async def test_a_final_input_is_spoken_and_done() -> None:
    """A single final input gives the audio of its text in chunks, and `done`
    with 206 at the end.
    """
    async with connected() as (client, server):
        *chunks, done = await client.speak(generation("a", TWO_SENTENCES))
        assert audio(chunks) == await tones(TWO_SENTENCES)
        assert all(
            (chunk["type"], chunk["status_code"], chunk["done"], chunk["flush_id"])
            == ("chunk", 206, False, 1)
            for chunk in chunks
        )
        assert all(chunk["step_time"] >= 0 for chunk in chunks)
        assert done == {"type": "done", "context_id": "a", "status_code": 206, "done": True}
        assert server.journal.context("a").ended == "done"


@pytest.mark.slow
@given(text=texts, data=st.data())
@on_virtual_time
async def test_a_cut_of_a_text_into_inputs_changes_nothing(text: str, data: Any) -> None:
    """However a text is cut into inputs, its audio, words and times are those of one input."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    inputs = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    async with connected() as (client, _):
        whole = await client.speak(generation("whole", text, add_timestamps=True))
        for piece in inputs:
            await client.send(generation("cut", piece, add_timestamps=True) | MORE)
        cut = await client.speak(generation("cut", add_timestamps=True))
        if not any(inputs):
            return
        assert audio(cut) == audio(whole) == await tones(text)
        assert words(cut) == words(whole)
        assert [word for word, _, _ in words(whole)] == [*filter(None, word_list(text))]


def word_list(text: str) -> list[str]:
    return text.replace("日", " 日 ").split()


@pytest.mark.slow
@given(
    st.permutations([name for name in "abc" for _ in range(4)]),
    st.lists(texts, min_size=12, max_size=12),
)
@on_virtual_time
async def test_contexts_do_not_touch_each_other(order: list[str], transcripts: list[str]) -> None:
    """In any interleaving of inputs, each context speaks its own text as if it were alone."""
    said = dict.fromkeys("abc", "")
    async with connected() as (client, server):
        for name, text in zip(order, transcripts, strict=True):
            said[name] += text
            await client.send(generation(name, text) | MORE)
        for name in said:
            await client.send(generation(name))
        events = await client.receive_until_over(*said)
        for name, text in said.items():
            record = server.journal.context(name)
            assert audio(events, name) == await tones(text) == record.audio
            assert record.transcript == text
            mine = [event for event in events if event["context_id"] == name]
            assert kinds(mine).count("done") == 1
            assert mine[-1]["type"] == "done"


@on_virtual_time
async def test_contexts_take_turns() -> None:
    """While two contexts have much to say, neither waits for the other's end."""
    async with connected(behaviour=Behaviour(chunk_bytes=256)) as (client, server):
        for name in "ab":
            await client.send(generation(name, TWO_SENTENCES * 3))
        await client.receive_until_over("a", "b")
        order = "".join(server.journal.order)
        assert "ab" in order
        assert "ba" in order
        assert order.rindex("a") > order.index("b") < order.rindex("b")


@pytest.mark.parametrize("encoding", ["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
@on_virtual_time
async def test_every_format_is_spoken_in_whole_frames(encoding: str, rate: int) -> None:
    """Every encoding and rate gives chunks of whole frames, as long together as the times say."""
    size = {"pcm_f32le": 4, "pcm_s16le": 2}.get(encoding, 1)
    output = {"container": "raw", "encoding": encoding, "sample_rate": rate}
    async with connected(behaviour=Behaviour(chunk_bytes=1001)) as (client, _):
        events = await client.speak(
            generation("a", "Hello all.", output_format=output, add_phoneme_timestamps=True)
        )
        chunks = [audio([event]) for event in events if event["type"] == "chunk"]
        assert all(len(chunk) <= 1001 and len(chunk) % size == 0 for chunk in chunks)
        seconds = len(audio(events)) / (size * rate)
        ends = [end for _, _, end in words(events, "phoneme")]
        assert ends == sorted(ends)
        assert 0 < ends[-1] <= seconds
        assert "timestamps" not in kinds(events)


@on_virtual_time
async def test_times_follow_the_first_chunk_of_their_piece() -> None:
    """Words and phonemes come after their sentence's first chunk, and count from the very start."""
    async with connected(behaviour=Behaviour(chunk_bytes=8000)) as (client, _):
        wanted = {"add_timestamps": True, "add_phoneme_timestamps": True}
        events = await client.speak(generation("a", TWO_SENTENCES, **wanted))
        assert kinds(events)[:3] == ["chunk", "timestamps", "phoneme_timestamps"]
        assert kinds(events).count("timestamps") == 2
        starts = [start for _, start, _ in words(events)]
        assert starts == sorted(set(starts))
        second = next(start for word, start, _ in words(events) if word == "This")
        assert second == len(await tones("Good morning, dear all. ")) / 16000


@on_virtual_time
async def test_times_may_come_first() -> None:
    """With `timestamps_first`, the times of a piece precede its audio."""
    async with connected(behaviour=Behaviour(timestamps_first=True)) as (client, _):
        events = await client.speak(generation("a", "Hello.", add_timestamps=True))
        assert kinds(events) == ["timestamps", "chunk", "done"]


@on_virtual_time
async def test_blanks_make_no_sound() -> None:
    """A context with nothing but blanks ends without a chunk."""
    async with connected() as (client, _):
        assert kinds(await client.speak(generation("a", " \n "))) == ["done"]
