"""A phone bridge: a telephone service's media stream at one end, Cartesia's speech at the other.

The telephone service connects over a WebSocket, as Twilio's Media Streams do, and sends what the
caller says: mu-law, 8,000 samples a second, 20 ms a message. The bridge answers with speech in the
same form. When the caller speaks, it stops at once, and its history has what the caller had heard.

``python bridge.py`` shows it with a call from a telephone of its own; ``python bridge.py 8080``
waits for calls on that port. Without a key it uses a local service.
"""

from __future__ import annotations

import base64
import json
import math
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    open_websocket_url,
    serve_websocket,
)

from trio_cartesia import Cartesia, CartesiaError, Playout, Pool
from trio_cartesia.server import open_server

GREETING = "Hello, this is the bridge. What can I do for you?"
FRAME_SECONDS = 0.02
SEND_SECONDS = 10  # for one message; a service that takes longer has lost the call
CALLS = 2  # at once, within the limit of the account's plan

SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
    "language": "en",
    "add_timestamps": True,  # to know what was heard
}

Message = dict[str, str]
Transcribe = Callable[[bytes], Awaitable[str]]  # the caller's audio
Think = Callable[[list[Message]], Awaitable[str]]


class SpeechDetector:
    """Finds where the caller begins and ends to speak, by loudness alone.

    Use a detector of voices in a product: this one takes a slammed door for a word.

    Attributes:
        frames: The caller's speech so far, of the last minute at most.
    """

    LOUDNESS = bytes(~code & 0x7F for code in range(256))  # of a sample in mu-law, 0 is silence
    LOUD = 32  # on average, about -38 dB
    BEGIN_FRAMES = 3
    END_FRAMES = 30
    MOST_FRAMES = 3000  # that are kept, a minute

    def __init__(self) -> None:
        self.is_speech = False
        self.frames: deque[bytes] = deque(maxlen=self.MOST_FRAMES)
        self.changing = 0  # frames in a row that are not as those before

    def add(self, frame: bytes) -> Literal["began", "ended"] | None:
        """Take 20 ms of the caller's audio; return what has changed."""
        self.frames.append(frame)
        is_loud = sum(frame.translate(self.LOUDNESS)) > self.LOUD * len(frame)
        self.changing = self.changing + 1 if is_loud is not self.is_speech else 0
        if not self.is_speech and not is_loud:
            self.frames.clear()
        if self.changing < (self.END_FRAMES if self.is_speech else self.BEGIN_FRAMES):
            return None
        self.is_speech, self.changing = is_loud, 0
        return "began" if is_loud else "ended"


class Call:
    """One call: takes turns with the caller, who may interrupt.

    Its history is for the model: what the bridge said in it ends where the caller stopped hearing.
    """

    def __init__(
        self, websocket: WebSocketConnection, pool: Pool, *, transcribe: Transcribe, think: Think
    ) -> None:
        self.websocket, self.pool = websocket, pool
        self.transcribe, self.think = transcribe, think
        self.history: list[Message] = []
        self.detector = SpeechDetector()
        self.stream_sid = ""
        self.turn = 0  # its number, which its marks have
        self.turn_scope = trio.CancelScope()
        self.playout: Playout | None = None
        self.is_played = trio.Event()

    async def run(self) -> None:
        """Answer the call, and return once the caller has hung up."""
        async with trio.open_nursery() as nursery:
            while (message := await self.receive()) is not None:
                match message["event"]:
                    case "start":
                        self.stream_sid = message["start"]["streamSid"]
                        nursery.start_soon(self.take_turn, None)
                    case "media":
                        change = self.detector.add(base64.b64decode(message["media"]["payload"]))
                        if change == "began":
                            await self.interrupt()
                        elif change == "ended":
                            nursery.start_soon(self.take_turn, b"".join(self.detector.frames))
                    case "mark":
                        self.note_played(message["mark"]["name"])
            nursery.cancel_scope.cancel()

    async def take_turn(self, audio: bytes | None) -> None:
        """Answer the caller's *audio*, or greet them."""
        with trio.CancelScope() as self.turn_scope:
            text = GREETING
            if audio is not None:
                self.history.append({"role": "user", "content": await self.transcribe(audio)})
                text = await self.think(self.history)
            await self.speak(text)

    async def interrupt(self) -> None:
        """Stop speaking at once, and drop what the telephone service has not played."""
        self.turn_scope.cancel()
        self.turn += 1  # the service returns the marks of what it drops, too
        await self.send("clear")

    async def speak(self, text: str) -> None:
        """Speak, and put into the history what was heard of it, however it ends."""
        self.turn += 1
        self.is_played = trio.Event()
        async with self.pool.speak(text, **SETTINGS) as context:
            self.playout = playout = context.playout(frame_seconds=FRAME_SECONDS)
            playout.played(0)  # from now on, it goes by the marks
            try:
                async for frame in playout:
                    payload = base64.b64encode(frame.audio).decode()
                    await self.send("media", media={"payload": payload})
                    await self.send_mark(frame.start_seconds + FRAME_SECONDS)
                await self.send_mark(math.inf)
                await self.is_played.wait()
            finally:
                if heard := playout.heard.text:
                    self.history.append({"role": "assistant", "content": heard})

    def note_played(self, mark: str) -> None:
        """Note how much the telephone service has played, unless its turn is over."""
        turn, _, seconds = mark.partition(" ")
        if self.playout is None or turn != str(self.turn):
            return
        self.playout.played(float(seconds))
        if float(seconds) == math.inf:
            self.is_played.set()

    async def send_mark(self, seconds: float) -> None:
        """Send a mark, which the telephone service returns when it has played so much."""
        await self.send("mark", mark={"name": f"{self.turn} {seconds}"})

    async def send(self, event: str, **fields: object) -> None:
        """Send a message, whole or not at all: half of one would end the call.

        Raises:
            ConnectionClosed: The caller has hung up.
            TooSlowError: The telephone service does not receive.
        """
        await trio.lowlevel.checkpoint_if_cancelled()  # after a clear, no frame may follow
        message = {"event": event, "streamSid": self.stream_sid, **fields}
        with trio.fail_after(SEND_SECONDS, shield=True):
            await self.websocket.send_message(json.dumps(message))

    async def receive(self) -> dict[str, Any] | None:
        """Receive a message; return None once the caller has hung up."""
        try:
            message: dict[str, Any] = json.loads(await self.websocket.get_message())
        except ConnectionClosed:
            return None
        return None if message["event"] == "stop" else message


async def handle_call(
    request: WebSocketRequest, *, pool: Pool, transcribe: Transcribe, think: Think
) -> list[Message]:
    """Answer a call, and return its history. An error ends this call and no other."""
    call = Call(await request.accept(), pool, transcribe=transcribe, think=think)
    try:
        await call.run()
    except* (CartesiaError, ConnectionClosed, trio.TooSlowError) as errors:
        print("a call has failed:", *(type(error).__name__ for error in errors.exceptions))
    return call.history


async def transcribe(audio: bytes) -> str:
    """Stand in for speech-to-text."""
    await trio.lowlevel.checkpoint()
    return f"({len(audio) / 8000:.1f} seconds of speech)"


async def think(history: list[Message]) -> str:
    """Stand in for a language model."""
    await trio.sleep(0.3)
    return f"You said {history[-1]['content']}. I have nothing to add to that."


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


async def show_call(url: str) -> None:
    """Call the bridge, interrupt its greeting, and hang up after the answer."""
    from telephone import Telephone

    async with open_websocket_url(url) as websocket, trio.open_nursery() as nursery:
        telephone = Telephone(websocket)
        nursery.start_soon(telephone.run)
        await trio.sleep(1.5)
        telephone.talk(seconds=1)
        await telephone.wait_silence(seconds=2)
        nursery.cancel_scope.cancel()
    print(f"the caller heard {len(telephone.played) / 8000:.1f} s of speech")


async def main(port: int | None) -> None:
    """Wait for calls on *port*, or answer one of our own."""
    is_over = trio.Event()

    async def handler(request: WebSocketRequest) -> None:
        for message in await handle_call(request, pool=pool, transcribe=transcribe, think=think):
            print(f"{message['role']}: {message['content']}")
        is_over.set()

    async with (
        open_client() as client,
        client.tts.websocket_pool(max_contexts=CALLS) as pool,
        trio.open_nursery() as nursery,
    ):
        listen = partial(serve_websocket, handler, "127.0.0.1", port or 0, ssl_context=None)
        server = await nursery.start(listen)
        if port is not None:
            print(f"waiting for calls at ws://127.0.0.1:{server.port}/", flush=True)
            await trio.sleep_forever()
        await show_call(f"ws://127.0.0.1:{server.port}/")
        await is_over.wait()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else None)
