"""The texts that an error has as not spoken, however a context ends."""

from __future__ import annotations

import math

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.playout.support import PHONE, RATE
from trio_cartesia import (
    ConnectionLost,
    ContextStalled,
    InboxOverflow,
    RemoteProtocolError,
    RequestFailed,
)
from trio_cartesia._protocol.tts.unspoken import KEPT_WORDS
from trio_cartesia.testing import connected_pair, on_virtual_time

WORD = 800  # samples
SPEECH = b"\x01"
ENDS = {
    "loss": ConnectionLost,
    "failure": RequestFailed,
    "malformed": RemoteProtocolError,
    "stall": ContextStalled,
    "overflow": InboxOverflow,
}


@attrs.frozen
class Case:
    """A text in pieces, and how much of it is spoken, when, before which end.

    Attributes:
        pieces: Of which each has whole words.
        late: How many of them are pushed once all audio has come.
        samples: How much is spoken; a word has `WORD`.
        has_times: Whether word times are asked for and sent.
        is_time_first: Whether they are sent before the audio.
        starts_anew: Whether a segment ends within the text, and word times start anew.
    """

    pieces: list[str]
    late: int
    samples: int
    has_times: bool
    is_time_first: bool
    starts_anew: bool
    end: str

    @property
    def early(self):
        return self.pieces[: len(self.pieces) - self.late]


@st.composite
def cases(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    words = iter([f"word{number}, " for number in range(sum(sizes))])
    pieces = ["".join(next(words) for _ in range(size)) for size in sizes]
    late = draw(st.integers(0, len(pieces) - 1))
    spoken = sum(sizes[: len(sizes) - late])
    return Case(
        pieces,
        late,
        samples=draw(st.integers(0, spoken - 1)) * WORD + draw(st.sampled_from([0, 40, WORD])),
        has_times=draw(st.booleans()),
        is_time_first=draw(st.booleans()),
        starts_anew=draw(st.booleans()),
        end=draw(st.sampled_from([*ENDS])),
    )


async def speak(peer, case):
    """Speak as much as the case says, a word a chunk."""
    left, base = case.samples, 0
    for number, word in enumerate("".join(case.early).split()):
        start, size = number * WORD, min(left, WORD)
        if not size:
            break
        times = [(word, (start - base) / RATE, (start + WORD - base) / RATE)]
        if case.has_times and case.is_time_first:
            await peer.words("a", times)
        await peer.chunk("a", SPEECH * size)
        if case.has_times and not case.is_time_first:
            await peer.words("a", times)
        left -= size
        if case.starts_anew and size == WORD:
            await peer.flush_done("a")
            base = start + WORD
    await trio.sleep(0.01)


async def end(peer, case):
    if case.end == "loss":
        peer.stream.reset()
    elif case.end == "failure":
        await peer.error("a", message="no")
    elif case.end == "malformed":
        await peer.send(type="chunk", context_id="a", data=5)
    elif case.end == "overflow":
        await peer.chunk("a", SPEECH * 200_000)
    await trio.sleep(0.01)


def expected(case):
    """Return the texts of which no audio came."""
    if case.has_times:
        words = "".join(case.pieces).split(" ")[:-1]
        begun = math.ceil(case.samples / WORD)
        return "".join(f"{word} " for word in words[begun:])
    if not case.samples:
        return "".join(case.pieces)
    return "".join(case.pieces[len(case.early) :])


@given(case=cases())
@on_virtual_time
async def test_what_was_not_spoken(case):
    """Whatever ends a context, its error has the text of which no audio came: with word times from
    the first word that has none, else from the first piece that was pushed after the last audio.
    A later push raises it again, with the text of the push.
    """
    options = {**PHONE, "add_timestamps": case.has_times}
    async with (
        connected_pair() as (connection, peer),
        connection.context(
            **options, context_id="a", stall_seconds=5, inbox_bytes=180_000
        ) as context,
    ):
        for piece in case.early:
            await context.push(piece)
        await speak(peer, case)
        for piece in case.pieces[len(case.early) :]:
            await context.push(piece)
        if case.end == "stall":
            await context.no_more_inputs()
        await end(peer, case)
        with pytest.raises(ENDS[case.end]) as caught:
            async for _ in context.receive():
                pass
        rest = "".join(caught.value.unspoken)
        assert "".join(case.pieces).endswith(rest)
        assert rest.strip() == expected(case).strip()
        for _ in range(2):
            with pytest.raises(ENDS[case.end]) as again:
                await context.push("More.")
            assert again.value.unspoken == (*caught.value.unspoken, "More.")


@pytest.mark.parametrize("end_by", ["loss", "failure", "overflow"])
async def test_a_piece_that_was_taken_after_the_end(end_by, autojump_clock):
    """A piece that `speak` takes after its context has ended is among what was not spoken, with
    the held end of the one before it; after a loss no more are taken.
    """

    async def pieces():
        yield "One. "
        yield "At 10"
        await trio.sleep(0.2)
        yield " sharp."

    case = Case([], 0, 0, False, False, False, end_by)

    async def receive_late(connection, peer):
        settings = {**PHONE, "add_timestamps": False}
        async with connection.speak(pieces(), **settings, context_id="a") as context:
            await trio.sleep(0.1)
            await peer.chunk("a", SPEECH)
            await trio.sleep(0.01)
            await end(peer, case)
            await trio.sleep(5)
            async for _ in context.receive():
                pass

    pair = connected_pair(inbox_bytes=90_000)
    async with pair as (connection, peer):
        with pytest.raises(ENDS[end_by]) as caught:
            await receive_late(connection, peer)
        rest = "10" if end_by == "loss" else "10 sharp."
        assert "".join(caught.value.unspoken) == rest


@pytest.mark.parametrize("are_in_the_text", [True, False])
async def test_words_are_kept_up_to_a_bound(are_in_the_text, autojump_clock):
    """Words with audio are forgotten in time; those that are not in the text, once they are too
    many, and then the rest goes by the pieces. Statistics have their number.
    """
    words, most = [f"word{number}, " for number in range(2000)], 0
    pair = connected_pair(pipe_bytes=2**20)
    async with pair as (connection, peer):
        async with connection.context(**PHONE, context_id="a") as context:
            for start in range(0, len(words), 100):
                text = "".join(words[start : start + 100])
                await context.push(text)
                heard = text.split() if are_in_the_text else ["xyz"] * 100
                times = [
                    (word, (start + n) / 100, (start + n + 1) / 100) for n, word in enumerate(heard)
                ]
                await peer.chunk("a", bytes(80 * len(heard)))
                await peer.words("a", times)
                await trio.sleep(0.01)
                most = max(most, context.statistics().kept_words)
            await context.push("The rest.")
            await peer.error("a", message="no")
            with pytest.raises(RequestFailed) as caught:
                async for _ in context.receive():
                    pass
    assert caught.value.unspoken == ("The rest.",)
    assert most <= KEPT_WORDS
