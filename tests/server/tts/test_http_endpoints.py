from __future__ import annotations

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.server.http_client import (
    BOTH,
    BYTES,
    LEGACY,
    LONG,
    NOW,
    SSE,
    Failing,
    an_error,
    dial,
    over_http,
    speech,
)
from tests.server.support import (
    S16,
    TONES,
    TWO_SENTENCES,
    Json,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, Spoken, Utterance

ANOTHER = "a0e99841-438c-4a64-b679-ae501e7d6091"


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"transcript": ""}, 400, "transcript"),
        ({"transcript": None}, 400, "transcript"),
        ({"transcript": 7}, 400, "transcript"),
        ({"model_id": None}, 400, "model_id"),
        ({"model_id": "sonic-9"}, 400, "model"),
        ({"voice": None}, 400, "voice"),
        ({"voice": {"id": 7}}, 400, "voice.id"),
        ({"voice": "00000000-0000-0000-0000-000000000000"}, 404, "voice"),
        ({"output_format": None}, 400, "output_format"),
        ({"output_format": "raw"}, 400, "output_format"),
        ({"output_format": {**S16, "container": "ogg"}}, 400, "output_format.container"),
        ({"output_format": {**S16, "encoding": "pcm_s24le"}}, 400, "output_format.encoding"),
        ({"output_format": {**S16, "encoding": None}}, 400, "output_format.encoding"),
        ({"output_format": {**S16, "sample_rate": 11025}}, 400, "output_format.sample_rate"),
        ({"output_format": {**S16, "sample_rate": 8000.0}}, 400, "output_format.sample_rate"),
        ({"language": "en", "locale": "en-GB"}, 400, "locale"),
        ({"language": "xx"}, 400, "language"),
        ({"normalization": "on"}, 400, "normalization"),
        ({"generation_config": {"speed": 2}}, 400, "generation_config.speed"),
        ({"generation_config": {"volume": "loud"}}, 400, "generation_config.volume"),
        ({"generation_config": {"emotion": "hungry"}}, 400, "generation_config.emotion"),
        ({"generation_config": []}, 400, "generation_config"),
        ({"pronunciation_dict_id": 1}, 400, "pronunciation_dict_id"),
        ({"speed": "faster"}, 400, "speed"),
        ({"duration": "long"}, 400, "duration"),
    ],
)
@BOTH
@on_virtual_time
async def test_what_cannot_be_had_is_refused(
    path: str, changes: Json, status: int, says: str
) -> None:
    """A refusal names the field, in the shape of the version, and the connection goes on."""
    async with over_http() as (client, server):
        content = {**speech("Hi."), **changes}
        answer = await client.ask("POST", path, content)
        assert an_error(answer, status)
        assert says in answer.json["message"]
        old = await client.ask("POST", path, content, LEGACY)
        assert (old.status, old.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert old.body.decode() == f"{answer.json['title']}: {answer.json['message']}"
        assert (await client.bytes("Hi.")).body == await tones("Hi.")
        assert [request.status for request in server.journal.requests] == [status, 400, 200]
        assert len(server.journal.contexts) == 1


@BOTH
@on_virtual_time
async def test_null_is_not_set_and_unknown_fields_do_not_matter(path: str) -> None:
    """`null` stands for a field that is left out; fields that nobody knows, or that belong to
    continuations, change nothing.
    """
    names = (
        *("language", "locale", "normalization", "generation_config", "speed", "duration"),
        *("pronunciation_dict_id", "save", "context_id", "add_timestamps"),
    )
    other = {"continue": "?", "flush": 7, "max_buffer_delay_ms": -1, "stream": False, "new": {}}
    async with over_http() as (client, server):
        for changes in (dict.fromkeys(names), other):
            assert (await client.ask("POST", path, speech("Hi.", **changes))).status == 200
        first, second = server.journal.contexts
        assert first.audio == second.audio == await tones("Hi.")
        assert first.settings == attrs.evolve(second.settings, context_id=first.context_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"generation_config": {"speed": 1.5, "volume": 0.5, "emotion": "Sad"}},
        {"voice": {"id": ANOTHER}},
        {"locale": "en-GB"},
        {"speed": "slow"},
    ],
)
@BOTH
@on_virtual_time
async def test_settings_reach_the_voice(path: str, changes: Json) -> None:
    """What is asked for is what the voice is asked for."""
    heard: list[Utterance] = []

    class Listening:
        name = "listening"

        async def speak(self, utterance: Utterance) -> Spoken:
            heard.append(utterance)
            return await TONES.speak(utterance)

    async with over_http(voice=Listening()) as (client, _):
        assert (await client.ask("POST", path, speech("Hi.", **changes))).status == 200
    expected: Json = {
        "speed": {"speed": 0.8},
        "locale": {"language": "en-GB"},
        "voice": {"voice_id": ANOTHER},
        "generation_config": {"speed": 1.5, "volume": 0.5, "emotion": "sad"},
    }
    for name in changes:
        for field, value in expected[name].items():
            assert getattr(heard[0], field) == value


@BOTH
@on_virtual_time
async def test_only_who_may_speak_speaks(path: str) -> None:
    """A key or a token that allows speaking is needed, and no other method than POST will do."""
    key, wrong = ("authorization", "Bearer sk_1"), ("authorization", "Bearer sk_2")
    async with over_http(api_keys=["sk_1"]) as (client, _):
        for headers in ([], [wrong]):
            assert an_error(await client.ask("POST", path, speech("Hi."), [*NOW, *headers]), 401)
        assert (await client.ask("POST", path, speech("Hi."), [*NOW, key])).status == 200
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = await client.ask(method, path, b"", [*NOW, key])
            assert (answer.status, answer.headers["allow"]) == (405, "POST")


@BOTH
@on_virtual_time
async def test_one_request_is_one_of_the_contexts_of_the_plan(path: str) -> None:
    """A request counts until it is answered or its peer has left; beyond the plan the answer is
    429.
    """
    async with over_http(plan="free") as (client, server), trio.open_nursery() as nursery:
        first, second = dial(server, nursery), dial(server, nursery)
        for busy in (first, second):
            await busy.send("POST", path, speech(LONG))
            assert (await busy.begin()).status == 200
        answer = await client.ask("POST", path, speech("Hi."))
        assert an_error(answer, 429)
        assert answer.json["error_code"] == "concurrency_limited"
        await first.stream.aclose()
        await wait_all_tasks_blocked()
        for _ in range(3):
            assert (await client.ask("POST", path, speech("Hi."))).status == 200
        nursery.cancel_scope.cancel()


@BOTH
@on_virtual_time
async def test_a_failure_before_the_first_audio_is_an_ordinary_error(path: str) -> None:
    """A voice that fails at once makes a 500 with a body that does not say why; later requests on
    the connection are answered.
    """
    async with over_http(voice=Failing(0)) as (client, server):
        for _ in range(2):
            answer = await client.ask("POST", path, speech(TWO_SENTENCES))
            assert an_error(answer, 500)
            assert b"secret" not in answer.body
        assert [record.ended for record in server.journal.contexts] == ["error", "error"]
        old = await client.ask("POST", path, speech("Hi."), LEGACY)
        assert (old.status, old.headers["content-type"]) == (500, "text/plain; charset=utf-8")


@BOTH
@on_virtual_time
async def test_more_text_than_may_wait_is_refused(path: str) -> None:
    """A text that is longer than the service takes is answered with 400."""
    behaviour = Behaviour(max_waiting_characters=10)
    async with over_http(behaviour=behaviour) as (client, server):
        assert an_error(await client.ask("POST", path, speech("Hello there.")), 400)
        assert (await client.ask("POST", path, speech("Hello."))).status == 200
        assert [record.ended for record in server.journal.contexts] == ["error", "done"]


@given(text=st.text(st.sampled_from("aé.!? \n你😀<"), min_size=1, max_size=60))
@on_virtual_time
async def test_bytes_and_events_say_the_same(text: str) -> None:
    """A text sounds the same whichever way it is asked for, and the journal has what was sent."""
    async with over_http() as (client, server):
        plain, events = await client.bytes(text), await client.sse(text)
        assert plain.body == events.audio
        first, second = server.journal.contexts
        assert first.audio == second.audio == plain.body
        assert (first.path, second.path) == (BYTES, SSE)
        assert (first.transcript, first.ended, first.connection) == (text, "done", 0)
        assert first.request_id == plain.headers["x-request-id"]
        assert server.journal.context(first.request_id) is first
