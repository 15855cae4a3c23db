from __future__ import annotations

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.support import (
    MORE,
    audio,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
)
from tests.support import turns_of_others
from trio_cartesia.server import Behaviour, Spoken, Tones, Utterance
from trio_cartesia.server.messages.inputs import Delivery
from trio_cartesia.server.text.sentences import AHEAD, first_piece, join_halves, split
from trio_cartesia.server.tts import text_queue as script_module
from trio_cartesia.server.tts.text_queue import Mark, Sentence, TextQueue

pieces = st.lists(st.text(st.sampled_from("ab .?!,"), min_size=1, max_size=20), max_size=8)


@on_virtual_time
async def test_a_complete_sentence_is_spoken_at_once() -> None:
    """Managed buffering speaks a sentence as soon as another one begins."""
    async with connected() as (client, _):
        await client.send(generation("a", "Good morning. And") | MORE)
        chunk = await client.receive()
        assert audio([chunk]) == await tones("Good morning. ")
        assert trio.current_time() == pytest.approx(0)


@given(delay=st.integers(1, 5000), pause=st.floats(0, 0.9))
@on_virtual_time
async def test_the_rest_is_spoken_after_the_delay(delay: int, pause: float) -> None:
    """Unfinished text waits for the delay, counted from its first character, and no longer."""
    settings = {"max_buffer_delay_ms": delay, "continue": True}
    async with connected() as (client, _):
        start = trio.current_time()
        await client.send(generation("a", "Good ", **settings))
        await trio.sleep(pause * delay / 1000)
        await client.send(generation("a", "morning", **settings))
        chunk = await client.receive()
        assert audio([chunk]) == await tones("Good morning")
        assert trio.current_time() - start == pytest.approx(delay / 1000)


@pytest.mark.parametrize("auto", [True, False])
@on_virtual_time
async def test_custom_buffering_speaks_each_input(auto: bool) -> None:
    """Without a delay each input is spoken as it comes, and followed by
    `flush_done` if so wished.
    """
    settings = {"max_buffer_delay_ms": 0, "continue": True}
    async with connected(behaviour=Behaviour(auto_flush_done=auto)) as (client, _):
        await client.send(generation("a", "Good ", **settings))
        await client.send(generation("a", "morning", **settings))
        await client.send(generation("a", "all.", max_buffer_delay_ms=0))
        events = await client.receive_until_over("a")
        marks = ["chunk", "flush_done"] if auto else ["chunk"]
        assert kinds(events) == [*marks * 3, "done"]
        assert [event.get("flush_id") for event in events[:-1]] == (
            [1, 1, 2, 2, 3, 3] if auto else [1, 1, 1]
        )


@pytest.mark.slow
@given(segments=st.lists(pieces, min_size=1, max_size=4), base=st.integers(0, 1))
@on_virtual_time
async def test_a_flush_speaks_what_waits_and_counts(segments: list[list[str]], base: int) -> None:
    """Each flush speaks all text before it, then says so; ids count from the base, without gaps."""
    async with connected(behaviour=Behaviour(flush_id_base=base)) as (client, server):
        for number, segment in enumerate(segments, base):
            for piece in segment:
                await client.send(generation("a", piece) | MORE)
            await client.send(generation("a", flush=True) | MORE)
            events = [await client.receive()]
            while events[-1]["type"] != "flush_done":
                events.append(await client.receive())
            assert audio(events) == await tones("".join(segment))
            assert {event["flush_id"] for event in events} == {number}
        assert server.journal.context("a").flushes == len(segments)


@on_virtual_time
async def test_a_flush_with_text_comes_after_the_text() -> None:
    """A flush flag on an input with text speaks the text first, and the context goes on."""
    async with connected() as (client, _):
        await client.send(generation("a", "Good", flush=True) | MORE)
        await client.send(generation("a", " day.", flush=True))
        events = await client.receive_until_over("a")
        assert kinds(events) == ["chunk", "flush_done", "chunk", "flush_done", "done"]
        assert [event.get("flush_id") for event in events] == [1, 1, 2, 2, None]


@given(expiry=st.floats(0.1, 10), pause=st.floats(0, 0.9))
@on_virtual_time
async def test_a_context_expires_after_its_last_output(expiry: float, pause: float) -> None:
    """A context without text ends with `done` a while after its last input or output."""
    async with connected(behaviour=Behaviour(expiry_seconds=expiry)) as (client, server):
        await client.send(generation("a", flush=True) | MORE)
        await client.receive()
        await trio.sleep(pause * expiry)
        await client.send(generation("a", "Hello. ", flush=True) | MORE)
        start = trio.current_time()
        events = await client.receive_until_over("a")
        assert kinds(events) == ["chunk", "flush_done", "done"]
        assert trio.current_time() - start == pytest.approx(expiry)
        assert server.journal.context("a").ended == "expired"


@on_virtual_time
async def test_text_in_the_buffer_keeps_a_context_alive() -> None:
    """A context does not expire while text waits, but blanks alone do not keep it."""
    async with connected() as (client, _):
        await client.send(generation("a", "Good", max_buffer_delay_ms=5000) | MORE)
        await client.send(generation("blank", "  ", max_buffer_delay_ms=5000) | MORE)
        assert (await client.receive())["context_id"] == "blank"
        assert trio.current_time() == pytest.approx(1)
        assert kinds(await client.receive_until_over("a")) == ["chunk", "done"]
        assert trio.current_time() == pytest.approx(6)


@example([(" ", 0.0), ("a", 1.0)])
@given(
    st.lists(st.tuples(st.text(st.sampled_from("ab .!"), min_size=1), st.floats(0, 9)), min_size=1)
)
def test_a_script_knows_where_its_text_came_from(inputs: list[tuple[str, float]]) -> None:
    """Sentences have the delivery of their first character, and the rest is due by its first
    letter.
    """
    queue, now, text, origins = TextQueue(5.0), 0.0, "", []
    for number, (piece, pause) in enumerate(inputs):
        now += pause
        text += piece
        origins += [(number, now)] * len(piece)
        queue.write(piece, Delivery(volume=1 + number), now)
    position = 0
    while isinstance(sentence := queue.take(0.0), Sentence):
        assert sentence.delivery.volume == 1 + origins[position][0]
        position += len(sentence.text)
    rest = text[position:]
    assert queue.characters == len(rest)
    if rest.strip():
        first = position + len(rest) - len(rest.lstrip())
        assert queue.due == origins[first][1] + 5
    else:
        assert queue.due is None


def taken(queue: TextQueue, now: float = 0.0) -> list[str | Mark]:
    """Everything that is ready, sentences as their texts."""
    items: list[str | Mark] = []
    while (item := queue.take(now)) is not None:
        items.append(item.text if isinstance(item, Sentence) else item)
    return items


BITS = [
    "Dr. ",
    "a",
    " ",
    ". ",
    "! ",
    "\n",
    "天。",
    "😀",
    "👍🏽",
    "\ud83d",
    "\ude00",
    "<b/>",
    "x" * 99,
]


@given(st.lists(st.lists(st.sampled_from(BITS), max_size=20), max_size=9), st.booleans())
def test_inputs_are_taken_like_one(inputs: list[list[str]], in_time: bool) -> None:
    """However text was cut into inputs, inside a character too, its pieces are
    those of one input.
    """
    queue, text = TextQueue(5.0), ""
    pieces: list[str | Mark] = []
    for bits in inputs:
        for half in halves("".join(bits)):
            queue.write(half, Delivery(), 0.0)
            pieces += taken(queue) if in_time else []
        text += "".join(bits)
    queue.mark(Mark.END)
    assert pieces + taken(queue) == [*split(join_halves(text)), Mark.END]
    assert (queue.characters, len(queue)) == (0, 0)


def halves(text: str) -> list[str]:
    """*text* in pieces that are cut inside the characters which have two halves."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    units = (
        encoded[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(encoded), 2)
    )
    return list(units)


def test_half_a_character_is_taken_in_the_end() -> None:
    """Half a character waits for its other half, but no longer than other text does."""
    queue = TextQueue(5.0)
    queue.write("Hello. \ud83d", Delivery(), 0.0)
    assert taken(queue) == []
    assert taken(queue, 5.0) == ["Hello. \ud83d"]


def test_inputs_without_delay_are_taken_apart() -> None:
    """Without delay and marks, inputs are ready one by one, however short."""
    queue = TextQueue(0.0, auto_flush=False)
    for text in ("Good ", "day. A", "ll"):
        queue.write(text, Delivery(), 0.0)
    assert taken(queue) == ["Good ", "day. ", "A", "ll"]


def test_a_long_input_is_cut_as_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing looks at no text, and taking a piece looks at so many characters,
    however many wait.
    """
    looked_at: list[int] = []

    def counting(text: str, *, whole: bool) -> int:
        looked_at.append(len(text))
        return first_piece(text, whole=whole)

    monkeypatch.setattr(script_module, "first_piece", counting)
    queue = TextQueue(3.0)
    queue.write("Hello, you there. " * 50_000, Delivery(), 0.0)
    queue.mark(Mark.END)
    assert not looked_at
    for number in range(1, 20):
        assert isinstance(queue.take(0.0), Sentence)
        assert len(looked_at) == number
    assert max(looked_at) <= AHEAD


@pytest.mark.parametrize("text", [" ", pytest.param("<spell>. ", marks=pytest.mark.slow), "Dr. "])
@on_virtual_time
async def test_others_run_between_the_pieces_of_a_long_input(text: str) -> None:
    """Long text lets other tasks run before each of its pieces, be there
    anything to hear or not.
    """

    class Silent(Tones):
        async def speak(self, _: Utterance) -> Spoken:
            return Spoken(samples=b"", words=(), phonemes=())

    async with connected(voice=Silent()) as (client, _), turns_of_others() as turns:
        await client.speak(generation("a", text * (30_000 // len(text))))
        assert turns.count >= 100  # pieces of 300 characters
