"""The tasks that speak the items of a batch, one after the other each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import attrs
import trio

from trio_cartesia._errors import (
    AuthenticationFailed,
    CartesiaError,
    ConcurrencyLimited,
    ConnectFailed,
    ConnectionLost,
    ContextExpired,
    ContextStalled,
    InboxOverflow,
    InternalError,
    QuotaExceeded,
    RemoteProtocolError,
    RequestFailed,
    ServiceFailed,
)
from trio_cartesia._pool.pool import Pool
from trio_cartesia.batch.audio_file import AudioFile, open_part
from trio_cartesia.batch.items import Job
from trio_cartesia.batch.manifest import Manifest
from trio_cartesia.batch.results import Result, State

__all__ = ["Work"]

T = TypeVar("T")

PASSING: Final = (  # an item may succeed another time
    ConcurrencyLimited,
    ConnectionLost,
    ContextExpired,
    ContextStalled,
    InboxOverflow,
    RemoteProtocolError,  # a proxy may have caused it
    ServiceFailed,
)
GENERAL: Final = (AuthenticationFailed, ConnectFailed, InternalError, QuotaExceeded)  # of any item


@attrs.define(eq=False, kw_only=True)
class Work:
    """Speaks jobs, and counts what becomes of them.

    Attributes:
        error: What ended the work before the last job, or None.
        speaking: The number of jobs in work.
        ended: The number of those that have ended, by their state.
        duration_seconds: The duration of the audio of those that are done.
    """

    manifest: Manifest
    folder: Path
    pending: Iterator[Job]
    raw: bool
    attempts: int
    error: Exception | None = attrs.field(default=None, init=False)
    speaking: int = attrs.field(default=0, init=False)
    ended: dict[State, int] = attrs.field(
        factory=lambda: {"done": 0, "failed": 0, "unfinished": 0}, init=False
    )
    duration_seconds: float = attrs.field(default=0.0, init=False)
    _writing: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(1), init=False
    )

    async def run(self, pool: Pool, results: trio.MemorySendChannel[Result]) -> None:
        """Speak jobs until none is left, or until one fails for a reason that concerns all.

        If cancelled, the job that is being spoken is dropped with its file, unless that is whole.
        """
        async with results:
            while self.error is None and (job := next(self.pending, None)) is not None:
                try:
                    result = await self._end(pool, job)
                except (CartesiaError, OSError) as error:
                    self._stop(error)
                    return
                self.ended[result.state] += 1
                self.duration_seconds += result.duration_seconds
                await results.send(result)

    def _stop(self, error: Exception) -> None:
        if self.error is None:
            self.error = error

    async def _end(self, pool: Pool, job: Job) -> Result:
        """Speak *job*, as often as is allowed, and return what became of it.

        Raises:
            CartesiaError: The reason concerns all jobs.
            OSError: Its file or the manifest cannot be written.
        """
        self.speaking += 1
        try:
            for _ in range(self.attempts):
                try:
                    return await self._speak(pool, job)
                except CartesiaError as caught:
                    error = caught
                    if _is_general(error) or not isinstance(error, PASSING):
                        break
        finally:
            self.speaking -= 1
        if _is_general(error):
            raise error
        reason = f"{str(error).rstrip('.')}. {error.next_step}"
        if isinstance(error, PASSING):
            return Result(id=job.id, state="unfinished", reason=reason, error=error)
        await self._in_thread(self.manifest.fail, job, reason)
        return Result(id=job.id, state="failed", reason=reason, error=error)

    async def _speak(self, pool: Pool, job: Job) -> Result:
        sample_format = job.settings.output_format.sample_format
        with open_part(self.folder / job.part_name, sample_format, raw=self.raw) as part:
            async with pool.speak(job.text, **job.options) as context:
                async for audio in context.audio():
                    part.write(audio)
            path = await self._in_thread(self._finish, job, part)
        return Result(id=job.id, state="done", path=path, duration_seconds=part.duration_seconds)

    def _finish(self, job: Job, part: AudioFile) -> Path:
        return self.manifest.finish(
            job, size_bytes=part.finish(), duration_seconds=part.duration_seconds
        )

    async def _in_thread(self, write: Callable[..., T], *args: object) -> T:
        """Call *write*, which waits for the disk, without delaying the other tasks."""
        return await trio.to_thread.run_sync(write, *args, limiter=self._writing)


def _is_general(error: CartesiaError) -> bool:
    """Return whether other jobs would fail as well: no connection, or no credits."""
    refused_handshake = isinstance(error, RequestFailed) and error.context_id is None
    return isinstance(error, GENERAL) or refused_handshake
