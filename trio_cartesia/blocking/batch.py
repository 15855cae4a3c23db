"""`Batch` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.tts.settings import ContextOptions
from trio_cartesia.batch.items import Item
from trio_cartesia.batch.results import BatchStatistics, Result
from trio_cartesia.batch.speaking import DEFAULT_JOBS
from trio_cartesia.batch.speaking import Batch as AsyncBatch
from trio_cartesia.batch.speaking import speak_all as async_speak_all
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.client import Cartesia
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["Batch", "speak_all"]


@no_public_constructor("speak_all()")
@attrs.define(eq=False, init=False, repr=False)
class Batch(IteratorWrapper[AsyncBatch]):
    """An iterator of the `Result` of each item, made by `speak_all`.

    The results of earlier runs come first, in the order of the items; then those of this run, as
    the items end. An item is begun when the results of those before it were received, but for as
    many as are spoken at once.
    """

    def __next__(self) -> Result:
        """Wait until another item has ended.

        An interrupt by Ctrl-C loses no result.

        Raises:
            CartesiaError: Something that concerns all items, such as used-up credits or an outage:
                items that were begun have ended, and the others are not begun.
            OSError: A file or the manifest cannot be written; likewise.
            LocalProtocolError: The block has ended.
        """
        item: Result = self._next()
        return item

    def statistics(self) -> BatchStatistics:
        """Return a snapshot of the batch's counters."""
        return self._portal.run_sync(self._inner.statistics)


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

    If interrupted by Ctrl-C, or if the block is left early, the items that are being spoken are
    dropped.

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

        from trio_cartesia.blocking import Cartesia, speak_all
        from trio_cartesia.batch import Item

        ITEMS = [Item("intro", "Welcome."), Item("outro", "Goodbye.", settings={"language": "en"})]

        with (
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
            for result in batch:
                print(result.id, result.state, result.path)
    """
    return Block(
        client._portal,
        async_speak_all(
            items,
            client=client._inner,
            directory=directory,
            jobs=jobs,
            attempts=attempts,
            raw=raw,
            retry_failed=retry_failed,
            **settings,
        ),
        Batch,
    )
