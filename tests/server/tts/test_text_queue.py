from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.messages.inputs import Delivery
from trio_cartesia.server.text.markup import Sound
from trio_cartesia.server.text.sentences import LONGEST
from trio_cartesia.server.tts.text_queue import CHANGES_AT_ONCE, Mark, Pause, Sentence, TextQueue

PLAIN = st.sampled_from(
    ["Hello ", "world. ", "Dr. ", "a", " ", "\n", "1.5 ", "天。", "x" * 99, "no, ", "< ", "[", ". "]
)
TAGS = st.sampled_from(
    [
        *('<break time="1s"/>', '<pause time="5ms"/>', '<speed ratio="1.2"/>'),
        *('<volume ratio="0.5"/>', '<emotion value="sad"/>', "<spell>A1 b</spell>"),
        *("[laughter]", "<<h|ə|l|oʊ>>", '<speed ratio="0.8"/>', f"<spell>{'z' * 700}</spell>"),
    ]
)
PARTS = st.lists(st.one_of(PLAIN, TAGS), max_size=30)


def taken(*inputs: str, delay: float = 3.0, **delivery: Any) -> list[Any]:
    """What a queue hands out after it was given all of its inputs."""
    queue = TextQueue(delay)
    for text in inputs:
        queue.write(text, Delivery(**delivery), 0.0)
    queue.mark(Mark.END)
    items = drained(queue)
    assert (queue.characters, len(queue)) == (0, 0)
    assert items.pop() is Mark.END
    return items


def drained(queue: TextQueue) -> list[Any]:
    items = []
    while (item := queue.take(0.0)) is not None:
        if item != Pause(0):
            items.append(item)
    return items


def texts(items: list[Any]) -> list[Any]:
    return [item.text if isinstance(item, Sentence) else item for item in items]


def by_name(items: list[Any], name: str) -> list[Any]:
    return [getattr(item.delivery, name) for item in items if isinstance(item, Sentence)]


def test_a_break_is_a_pause() -> None:
    """A pause stands between the texts around it, as long as it says."""
    items = taken('Hello. <break time="1.5s"/>World<pause time="250ms"/>!')
    assert texts(items) == ["Hello. ", Pause(1.5), "World", Pause(0.25), "!"]


@pytest.mark.parametrize(
    ("tag", "name", "value"),
    [
        ('<speed ratio="1.2"/>', "speed", 1.2),
        ('<volume ratio="0.5"/>', "volume", 0.5),
        ('<emotion value="Sad"/>', "emotion", "sad"),
    ],
)
def test_a_setting_holds_from_its_tag_on(tag: str, name: str, value: object) -> None:
    """What stands before the tag is as it was, and what follows in this and later inputs is not."""
    before = getattr(Delivery(), name)
    items = taken(f"Hello there. Good {tag}morning. ", "And so on.")
    assert texts(items) == ["Hello there. ", "Good ", "morning. ", "And so on."]
    assert by_name(items, name) == [before, before, value, value]
    assert [item.closes for item in items] == [True, False, True, True]


def test_the_next_input_that_asks_for_something_else_gets_it() -> None:
    """A tag holds until an input's own delivery differs from that of the input before."""
    queue = TextQueue(3.0)
    inputs = [('<speed ratio="1.2"/>One. ', 1.0), ("Two. ", 1.0), ("Three. ", 0.9), ("Four. ", 0.9)]
    for text, speed in inputs:
        queue.write(text, Delivery(speed=speed), 0.0)
    queue.mark(Mark.END)
    assert by_name(drained(queue), "speed") == [1.2, 1.2, 0.9, 0.9]


def test_spelling_is_a_piece_of_its_own() -> None:
    """What is spelled is handed out without its tags, apart from the text around it."""
    items = taken("My code is <spell>AB. 12</spell>. Thanks.")
    assert texts(items) == ["My code is ", "AB. 12", ". ", "Thanks."]
    assert [item.spelled for item in items] == [False, True, False, False]


def test_sounds_are_known_by_their_places() -> None:
    """Laughter and phonemes stay in their sentence, which knows where they are."""
    (sentence,) = taken("Ha [laughter] <<h|ə>>, ok")
    marked = [(sentence.text[span.start : span.end], span.sound) for span in sentence.spans]
    assert marked == [("[laughter]", Sound.LAUGHTER), ("<<h|ə>>", Sound.PHONEMES)]


@given(st.data(), TAGS)
def test_split_tags_are_text(data: st.DataObject, tag: str) -> None:
    """A tag that comes in two inputs is read aloud."""
    place = data.draw(st.integers(1, len(tag) - 1))
    items = taken(f"Hello {tag[:place]}", f"{tag[place:]} there")
    assert "".join(texts(items)) == f"Hello {tag} there"
    assert not any(item.spelled or item.spans for item in items)
    assert {item.delivery for item in items} == {Delivery()}


@given(PARTS, st.data())
def test_inputs_are_taken_like_one(parts: list[str], data: st.DataObject) -> None:
    """Text that is cut into inputs outside its tags gives the same pieces as one input."""
    cuts = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))
    inputs = [""]
    for part, is_cut in zip(parts, cuts, strict=True):
        inputs += [""] if is_cut else []
        inputs[-1] += part
    joined = "".join(parts)
    whole = taken(joined)
    assert taken(*inputs) == whole
    queue, items = TextQueue(3.0), []
    for text in inputs:  # and also if each is taken as it comes
        queue.write(text, Delivery(), 0.0)
        items += drained(queue)
    queue.mark(Mark.END)
    assert [*items, *drained(queue)] == [*whole, Mark.END]


@given(PARTS)
def test_nothing_is_lost(parts: list[str]) -> None:
    """All text that is not in a tag is handed out, in order and in pieces of bounded size."""
    items = taken(*parts)
    silent = ("<break", "<pause", "<speed", "<volume", "<emotion")
    kept = (part for part in parts if not part.startswith(silent))
    plain = "".join(part.removeprefix("<spell>").removesuffix("</spell>") for part in kept)
    assert "".join(item.text for item in items if isinstance(item, Sentence)) == plain
    assert all(0 < len(item.text) <= LONGEST for item in items if isinstance(item, Sentence))
    pauses = sum(part.startswith(silent[:2]) for part in parts)
    assert sum(isinstance(item, Pause) for item in items) == pauses


@given(PARTS)
def test_sounds_stay_whole(parts: list[str]) -> None:
    """No cut goes through laughter or phonemes."""
    items = taken(*parts)
    found = [
        item.text[span.start : span.end]
        for item in items
        if isinstance(item, Sentence)
        for span in item.spans
    ]
    assert found == [part for part in parts if part in ("[laughter]", "<<h|ə|l|oʊ>>")]


def test_a_sound_after_a_long_text_is_not_cut() -> None:
    """Where a cut would go through phonemes, it goes before them; or after, if
    nothing is before.
    """
    phonemes = f"<<{'a|' * 99}a>>"
    for size in range(100, LONGEST, 7):
        items = taken(f"{'x' * size}{phonemes}{'y' * 300}")
        assert sum(len(item.spans) for item in items) == 1


def test_a_tag_makes_the_text_before_it_ready() -> None:
    """What stands before a tag need not wait for its sentence to end."""
    queue = TextQueue(3.0)
    queue.write('Good <speed ratio="1.2"/>morning', Delivery(), 1.0)
    assert texts(drained(queue)) == ["Good "]
    assert queue.due == 4.0
    assert queue.take(4.0) == Sentence("morning", Delivery(speed=1.2))


def test_many_tags_leave_others_their_turn() -> None:
    """A long row of tags is not obeyed in one go: now and then there is a pause of no length."""
    queue = TextQueue(3.0)
    queue.write('<speed ratio="1.2"/>' * (2 * CHANGES_AT_ONCE) + "Hello", Delivery(), 0.0)
    queue.mark(Mark.END)
    items = list(itertools.islice(iter(lambda: queue.take(0.0), None), 9))
    hello = Sentence("Hello", Delivery(speed=1.2))
    assert items == [Pause(0), Pause(0), hello, Mark.END]


def test_without_delay_tags_hold_over_flushes() -> None:
    """With custom buffering too, a setting holds from there on."""
    items = taken('A<speed ratio="1.2"/>', "B", delay=0)
    assert by_name(items, "speed") == [1.0, 1.2]
    assert items.count(Mark.FLUSH) == 2


@pytest.mark.parametrize(
    ("text", "closes"),
    [("word " * 100, [False, True]), ("a b\n" * 2, [True, True]), ("天" * 400, [False, True])],
)
def test_what_is_cut_for_its_length_goes_on(text: str, closes: list[bool]) -> None:
    """Only a sentence that is cut for its length, or by a tag, is one that goes on."""
    assert [item.closes for item in taken(text)] == closes
