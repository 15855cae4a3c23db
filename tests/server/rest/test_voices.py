from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.rest.voices import CURRENT, EARLIER, IDS, KEY, get, page
from tests.server.support import TONES, on_virtual_time
from tests.server.test_routes import ask
from trio_cartesia.server import open_server
from trio_cartesia.server.catalogue.models import LANGUAGES
from trio_cartesia.server.catalogue.voices import VOICES


@on_virtual_time
async def test_the_first_ten_voices_are_listed() -> None:
    """Without wishes there are ten voices, with all their fields, and the way to more."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        for path in ("/voices", "/voices/"):
            status, body = await get(server, path)
            assert status == 200
            assert [voice["id"] for voice in body["data"]] == IDS[:10]
            assert (body["has_more"], body["next_page"]) == (True, IDS[9])
        for voice in body["data"]:
            assert set(voice) == CURRENT
            assert (voice["access"], voice["visibility"], voice["is_owner"]) == (
                *("public", "all"),
                False,
            )
            assert voice["locales"][0]["is_native"]
            assert voice["locales"][0]["locale"].startswith(voice["language"])
            assert len(voice["tagline"]) <= 32
            assert await get(server, f"/voices/{voice['id']}") == (200, voice)


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("2026-08-14", CURRENT),
        ("2026-04-03", EARLIER),
        ("2026-03-01", EARLIER),
        ("2025-11-04", EARLIER),
        ("2024-06-10", EARLIER),
        ("2030-01-01", CURRENT),
        ("new", CURRENT),
    ],
)
@on_virtual_time
async def test_a_voice_looks_as_its_version_wants(version: str, fields: set[str]) -> None:
    """Access, visibility, taglines and accents came with 2026-08-14; before, voices were public."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        for header, query in [(f"Cartesia-Version: {version}", {}), ("X-Y: z", {"v": version})]:
            given = {"cartesia_version": query["v"]} if query else {}
            _, body = await get(server, "/voices", header, **given)
            assert all(set(voice) == fields for voice in body["data"])
            _, voice = await get(server, f"/voices/{IDS[0]}", header, **given)
            assert voice == body["data"][0]
            assert voice.get("is_public", True)


@pytest.mark.slow
@given(
    st.integers(1, 100) | st.none(),
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "q": st.sampled_from(["", "a", "WARM", "scot", IDS[3], IDS[5].upper(), "no such"]),
            "gender": st.sampled_from(["masculine", "feminine", "gender_neutral"]),
            "language": st.sampled_from(sorted(LANGUAGES)),
            "is_owner": st.sampled_from(["false", "true", "False"]),
        },
    ),
)
@on_virtual_time
async def test_walking_through_the_pages_finds_all_that_fit(
    limit: int | None, forward: bool, wishes: dict[str, str]
) -> None:
    """From either end, in pages of any size, an SDK's walk finds each voice that fits once, in
    order, and ends with an empty page.
    """
    wanted = [
        voice.id
        for voice in VOICES
        if wishes.get("is_owner") != "true"
        and wishes.get("gender", voice.gender) == voice.gender
        and wishes.get("language", voice.language) == voice.language
        and wishes.get("q", "").lower()
        in "\n".join((voice.name, voice.description, voice.id)).lower()
    ]
    query = {**wishes, **({} if limit is None else {"limit": limit})}
    found: list[str] = []
    async with open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as server:
        if not forward:
            query["ending_before"] = IDS[-1]
            wanted = [voice_id for voice_id in wanted if voice_id != IDS[-1]]
        while True:
            data, has_more, cursor = await page(server, **query)
            assert len(data) <= (limit or 10)
            found = [*found, *data] if forward else [*data, *found]
            assert has_more == (len(found) < len(wanted))
            if not data:
                break
            end = data[-1] if forward else data[0]
            assert cursor in (None, end)
            query["starting_after" if forward else "ending_before"] = end
    assert found == wanted


@on_virtual_time
async def test_beyond_the_end_there_is_an_empty_page() -> None:
    """A cursor at the end of the list is no error, from either side."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        assert await page(server, starting_after=IDS[-1]) == ([], False, None)
        assert await page(server, ending_before=IDS[0]) == ([], False, None)
        assert (await page(server, ending_before=IDS[3]))[0] == IDS[:3]
        assert (await page(server, starting_after=IDS[2], limit=2))[0] == IDS[3:5]


@on_virtual_time
async def test_a_cursor_may_point_at_a_voice_that_does_not_fit() -> None:
    """A cursor is a place in the whole list, so that a search can go on from anywhere."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        french = [voice.id for voice in VOICES if voice.language == "fr"]
        data, _, _ = await page(server, language="fr", starting_after=IDS[0], limit=100)
        assert data == french
        assert (await page(server, language="fr", ending_before=IDS[0]))[0] == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"gender": "male"}, "gender"),
        ({"language": "xx"}, "language"),
        ({"is_owner": "maybe"}, "is_owner"),
        ({"expand[]": "everything"}, "expand[]"),
        ({"expand[]": ["preview_file_url", "is_starred"]}, "expand[]"),
        ({"starting_after": "nobody"}, "starting_after"),
        ({"ending_before": "00000000-0000-0000-0000-000000000000"}, "ending_before"),
        ({"starting_after": IDS[0], "ending_before": IDS[3]}, "ending_before"),
    ],
)
@on_virtual_time
async def test_a_bad_wish_is_refused_by_name(query: dict[str, Any], name: str) -> None:
    """What a parameter cannot be gets a 400 that names it, and does not repeat it."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        status, error = await get(server, "/voices", **query)
        assert (status, error["title"]) == (400, "Invalid request")
        assert error["message"].startswith(f"{name} must be ")
        status, headers, body = await ask(
            server, f"GET /voices?{urlencode(query, doseq=True)}", KEY, "Cartesia-Version: old"
        )
        assert (status, headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert body.decode() == f"{error['title']}: {error['message']}"


@on_virtual_time
async def test_what_is_empty_is_not_set() -> None:
    """Parameters without a value, as some clients send them, change nothing."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        names = ["limit", "starting_after", "ending_before", "q", "is_owner", "gender", "language"]
        assert (await page(server, **dict.fromkeys(names, "")))[0] == IDS[:10]
        assert (await page(server, limit=["", "2", "0"]))[0] == IDS[:2]


@on_virtual_time
async def test_old_versions_know_stars() -> None:
    """Before 2026-08-14 a client may ask whether a voice is starred, and none is."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        wanted = {"expand[]": ["is_starred", "preview_file_url"]}
        _, body = await get(server, "/voices", "Cartesia-Version: 2025-04-16", **wanted)
        for voice in body["data"]:
            assert set(voice) == {*EARLIER, "preview_file_url", "is_starred"}
            assert voice["is_starred"] is False


@pytest.mark.parametrize(
    "name",
    ["00000000-0000-0000-0000-000000000000", "clone", "%20", "%F0%9F%8E%99", "a" * 999, ".."],
)
@on_virtual_time
async def test_a_voice_that_is_not_there_is_not_found(name: str) -> None:
    """An id that nobody has, well formed or not, gets a 404 with its code."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        status, error = await get(server, f"/voices/{name}")
        assert (status, error["error_code"], error["title"]) == (
            *(404, "voice_not_found"),
            "Voice not found",
        )


@on_virtual_time
async def test_the_head_of_a_list_has_no_body() -> None:
    """HEAD is answered as GET is, without the voices."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        status, headers, body = await ask(server, "HEAD /voices", KEY)
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) > 1000
        assert (await ask(server, "HEAD /voices"))[::2] == (401, b"")


@on_virtual_time
async def test_a_search_ignores_case_and_diacritics() -> None:
    """Voices are found by their name with or without its accents (protocol §6a E17)."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        found = [await page(server, q=text) for text in ("Lucía", "lucia", "LUCI\u0301A", "LUCÍA")]
    assert found[0][0]
    assert found == [found[0]] * 4


@pytest.mark.parametrize(
    ("query", "plain"),
    [("gløria", "Gloria"), ("WAŁTER", "Walter"), ("sinđre", "Sindre"), ("Nœl", "Noel")],
)
@on_virtual_time
async def test_a_search_ignores_strokes_and_ligatures(query: str, plain: str) -> None:
    """Letters that Unicode does not decompose are found as those that they are written for."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        found, *_ = await page(server, q=query)
        assert found
        assert found == (await page(server, q=plain))[0]
