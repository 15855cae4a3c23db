"""One cell of the matrix: a fault and an operation, played in memory and in virtual time.

Whatever goes wrong with one connection, there is a neighbour on it (context ``o``), somebody else
on a connection of their own (``w``), and afterwards there must be nothing left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs
import trio

from tests.matrix.operations import (
    LONG,
    OPERATIONS,
    PIECES,
    SENDS,
    SETTINGS,
    SITUATIONS,
    TEXT,
    Stage,
)
from tests.matrix.table import QUICK_SECONDS, Expected, Row, Whose
from trio_cartesia import (
    Cartesia,
    CartesiaError,
    ConcurrencyLimited,
    Connection,
    ConnectionLost,
    ContextExpired,
    ModelNotFound,
    RequestFailed,
)
from trio_cartesia._protocol.tts.tombstones import DRAINING_SECONDS
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS
from trio_cartesia.server import PLANS, Server, open_server
from trio_cartesia.testing import MemoryStream, connect_in_memory

__all__ = ["Scene", "client_tasks", "play"]

OURS: Final = ("trio_cartesia._runtime", "trio_cartesia._client", "trio_websocket")
SLACK_SECONDS: Final = 0.1
ALL: Final = {**OPERATIONS, **SITUATIONS}
USUAL: Final = {
    "expire": Expected(ContextExpired),
    "refused": Expected(ModelNotFound),
    "limited": Expected(ConcurrencyLimited),
}


def client_tasks() -> list[str]:
    """Return the names of all tasks that a client's connection has started."""
    root = trio.lowlevel.current_root_task()
    found, waiting = [], [root] if root is not None else []
    while waiting:
        task = waiting.pop()
        found += [task.name] if task.name.startswith(OURS) else []
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found


@attrs.define(eq=False)
class Scene:
    """What a cell is played with, and how it went.

    Attributes:
        server: The service.
        open_stream: Connects to it.
        row: What goes wrong.
        name: The operation.
        streams: Our ends of all connections of the client in trouble.
        neighbour_audio: What ``o`` heard.
        neighbour_error: What it raised.
        seconds: How long it all took until it had ended, in virtual time.
    """

    server: Server
    open_stream: Callable[[str, int], Awaitable[MemoryStream]]
    row: Row
    name: str
    streams: list[MemoryStream] = attrs.field(factory=list, init=False)
    neighbour_audio: bytes = attrs.field(default=b"", init=False)
    neighbour_error: CartesiaError | None = attrs.field(default=None, init=False)
    seconds: float = attrs.field(default=0.0, init=False)

    def client(self, **options: Any) -> Cartesia:
        asked = {"X-Fault": self.row.fault, "X-Behaviour": self.row.behaviour}
        headers = {name: value for name, value in asked.items() if value}
        return Cartesia(
            base_url=self.server.url, open_stream=self._open, headers=headers, **options
        )

    async def _open(self, host: str, port: int) -> MemoryStream:
        self.streams.append(await self.open_stream(host, port))
        return self.streams[-1]

    async def somebody_else(self, name: str) -> None:
        """Speak on a connection of one's own: nobody else's fault is felt there."""
        client = Cartesia(base_url=self.server.url, open_stream=self.open_stream)
        async with client.tts.websocket_connect() as connection:
            await self.speak_whole(connection, name)

    async def speak_whole(self, connection: Connection, name: str) -> None:
        """Speak a text, and check that all of it was heard."""
        async with connection.speak(TEXT, context_id=name, **SETTINGS) as context:
            speech = await context.collect()
        assert speech.complete
        assert speech.audio == self.server.journal.context(name).audio

    async def neighbour(self, connection: Connection) -> None:
        """Speak beside ``v``, whose text goes first, and keep what becomes of it."""
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        try:
            async with connection.speak(LONG, context_id="o", **SETTINGS) as context:
                self.neighbour_audio = (await context.collect()).audio
        except CartesiaError as error:
            self.neighbour_error = error
            self.neighbour_audio = error.partial.audio if error.partial else b""

    async def act(self) -> None:
        """Connect, do it, and look at what is left."""
        raised: Exception | None = None
        closing_at = started = trio.current_time()
        try:
            async with self.client().tts.websocket_connect() as connection:
                stage = Stage(
                    connection, self.row.sends is not None, {**SETTINGS, **self.row.options}
                )
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.neighbour, connection)
                    await trio.lowlevel.checkpoint()
                    try:
                        await ALL[self.name](stage, nursery)
                    except CartesiaError as error:
                        raised = error
                    if self.name in ("connect", "close"):
                        nursery.cancel_scope.cancel("the block is left")
                self.seconds = trio.current_time() - started
                self.check_outcome(raised, stage)
                if self.name not in ("connect", "close"):
                    await self.check_after(connection)
                closing_at = trio.current_time()
        except CartesiaError as error:
            assert self.row.whose is Whose.HANDSHAKE, error
            assert type(error) is self.row.raises, error
            if isinstance(error, RequestFailed):
                assert error.status_code
                assert error.request_id
            self.seconds = trio.current_time() - started
        else:
            assert self.row.whose is not Whose.HANDSHAKE
            took = trio.current_time() - closing_at
            self.seconds += took
            assert took <= GOODBYE_SECONDS + SLACK_SECONDS, f"{took} s to close"
        assert all(stream._is_closed for stream in self.streams), "a stream is open"

    def check_outcome(self, raised: CartesiaError | None, stage: Stage) -> None:
        """Check what was raised and what was heard, by ``v`` and by ``o``."""
        expected = self.expected()
        assert type(raised) is (expected.raises or type(None)), f"raised {raised!r}"
        if stage.is_over.is_set() and not (self.name == "cancel" and stage.listened is None):
            assert type(stage.listened) is (expected.listened or type(None)), stage.listened
        for error, context_id in (
            (raised, "v"),
            (stage.listened, "v"),
            (self.neighbour_error, "o"),
        ):
            if error is not None:
                check_ids(error, context_id, stage.connection, self.row)
        if self.name not in ("connect", "close"):
            self.check_speech(stage)
            self.check_neighbour(expected.neighbour)

    def expected(self) -> Expected:
        """Return what comes of the operation."""
        row, name = self.row, self.name
        if name in row.special:
            return row.special[name]
        if name in USUAL and not row.raises:
            return USUAL[name]
        usual = Expected(row.raises, row.raises, row.neighbour)
        is_quick = row.within_seconds == QUICK_SECONDS
        unharmed = {
            "connect": True,
            "close": True,
            "cancel": True,
            "cancel soon": row.heard != 0,
            "leave": not is_quick,
            "feed": not is_quick,  # all was sent before the silence meant anything
        }
        if unharmed.get(name):
            return attrs.evolve(usual, raises=None)
        return attrs.evolve(usual, raises=row.sends) if name in SENDS else usual

    def check_speech(self, stage: Stage) -> None:
        """Check that what was heard is what was spoken, in order and once, as far as it went."""
        audio, spoken = bytes(stage.audio), self.spoken("v")
        is_left = self.name in ("cancel", "cancel soon", "leave", "refused", "limited")
        is_whole = self.row.raises is None and not is_left and not self.expected().listened
        if self.row.misses:
            assert is_with_a_gap(audio, spoken), "heard what was not spoken"
        elif is_whole:
            assert audio == spoken, f"heard {len(audio)} bytes of {len(spoken)}"
        else:
            assert spoken.startswith(audio), "heard what was not spoken"
        times = [event for event in stage.events if event.type == "timestamps"]
        words = [word for event in times for word in event.word_timestamps.words]
        assert words == (TEXT + PIECES[-1]).split()[: len(words)]
        if self.row.heard is not None and stage.events and self.name != "cancel soon":
            assert len(stage.events) == self.row.heard, f"{len(stage.events)} events came first"
        if stage.speech is not None and self.name in ("collect", "speak"):
            is_complete = self.expected().raises is None and not self.row.misses
            assert stage.speech.complete is is_complete

    def spoken(self, name: str) -> bytes:
        """Return what the service says it spoke in a context."""
        known = [record.context_id for record in self.server.journal.contexts]
        return self.server.journal.context(name).audio if name in known else b""

    def check_neighbour(self, kind: type[CartesiaError] | None) -> None:
        """Check that the other context of the connection was harmed only if it had to be."""
        error = self.neighbour_error
        if self.name == "cancel soon" and kind is not ConnectionLost:
            kind = type(error) if error is not None else None  # the fault may not have happened
        assert type(error) is (kind or type(None)), f"the neighbour raised {error!r}"
        spoken = self.spoken("o")
        if error is None:
            assert self.neighbour_audio == spoken
        else:
            assert spoken.startswith(self.neighbour_audio)

    async def check_after(self, connection: Connection) -> None:
        """Check that nothing is left, and that the connection goes on if it is still there."""
        statistics = connection.statistics()
        harmed = {self.row.raises, self.expected().neighbour}
        if ConnectionLost not in harmed and self.expected().neighbour is None:
            assert not statistics.is_lost
        if not statistics.is_lost and self.expected().neighbour is None:
            await self.speak_whole(connection, "next")
        await trio.sleep(1)
        if self.row.ends_cancelled and not statistics.is_lost:
            assert connection.statistics().contexts_draining == 0, "the end was not noticed"
        await trio.sleep(DRAINING_SECONDS)
        statistics = connection.statistics()
        for number in ("contexts_open", "contexts_draining", "requests_queued", "inbox_bytes"):
            assert getattr(statistics, number) == 0, f"{number} is {getattr(statistics, number)}"
        contexts = connection._contexts
        assert not contexts._entries
        assert not contexts.protocol._contexts
        assert not contexts.protocol.segments


def check_ids(error: CartesiaError, context_id: str, connection: Connection, row: Row) -> None:
    """Check that an error names its context, and the request that the service knows it by."""
    assert error.context_id == context_id, f"{error!r} is about {error.context_id}"
    if isinstance(error, ContextExpired):
        return  # the service said nothing but `done`
    assert error.request_id, f"{error!r} has no request id"
    assert error.request_id.startswith(str(connection.request_id)), error.request_id
    if row.close_code is not None and isinstance(error, ConnectionLost):
        assert error.close_code == row.close_code, f"closed with {error.close_code}"
    if isinstance(error, RequestFailed):
        assert error.title
        assert error.status_code


def is_with_a_gap(audio: bytes, spoken: bytes) -> bool:
    """Tell whether *audio* is *spoken* without some piece in the middle."""
    start = 0
    while start < len(audio) and audio[start] == spoken[start]:
        start += 1
    return len(audio) < len(spoken) and spoken.endswith(audio[start:])


async def play(row: Row, name: str) -> float:
    """Play one cell, and return how much virtual time it took until everything had ended.

    Raises:
        AssertionError: Something was not as it should be.
    """
    living = trio.lowlevel.current_statistics().tasks_living
    plan = attrs.evolve(PLANS["enterprise"], tts_concurrency=3 if name == "limited" else 1000)
    async with (
        open_server(port=None, voice="tones", plan=plan) as server,
        connect_in_memory(server) as open_stream,
        trio.open_nursery() as nursery,
    ):
        scene = Scene(server, open_stream, row, name)
        nursery.start_soon(scene.somebody_else, "w")
        await scene.act()
        with trio.fail_after(QUICK_SECONDS):
            while nursery.child_tasks:  # noqa: ASYNC110  # it is a test that waits
                await trio.sleep(0.01)
        assert client_tasks() == []
    assert trio.lowlevel.current_statistics().tasks_living == living
    assert scene.seconds <= row.within_seconds, f"it took {scene.seconds} s"
    return scene.seconds
