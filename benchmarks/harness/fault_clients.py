"""The cases of ``faults.py``, played with this package and with the official asynchronous client.

The two differ in whatever a fault can touch, so that each has its own way through the cases.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import attrs
import trio

from harness.clients.tasks import KEY, SETTINGS
from trio_cartesia import Cartesia, Connection

PATIENCE_SECONDS: Final = 50.0  # longer than either client's keepalive
STALL_SECONDS: Final = 45.0  # of our contexts: the default of 60 is beyond the patience
GRACE_SECONDS: Final = 12.0  # for closing handshakes that get no answer
TEXT: Final = "This is one sentence of a text that goes on for quite a while. " * 8
V3: Final = "context_id=v at_frame=3"
HEALTHY: Final = "nothing is wrong"
CASES: Final[dict[str, str]] = {
    HEALTHY: "",
    "the connection is reset": f"reset {V3}",
    "the stream ends without a close frame": f"fin {V3}",
    "the stream ends inside a frame": f"truncated_frame {V3}",
    "closed with 1011": f"close {V3} code=1011",
    "closed with 1000": f"close {V3} code=1000",
    "the service stalls": "stall at_frame=6",
    "the service sends nothing more": "silence at_frame=6",
    "the service sends nothing more for one context": f"stall {V3}",
    "a message is not JSON": f"malformed_json {V3}",
    "audio is not base64": f"bad_base64 {V3}",
    "a message has no context id": f"missing_context_id {V3}",
    "a message has an unknown context id": f"unknown_context_id {V3}",
    "a message of 1.5 MB": f"oversized_frame {V3} size_bytes=1500000",
    "an error for one context": f"quota_exceeded {V3}",
    "an error without a context id": f"connection_error {V3}",
    "unknown events and fields": f"unknown_event {V3}, unknown_fields",
    "every message is fragmented": "fragmented_frame size_bytes=1000",
    "a repeated terminal event, and late frames": "duplicate_terminal, late_frames",
    "the handshake is refused with 429": "refused_handshake status=429",
    "the handshake gets no answer": "stalled_handshake",
    "the handshake's answer is garbage": "garbage_handshake",
}


@attrs.define
class Outcome:
    """The result of one context; ``closing`` is the exception of closing the connection."""

    audio_bytes: int = 0
    ended: str = ""
    seconds: float = 0.0
    closing: str = ""
    began: float = attrs.field(factory=time.monotonic)

    def end(self, how: str | Exception) -> None:
        """Record how it ended, and when."""
        self.ended = how if isinstance(how, str) else f"raises {type(how).__name__}"
        self.seconds = time.monotonic() - self.began

    def text(self, whole_bytes: int) -> str:
        """Return it in words."""
        if self.ended == "done":
            found = "whole" if self.audio_bytes >= whole_bytes else "**silently cut short**"
        elif self.ended:
            is_late = self.ended.startswith("raises") and self.seconds >= 2
            found = f"{self.ended} after {self.seconds:.0f} s" if is_late else self.ended
        else:
            found = "**hangs**"
        return f"{found}; closing {self.closing}" if self.closing else found


def headers(fault: str) -> dict[str, str]:
    """Return the headers that ask the service for a fault."""
    return {"X-Fault": fault} if fault else {}


class Ours:
    """The cases with trio_cartesia."""

    def __init__(self, url: str) -> None:
        self.url, self.outcomes = url, dict[str, Any]()

    def connect(self, fault: str = "", **options: Any) -> Any:
        """Return a connection's context manager."""
        client = Cartesia(
            KEY, base_url=self.url, headers=headers(fault), stall_seconds=STALL_SECONDS
        )
        return client.tts.websocket_connect(**options)

    async def main(self) -> dict[str, Any]:
        """Play all cases."""
        before = trio.lowlevel.current_statistics().tasks_living
        async with trio.open_nursery() as nursery:
            for name, fault in CASES.items():
                nursery.start_soon(self.play, name, fault)
        self.outcomes["tasks"] = trio.lowlevel.current_statistics().tasks_living - before
        self.outcomes["left"] = await self.leave(cancel=False)
        self.outcomes["cancelled"] = await self.leave(cancel=True)
        self.outcomes["unread"] = await self.ignore()
        outcome = Outcome()
        async with trio.open_nursery() as nursery:  # noqa: SIM117  # it outlives the connection
            async with self.connect() as connection:
                nursery.start_soon(self.receive, connection, "closing", outcome)  # noqa: ASYNC111  # it outlives the connection, as above
                await trio.sleep(0.05)
        return self.outcomes | {"closing": attrs.asdict(outcome)}

    async def play(self, name: str, fault: str) -> None:
        """Speak with two contexts under a fault."""
        found = [Outcome(), Outcome()]
        try:
            async with self.connect(fault) as connection, trio.open_nursery() as nursery:
                for context_id, outcome in zip(("v", "o"), found, strict=True):
                    nursery.start_soon(self.receive, connection, context_id, outcome)
        except Exception as error:  # noqa: BLE001  # any: its name is what is shown
            found = [Outcome(began=found[0].began)]
            found[0].end(error)
        self.outcomes[name] = [attrs.asdict(outcome) for outcome in found]

    async def receive(self, connection: Connection, name: str, outcome: Outcome) -> None:
        """Receive a text to its end."""
        with trio.move_on_after(PATIENCE_SECONDS):
            try:
                async with connection.speak(TEXT, context_id=name, **SETTINGS) as context:
                    speech = await context.collect()
                outcome.audio_bytes = len(speech.audio)
                outcome.end("done" if speech.complete else "ends with `complete=False`")
            except Exception as error:  # noqa: BLE001  # any: its name is what is shown
                outcome.end(error)

    async def leave(self, *, cancel: bool) -> Any:
        """Leave 100 receive loops at their first chunk; return what is held."""
        async with self.connect() as connection:
            for number in range(100):
                async with connection.context(context_id=f"left-{number}", **SETTINGS) as context:
                    await context.push(TEXT)
                    await anext(context.audio())
                    if cancel:
                        context.cancel()
            await trio.sleep(2)
            held = connection.statistics()
            contexts = held.contexts_open + held.contexts_draining
            return {"contexts": contexts, "events": held.inbox_bytes}

    async def ignore(self) -> int:
        """Request speech and receive none of it; return how much is held."""
        async with (
            self.connect(inbox_bytes=500_000) as connection,
            trio.open_nursery() as nursery,
        ):
            for _ in range(40):
                nursery.start_soon(self._ignore_one, connection)
            await trio.sleep(8)
            held = connection.statistics().inbox_peak_bytes
            nursery.cancel_scope.cancel()
        return held

    async def _ignore_one(self, connection: Connection) -> None:
        async with connection.context(**SETTINGS) as context:
            await context.push(TEXT * 4)
            await context.no_more_inputs()
            await trio.sleep_forever()


class Official:
    """The cases with PyPI cartesia; *timeout* is its limit for each event."""

    def __init__(self, url: str, timeout: float | None) -> None:
        from cartesia import AsyncCartesia

        self.client = AsyncCartesia(api_key=KEY, base_url=url, max_retries=0)
        self.timeout = timeout

    def connect(self, fault: str = "") -> Any:
        """Return a connection's context manager."""
        return self.client.tts.websocket_connect(extra_headers=headers(fault))

    async def main(self) -> dict[str, Any]:
        """Play all cases."""
        before = len(asyncio.all_tasks())
        outcomes: dict[str, Any] = dict(
            zip(CASES, await asyncio.gather(*map(self.play, CASES.values())), strict=True)
        )
        await asyncio.sleep(GRACE_SECONDS)
        outcomes["tasks"] = len(asyncio.all_tasks()) - before
        outcomes["left"] = await self.leave(cancel=False)
        outcomes["cancelled"] = await self.leave(cancel=True)
        outcomes["unread"] = await self.ignore()
        outcome = Outcome()
        async with self.connect() as connection:
            context = connection.context("closing", timeout=self.timeout, **SETTINGS)
            await context.push(TEXT)
            task = asyncio.create_task(self.receive(context, outcome))
            await asyncio.sleep(0.05)
        await asyncio.wait([task], timeout=PATIENCE_SECONDS + 1)
        return outcomes | {"closing": attrs.asdict(outcome)}

    async def play(self, fault: str) -> Any:
        """Speak with two contexts under a fault."""
        began, found = Outcome(), []
        try:
            async with self.connect(fault) as connection:
                found += [Outcome(), Outcome()]
                contexts = [
                    connection.context(name, timeout=self.timeout, **SETTINGS)
                    for name in ("v", "o")
                ]
                for context in contexts:
                    await context.push(TEXT)
                    await context.no_more_inputs()
                await asyncio.gather(*map(self.receive, contexts, found))
        except Exception as error:  # noqa: BLE001  # any: its name is what is shown
            if not found:
                began.end(error)
            for outcome in found:
                outcome.closing = f"raises {type(error).__name__}"
        return [attrs.asdict(outcome) for outcome in found or [began]]

    async def receive(self, context: Any, outcome: Outcome) -> None:
        """Receive a text to its end."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as patience:
                async for event in context.receive():
                    if event.type == "chunk":
                        outcome.audio_bytes += len(event.audio or b"")
                    elif event.type == "error":
                        outcome.end(f"an event `{event.error_code or event.status_code}`")
                        return
            outcome.end("done")
        except Exception as error:  # noqa: BLE001  # any: its name is what is shown
            if not patience.expired():
                outcome.end(error)

    async def leave(self, *, cancel: bool) -> Any:
        """Leave 100 receive loops at their first chunk; return what is held."""
        async with self.connect() as connection:
            for number in range(100):
                context = connection.context(f"left-{number}", **SETTINGS)
                await context.push(TEXT)
                async for event in context.receive():
                    if event.type == "chunk":
                        break
                if cancel:
                    await context.cancel()
            await asyncio.sleep(2)
            queues = connection._context_queues.values()
            return {"contexts": len(queues), "events": sum(queue.qsize() for queue in queues)}

    async def ignore(self) -> int:
        """Request speech and receive none of it; return how much is held."""
        async with self.connect() as connection:
            for number in range(40):
                context = connection.context(f"unread-{number}", **SETTINGS)
                await context.push(TEXT * 4)
                await context.no_more_inputs()
            await asyncio.sleep(8)
            queues = connection._context_queues.values()
            return sum(len(e.data or "") for q in queues for e in q._queue if e.type == "chunk")
