"""Contexts that are left in every way there is, and a service that answers by their ids."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs
import trio

from tests.support import SETTINGS
from trio_cartesia import Connection, Context, ContextExpired, ContextFailed
from trio_cartesia.testing import Peer

AUDIO: Final = bytes(960)  # 20 ms
AT_ONCE: Final = 16


class EnoughError(Exception):
    """Raised within a block."""


async def finish(context: Context) -> None:
    """Receive everything."""
    await context.push("A text.")
    await context.no_more_inputs()
    speech = await context.collect()
    assert speech.complete
    assert speech.audio == AUDIO * 2


async def leave_early(context: Context) -> None:
    """Break out of the receive loop."""
    await context.push("A text.")
    async for _ in context.receive():
        break


async def leave_unread(context: Context) -> None:
    """Leave before anything is received."""
    await context.push("A text.")
    await context.no_more_inputs()


async def leave_unused(_context: Context) -> None:
    """Leave a context that sent nothing."""
    await trio.lowlevel.checkpoint()


async def raise_error(context: Context) -> None:
    """Raise an error within the block."""
    await leave_early(context)
    raise EnoughError


async def be_cancelled(context: Context) -> None:
    """Be cancelled from outside while waiting for an event."""
    await context.push("A text.")
    with trio.CancelScope() as scope:
        async for _ in context.receive():
            scope.cancel("enough was received")
    assert scope.cancelled_caught


async def cancel(context: Context) -> None:
    """Cancel, and receive the end."""
    await leave_early(context)
    context.cancel()
    assert [event async for event in context.receive()] == []


async def expire(context: Context) -> None:
    """Expire before the final input."""
    await context.push("A text.")
    assert [event.type async for event in context.receive()] == ["chunk", "chunk", "done"]
    try:
        await context.push("More.")
    except ContextExpired:
        return
    raise AssertionError("an expired context took more")


async def fail(context: Context) -> None:
    """Be failed by the service."""
    await context.push("A text.")
    try:
        await context.collect()
    except ContextFailed:
        return
    raise AssertionError("a failed context ended well")


Way = Callable[[Context], Awaitable[None]]
WAYS: Final[tuple[Way, ...]] = (
    finish,
    leave_early,
    leave_unread,
    leave_unused,
    raise_error,
    be_cancelled,
    cancel,
    expire,
    fail,
)


async def answer(peer: Peer) -> None:
    """Answer requests until cancelled; a context's id says how."""
    while True:
        await answer_one(peer, await peer.receive())


async def answer_one(peer: Peer, request: dict[str, Any]) -> None:
    """Answer a request."""
    context_id = request["context_id"]
    way, number = context_id.split()
    if request.get("cancel"):
        if int(number) % 2:  # half of the cancels are never confirmed
            await peer.chunk(context_id, AUDIO)  # late
            await peer.done(context_id)
    elif not request["continue"]:
        await peer.done(context_id)
    else:
        await peer.chunk(context_id, AUDIO)
        await peer.chunk(context_id, AUDIO)
        if way == "expire":
            await peer.done(context_id)
        elif way == "fail":
            await peer.error(context_id)


@attrs.define(eq=False)
class Soak:
    """
    Contexts on one connection, one after another in many tasks.

    Attributes:
        ended: How many contexts were left, by way.
    """

    connection: Connection
    peer: Peer
    dice: random.Random
    ended: Counter[str] = attrs.field(factory=Counter, init=False)
    _number: int = attrs.field(default=0, init=False)

    async def run(self, contexts: int) -> None:
        """Open and leave so many contexts."""
        last = self._number + contexts
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer, self.peer)
            async with trio.open_nursery() as tasks:
                for _ in range(AT_ONCE):
                    tasks.start_soon(self._speak_until, last)
            await self._settle()
            nursery.cancel_scope.cancel("all have left")

    async def _speak_until(self, last: int) -> None:
        while self._number < last:
            self._number += 1
            way = self.dice.choice(WAYS)
            context_id = f"{way.__name__} {self._number}"
            try:
                async with self.connection.context(context_id=context_id, **SETTINGS) as context:
                    await way(context)
            except EnoughError:
                pass
            self.ended[way.__name__] += 1

    async def _settle(self) -> None:
        """Receive a last context to its end, by when every earlier request is answered."""
        async with self.connection.context(
            context_id=f"finish {self._number}!", **SETTINGS
        ) as last:
            await finish(last)
