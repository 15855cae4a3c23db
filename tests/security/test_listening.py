"""Keys, keyterms, audio and what users say show nowhere, whatever happens in speech to text."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.security.canaries import AUDIO, TERM, TEXT, WORD, Emitted
from tests.security.canaries import listening as searched
from tests.security.test_canaries import NEEDED, credentials
from tests.server.stt.support import Marked, marked_score, said, speech
from trio_cartesia import Cartesia, CartesiaError, ConnectionLost
from trio_cartesia.server import FAULTS, Fault, open_server
from trio_cartesia.testing import client_with_peers, connect_in_memory

__all__ = ["marked_score"]

SETTINGS: Any = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
SPOKEN = said(1, 2) + speech(score=30) + said(3) + 2 * speech() + AUDIO * 100
FEW = (None, "malformed_json", "refused_handshake")


@pytest.fixture(autouse=True)
def spoken_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word that the service recognises is a canary."""
    monkeypatch.setattr("tests.server.stt.support.WORDS", (TEXT,))


async def dictate(client: Cartesia, emitted: Emitted) -> None:
    """Use a session with manual finalize, and show everything that a user may print."""
    opening = client.stt.manual_finalize.websocket(**SETTINGS, keyterms=[TERM], inbox_bytes=50_000)
    emitted.show(client.stt, client.stt.manual_finalize, opening)
    async with opening as session:
        try:
            await session.feed(SPOKEN)
            text = await session.finalize()
            assert TEXT in text
            await session.send_audio(AUDIO)
            await session.no_more_audio()
            events = session.receive()
            async for event in events:
                emitted.show(event, *(getattr(event, "words", None) or ()))
        finally:
            emitted.show(session, session.transcript, session.statistics(), session.receive())


async def take_turns(client: Cartesia, emitted: Emitted) -> None:
    """Use a session with turns, likewise."""

    async def answer(text: str) -> str:
        await trio.lowlevel.checkpoint()
        return f"{TEXT} {text}"

    opening = client.stt.auto_finalize.websocket(**SETTINGS, keyterms=[TERM], inbox_bytes=50_000)
    emitted.show(client.stt.auto_finalize, opening)
    async with opening as session:
        turns = session.turns()
        try:
            await session.feed(SPOKEN)
            await session.config(end_timeout_ms=1000)
            await session.no_more_audio()
            async for turn in turns:
                async with turn.speculate(answer) as attempt:
                    emitted.show(turn, attempt)
                emitted.show(turn, attempt, aiter(turn))
        finally:
            emitted.show(session, session.statistics(), turns)


async def transcribe(client: Cartesia, emitted: Emitted) -> None:
    """Have a recording transcribed, likewise."""
    async with client:
        found = await client.stt.transcribe(
            SPOKEN, model="ink-whisper", timestamp_granularities=["word"],
            encoding="pcm_s16le", sample_rate=16000,
        )  # fmt: skip
        assert TEXT in found.text
        emitted.show(found, *found.words)


WAYS = {"manual": dictate, "turns": take_turns, "batch": transcribe}


async def check_fault(way: str, fault: str | None) -> None:
    faults = [Fault(name=fault, **NEEDED.get(fault, {}))] if fault else []
    service = open_server(port=None, voice="tones", recognizer=Marked(), faults=faults)
    async with service as server, connect_in_memory(server) as open_stream:
        with searched() as emitted, trio.move_on_after(400):
            client = Cartesia(**credentials("key"), base_url=server.url, open_stream=open_stream)
            emitted.show(client, client.stt)
            try:
                await WAYS[way](client, emitted)
            except CartesiaError as error:
                emitted.show(error)
        emitted.show(*server.journal.transcriptions)
        emitted.check()
        targets = [repr(request) for request in server.journal.requests]
    assert not any("CANARY" in target for target in targets)


@pytest.mark.parametrize("fault", FEW)
@pytest.mark.parametrize("way", WAYS)
async def test_speech_to_text_shows_nothing(way, fault, autojump_clock):
    """No log, repr, traceback or address holds a key, a keyterm, audio or what was said."""
    await check_fault(way, fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in FEW])
@pytest.mark.parametrize("way", WAYS)
async def test_no_fault_of_speech_to_text_shows_anything(way, fault, autojump_clock):
    """So it is with every fault."""
    await check_fault(way, fault)


@pytest.mark.parametrize(("kind", "way"), [("key", "manual"), ("token", "turns"), ("key", "batch")])
async def test_a_refused_credential_is_not_shown_either(kind, way, autojump_clock):
    """A credential that the service refuses is in neither the error nor the log."""
    async with open_server(port=None, recognizer=Marked(), api_keys=["sk_car_other"]) as server:
        async with connect_in_memory(server) as open_stream:
            with searched() as emitted:
                client = Cartesia(**credentials(kind), base_url=server.url, open_stream=open_stream)
                with pytest.raises(CartesiaError) as caught:
                    await WAYS[way](client, emitted)
                emitted.show(caught.value)
                assert any("401" in text for text in emitted.texts)


MESSAGES = {
    "all goes well": f'{{"type":"transcript","is_final":true,"text":"{WORD}"}}',
    "words": f'{{"type":"transcript","is_final":true,"text":"{WORD}","words":'
    f'[{{"word":"{WORD}","start":0,"end":1}}]}}',
    "no finality": f'{{"type":"transcript","is_final":"{WORD}","text":"{WORD}"}}',
    "no text": f'{{"type":"transcript","is_final":true,"text":["{WORD}"]}}',
    "a turn": f'{{"type":"turn.end","transcript":"{WORD}"}}',
    "no type": f'{{"text":"{WORD}"}}',
    "a wrong type": f'{{"type":["{WORD}"]}}',
    "an unknown type": f'{{"type":"new","word":"{WORD}"}}',
    "no object": f'["{WORD}"]',
    "no JSON": f'{{"{WORD}',
    "an early end": f'{{"type":"done","text":"{WORD}"}}',
    "too much": f'{{"type":"new","word":"{WORD * 3000}"}}',
    "an error": f'{{"type":"error","status_code":"{WORD}","words":"{WORD}"}}',
}


async def show_all(session, kind, peer, message, emitted):
    """Show what a session yields and raises for a message, which is the last one."""
    await peer.send_text(message)
    await peer.close()
    events = session.receive() if kind == "manual_finalize" else session.turns()
    for _ in range(3):
        try:
            async for event in events:
                emitted.show(event)
        except CartesiaError as error:
            emitted.show(error)
    emitted.show(session, session.statistics())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("manual_finalize", name) for name in MESSAGES if name != "a turn"),
        *(("auto_finalize", name) for name in ("a turn", "an unknown type", "too much", "no JSON")),
    ],
)
async def test_no_message_of_speech_to_text_shows_what_it_holds(kind, name, autojump_clock):
    """Text of events, right or wrong, shows in no log, repr or error."""
    with searched() as emitted, trio.move_on_after(5):
        async with client_with_peers() as (client, peers):
            opening = getattr(client.stt, kind).websocket(**SETTINGS, inbox_bytes=50_000)
            try:
                async with opening as session:
                    await show_all(session, kind, await peers.receive(), MESSAGES[name], emitted)
            except ConnectionLost as error:
                emitted.show(error)
