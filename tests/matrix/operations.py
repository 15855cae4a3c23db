"""What a user does with a connection: the columns of the matrix.

Each operation speaks with a context, usually ``v``, in a `Stage`, which keeps what comes of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from types import MappingProxyType
from typing import Any, Final

import attrs
import trio

from tests.support import VOICE
from trio_cartesia import CartesiaError, Chunk, Connection, Context, Event

__all__ = ["LONG", "OPERATIONS", "PIECES", "SENDS", "SETTINGS", "SITUATIONS", "TEXT", "Stage"]

SETTINGS: Final[Any] = {
    "model_id": "sonic-latest",
    "voice": VOICE,
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 8000},
    "add_timestamps": True,
}
PIECES: Final = (
    "This is a sentence that goes on for a while. ",
    "Then there is another one, of about that length. ",
    "And in the end there is a third. ",
)
TEXT: Final = "".join(PIECES)
LONG: Final = "Meanwhile somebody else has quite a lot to say about it. " * 8
PAUSE_SECONDS: Final = 0.1  # between pieces: less than it takes a context to expire
PATIENCE_SECONDS: Final = 0.5
TOO_LONG_SECONDS: Final = 6.0  # for a context to wait: it expires after a second


@attrs.define(eq=False)
class Stage:
    """One connection on which something is wrong, and what came of it.

    Attributes:
        connection: On which something is wrong.
        awaits_end: Whether the fault ends the context before a later input.
        settings: Of its contexts.
        context_id: Of the context that is spoken with.
        events: What was received of ``v``, in order.
        audio: The same, where only bytes were.
        listened: What receiving ended with.
        is_over: Set once receiving has ended.
        speech: What was collected.
    """

    connection: Connection
    awaits_end: bool
    settings: Any
    context_id: str = "v"
    events: list[Event] = attrs.field(factory=list, init=False)
    audio: bytearray = attrs.field(factory=bytearray, init=False)
    listened: Exception | None = attrs.field(default=None, init=False)
    is_over: trio.Event = attrs.field(factory=trio.Event, init=False)
    speech: Any = attrs.field(default=None, init=False)

    def context(self) -> AbstractAsyncContextManager[Context]:
        """Open the context that is spoken with."""
        return self.connection.context(context_id=self.context_id, **self.settings)

    def speak(self, text: Any, **settings: Any) -> AbstractAsyncContextManager[Context]:
        """Open it, fed with *text*."""
        settings = {**self.settings, **settings}
        return self.connection.speak(text, context_id=self.context_id, **settings)

    async def listen(self, context: Context) -> None:
        """Receive until the end, whatever it is."""
        try:
            async for event in context.receive():
                self.events.append(event)
                self.audio += event.audio if isinstance(event, Chunk) else b""
        except Exception as error:  # noqa: BLE001  # whatever it is, it is looked at later
            self.listened = error
        self.is_over.set()

    async def settle(self, context: Context) -> None:
        """Wait until the context has ended if the fault ends it, or else for a moment."""
        if not self.awaits_end:
            await trio.sleep(PATIENCE_SECONDS)
        while self.awaits_end and context.statistics().end is None:  # noqa: ASYNC110  # as a user sees it
            await trio.sleep(0.01)


Operation = Callable[[Stage, trio.Nursery], Awaitable[None]]


async def until_over(stage: Stage, sending: Awaitable[None]) -> None:
    """Send, wait until receiving has ended, and raise what sending raised."""
    raised = None
    try:
        await sending
    except CartesiaError as error:
        raised = error
    await stage.is_over.wait()
    if raised is not None:
        raise raised


def sending(send: Callable[[Context], Awaitable[None]], *, is_last: bool = False) -> Operation:
    """Return an operation that sends once the fault has happened."""

    async def send_all(context: Context) -> None:
        await send(context)
        if not is_last:
            await context.no_more_inputs()

    async def operation(stage: Stage, nursery: trio.Nursery) -> None:
        async with stage.context() as context:
            await context.push(TEXT)
            nursery.start_soon(stage.listen, context)
            await stage.settle(context)
            await until_over(stage, send_all(context))

    return operation


async def flush(context: Context) -> None:
    await context.flush()


async def no_more_inputs(context: Context) -> None:
    await context.no_more_inputs()


async def push(context: Context) -> None:
    await context.push(PIECES[-1])


async def slowly() -> AsyncGenerator[str]:
    for piece in PIECES:
        yield piece
        await trio.sleep(PAUSE_SECONDS)


async def feed(stage: Stage, nursery: trio.Nursery) -> None:
    async with stage.context() as context:
        nursery.start_soon(stage.listen, context)
        async with aclosing(slowly()) as pieces:
            await until_over(stage, context.feed(pieces))


def receiving(receive: Callable[[Stage, Context], Awaitable[None]]) -> Operation:
    """Return an operation that has said all, and receives."""

    async def operation(stage: Stage, nursery: trio.Nursery) -> None:
        async with stage.context() as context:
            await context.push(TEXT)
            await context.no_more_inputs()
            await receive(stage, context)

    return operation


async def receive(stage: Stage, context: Context) -> None:
    async for event in context.receive():
        stage.events.append(event)
        stage.audio += event.audio if isinstance(event, Chunk) else b""


async def receive_late(stage: Stage, context: Context) -> None:
    while context.statistics().end is None:  # noqa: ASYNC110  # as a user sees it
        await trio.sleep(0.01)
    await receive(stage, context)


async def audio(stage: Stage, context: Context) -> None:
    async for data in context.audio():
        stage.audio += data


async def collect(stage: Stage, context: Context) -> None:
    try:
        stage.speech = await context.collect()
    except CartesiaError as error:
        stage.speech = error.partial
        raise
    finally:
        if stage.speech is not None:
            stage.audio += stage.speech.audio


async def speak(stage: Stage, nursery: trio.Nursery) -> None:
    async with stage.speak(slowly()) as context:
        await collect(stage, context)


async def cancel(stage: Stage, nursery: trio.Nursery) -> None:
    """Cancel once the fault has happened: the receive loop is over at that moment."""
    async with stage.context() as context:
        await context.push(TEXT)
        nursery.start_soon(stage.listen, context)
        await stage.settle(context)
        now = trio.current_time()
        context.cancel()
        await stage.is_over.wait()
        assert trio.current_time() == now


async def cancel_soon(stage: Stage, nursery: trio.Nursery) -> None:
    """Cancel at the first event, with the fault yet to come: it is no more than a late event."""
    async with stage.context() as context:
        await context.push(TEXT)
        async for event in context.receive():
            stage.events.append(event)
            stage.audio += event.audio if isinstance(event, Chunk) else b""
            now = trio.current_time()
            context.cancel()
        assert trio.current_time() == now


async def leave(stage: Stage, nursery: trio.Nursery) -> None:
    """Leave the context's block at a deadline: nothing is awaited."""
    with trio.move_on_after(PATIENCE_SECONDS) as scope:
        async with stage.context() as context:
            await context.push(TEXT)
            await collect(stage, context)
    assert trio.current_time() <= scope.deadline


async def close(stage: Stage, nursery: trio.Nursery) -> None:
    """Leave the connection's block in mid-speech."""
    async with stage.context() as context:
        await context.push(TEXT)
        await trio.sleep(0.005)


async def expire(stage: Stage, nursery: trio.Nursery) -> None:
    """Say something after a pause that is too long."""
    async with stage.context() as context:
        await context.push(TEXT)
        nursery.start_soon(stage.listen, context)
        await trio.sleep(TOO_LONG_SECONDS)
        await until_over(stage, context.push(PIECES[-1]))


async def refused(stage: Stage, nursery: trio.Nursery) -> None:
    """Ask for a model that does not exist."""
    async with stage.speak(TEXT, model_id="sonar-9") as context:
        await collect(stage, context)


async def limited(stage: Stage, nursery: trio.Nursery) -> None:
    """Ask for one context too many."""
    async with stage.connection.context(context_id="x", **stage.settings) as held:
        await held.push(TEXT)
        async with stage.speak(TEXT) as context:
            await collect(stage, context)


async def flush_twice(stage: Stage, nursery: trio.Nursery) -> None:
    """Flush what has been flushed."""
    async with stage.context() as context:
        await context.push(TEXT)
        await context.flush()
        await context.flush()
        await context.no_more_inputs()
        await receive(stage, context)


async def connect(stage: Stage, nursery: trio.Nursery) -> None:
    """Do nothing with the connection."""


OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "connect": connect,
        "push": sending(push),
        "flush": sending(flush),
        "no_more_inputs": sending(no_more_inputs, is_last=True),
        "feed": feed,
        "receive": receiving(receive),
        "receive late": receiving(receive_late),
        "audio": receiving(audio),
        "collect": receiving(collect),
        "speak": speak,
        "cancel": cancel,
        "cancel soon": cancel_soon,
        "leave": leave,
        "close": close,
    }
)
SITUATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {"expire": expire, "refused": refused, "limited": limited, "flush twice": flush_twice}
)
SENDS: Final = frozenset({"push", "flush", "no_more_inputs", "feed"})
