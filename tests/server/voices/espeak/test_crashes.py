from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.server.support import audio, connected, generation, kinds
from tests.server.voices.espeak.children import (
    SENTENCE,
    exists,
    kill_child,
    pid_of,
    posix,
    wait_gone,
    words,
)
from tests.support import one_in
from trio_cartesia.server import Utterance
from trio_cartesia.server.voices.espeak import child_process
from trio_cartesia.server.voices.espeak.client import EspeakClient, EspeakCrashed, espeak_client
from trio_cartesia.server.voices.espeak.library import VoiceParameters
from trio_cartesia.server.voices.espeak.voice import Espeak

HOSTILE = [("vi", "ਝ̸"), ("mr", "ऽFआश")]  # version 1.52 overwrites its memory


@pytest.mark.parametrize(("language", "text"), HOSTILE)
@pytest.mark.slow
async def test_hostile_text_fails_alone(language: str, text: str) -> None:
    """Text that crashes the library fails, if it does, without a word of it; the next is spoken."""
    voice = Espeak()
    settings: Any = {"voice_id": "a", "sample_rate": 22050}
    for _ in range(2):
        try:
            await voice.speak(Utterance(text=text, language=language, **settings))
        except EspeakCrashed as error:
            assert not set(text) & set(str(error)) - {"F"}
        spoken = await voice.speak(Utterance(text="Hello world", **settings))
        assert [word.text for word in spoken.words] == ["Hello", "world"]


@posix
def test_a_child_killed_in_mid_speech_fails_that_text(client: EspeakClient) -> None:
    """If the child dies while it speaks, that text fails and says how; the next has a new child."""
    assert client.sample_rate
    calls: list[int] = []

    def kill_at_third() -> None:
        calls.append(pid_of(client))
        if len(calls) == 3:
            kill_child(client)

    with pytest.raises(EspeakCrashed) as caught:
        client.synthesise(SENTENCE, VoiceParameters(), checkpoint=kill_at_third)
    assert str(caught.value) == f"eSpeak NG crashed ({signal.strsignal(signal.SIGKILL)})"
    assert not exists(calls[0])
    assert words(client, "one two three") == 3
    assert pid_of(client) != calls[0]


@posix
def test_a_text_that_was_not_to_blame_is_spoken(client: EspeakClient) -> None:
    """If the child dies, and has spoken before, the text is tried once more; twice, and it is
    over.
    """
    assert words(client, "one") == 1
    first = pid_of(client)
    kills = [first]

    def kill_once() -> None:
        if pid_of(client) in kills:
            kill_child(client)

    samples, _ = client.synthesise(SENTENCE, VoiceParameters(), checkpoint=kill_once)
    assert len(samples) / 2 / client.sample_rate > 3
    assert pid_of(client) != first
    with pytest.raises(EspeakCrashed):
        client.synthesise(SENTENCE, VoiceParameters(), checkpoint=lambda: kill_child(client))
    assert words(client, "one two") == 2


@posix
def test_the_next_child_starts_at_once(client: EspeakClient) -> None:
    """After a crash another child starts without a request."""
    assert client.sample_rate
    with pytest.raises(EspeakCrashed):
        client.synthesise(SENTENCE, VoiceParameters(), checkpoint=lambda: kill_child(client))
    pid = pid_of(client)
    assert exists(pid)
    assert words(client, "one two") == 2
    assert pid_of(client) == pid


@posix
def test_a_child_that_dies_idle_is_replaced(client: EspeakClient) -> None:
    """If the child dies between two texts, neither of them fails."""
    assert words(client, "one") == 1
    kill_child(client)
    wait_gone(pid_of(client))
    assert words(client, "one two") == 2


class Deadly:
    """The voice ``espeak``, whose child is killed at the word ``die``."""

    name = "deadly"

    def __init__(self) -> None:
        self.espeak = Espeak()

    async def speak(self, utterance: Utterance) -> Any:
        if "die" in utterance.text:
            await trio.to_thread.run_sync(self._die)
        return await self.espeak.speak(utterance)

    def _die(self) -> None:
        with contextlib.suppress(RuntimeError):
            shared = espeak_client
            shared.synthesise(SENTENCE, VoiceParameters(), checkpoint=lambda: kill_child(shared))
        raise EspeakCrashed


@pytest.mark.parametrize("hostile", ["die", *(text for _, text in HOSTILE)])
@pytest.mark.slow
async def test_other_contexts_of_the_connection_go_on(hostile: str) -> None:
    """A context whose text crashes the library gets an error; another one is spoken to its end."""
    language = {text: language for language, text in HOSTILE}.get(hostile, "en")
    async with connected(voice=Deadly()) as (client, _):
        await client.send(generation("good", "One sentence. ", **{"continue": True}))
        await client.send(generation("bad", hostile, language=language))
        await client.send(generation("good", "And another."))
        events = await client.receive_until_over("good", "bad")
        bad = [event for event in events if event["context_id"] == "bad"]
        if hostile == "die" or "chunk" not in kinds(bad):
            assert kinds(bad) == ["error"]
            assert bad[0]["status_code"] == 500
        again = await client.speak(generation("again", "One sentence. And another."))
    whole, good = len(audio(again)), len(audio(events, "good"))
    assert good == pytest.approx(whole, rel=0.02)


FRAMES = """
import os, struct, sys, time
def send(kind, payload=b"", size=None):
    os.write(1, struct.pack("=BI", kind, len(payload) if size is None else size) + payload)
ready = (2, struct.pack("=I", 22050))
spoken = struct.pack("=I", 1)
event = struct.pack("=Bii8s", 7, 0, 0, b"a")
"""


@pytest.mark.parametrize(
    "script",
    one_in(
        3,
        [
            "sys.exit(3)",
            "print('Fatal error: no such thing', flush=True); time.sleep(5)",
            "send(2, b'long' * 2); sys.stdin.read()",
            "send(2, size=1 << 31); sys.stdin.read()",
            "send(99); sys.stdin.read()",
            "send(*ready); sys.exit(3)",
            "send(*ready); os.close(0); send(8, b'short', size=9)",
            "send(*ready); os.close(0); os.close(1); time.sleep(5)",
            "send(*ready); send(7); sys.stdin.read()",
            "send(*ready); send(8); sys.stdin.read()",
            "send(*ready); send(8, spoken + event[:-1]); sys.stdin.read()",
            "send(*ready); send(8, spoken + b'\\x09' + event[1:]); sys.stdin.read()",
            "send(*ready); send(8, spoken + event[:-8] + b'\\xff' * 8); sys.stdin.read()",
        ],
    ),
)
def test_nonsense_is_a_crash(
    client: EspeakClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """A child that ends, or says what is no frame, is ended for good; the next one is a new one."""
    child = tmp_path / "child.py"
    child.write_text(FRAMES + script)
    with monkeypatch.context() as patched:
        patched.setattr(child_process, "CHILD", child)
        patched.setattr(child_process, "GRACE_SECONDS", 0.05)
        client.start()
        pid = pid_of(client)
        with pytest.raises(EspeakCrashed, match=r"^eSpeak NG crashed \(.+\)$"):
            words(client, "one")
        client.close()  # the next one, which is of the same kind
    assert not exists(pid)
    assert words(client, "one two") == 2
