"""`speak_all`: speak many texts into files."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final, Unpack

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._client.client import Cartesia
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError, raise_kept
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.settings import ContextOptions
from trio_cartesia._runtime.managers import Manager, block
from trio_cartesia._runtime.run_check import RunCheck
from trio_cartesia.batch.items import Item, Job, jobs_from
from trio_cartesia.batch.manifest import Manifest, open_manifest
from trio_cartesia.batch.results import BatchStatistics, Result
from trio_cartesia.batch.work import Work

__all__ = ["DEFAULT_JOBS", "Batch", "speak_all"]

DEFAULT_JOBS: Final = 2  # what every plan allows (protocol §1.8)


@attrs.frozen
class _Settings:
    jobs: int
    attempts: int
    raw: bool
    retry_failed: bool


def speak_all(
    items: Iterable[Item],
    *,
    client: Cartesia,
    directory: str | os.PathLike[str],
    jobs: int = DEFAULT_JOBS,
    attempts: int = 1,
    raw: bool = False,
    retry_failed: bool = False,
    **settings: Unpack[ContextOptions],
) -> Manager[Batch]:
    """Speak each item into the file ``directory/ID.wav``, a few at once, through a pool.

    A file has its name only when it is whole. ``directory/manifest.sqlite`` has what was done, with
    a digest of each text but no text, so that after an interruption, of whatever kind, the same
    call goes on where it was: items that are done are not spoken again, unless their text, their
    settings or their file have changed.

    If cancelled, or if the block is left early, the items that are being spoken are dropped.

    Args:
        items: The items; all are read and checked before anything is sent.
        client: The client.
        directory: The directory, which is made if it does not exist.
        jobs: How many items are spoken at once: at most what the account's plan allows, less what
            other programs use.
        attempts: How often an item is tried that is cut short, by the loss of a connection, a
            stall or a failure of the service. The service may bill each attempt.
        raw: Write the samples without the header of a WAV file, as ``directory/ID.pcm``.
        retry_failed: Speak items again that the service refused in an earlier run.
        **settings: The settings of items that have no others; see `Connection.context`.

    Raises:
        LocalProtocolError: An argument or an item is not valid (the message names its id or line),
            a file is in the way that no batch wrote, or another batch runs in the directory.
            Nothing was sent.
        OSError: The directory cannot be written.

    Example::

        import trio
        from trio_cartesia import Cartesia
        from trio_cartesia.batch import Item, speak_all

        ITEMS = [Item("intro", "Welcome."), Item("outro", "Goodbye.", settings={"language": "en"})]

        async def main():
            async with (
                Cartesia() as client,
                speak_all(
                    ITEMS,
                    client=client,
                    directory="speech",
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                ) as batch,
            ):
                async for result in batch:
                    print(result.id, result.state, result.path)

        trio.run(main)
    """
    checked = _Settings(
        checks.positive_whole(jobs, "jobs"),
        checks.positive_whole(attempts, "attempts"),
        checks.boolean(raw, "raw"),
        checks.boolean(retry_failed, "retry_failed"),
    )
    return _open(client, jobs_from(items, settings, raw=raw), Path(directory), checked)


@no_public_constructor("speak_all()")
@attrs.define(eq=False, init=False)
class Batch:
    """An asynchronous iterator of the `Result` of each item, made by `speak_all`.

    The results of earlier runs come first, in the order of the items; then those of this run, as
    the items end. An item is begun when the results of those before it were received, but for as
    many as are spoken at once.
    """

    _items: int
    _earlier: list[Result] = attrs.field(repr=False)
    _work: Work = attrs.field(repr=False)
    _results: trio.MemoryReceiveChannel[Result] = attrs.field(repr=False)
    _unseen: Iterator[Result] = attrs.field(init=False, repr=False)
    _run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._unseen = iter(self._earlier)

    def __aiter__(self) -> Batch:
        return self

    async def __anext__(self) -> Result:
        """Wait until another item has ended.

        Being cancelled loses no result.

        Raises:
            CartesiaError: Something that concerns all items, such as used-up credits or an outage:
                items that were begun have ended, and the others are not begun.
            OSError: A file or the manifest cannot be written; likewise.
            LocalProtocolError: The block has ended.
        """
        self._run_check.check()
        if (result := next(self._unseen, None)) is not None:
            await trio.lowlevel.checkpoint()
            return result
        try:
            return await self._results.receive()
        except trio.EndOfChannel:
            if self._work.error is not None:
                raise_kept(self._work.error)
            raise StopAsyncIteration from None
        except trio.ClosedResourceError:
            raise LocalProtocolError("the batch's block has ended: receive inside it") from None

    def statistics(self) -> BatchStatistics:
        """Return a snapshot of the batch's counters."""
        self._run_check.check()
        work = self._work
        states = [result.state for result in self._earlier]
        return BatchStatistics(
            items=self._items,
            done_earlier=states.count("done"),
            failed_earlier=states.count("failed"),
            speaking=work.speaking,
            duration_seconds=work.duration_seconds,
            **work.ended,
        )


@block("a batch (speak_all)")
@asynccontextmanager
@enable_ki_protection  # an interrupt between two lines would leave its tasks running
async def _open(
    client: Cartesia, jobs: Sequence[Job], folder: Path, settings: _Settings
) -> AsyncIterator[Batch]:
    manifest = await trio.to_thread.run_sync(open_manifest, folder)
    with closing(manifest):
        earlier, pending = await trio.to_thread.run_sync(
            _begin, manifest, jobs, settings.retry_failed
        )
        work = Work(
            manifest=manifest,
            folder=folder,
            pending=iter(pending),
            raw=settings.raw,
            attempts=settings.attempts,
        )
        send, receive = trio.open_memory_channel[Result](0)
        async with (
            client.tts.websocket_pool(max_contexts=settings.jobs) as pool,
            open_service_nursery() as nursery,
        ):
            with send, receive:
                for _ in range(settings.jobs):
                    nursery.start_soon(work.run, pool, send.clone())
                send.close()
                yield create(Batch, len(jobs), earlier, work, receive)


def _begin(
    manifest: Manifest, jobs: Iterable[Job], retry_failed: bool
) -> tuple[list[Result], list[Job]]:
    """Return the results of earlier runs, and the jobs to speak, which the manifest notes."""
    earlier: list[Result] = []
    pending: list[Job] = []
    for job in jobs:
        record = manifest.record_of(job)
        if record is None or (retry_failed and record.state == "failed"):
            pending.append(job)
        else:
            earlier.append(manifest.result_of(record))
    manifest.begin(pending)
    return earlier, pending
