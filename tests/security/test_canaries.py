"""Keys and speech show nowhere, whatever happens."""

from __future__ import annotations

import base64
import json
from functools import partial

import pytest
import trio

from tests.cli.support import run
from tests.runtime.transport.attacks import attacked, message
from tests.security.canaries import (
    AUDIO,
    HEADER,
    KEY,
    SOUND,
    TEXT,
    TOKEN,
    WORD,
    Emitted,
    listening,
)
from tests.support import SETTINGS
from trio_cartesia import Cartesia, CartesiaError, ContextExpired, InternalError
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.transport import websocket
from trio_cartesia.server import FAULTS, Fault, open_server
from trio_cartesia.testing import connect_in_memory

SPOKEN = f"{TEXT} one. <<{SOUND}|a>> {TEXT} two. " * 4
NEEDED = {"latency": {"seconds": 0.5}, "bandwidth": {"bytes_per_second": 100_000.0}}


def credentials(kind: str) -> dict[str, object]:
    named = {"api_key": KEY} if kind == "key" else {"token": TOKEN}
    return {**named, "headers": {"X-Canary": HEADER}}


async def converse(client: Cartesia, emitted: Emitted) -> None:
    """Speak in all ways, and show everything that a user may print."""
    emitted.show(client, client.tts)
    try:
        async with client.tts.websocket_connect(inbox_bytes=50_000) as connection:
            emitted.show(connection)
            settings = {**SETTINGS, "add_timestamps": True, "add_phoneme_timestamps": True}
            async with connection.context(**settings) as context:
                emitted.show(context, context.settings)
                await context.push(SPOKEN)
                await context.flush()
                await context.push(SPOKEN)
                await context.no_more_inputs()
                receiver = context.receive()
                emitted.show(receiver, context.audio(), context.statistics())
                try:
                    async for event in receiver:
                        emitted.show(event)
                finally:
                    emitted.show(connection.statistics(), context.statistics(), context)
            async with connection.speak(iter([SPOKEN, SPOKEN]), **settings) as context:
                speech = await context.collect()
                emitted.show(speech, *speech.words, *speech.segments, *speech.phonemes)
            async with connection.context(**settings) as context:
                await context.push(SPOKEN)
                context.cancel()
                await context.push(SPOKEN)
    except CartesiaError as error:
        emitted.show(error, error.partial)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [None, *FAULTS])
async def test_no_fault_shows_what_is_secret(fault, autojump_clock):
    """Whatever the service does wrong, no log, repr, error or number holds a key or speech."""
    faults = [Fault(name=fault, **NEEDED.get(fault, {}))] if fault else []
    async with open_server(port=None, voice="tones", faults=faults) as server:
        async with connect_in_memory(server) as open_stream:
            with listening() as emitted, trio.move_on_after(400):
                async with Cartesia(
                    **credentials("key"), base_url=server.url, open_stream=open_stream
                ) as client:
                    await converse(client, emitted)
        targets = [repr(request) for request in server.journal.requests]
    assert not any("CANARY" in target for target in targets)


@pytest.mark.parametrize("kind", ["key", "token"])
async def test_a_refused_credential_is_not_shown(kind, autojump_clock):
    """A credential that the service refuses is in neither the error nor the log."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_other"]) as server:
        async with connect_in_memory(server) as open_stream:
            with listening() as emitted:
                client = Cartesia(**credentials(kind), base_url=server.url, open_stream=open_stream)
                await converse(client, emitted)
                assert any("401" in text for text in emitted.texts)


def event(**fields: object) -> bytes:
    return message(json.dumps({"context_id": "a", **fields}, separators=(",", ":")).encode())


WORDS = {"words": [WORD, WORD], "start": [0, 1], "end": [1, 2]}
PHONEMES = {"phonemes": [SOUND], "start": [0], "end": [1]}
PLANTED = AUDIO.decode()
SCRIPTS = {
    "all goes well": [
        event(type="chunk", data=base64.b64encode(AUDIO).decode()),
        event(type="timestamps", word_timestamps=WORDS),
        event(type="phoneme_timestamps", phoneme_timestamps=PHONEMES),
        event(type="new", word=WORD),
        event(type="done"),
    ],
    "expiry": [event(type="done")],
    "no base64": [event(type="chunk", data=PLANTED)],
    "wrong times": [event(type="timestamps", word_timestamps={**WORDS, "start": [WORD, 1]})],
    "too few times": [event(type="timestamps", word_timestamps={**WORDS, "start": [1]})],
    "no list": [event(type="timestamps", word_timestamps={**WORDS, "words": WORD})],
    "no mapping": [event(type="timestamps", word_timestamps=WORD)],
    "no phonemes": [event(type="phoneme_timestamps", phoneme_timestamps={"x": SOUND})],
    "no type": [event(text=WORD)],
    "no object": [message(json.dumps([WORD]).encode())],
    "no JSON": [message(f'{{"{WORD}'.encode())],
    "no UTF-8": [message(WORD.encode() + b"\xff")],
    "no UTF-8 in pieces": [message(WORD.encode(), 1), message(b"\xff" + WORD.encode(), 0x80)],
    "binary": [message(json.dumps({"type": WORD}).encode(), 2)],
    "overflow": [event(type="new", word=WORD * 3000)],
    "masked": [b"\x81\xff" + WORD.encode() * 30],
    "no frame": [WORD.encode() * 30],
    "nothing": [],
}


async def listen(client: Cartesia, emitted: Emitted) -> None:
    try:
        async with (
            client.tts.websocket_connect(inbox_bytes=50_000) as connection,
            connection.context(**SETTINGS, context_id="a") as context,
        ):
            await context.push(SPOKEN)
            try:
                async for heard in context.receive():
                    emitted.show(heard, *[getattr(heard, "word_timestamps", None)])
                await context.push(SPOKEN)
            finally:
                emitted.show(connection, context, connection.statistics(), context.statistics())
    except ContextExpired as error:
        assert error.unspoken  # which is what it is for, and the only place
        emitted.show(error)
    except CartesiaError as error:
        emitted.show(error)


@pytest.mark.parametrize("name", SCRIPTS)
async def test_no_event_shows_what_it_holds(name, autojump_clock):
    """Words, phonemes and audio of events, right or wrong, show in no log, repr or error."""

    async def attack(stream):
        await stream.send_all(b"".join(SCRIPTS[name]))

    async with attacked(attack, **credentials("key")) as client:
        with listening() as emitted:
            await listen(client, emitted)


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_crash_of_ours_shows_nothing(is_on, autojump_clock, monkeypatch):
    """A bug of ours is reported without what it came across."""

    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(websocket, "FAST_PATH_IS_ON", is_on)
    monkeypatch.setattr(SpeechProtocol, "receive_chunk", crash)

    async def attack(stream):
        await stream.send_all(b"".join(SCRIPTS["all goes well"]))

    async with attacked(attack, **credentials("key")) as client:
        with listening() as emitted:
            with pytest.raises(InternalError) as caught:
                await listen_bare(client)
            emitted.show(caught.value)


async def listen_bare(client: Cartesia) -> None:
    async with (
        client.tts.websocket_connect() as connection,
        connection.context(**SETTINGS, context_id="a") as context,
    ):
        await context.push(SPOKEN)
        await trio.sleep_forever()


async def test_a_feeder_that_crashes_shows_nothing(autojump_clock):
    """What a caller's own iterator raises comes back as it is, and nothing is added to it or
    logged.
    """

    async def pieces():
        await trio.lowlevel.checkpoint()
        yield SPOKEN
        raise ZeroDivisionError("the caller's")

    async with open_server(port=None, voice="tones") as server:
        async with connect_in_memory(server) as open_stream:
            with listening() as emitted:
                async with (
                    Cartesia(
                        **credentials("key"), base_url=server.url, open_stream=open_stream
                    ) as client,
                    client.tts.websocket_connect() as connection,
                    connection.speak(pieces(), **SETTINGS) as context,
                ):
                    with pytest.raises(ZeroDivisionError) as caught:
                        await context.collect()
                    emitted.show(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refused_handshake", "malformed_json", "reset", "bad_base64"])
async def test_the_command_line_shows_nothing_with_debug(fault, tmp_path):
    """``--debug`` shows tracebacks, and neither key nor text."""
    async with open_server(voice="tones", faults=[Fault(name=fault)]) as server:
        environment = {
            "CARTESIA_API_KEY": KEY,
            "CARTESIA_CUSTOM_HEADERS": f"X-Canary: {HEADER}",
            "CARTESIA_BASE_URL": server.url,
        }
        outcome = await trio.to_thread.run_sync(
            partial(run, "say", SPOKEN, "--debug", cwd=tmp_path, env=environment)
        )
    assert outcome.code == 1
    assert "Traceback" in outcome.err_text
    assert "CANARY" not in outcome.err_text
    assert not any("CANARY" in line for line in outcome.out)
