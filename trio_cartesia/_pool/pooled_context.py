"""The contexts of a pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._pool.inputs import Input
from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._runtime.context import Context

if TYPE_CHECKING:
    from trio_cartesia._pool.mover import Mover

__all__ = ["PooledContext"]


@no_public_constructor("pool.context()")
@attrs.define(eq=False, init=False)
class PooledContext(Context):
    """A context of a pool: all that a `Context` is, on whichever connection carries it."""

    _mover: Mover = attrs.field(init=False, repr=False)

    async def _send(
        self,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> None:
        self._contexts.run_check.check()
        await self._mover.wait_room()
        await super()._send(transcript, flush=flush, last=last, generation_config=generation_config)

    def _queue(
        self,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> Callable[[], Awaitable[None]]:
        item = Input(transcript, flush=flush, last=last, generation_config=generation_config)
        self._mover.queue(item)
        return partial(self._mover.wait_sent, item)
