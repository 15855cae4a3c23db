"""What markup does, as a client hears it: tones are spoken alike, so that their length and power
tell.
"""

from __future__ import annotations

import array

import pytest

from tests.server.support import (
    MORE,
    audio,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
    words,
)

HELLO = "Hello, dear all. "
SECOND = 16_000  # bytes


async def heard(text: str, **settings: object) -> bytes:
    async with connected() as (client, _):
        events = await client.speak(generation("a", text, **settings))
    assert kinds(events)[-1] == "done"
    return audio(events)


def peak(audio: bytes) -> int:
    return max(map(abs, array.array("h", audio)))


@pytest.mark.rule("2.14-speed")
@pytest.mark.parametrize("ratio", [0.6, 1.2, 1.5])
@on_virtual_time
async def test_a_speed_tag_holds_from_there_on(ratio: float) -> None:
    """What stands before the tag lasts as long as ever, and what follows is as much shorter."""
    plain = await tones(HELLO)
    spoken = await heard(f'{HELLO}<speed ratio="{ratio}"/>{HELLO}')
    assert spoken[: len(plain)] == plain
    assert len(spoken) / len(plain) == pytest.approx(1 + 1 / ratio, rel=0.05)


@pytest.mark.rule("2.14-volume")
@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.2])
@on_virtual_time
async def test_a_volume_tag_holds_from_there_on(ratio: float) -> None:
    """What stands before the tag is as loud as ever, and what follows is as
    much louder or quieter.
    """
    plain = await tones(HELLO)
    spoken = await heard(f'{HELLO}<volume ratio="{ratio}"/>{HELLO}')
    assert spoken[: len(plain)] == plain
    assert peak(spoken[len(plain) :]) == pytest.approx(ratio * peak(plain), rel=0.05)


@pytest.mark.rule("2.14-emotion")
@on_virtual_time
async def test_an_emotion_tag_is_not_heard_as_text() -> None:
    """A tag with an emotion is obeyed, not read, and one with none is read, with no error."""
    assert len(await heard(f'<emotion value="sad"/>{HELLO}')) < 2 * len(await tones(HELLO))
    assert len(await heard(f'<emotion value="blue"/>{HELLO}')) > len(await tones(HELLO))


@pytest.mark.rule("2.14-break")
@on_virtual_time
async def test_a_break_is_as_long_as_it_says() -> None:
    """A break adds its length of silence, in seconds or milliseconds, and its
    older name does too.
    """
    plain = await tones(HELLO) * 2
    for tag in ('<break time="1s"/>', '<break time="1000ms"/>', '<pause time="1s"/>'):
        spoken = await heard(f"{HELLO}{tag}{HELLO}")
        assert len(spoken) == len(plain) + SECOND
        assert bytes(SECOND) in spoken


@pytest.mark.rule("2.14-spell")
@on_virtual_time
async def test_what_is_spelled_takes_longer() -> None:
    """Letters that are spelled last longer than the word that they are."""
    assert len(await heard("<spell>ABCDEF</spell>")) > 1.5 * len(await tones("ABCDEF"))


@pytest.mark.rule("2.14-malformed")
@on_virtual_time
async def test_split_and_broken_tags_are_no_error() -> None:
    """A tag that is incomplete, or comes in two inputs, is spoken somehow, and
    the context goes on.
    """
    async with connected() as (client, _):
        for piece in ('One <speed ratio="1', '.2"/> two. ', "<break>", "<spell>three"):
            await client.send(generation("a", piece) | MORE)
        events = await client.speak(generation("a", " four.", add_timestamps=True))
    assert kinds(events)[-1] == "done"
    assert "error" not in kinds(events)


@pytest.mark.rule("2.14-phonemes")
@on_virtual_time
async def test_phonemes_are_spoken_and_not_their_brackets() -> None:
    """Phonemes between angle brackets are a word that is spoken as it is written."""
    async with connected() as (client, _):
        events = await client.speak(
            generation("a", "Say <<h|ə|l|oʊ>> now.", add_phoneme_timestamps=True)
        )
    spoken = "".join(phoneme for phoneme, _, _ in words(events, "phoneme"))
    assert "həloʊ" in spoken
    assert not set("<>|") & set(spoken)
