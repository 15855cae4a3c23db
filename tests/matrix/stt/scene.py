"""One cell of the matrix of speech to text, played in memory and in virtual time.

Whatever goes wrong with one session, another one, on a connection of its own, is not affected, and
afterwards there is nothing left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from unittest.mock import patch

import attrs
import trio

from tests.matrix.scene import client_tasks
from tests.matrix.stt.operations import FIRST, PATIENCE_SECONDS, REST, Stage, text_of
from tests.matrix.stt.table import OPERATIONS, TAKES_TURNS, SessionKind, STTRow
from tests.server.stt.support import Marked, MarkedScore
from trio_cartesia import (
    Cartesia,
    CartesiaError,
    ConnectionLost,
    InboxOverflow,
    RequestFailed,
    Transcript,
    TurnEnd,
)
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS
from trio_cartesia._runtime.stt.session import DRAIN_SECONDS
from trio_cartesia.server import Server, open_server
from trio_cartesia.testing import MemoryStream, connect_in_memory

__all__ = ["STTScene", "listening_service", "play_stt"]

OpenStream = Callable[[str, int], Awaitable[MemoryStream]]


SETTINGS: Final[Any] = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
SLACK_SECONDS: Final = 0.1
LATE: Final = " late" * 5  # of the fault


@attrs.define(eq=False)
class STTScene:
    """What a cell is played with.

    Attributes:
        server: The service.
        open_stream: Connects to it.
        row: What goes wrong.
        kind: The session.
        name: The operation.
        streams: Our ends of all connections of the session in trouble.
    """

    server: Server
    open_stream: OpenStream
    row: STTRow
    kind: SessionKind
    name: str
    streams: list[MemoryStream] = attrs.field(factory=list, init=False)

    def websocket(self) -> Any:
        """Open a session with which something is wrong."""
        asked = {"X-Fault": self.row.fault, "X-Behaviour": self.row.behaviour}
        headers = {name: value for name, value in asked.items() if value}
        client = Cartesia(base_url=self.server.url, open_stream=self._open, headers=headers)
        stt = client.stt
        mode = stt.manual_finalize if self.kind == "manual" else stt.auto_finalize
        return mode.websocket(**SETTINGS)

    async def _open(self, host: str, port: int) -> MemoryStream:
        self.streams.append(await self.open_stream(host, port))
        return self.streams[-1]

    async def somebody_else(self) -> None:
        """Have audio transcribed on a connection of one's own."""
        client = Cartesia(base_url=self.server.url, open_stream=self.open_stream)
        async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
            await session.feed(FIRST, pace="as_fast_as_possible")
            assert await session.finalize() == text_of(FIRST)
            await session.feed(REST, pace="as_fast_as_possible")
        assert session.is_complete
        assert session.transcript.final == text_of(FIRST + REST)

    async def act(self) -> float:
        """Open the session, do it, and look at what is left; return the virtual seconds."""
        started = trio.current_time()
        raised: CartesiaError | None = None
        stage: Stage | None = None
        try:
            async with trio.open_nursery() as nursery:
                with trio.move_on_after(PATIENCE_SECONDS if self.name == "leave" else 1e6) as scope:
                    try:
                        async with self.websocket() as session:
                            stage = Stage(session, self.row.is_lost)
                            try:
                                await OPERATIONS[self.kind][self.name](stage, nursery)
                            except CartesiaError as error:
                                raised = error
                            closing_at = trio.current_time()
                        took = trio.current_time() - closing_at
                        assert took <= DRAIN_SECONDS + GOODBYE_SECONDS + SLACK_SECONDS, took
                    except CartesiaError as error:
                        if stage is None:
                            raised = error
                        else:
                            self.check_incomplete(stage, raised, error)
                if self.name == "leave":
                    late = trio.current_time() - scope.deadline
                    assert late <= GOODBYE_SECONDS + SLACK_SECONDS, f"left {late} s late"
                    raised = None
        finally:
            assert all(stream._is_closed for stream in self.streams), "a stream is open"
        seconds = trio.current_time() - started
        if self.row.is_refused:
            assert stage is None
            check_error(raised, self.row, None)
            assert type(raised) is self.row.ends, raised
        else:
            assert stage is not None
            self.check(stage, raised)
        return seconds

    def check(self, stage: Stage, raised: CartesiaError | None) -> None:
        """Check what was raised and received, and that nothing waits any more."""
        expected = self.row.raised_by(self.name)
        assert type(raised) is (expected or type(None)), f"raised {raised!r}"
        check_error(raised, self.row, stage.session)
        if stage.is_over.is_set():
            is_turns = self.name in TAKES_TURNS
            ended = (self.row.turns if is_turns else None) or self.row.ends
            assert type(stage.received) is (ended or type(None)), f"received {stage.received!r}"
            check_error(stage.received, self.row, stage.session)
            reports = [] if self.row.reports is None else [self.row.reports]
            assert [type(error) for error in stage.reports] == reports
        statistics = stage.session.statistics()
        assert statistics.audio_queue_bytes == 0
        assert statistics.state in ("done", "lost")
        if stage.events and self.row.ends is not InboxOverflow:
            received = len(stage.events) + len(stage.reports) + self.row.undelivered
            assert statistics.events_received == received
        if self.name not in ("connect", "wait_connected", "leave"):
            assert stage.session.is_complete is not self.row.is_lost
            if self.kind == "manual":
                self.check_transcript(stage)
            else:
                self.check_turns(stage)
        if stage.is_over.is_set() and not (self.row.ends is InboxOverflow or self.row.turns):
            assert statistics.inbox_bytes == 0

    def check_incomplete(
        self, stage: Stage, raised: CartesiaError | None, error: CartesiaError
    ) -> None:
        """Check what the block raises: that text is missing, unless a caller knows that already."""
        assert self.row.is_lost, error
        assert type(error) is ConnectionLost
        assert raised is None  # a receive loop gets it when the block has ended, too
        assert not stage.session.is_complete
        if hasattr(stage.session, "transcript"):
            assert error.partial == stage.session.transcript

    def check_transcript(self, stage: Stage) -> None:
        """Check that the text is that of the audio, once and in order, as far as it came."""
        text, spoken = stage.session.transcript.final, text_of(stage.sent)
        if stage.events:
            pieces = [e.text for e in stage.events if isinstance(e, Transcript) and e.is_final]
            is_all = self.row.ends is not InboxOverflow and not self.row.undelivered
            assert text.startswith("".join(pieces))
            assert text == "".join(pieces) or not is_all, "an event was lost or doubled"
        text = text.removesuffix(LATE)
        assert spoken.startswith(text)
        if not self.row.is_lost:
            assert text == spoken
            assert not stage.session.transcript.interim
        assert text.startswith("".join(stage.answers)) or self.row.reports

    def check_turns(self, stage: Stage) -> None:
        """Check that the turns' texts are those of the audio, once and in order."""
        ends = [event for event in stage.events if isinstance(event, TurnEnd)]
        texts = [*(turn.text for turn in stage.turns), *(event.transcript or "" for event in ends)]
        words, spoken = " ".join(texts).split(), text_of(stage.sent).split()
        if self.row.misses:
            left = iter(spoken)
            assert all(word in left for word in words), "text was doubled"
        elif not (stage.events and self.row.turns):  # which has doubled it
            assert spoken[: len(words)] == words
            if (stage.turns or stage.events) and not (self.row.ends or self.row.turns):
                assert words == spoken
        if stage.turns and isinstance(stage.received, ConnectionLost):
            assert stage.received.partial == stage.turns[-1].text
        assert all(turn.is_over for turn in stage.turns)
        assert all(turn.is_complete for turn in stage.turns[:-1])


def check_error(error: CartesiaError | None, row: STTRow, session: Any) -> None:
    """Check that an error names the request, and has the text so far."""
    if error is None:
        return
    if isinstance(error, ConnectionLost):
        assert error.request_id, f"{error!r} has no request id"
        if row.close_code is not None:
            assert error.close_code == row.close_code, f"closed with {error.close_code}"
        if session is not None and hasattr(session, "transcript"):
            assert error.partial == session.transcript
        if row.reports is not None:
            assert type(error.__cause__) is row.reports
    if isinstance(error, RequestFailed):
        assert error.status_code
        assert error.title
        assert error.request_id


@asynccontextmanager
async def listening_service() -> AsyncIterator[tuple[Server, OpenStream]]:
    """Run a service with the marked recogniser; at its end, every stream has ended."""
    recognizer = Marked()
    with patch("trio_cartesia.server.stt.websocket_endpoints.open_score", lambda _: MarkedScore()):
        async with (
            open_server(port=None, voice="tones", recognizer=recognizer) as server,
            connect_in_memory(server) as open_stream,
        ):
            yield server, open_stream
    assert all(record.ended for record in server.journal.transcriptions)
    assert all(stream.is_closed for stream in recognizer.streams), "a recogniser is open"


async def play_stt(row: STTRow, kind: SessionKind, name: str) -> float:
    """Play one cell, and return how much virtual time it took until everything had ended.

    Raises:
        AssertionError: Something was not as it should be.
    """
    living = trio.lowlevel.current_statistics().tasks_living
    async with listening_service() as (server, open_stream), trio.open_nursery() as nursery:
        scene = STTScene(server, open_stream, row, kind, name)
        nursery.start_soon(scene.somebody_else)
        seconds = await scene.act()
        with trio.fail_after(row.within_seconds):
            while nursery.child_tasks:  # noqa: ASYNC110  # it is a test that waits
                await trio.sleep(0.01)
        assert client_tasks() == []
    assert trio.lowlevel.current_statistics().tasks_living == living
    assert seconds <= row.within_seconds, f"it took {seconds} s"
    return seconds
