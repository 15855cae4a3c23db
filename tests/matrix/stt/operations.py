"""What a user does with a session of speech to text: the columns of its matrix.

Each operation has a `Stage`, which keeps what comes of it. The audio is that of the marked
recogniser, so that its text is known sample by sample.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs
import trio

from tests.server.stt.support import names, said, speech
from trio_cartesia import AutoFinalizeSession, CartesiaError, ManualFinalizeSession, RequestFailed

__all__ = ["FIRST", "MANUAL", "REST", "TURNS", "Stage", "text_of"]

PIECE_BYTES: Final = 3200
PAUSE: Final = speech(score=30)  # an early end is announced
SILENCE: Final = speech()
FIRST: Final = SILENCE + said(1, 2) + PAUSE + said(3) + 2 * SILENCE + said(4, 5) + 2 * SILENCE
REST: Final = said(6, 7) + 2 * SILENCE + said(8)
MUTED_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 1.5  # until a block is left: in the midst of the first audio
SETTLE_SECONDS: Final = 0.5


def text_of(audio: bytes) -> str:
    """Return the words of *audio*."""
    return " ".join(names(sample // 1000 for sample in memoryview(audio).cast("h")[::PIECE_BYTES]))


@attrs.define(eq=False)
class Stage:
    """One session with which something is wrong, and what came of it.

    Attributes:
        session: The session.
        ends: Whether the fault ends it before the rest of the audio.
        sent: The audio that was sent, if all of it was.
        events: The events that were received, in order, where they were.
        turns: The turns that were received, where they were.
        answers: What calls of `finalize` returned.
        reports: The ``error`` events that a receive loop raised and went on after.
        received: What receiving ended with.
        is_over: Set once receiving has ended.
    """

    session: Any
    ends: bool
    sent: bytes = attrs.field(default=b"", init=False)
    events: list[Any] = attrs.field(factory=list, init=False)
    turns: list[Any] = attrs.field(factory=list, init=False)
    answers: list[str] = attrs.field(factory=list, init=False)
    reports: list[RequestFailed] = attrs.field(factory=list, init=False)
    received: CartesiaError | None = attrs.field(default=None, init=False)
    is_over: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def has_ended(self) -> bool:
        """True once the session is over."""
        return self.session.statistics().state in ("done", "lost")

    async def feed(self, audio: bytes) -> None:
        """Send *audio* at real time."""
        self.sent += audio
        await self.session.feed(audio)

    async def feed_first(self) -> None:
        """Send the first audio, whatever comes of it, and wait until it has come."""
        try:
            await self.feed(FIRST)
        except CartesiaError:
            assert self.ends
        if not self.ends:
            await trio.sleep(SETTLE_SECONDS)
        while self.ends and not self.has_ended:  # noqa: ASYNC110  # as a user sees it
            await trio.sleep(0.01)

    async def send_all(self) -> None:
        """Send all audio; the receive loop raises what goes wrong."""
        try:
            await self.feed(FIRST)
            if isinstance(self.session, ManualFinalizeSession):
                self.answers.append(await self.session.finalize())
            await self.feed(REST)
            await self.session.no_more_audio()
        except RequestFailed:  # in place of the answer
            await self.session.no_more_audio()
        except CartesiaError:
            assert self.ends

    async def receive(self, receive: Callable[[], Awaitable[None]]) -> None:
        """Receive until the end, over ``error`` events."""
        while True:
            try:
                await receive()
            except RequestFailed as error:
                self.reports.append(error)
            except CartesiaError as error:
                self.received = error
                break
            else:
                break
        self.is_over.set()

    async def receive_events(self) -> None:
        """Receive all events."""

        async def receive() -> None:
            async for event in self.session.receive():
                self.events.append(event)

        await self.receive(receive)

    async def receive_turns(self) -> None:
        """Receive all turns."""

        async def receive() -> None:
            async for turn in self.session.turns():
                self.turns.append(turn)
                await turn.end()

        await self.receive(receive)


Operation = Callable[[Stage, trio.Nursery], Awaitable[None]]


def sending(send: Callable[[Stage], Awaitable[None]]) -> Operation:
    """Return an operation that sends once the fault has happened."""

    async def operation(stage: Stage, nursery: trio.Nursery) -> None:
        nursery.start_soon(stage.receive_events)
        await stage.feed_first()
        await send(stage)

    return operation


async def connect(stage: Stage, nursery: trio.Nursery) -> None:
    """Do nothing with the session."""


async def send_audio(stage: Stage) -> None:
    audio = REST[:PIECE_BYTES]
    await stage.session.send_audio(audio)
    stage.sent += audio


async def feed(stage: Stage, nursery: trio.Nursery) -> None:
    """Send audio while the fault happens."""
    nursery.start_soon(stage.receive_events)
    await stage.feed(FIRST + REST)


async def mute(stage: Stage) -> None:
    async with stage.session.mute():
        await trio.sleep(MUTED_SECONDS)
    await stage.feed(REST)


async def no_more_audio(stage: Stage) -> None:
    await stage.session.no_more_audio()
    await stage.is_over.wait()


async def finalize(stage: Stage, nursery: trio.Nursery) -> None:
    """Finalize from several tasks, and then again, with the fault in an answer."""
    nursery.start_soon(stage.receive_events)
    session: ManualFinalizeSession = stage.session
    raised: list[CartesiaError] = []

    async def call() -> None:
        try:
            stage.answers.append(await session.finalize())
        except CartesiaError as error:
            raised.append(error)

    await stage.feed(FIRST)
    async with trio.open_nursery() as calls:
        for _ in range(3):
            calls.start_soon(call)
    if raised:
        raise raised[0]
    await stage.feed(REST)
    stage.answers.append(await session.finalize())


async def finalize_late(stage: Stage) -> None:
    stage.answers.append(await stage.session.finalize())


async def config(stage: Stage) -> None:
    session: AutoFinalizeSession = stage.session
    await session.config(start_threshold=0.7, end_timeout_ms=3000)


async def wait_connected(stage: Stage, nursery: trio.Nursery) -> None:
    await stage.session.wait_connected()


def receiving(receive: Callable[[Stage], Awaitable[None]], *, late: bool = False) -> Operation:
    """Return an operation that receives what another task has sent audio for."""

    async def operation(stage: Stage, nursery: trio.Nursery) -> None:
        sender = trio.Event()

        async def send() -> None:
            await stage.send_all()
            sender.set()

        nursery.start_soon(send)
        while late and not stage.has_ended:  # noqa: ASYNC110  # as a user sees it
            await trio.sleep(0.01)
        await receive(stage)
        await sender.wait()  # a loop may end before the session
        if stage.received is not None:
            raise stage.received

    return operation


async def updates(stage: Stage) -> None:
    """Iterate the text of every turn, which only grows."""

    async def receive() -> None:
        async for turn in stage.session.turns():
            stage.turns.append(turn)
            before = ""
            async for text in turn:
                assert text.startswith(before)
                before = text
            assert before == turn.text

    await stage.receive(receive)


async def speculate(stage: Stage) -> None:
    """Work on every turn from its eager end on."""

    async def work(text: str) -> str:
        await trio.sleep(0.05)
        return text

    async def receive() -> None:
        async for turn in stage.session.turns():
            stage.turns.append(turn)
            async with turn.speculate(work) as attempt:
                assert await attempt.result() == turn.text

    await stage.receive(receive)


async def leave(stage: Stage, nursery: trio.Nursery) -> None:
    """Leave the session's block at a deadline: nothing is awaited but the close."""
    await stage.session.feed(FIRST)


async def close(stage: Stage, nursery: trio.Nursery) -> None:
    """Leave the session's block right after the last audio."""
    try:
        await stage.feed(FIRST)
        await stage.session.send_audio(REST[:PIECE_BYTES])
        stage.sent += REST[:PIECE_BYTES]
    except CartesiaError:
        assert stage.ends


BOTH: Final[Mapping[str, Operation]] = {
    "connect": connect,
    "send_audio": sending(send_audio),
    "feed": feed,
    "mute": sending(mute),
    "no_more_audio": sending(no_more_audio),
    "receive": receiving(Stage.receive_events),
    "receive late": receiving(Stage.receive_events, late=True),
    "leave": leave,
    "close": close,
}
MANUAL: Final[Mapping[str, Operation]] = MappingProxyType(
    {**BOTH, "finalize": finalize, "finalize late": sending(finalize_late)}
)
TURNS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        **BOTH,
        "config": sending(config),
        "wait_connected": wait_connected,
        "turns": receiving(Stage.receive_turns),
        "turns late": receiving(Stage.receive_turns, late=True),
        "updates": receiving(updates),
        "speculate": receiving(speculate),
    }
)
