"""The three tasks that each client is given: receive a stream, push small pieces, speak whole
texts.

They are written once, over `Client`; a subclass shows how its client opens, pushes and receives.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from functools import partial
from typing import Any, Final

import attrs

from harness.clients import listening
from harness.measure import Measure

SETTINGS: Final[dict[str, Any]] = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
}
KEY: Final = "sk_car_benchmark"
TEXT: Final = "Hello there. "

Take = Callable[[bytes | str, Any], None]
Call = Callable[[], Awaitable[None]]
Connect = Callable[[], AbstractAsyncContextManager[Any]]


@attrs.frozen(kw_only=True)
class Plan:
    """The work of a client process: the fields of the load, and the URL of the peer."""

    url: str
    contexts: int
    connections: int
    frames: int
    pace: str
    bytes: int
    interval_seconds: float

    def names(self) -> Iterator[str]:
        """Yield the names of one connection's contexts."""
        yield from (f"context-{number}" for number in range(self.contexts // self.connections))


def authority() -> ssl.SSLContext | None:
    """Return a context that trusts the load's certificate; None without TLS."""
    path = os.environ.get("BENCHMARK_AUTHORITY")
    return ssl.create_default_context(cafile=path) if path else None


class Client:
    """A client. What raises `NotImplementedError` here is asked only of clients that have it: not
    all of them push or speak, and some perform their one task without an event loop.
    """

    def run(self, main: Call) -> None:
        """Run an event loop."""
        raise NotImplementedError

    async def gather(self, calls: Iterable[Call]) -> None:
        """Run tasks at the same time, to their end."""
        raise NotImplementedError

    def count_writes(self, count: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Wrap the method by which the event loop writes to sockets."""
        raise NotImplementedError

    def open(self, url: str) -> AbstractAsyncContextManager[Connect]:
        """Open what all connections share; yield a function that opens one."""
        raise NotImplementedError

    async def receive(self, connection: Any, name: str, take: Take) -> None:
        """Push a text to a context, end it, and receive all of its chunks."""
        raise NotImplementedError

    async def push(self, connection: Any, name: str, pieces: int) -> None:
        """Push so many tokens to a context, one after another, and end it."""
        raise NotImplementedError

    async def speak(self, connection: Any, name: str, text: str, take: Take) -> None:
        """Send a text as a single message, and receive all of its chunks."""
        raise NotImplementedError

    def open_listening(self, url: str) -> AbstractAsyncContextManager[Connect]:
        """Open what all sessions share; yield a function that opens one with manual finalize."""
        raise NotImplementedError

    def audio_sender(self, session: Any) -> Callable[[bytes], Awaitable[None]]:
        """Return what sends a session's audio."""
        raise NotImplementedError

    def transcripts(self, session: Any) -> AsyncIterator[Any]:
        """Return a session's events."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        raise NotImplementedError

    def statistics(self, connection: Any) -> dict[str, float]:  # noqa: ARG002  # the signature is given
        """Return more figures for the report."""
        return {}

    def perform(self, plan: Plan) -> None:
        """Perform the task of the plan, and print its measure."""
        tasks = {"sink": _push_all, "service": _speak_all, **listening.TASKS}
        task = tasks.get(plan.pace, _receive_all)
        self.run(partial(task, self, plan, Measure(plan.pace)))


async def _receive_all(client: Client, plan: Plan, measure: Measure) -> None:
    async with client.open(plan.url) as connect, AsyncExitStack() as stack:
        if plan.pace == "pieces":  # a first connection imports what all of them need
            async with connect():
                pass
        measure.start()
        connections = [await stack.enter_async_context(connect()) for _ in range(plan.connections)]
        measure.connected()
        await client.gather(
            partial(client.receive, connection, name, measure.take)
            for connection in connections
            for name in plan.names()
        )
        measure.report(**client.statistics(connections[0]))


async def _push_all(client: Client, plan: Plan, measure: Measure) -> None:
    writes = 0

    def count(write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            nonlocal writes
            writes += 1
            return write(*args, **more)

        return counted

    client.count_writes(count)
    pieces = plan.frames // plan.contexts
    async with client.open(plan.url) as connect, connect() as connection:
        writes = 0
        measure.begin()
        await client.gather(partial(client.push, connection, name, pieces) for name in plan.names())
        measure.frames = pieces * plan.contexts
        measure.report(writes_per_input=writes / (measure.frames + plan.contexts))


async def _speak_all(client: Client, plan: Plan, measure: Measure) -> None:
    async with client.open(plan.url) as connect, connect() as connection:
        for number in range(max(2, plan.frames // plan.contexts) + 1):
            if number == 1:  # the first turn warms up
                measure.begin()
            names = [f"{number}-{name}" for name in plan.names()]
            await client.gather(
                partial(_speak, client, connection, name, measure) for name in names
            )
        measure.report()


async def _speak(client: Client, connection: Any, name: str, measure: Measure) -> None:
    began, is_first = time.perf_counter(), True

    def take(audio: bytes, _: Any) -> None:
        nonlocal is_first
        if is_first:
            measure.take(audio, began)
            is_first = False

    await client.speak(connection, name, TEXT, take)


class BlockingClient(Client):
    """A client without tasks: one context is received after another."""

    def connect(self, url: str, stack: ExitStack) -> Any:
        """Open a connection until *stack* is left."""
        raise NotImplementedError

    def context(self, connection: Any, name: str, stack: ExitStack) -> Any:
        """Open a context until *stack* is left."""
        raise NotImplementedError

    def perform(self, plan: Plan) -> None:
        """Receive a stream, the only task for these clients."""
        measure = Measure(plan.pace)
        measure.start()
        with ExitStack() as stack:
            connection = self.connect(plan.url, stack)
            contexts = [self.context(connection, name, stack) for name in plan.names()]
            for context in contexts:
                context.push("x")
                context.no_more_inputs()
            for context in contexts:
                for event in context.receive():
                    if event.type == "chunk":
                        measure.take(event.audio or b"", event.step_time)
            measure.report()


class AsyncioClient(Client):
    """A client of asyncio."""

    def run(self, main: Call) -> None:
        """Run an event loop."""
        import asyncio

        asyncio.run(main())  # type: ignore[arg-type]  # a coroutine, as every async def makes

    async def gather(self, calls: Iterable[Call]) -> None:
        """Run tasks at the same time, to their end."""
        import asyncio

        await asyncio.gather(*(call() for call in calls))

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        import asyncio

        await asyncio.sleep(seconds)

    def count_writes(self, count: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Wrap the method by which the event loop writes to sockets."""
        import asyncio.selector_events  # noqa: ASYNC106  # the submodule is not loaded by itself

        transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # private, and where asyncio writes
        transport.write = count(transport.write)


class TrioClient(Client):
    """A client of Trio."""

    def run(self, main: Call) -> None:
        """Run an event loop."""
        import trio

        trio.run(main)

    async def gather(self, calls: Iterable[Call]) -> None:
        """Run tasks at the same time, to their end."""
        import trio

        async with trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        import trio

        await trio.sleep(seconds)

    def count_writes(self, count: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Wrap the method by which the event loop writes to sockets."""
        import trio

        from trio_cartesia._runtime.transport.socket_stream import SocketStream

        trio.SocketStream.send_all = count(trio.SocketStream.send_all)  # type: ignore[method-assign]  # to be counted
        SocketStream.send_nowait = count(SocketStream.send_nowait)  # type: ignore[method-assign]  # to be counted
