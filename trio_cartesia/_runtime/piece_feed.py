"""Pushes the pieces of a text as soon as they are whole."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError
from trio_cartesia._protocol.text.pieces import PieceAssembler

if TYPE_CHECKING:
    from trio_cartesia._runtime.context import Context

__all__ = ["HELD_SECONDS", "PieceFeed"]

HELD_SECONDS: Final = 0.5


@attrs.define(eq=False)
class PieceFeed:
    """Feeds one context with pieces, and holds what is not whole (`PieceAssembler`).

    A number or character that may go on is held for `HELD_SECONDS` at most: a model may end a
    sentence with it and pause. A task of the session pushes it then, since the iterator of the
    pieces must not be cancelled. Unfinished markup is held until it is whole.
    """

    _context: Context
    _assembler: PieceAssembler = attrs.field(init=False)
    _release_at: float = attrs.field(default=math.inf, init=False)
    _sleeping: trio.CancelScope | None = attrs.field(default=None, init=False)
    _is_over: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._assembler = PieceAssembler(
            are_spoken_alone=self._context.settings.max_buffer_delay_ms == 0,
            has_begun=not self._context._entry.state.is_empty,
        )

    async def run(self, pieces: Iterable[str] | AsyncIterable[str]) -> None:
        """Push all pieces, and end the text.

        Raises:
            CartesiaError: As `Context.push`.
        """
        try:
            if isinstance(pieces, AsyncIterable):
                async for piece in pieces:
                    await self._add(piece)
            else:
                for piece in pieces:
                    await self._add(piece)
            rest = self._assembler.finish()
            self._note_held(is_new=False)
            await self._context._send(rest, last=True)
        finally:
            self._stop()

    async def _add(self, piece: str) -> None:
        held_before = self._assembler.held
        text = self._assembler.add(piece)
        if held_before or self._assembler.held:
            self._note_held(is_new=bool(text))
        if text:
            await self._context._send(text)
        else:
            await trio.lowlevel.checkpoint()

    def _note_held(self, *, is_new: bool) -> None:
        """Decide when what is held is released; *is_new*: none of it was held before."""
        assembler = self._assembler
        self._context._entry.state.held_text = assembler.held
        if not assembler.held or assembler.is_unfinished:
            self._release_at = math.inf
        elif is_new or self._release_at == math.inf:
            self._release_at = trio.current_time() + HELD_SECONDS
            self._wake_by_then()

    def _wake_by_then(self) -> None:
        session = self._context._contexts.session
        if self._sleeping is None and session.loss is None:  # else the next push raises it
            self._sleeping = trio.CancelScope(deadline=self._release_at)
            session.start_soon(self._release_late)
        elif self._sleeping is not None and self._release_at < self._sleeping.deadline:
            self._sleeping.deadline = self._release_at

    @enable_ki_protection
    async def _release_late(self) -> None:
        """Release what is held when its time has come, until the feed ends."""
        try:
            while not self._is_over:
                assert self._sleeping is not None
                with self._sleeping:
                    await trio.sleep_forever()
                if self._release_at <= trio.current_time():
                    self._release()
                self._sleeping = trio.CancelScope(deadline=self._release_at)
        finally:  # a context that moves to another connection needs another task
            self._sleeping, self._release_at = None, math.inf

    def _release(self) -> None:
        self._release_at = math.inf
        try:
            self._context._queue(self._assembler.held)
        except CartesiaError:
            return  # the next push raises it, with all that is held
        self._assembler.clear()
        self._note_held(is_new=False)

    def _stop(self) -> None:
        self._is_over, self._release_at = True, math.inf
        self._context._entry.state.held_text = ""
        if self._sleeping is not None:
            self._sleeping.cancel("the text has ended")
