"""A telephone for trying out the bridge: the telephone service, and a caller who may interrupt."""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections import deque

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

FRAME_SECONDS = 0.02
SILENCE = b"\xff" * 160
VOICE = b"\x90\x10" * 80  # loud


class Telephone:
    """Sends the caller's audio, and plays what it receives, both in real time.

    As Twilio does, it returns a mark once all before it was played, and all marks when it is told
    to clear what it holds.

    Attributes:
        played: The frames that were played whole.
        last_sound_at: When the last sound ended, of the caller or of the bridge.
        cleared_at: When it was last told to clear.
    """

    def __init__(self, websocket: WebSocketConnection) -> None:
        self.websocket = websocket
        self.played = bytearray()
        self.last_sound_at = trio.current_time()
        self.cleared_at = -math.inf
        self.waiting: deque[tuple[str, str]] = deque()  # media and marks
        self.has_more = trio.Event()
        self.frames_to_say = 0

    def talk(self, *, seconds: float) -> None:
        """Let the caller speak from now on."""
        self.frames_to_say = round(seconds / FRAME_SECONDS)
        self.last_sound_at = trio.current_time() + seconds

    async def wait_silence(self, *, seconds: float) -> None:
        """Wait until the caller has neither spoken nor heard anything for so long."""
        while (until := self.last_sound_at + seconds) > trio.current_time():  # noqa: ASYNC110
            await trio.sleep_until(until)

    async def run(self) -> None:
        """Call, and return once the bridge has hung up."""
        async with trio.open_nursery() as nursery:
            await self.send("start", start={"streamSid": "MZ1", "callSid": "CA1"})
            nursery.start_soon(self.send_audio)
            nursery.start_soon(self.play)
            while (message := await self.receive()) is not None:
                if message["event"] == "clear":
                    await self.clear()
                else:
                    self.put(message)
            nursery.cancel_scope.cancel()

    async def send_audio(self) -> None:
        """Send what the caller says, and silence between."""
        began_at = trio.current_time()
        for number in itertools.count():
            await trio.sleep_until(began_at + number * FRAME_SECONDS)
            payload = base64.b64encode(VOICE if self.frames_to_say else SILENCE).decode()
            self.frames_to_say = max(0, self.frames_to_say - 1)
            await self.send("media", media={"track": "inbound", "payload": payload})

    def put(self, message: dict[str, dict[str, str]]) -> None:
        """Queue a frame or a mark behind those that wait."""
        if message["event"] == "media":
            self.waiting.append(("media", message["media"]["payload"]))
        else:
            self.waiting.append(("mark", message["mark"]["name"]))
        self.has_more.set()

    async def play(self) -> None:
        """Play what waits, and return the marks that are reached."""
        while True:
            while not self.waiting:  # a clear may come between
                await self.has_more.wait()
            kind, value = self.waiting.popleft()
            if not self.waiting:
                self.has_more = trio.Event()
            if kind == "mark":
                await self.send("mark", mark={"name": value})
                continue
            began_at, frame = trio.current_time(), base64.b64decode(value)
            await trio.sleep(len(frame) / 8000)
            if self.cleared_at < began_at:
                self.played += frame
                self.last_sound_at = trio.current_time()

    async def clear(self) -> None:
        """Drop all frames, and return all marks."""
        self.cleared_at = trio.current_time()
        marks = [value for kind, value in self.waiting if kind == "mark"]
        self.waiting.clear()
        self.has_more = trio.Event()
        for name in marks:
            await self.send("mark", mark={"name": name})

    async def send(self, event: str, **fields: object) -> None:
        """Send a message; a bridge that has hung up does not get it."""
        try:
            await self.websocket.send_message(json.dumps({"event": event, **fields}))
        except ConnectionClosed:
            await trio.lowlevel.checkpoint()

    async def receive(self) -> dict[str, dict[str, str]] | None:
        """Receive a message; return None once the bridge has hung up."""
        try:
            message: dict[str, dict[str, str]] = json.loads(await self.websocket.get_message())
        except ConnectionClosed:
            return None
        return message
