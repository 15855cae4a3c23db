"""A batch over a local service in memory."""

from __future__ import annotations

from functools import partial, wraps

import trio
from trio.testing import MockClock

from tests.pool.support import SMALL
from trio_cartesia.batch import Item, speak_all

TIMES_FASTER = 50


def on_fast_clock(async_fn):
    """Make an asynchronous test synchronous, with a fast clock; autojumping ones outrun threads."""

    @wraps(async_fn)
    def run(*args, **kwargs):
        trio.run(partial(async_fn, *args, **kwargs), clock=MockClock(rate=TIMES_FASTER))

    return run


TEXTS = {f"text-{number:02}": f"This is text number {number}." for number in range(12)}


def items(texts=TEXTS, **settings):
    return [Item(item_id, text, settings=settings) for item_id, text in texts.items()]


def batch(client, directory, given=None, **options):
    """Return the block of a batch of *given*, by default all of `TEXTS`."""
    given = items() if given is None else given
    return speak_all(given, client=client, directory=directory, **{**SMALL, **options})


async def results_of(client, directory, given=None, **options):
    """Return the results of a whole batch by id, in the order in which they came."""
    async with batch(client, directory, given, **options) as results:
        return {result.id: result async for result in results}


def spoken(server):
    """Return the transcripts that the service has spoken, in the order in which they began."""
    return [context.transcript for context in server.journal.contexts]


def check_files(directory, server, texts=TEXTS, *, container=True):
    """Check that there is a whole file for each text, and nothing else."""
    audio = {context.transcript: context.audio for context in server.journal.contexts}
    names = {path.name for path in directory.iterdir()} - {"manifest.sqlite"}
    suffix = ".wav" if container else ".pcm"
    assert names == {item_id + suffix for item_id in texts}
    for item_id, text in texts.items():
        content = (directory / f"{item_id}{suffix}").read_bytes()
        if container:
            header, content = content[:58], content[58:]
            assert int.from_bytes(header[4:8], "little") == 50 + len(content)
            assert int.from_bytes(header[54:58], "little") == len(audio[text])
        assert content[: len(audio[text])] == audio[text]
        assert len(content) == len(audio[text]) + (len(audio[text]) % 2 if container else 0)
