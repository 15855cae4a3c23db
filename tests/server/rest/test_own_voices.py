"""Voices that an account makes: cloned, localized, changed and deleted."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest

from tests.server.audio.test_fundamental import vowel
from tests.server.http_client import NOW, HttpClient, an_error, over_http, speech
from tests.server.rest.support import FORM, ZERO, asked, form, listed
from tests.server.rest.voices import CURRENT, EARLIER
from tests.server.support import Json, on_virtual_time
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server import Behaviour
from trio_cartesia.server.audio.fundamental import SAMPLE_RATE, fundamental_hertz
from trio_cartesia.server.catalogue.accents import ACCENTS

PUBLIC = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"  # Clara, of the catalogue
METADATA = {
    *("id", "name", "description", "tagline", "language", "user_id", "access", "visibility"),
    "created_at",
}
CLIP = ("clip", "clip.wav", b"RIFF....")
STRICT = Behaviour(unknown_voice="error")


async def clone(client: HttpClient, clip: bytes = CLIP[2], **fields: str) -> Json:
    content = form(("clip", "clip.wav", clip), **{"name": "Me", "language": "en", **fields})
    return dict(await asked(client, "POST /voices/clone", content, headers=FORM))


async def localize(client: HttpClient, **fields: str) -> Json:
    body = {"voice_id": PUBLIC, "name": "Klara", "accent": "high-german", **fields}
    return dict(await asked(client, "POST /voices/localize", body))


async def sound(client: HttpClient, voice_id: str) -> bytes:
    answer = await client.ask("POST", "/tts/bytes", speech("Good morning.", voice=voice_id))
    assert answer.status == 200
    return answer.body


@on_virtual_time
async def test_a_clone_is_a_voice_at_once() -> None:
    """A cloned voice is listed, found and previewed as the account's own, and speaks, like all
    clones of the same clip and unlike those of another.
    """
    async with over_http(behaviour=STRICT) as (client, _):
        made = await clone(client, description="A clip of mine")
        assert set(made) == METADATA
        assert (made["access"], made["visibility"]) == ("private", "owner")
        (voice,) = await listed(client, "/voices?q=clip+of+mine")
        assert set(voice) == CURRENT
        assert {key: voice[key] for key in made if key in voice} == {
            key: made[key] for key in made if key != "user_id"
        }
        assert voice["is_owner"]
        assert await asked(client, f"GET /voices/{made['id'].upper()}") == voice
        assert await listed(client, "/voices?is_owner=true") == [voice]
        preview = await client.ask("GET", f"/voices/{made['id']}/preview")
        assert preview.body.startswith(b"RIFF")
        same, other = await clone(client), await clone(client, clip=b"other")
        assert await sound(client, made["id"]) == await sound(client, same["id"])
        assert await sound(client, made["id"]) != await sound(client, other["id"])
        derived = await clone(client, base_voice_id=PUBLIC)
        assert await sound(client, derived["id"]) == await sound(client, PUBLIC)


@on_virtual_time
async def test_a_clone_is_as_high_as_its_clip() -> None:
    """The clone of a high voice speaks higher than that of a low one, and so do voices that are
    made from them.
    """
    layout = SampleFormat(encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
    async with over_http() as (client, _):
        for hertz in (100, 200):
            samples = vowel(hertz, seconds=0.65, loudness=4000, harmonics=3).tobytes()
            clip = layout.wav_header(len(samples)) + samples
            voice = (await clone(client, clip=clip))["id"]
            german = (await localize(client, voice_id=voice))["id"]
            derived = (await clone(client, base_voice_id=voice))["id"]
            for each in (voice, german, derived):
                found = await fundamental_hertz([array("h", await sound(client, each))])
                assert found is not None
                assert 0.9 * hertz < found < 2 * hertz


@on_virtual_time
async def test_a_localized_voice_sounds_like_its_source() -> None:
    """A localized voice has the timbre and the gender of its source, and the accent's language."""
    async with over_http(behaviour=STRICT) as (client, _):
        made = await localize(client, tagline="Klar", description="Clara in German")
        voice = await asked(client, f"GET /voices/{made['id']}")
        assert (voice["language"], voice["accent"], voice["gender"], voice["tagline"]) == (
            *("de", "high-german"),
            *("feminine", "Klar"),
        )
        assert await sound(client, made["id"]) == await sound(client, PUBLIC)
        again = await localize(client, voice_id=made["id"], accent="mexican", language="es")
        assert await sound(client, again["id"]) == await sound(client, PUBLIC)
        he = await localize(client, original_speaker_gender="male")
        assert (await asked(client, f"GET /voices/{he['id']}"))["gender"] == "masculine"


@pytest.mark.parametrize(
    ("fields", "accent"),
    [
        ({"language": "de"}, "high-german"),
        ({"language": "en", "dialect": "uk"}, "british"),
        ({"language": "pt", "dialect": "eu"}, "european-portuguese"),
        ({"language": "pt"}, "brazilian-portuguese"),
    ],
)
@on_virtual_time
async def test_older_versions_localize_by_language(fields: Json, accent: str) -> None:
    """Before 2026-08-14 a language, and perhaps a dialect, stood for the accent."""
    body = {"voice_id": PUBLIC, "name": "K", "description": "", **fields}
    old = [("cartesia-version", "2025-11-04")]
    async with over_http() as (client, _):
        answer = await client.ask("POST", "/voices/localize", body, old)
        assert (answer.status, answer.json["language"]) == (200, fields["language"])
        voice = await asked(client, f"GET /voices/{answer.json['id']}")
        assert voice["accent"] == accent
        shown = await asked(client, f"GET /voices/{answer.json['id']}", headers=old)
        assert set(shown) == EARLIER
        assert not shown["is_public"]
        assert an_error(await client.ask("POST", "/voices/localize", body), 400)


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("clone", {"language": "xx"}, 400),
        ("clone", {"language": ""}, 400),
        ("clone", {"name": ""}, 400),
        ("clone", {"accent": "parisian"}, 400),
        ("clone", {"accent": "British English"}, 400),
        ("clone", {"base_voice_id": ZERO}, 404),
        ("localize", {"voice_id": ZERO}, 404),
        ("localize", {"accent": "yoruba"}, 400),
        ("localize", {"accent": "zagreb"}, 400),
        ("localize", {"language": "fr"}, 400),
        ("localize", {"dialect": "uk"}, 400),
        ("localize", {"tagline": "a" * 33}, 400),
        ("localize", {"original_speaker_gender": "masculine"}, 400),
    ],
)
@on_virtual_time
async def test_what_cannot_be_made_is_refused(path: str, change: Json, status: int) -> None:
    """A field that is wrong, or a voice that does not exist, makes no voice."""
    async with over_http() as (client, _):
        if path == "clone":
            content: Any = form(CLIP, **{"name": "Me", "language": "en", **change})
            answer = await client.ask("POST", "/voices/clone", content, FORM)
        else:
            body = {"voice_id": PUBLIC, "name": "K", "accent": "high-german", **change}
            answer = await client.ask("POST", "/voices/localize", body)
        assert an_error(answer, status)
        assert await listed(client, "/voices?is_owner=true") == []


@on_virtual_time
async def test_a_voice_can_be_changed_and_deleted() -> None:
    """The given fields change, null clears gender and accent, and a deleted voice is gone."""
    async with over_http(behaviour=STRICT) as (client, _):
        here = f"/voices/{(await clone(client))['id']}"
        before = await asked(client, f"GET {here}")
        assert (before["gender"], before["accent"]) == (None, None)
        change = {"name": "You", "description": "", "gender": "masculine", "accent": "british"}
        changed = await asked(client, f"PATCH {here}", change)
        locales = [{"locale": "en-GB", "is_native": True}]
        assert changed == {**before, **change, "locales": locales, "country": "GB"}
        assert await asked(client, f"PATCH {here}", {}) == changed
        cleared = await asked(client, f"PATCH {here}", {"gender": None, "accent": None})
        assert cleared == {**before, "name": "You", "description": ""}
        for wrong in ({"accent": "parisian"}, {"gender": "male"}, {"name": ""}):
            assert an_error(await client.ask("PATCH", here, wrong), 400)
        assert await asked(client, f"DELETE {here}") is None
        assert an_error(await client.ask("GET", here), 404)
        request = speech("Hi.", voice=before["id"])
        assert an_error(await client.ask("POST", "/tts/bytes", request), 404)


@on_virtual_time
async def test_accents_of_a_voice() -> None:
    """Accents are added and taken away, the native one stays, and there are ten at most."""
    async with over_http() as (client, _):
        accents = (await asked(client, "GET /accents"))["accents"]
        assert [accent["id"] for accent in accents] == sorted(ACCENTS)
        here = f"/voices/{(await clone(client, accent='british'))['id']}"
        add = {"accents": ["australian", "british", "parisian"]}
        voice = await asked(client, f"PATCH {here}/accents", add)
        assert [each["locale"] for each in voice["locales"]] == ["en-GB", "en-AU", "fr-FR"]
        assert [each["is_native"] for each in voice["locales"]] == [True, False, False]
        assert await asked(client, f"PATCH {here}/accents", add) == voice
        voice = await asked(client, f"DELETE {here}/accents/australian")
        assert [each["locale"] for each in voice["locales"]] == ["en-GB", "fr-FR"]
        for line, status in (("australian", 404), ("british", 400), ("none", 404)):
            assert an_error(await client.ask("DELETE", f"{here}/accents/{line}"), status)
        attachable = [accent["id"] for accent in accents if accent["is_localizable"]]
        assert len(attachable) == 25
        for given in (attachable[:12], ["zagreb"], "british", None):
            body = {"accents": given}
            assert an_error(await client.ask("PATCH", f"{here}/accents", body), 400)
        assert await asked(client, f"GET {here}") == voice


@pytest.mark.parametrize("status", [403, 404])
@on_virtual_time
async def test_public_voices_cannot_be_changed(status: Any) -> None:
    """A voice of the catalogue is nobody's own: changing it is refused as the behaviour says."""
    async with over_http(behaviour=Behaviour(foreign_voice=status)) as (client, _):
        here = f"/voices/{PUBLIC}"
        before = await asked(client, f"GET {here}")
        for line in ("PATCH ", "DELETE ", "PATCH /accents", "DELETE /accents/british"):
            method, path = line.split(" ")
            answer = await client.ask(method, here + path, {"accents": ["british"], "name": "a"})
            assert an_error(answer, status)
        assert await asked(client, f"GET {here}") == before


@on_virtual_time
async def test_voices_belong_to_accounts(tmp_path: Path) -> None:
    """A voice exists for the key that made it, in later runs with the same store too."""
    options: Any = {"api_keys": ["sk_1", "sk_2"], "behaviour": STRICT, "store": tmp_path / "s"}
    first, second = ([*NOW, ("x-api-key", f"sk_{number}")] for number in (1, 2))
    body = {"voice_id": PUBLIC, "name": "Klara", "accent": "high-german"}
    async with over_http(**options) as (client, _):
        made = await asked(client, "POST /voices/localize", body, headers=first)
    async with over_http(**options) as (client, _):
        for headers, status in ((first, 200), (second, 404)):
            request = speech("Hallo.", voice=made["id"])
            assert (await client.ask("POST", "/tts/bytes", request, headers)).status == status
            answer = await client.ask("GET", f"/voices/{made['id']}", b"", headers)
            assert answer.status == status
            here = f"/voices/{made['id']}/preview"
            assert (await client.ask("GET", here, b"", headers)).status == status
