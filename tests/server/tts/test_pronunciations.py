"""Pronunciation dictionaries, as clients hear them."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.http_client import HttpClient, an_error, over_http, speech
from tests.server.rest.support import asked
from tests.server.support import TONES, Json, on_virtual_time, words
from trio_cartesia.server import Behaviour, Tones, Utterance
from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.text.markup import Sound, Span
from trio_cartesia.server.tts.pronunciations import speak_pronounced
from trio_cartesia.server.voices.interface import words_of

TEXT = "The GIF of Llanfair is here."


def item(text: str, alias: str, **others: Any) -> Json:
    return {"text": text, "alias": alias, **others}


async def dictionary(client: HttpClient, *items: Json) -> str:
    body = {"name": "Ours", "items": list(items)}
    return str((await asked(client, "POST /pronunciation-dicts", body))["id"])


async def heard(client: HttpClient, text: str, **others: Any) -> bytes:
    answer = await client.ask("POST", "/tts/bytes", speech(text, **others))
    assert answer.status == 200
    return answer.body


@pytest.mark.parametrize(
    ("items", "text", "spoken"),
    [
        ([item("gif", "jif")], TEXT, "The jif of Llanfair is here."),
        (
            [item("gif", "jif"), item("Llanfair", "Clan vire")],
            TEXT,
            "The jif of Clan vire is here.",
        ),
        ([item("GIF of", "jiffof"), item("gif", "jif")], TEXT, "The jiffof Llanfair is here."),
        ([item("GIF", "Llanfair"), item("Llanfair", "x")], TEXT, "The Llanfair of x is here."),
        ([item("her", "him")], TEXT, TEXT),
        ([item("here", "now")], TEXT, "The GIF of Llanfair is now."),
        ([item("gif", "jif", case_sensitive=True)], TEXT, TEXT),
        ([item("the", "a", case_sensitive=True)], TEXT, "a GIF of Llanfair is here."),
        ([item("Gif", "jif", case_sensitive=True)], TEXT, TEXT),
        ([item("C++", "sea plus")], "Use C++, please.", "Use sea plus, please."),
        ([item("$", "dollar")], "It is $ or not.", "It is dollar or not."),
    ],
)
@on_virtual_time
async def test_aliases_are_spoken(items: list[Json], text: str, spoken: str) -> None:
    """Speech with a dictionary is that of the text in which its aliases stand, and without it is
    that of the text.
    """
    async with over_http() as (client, _):
        dictionary_id = await dictionary(client, *items)
        expected = await heard(client, spoken)
        assert await heard(client, text, pronunciation_dict_id=dictionary_id) == expected
        assert (await heard(client, text) == expected) == (text == spoken)


@on_virtual_time
async def test_a_change_is_heard_by_the_next_request() -> None:
    """A dictionary counts as it is when a request arrives; an unknown one is as the behaviour
    says.
    """
    async with over_http(behaviour=Behaviour(unknown_dictionary="error")) as (client, _):
        made = await dictionary(client, item("gif", "jif"))
        items = {"items": [item("gif", "ghif")]}
        await asked(client, f"PATCH /pronunciation-dicts/{made}", items)
        assert await heard(client, "A gif.", pronunciation_dict_id=made) == await heard(
            client, "A ghif."
        )
        await asked(client, f"DELETE /pronunciation-dicts/{made}")
        request = speech("A gif.", pronunciation_dict_id=made)
        assert an_error(await client.ask("POST", "/tts/bytes", request), 404)


@pytest.mark.parametrize("is_normalized", [True, False])
@on_virtual_time
async def test_words_are_those_that_the_client_asked_for(is_normalized: bool) -> None:
    """Normalised words are those of the alias; original ones are those of the text, with the times
    of what was spoken for them.
    """
    others = {"add_timestamps": True, "use_normalized_timestamps": is_normalized}
    items = [item("Llanfair", "Clan vire"), item("ice cream", "gelato")]
    async with over_http() as (client, _):
        made = await dictionary(client, *items)
        request = speech("In Llanfair, ice cream.", pronunciation_dict_id=made, **others)
        answer = await client.ask("POST", "/tts/sse", request)
        plain = speech("In Clan vire, gelato.", **others)
        spoken = words((await client.ask("POST", "/tts/sse", plain)).events)
    found = words(answer.events)
    if is_normalized:
        assert found == spoken
        return
    assert [word for word, _, _ in found] == ["In", "Llanfair,", "ice", "cream."]
    (_, start, _), (_, _, end) = spoken[1:3]
    assert found[1] == ("Llanfair,", start, end)
    assert found[2][1:] == spoken[3][1:]
    assert found[3][1] == found[3][2] == spoken[3][2]


ITEMS = st.lists(
    st.builds(
        Pronunciation,
        st.sampled_from(["a", "b", "a b", "b,", "-", "aa"]),
        st.sampled_from(["x", "y z", "<<k|i>>", "z <<ə>> x"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


class Remembering(Tones):
    """Remembers what it is asked to speak."""

    utterance: Utterance

    async def speak(self, utterance: Utterance) -> Any:
        self.utterance = utterance
        return await TONES.speak(utterance)


@given(
    st.lists(st.sampled_from(["a", "b", "A", "c", ",", " ", "-"]), max_size=12).map("".join),
    st.lists(st.sampled_from(["a", "b", " "]), max_size=6).map("".join),
    ITEMS,
)
def test_every_word_keeps_its_place(head: str, tail: str, items: list[Pronunciation]) -> None:
    """Whatever matches: original words are all reported, in order; markup stays markup; and each
    sound is where its markup is.
    """
    text = f"{head} <<a|b>> {tail}"
    start = len(head) + 1
    spans = (Span(start, start + 7, Sound.PHONEMES),)
    voice = Remembering()
    utterance = Utterance(text=text, voice_id="v", sample_rate=8000, spans=spans)

    async def run() -> Any:
        return await speak_pronounced(voice, utterance, tuple(items))

    spoken = trio.run(run)
    assert [word.text for word in spoken.words] == [word for _, word in words_of(utterance)]
    times = [time for word in spoken.words for time in (word.start, word.end)]
    assert times == sorted(times)
    changed = voice.utterance
    sounds = [changed.text[span.start : span.end] for span in changed.spans]
    assert all(sound.startswith("<<") and sound.endswith(">>") for sound in sounds)
    assert sounds.count("<<a|b>>") == 1
    assert len(sounds) == changed.text.count("<<")
