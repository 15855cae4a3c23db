from __future__ import annotations

import json
import logging
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from tests.server.http_client import (
    LEGACY,
    MP3,
    NOW,
    WAV_S16,
    Answer,
    Cut,
    HttpClient,
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
    Sliced,
    catch_logs,
    examples,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, Spoken, Utterance, open_server

BYTES, SSE = "/tts/bytes", "/tts/sse"
ANOTHER = "a0e99841-438c-4a64-b679-ae501e7d6091"
BOTH = pytest.mark.parametrize("path", [BYTES, SSE])
LONG = "This is a sentence of some forty letters. " * 300  # ten minutes and more


@attrs.define
class Failing:
    """Speaks some sentences, and then never again."""

    good: int
    name: str = "failing"

    async def speak(self, utterance: Utterance) -> Spoken:
        self.good -= 1
        if self.good < 0:
            raise RuntimeError("secret")
        return await TONES.speak(utterance)


class Slow:
    """Takes an hour for each sentence."""

    name = "slow"

    async def speak(self, utterance: Utterance) -> Spoken:
        await trio.sleep(3600)
        return await TONES.speak(utterance)


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
async def test_audio_comes_while_the_rest_is_made(path: str) -> None:
    """Of a text of ten minutes the first piece comes before a hundredth of it has been made; a peer
    that leaves then ends it at that moment.
    """
    async with over_http() as (client, server):
        await client.send("POST", path, speech(LONG))
        started = trio.current_time()
        assert (await client.begin()).status == 200
        assert await client.receive()
        (record,) = server.journal.contexts
        assert record.ended is None
        assert record.settings.output.seconds(record.audio_bytes) < 0.01 * 600
        assert trio.current_time() == started
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert record.ended == "lost"
        assert record.settings.output.seconds(record.audio_bytes) < 0.02 * 600
        assert trio.current_time() == started


@BOTH
@on_virtual_time
async def test_a_peer_that_leaves_before_the_first_audio_is_missed(path: str) -> None:
    """While nothing has been sent yet, the end of the connection ends the context as well."""
    async with over_http(voice=Slow()) as (client, server):
        await client.send("POST", path, speech("Hi."))
        await trio.sleep(1)
        (record,) = server.journal.contexts
        assert record.ended is None
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert (record.ended, trio.current_time()) == ("lost", record.opened_at + 1)
        assert server.journal.requests == ()


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
@examples
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


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    paths=st.lists(st.sampled_from([BYTES, SSE, "/", "/nowhere"]), min_size=1, max_size=5),
)
@settings(max_examples=25, deadline=None)
@on_virtual_time
async def test_requests_that_come_early_are_answered_in_their_turn(
    sizes: list[int], paths: list[str]
) -> None:
    """Requests that are sent all at once, in whatever slices they arrive, are
    answered one by one.
    """

    def sliced() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        ours, theirs = memory_stream_pair()
        return ours, Sliced(theirs, sizes)

    async with over_http(pair=sliced) as (client, server):
        readers = []
        for number, path in enumerate(paths):
            sender = HttpClient(client.stream)
            method = "GET" if path == "/" else "POST"
            await sender.send(method, path, speech(f"This is number {number}."))
            readers.append(sender)
        early = b""
        for number, (path, reader) in enumerate(zip(paths, readers, strict=True)):
            if early:
                reader.wire.receive_data(early)
            answer = await reader.finish()
            early, _ = reader.wire.trailing_data
            assert answer.status == (404 if path == "/nowhere" else 200)
            if path == BYTES:
                assert answer.body == await tones(f"This is number {number}.")
        assert [request.path for request in server.journal.requests] == paths


@on_virtual_time
async def test_a_peer_that_leaves_is_missed_though_it_asked_for_more() -> None:
    """A further request that waits does not hide that its sender has gone."""
    async with over_http() as (client, server):
        await client.send("POST", BYTES, speech(LONG))
        await client.begin()
        await client.stream.send_all(b"GET / HTTP/1.1\r\nhost: me\r\n\r\n")
        await wait_all_tasks_blocked()
        await client.stream.aclose()
        await wait_all_tasks_blocked()
        assert [record.ended for record in server.journal.contexts] == ["lost"]
        assert [request.path for request in server.journal.requests] == [BYTES]


@BOTH
@on_virtual_time
async def test_peers_of_http_1_0_get_no_chunks(path: str) -> None:
    """To a peer that knows no chunks the body comes as it is, and ends with the connection."""
    body = json.dumps(speech(TWO_SENTENCES)).encode()
    head = f"POST {path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = b""
    async with open_server(port=None, voice=TONES) as server, trio.open_nursery() as nursery:
        client = dial(server, nursery)
        await client.stream.send_all(head + body)
        while data := await client.stream.receive_some(65536):
            answer += data
        headers, _, body = answer.partition(b"\r\n\r\n")
        assert headers.startswith(b"HTTP/1.1 200 ")
        assert b"transfer-encoding" not in headers.lower()
        assert b"connection: close" in headers.lower()
        (record,) = server.journal.contexts
        assert body == record.audio if path == BYTES else body.startswith(b"data: {")
        await client.stream.aclose()


@BOTH
@on_virtual_time
async def test_whoever_does_not_read_is_given_up(path: str) -> None:
    """A peer that stays and does not read is cut off after the idle time; the service does not wait
    for it when it stops.
    """
    async with trio.open_nursery() as nursery:
        async with open_server(port=None, voice=TONES) as server:
            for waits_for in (301, 0):
                client = dial(server, nursery, lockstep_stream_pair)
                await client.send("POST", path, speech(LONG))
                await client.begin()
                started = trio.current_time()
                await trio.sleep(waits_for)
                assert server.journal.contexts[-1].ended == ("lost" if waits_for else None)
        await wait_all_tasks_blocked()
        assert server.journal.contexts[-1].ended == "lost"
    assert trio.current_time() - started <= 1


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = (
    *("model_id", "voice", "transcript", "output_format", "language", "locale", "normalization"),
    *("generation_config", "pronunciation_dict_id", "save", "speed", "duration", "context_id"),
    *("add_timestamps", "add_phoneme_timestamps", "use_normalized_timestamps", "continue"),
)
INNER = ("container", "encoding", "sample_rate", "bit_rate", "id", "mode", "speed", "emotion")
ODD = st.dictionaries(st.sampled_from(INNER), JSON | st.sampled_from(["raw", "wav", "mp3", 8000]))


@pytest.mark.slow
@given(
    path=st.sampled_from([BYTES, SSE]),
    changes=st.dictionaries(st.sampled_from(NAMES), JSON | ODD, min_size=1, max_size=3),
)
@settings(max_examples=200, deadline=None)
@on_virtual_time
async def test_no_shape_of_json_does_harm(path: str, changes: Json) -> None:
    """Whatever JSON is asked, the answer is speech or a proper refusal, nothing crashes, and the
    same connection serves the next request.
    """
    await survives(path, json.dumps({**speech("Hi."), **changes}).encode())


@given(path=st.sampled_from([BYTES, SSE]), body=st.binary(max_size=40) | JSON.map(json.dumps))
@examples
@on_virtual_time
async def test_no_body_does_harm(path: str, body: bytes | str) -> None:
    """Whatever the body is, JSON or not, a proper refusal answers it."""
    answer = await survives(path, body if isinstance(body, bytes) else body.encode())
    assert answer.status == 400


async def survives(path: str, body: bytes) -> Answer:
    async with over_http() as (client, _):
        with catch_logs(logging.ERROR) as lines:
            answer = await client.ask("POST", path, body)
            if answer.status != 200:
                assert answer.status in (400, 404)
                assert an_error(answer, answer.status)
            elif path == SSE:
                assert answer.events[-1]["type"] == "done"
            assert (await client.bytes("Hi.")).body == await tones("Hi.")
        assert lines == []
    return answer


@on_virtual_time
async def test_after_its_head_a_failure_can_only_cut() -> None:
    """A voice that fails in the middle of bytes leaves a body without an end,
    and no further word.
    """
    async with over_http(voice=Failing(1)) as (client, server):
        with pytest.raises(Cut) as caught:
            await client.bytes(TWO_SENTENCES)
        (record,) = server.journal.contexts
        assert caught.value.args == (bytes(record.audio),)
        assert record.ended == "error"
        assert 0 < record.audio_bytes < len(await tones(TWO_SENTENCES))


@pytest.mark.slow
@pytest.mark.parametrize("output", [S16, WAV_S16, MP3], ids=["raw", "wav", "mp3"])
async def test_ten_minutes_begin_and_stop_over_tcp(output: Json) -> None:
    """In real time too, and with the best voice that is installed: the first bytes come long before
    the last are made, and a peer that leaves stops the rest.
    """
    async with open_server() as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        client = HttpClient(await trio.open_tcp_stream(host, int(port)))
        await client.send("POST", BYTES, speech(LONG, output_format=output))
        with trio.fail_after(30):
            assert (await client.begin()).status == 200
            assert await client.receive()
            (record,) = server.journal.contexts
            assert record.ended is None
            assert record.generated_characters < len(LONG) / 4
            await client.stream.aclose()
            while record.ended is None:  # noqa: ASYNC110  # the journal wakes nobody
                await trio.sleep(0.01)
        assert record.ended == "lost"
        assert record.generated_characters < len(LONG) / 2
