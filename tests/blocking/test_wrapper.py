"""Iterators of the asynchronous face, for threads."""

from __future__ import annotations

import pytest
import trio

from tests.blocking.support import blocking_pair
from trio_cartesia.blocking.wrapper import IteratorWrapper


class Numbers:
    """Yields 0, 1 and 2; the second one takes until the test says so."""

    def __init__(self) -> None:
        self.next, self.may_go_on = 0, trio.Event()

    def __aiter__(self):
        return self

    async def __anext__(self) -> int:
        if self.next == 1:
            await self.may_go_on.wait()
        await trio.lowlevel.checkpoint()
        if self.next == 3:
            raise StopAsyncIteration
        self.next += 1
        return self.next - 1


class BlockingNumbers(IteratorWrapper[Numbers]):
    def __next__(self) -> int:
        return self._next()


def test_an_iterator_is_iterated_in_a_thread():
    """A loop gets the items in order and ends; an interrupt while it waits loses none."""
    with blocking_pair() as pair:
        inner = Numbers()
        numbers = BlockingNumbers(pair.portal, inner)
        assert next(numbers) == 0
        pair.interrupt_when_blocked()
        with pytest.raises(KeyboardInterrupt):
            next(numbers)
        pair.portal.run_sync(inner.may_go_on.set)
        assert list(numbers) == [1, 2]
        assert list(numbers) == []
