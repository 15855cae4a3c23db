"""`Playout` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.text.timeline import Heard
from trio_cartesia._runtime.playout.frames import Frame
from trio_cartesia._runtime.playout.playout import Playout as AsyncPlayout
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["Playout"]


@no_public_constructor("context.playout()")
@attrs.define(eq=False, init=False, repr=False)
class Playout(IteratorWrapper[AsyncPlayout]):
    """An iterator of a context's speech in frames of one size, as it is played.

    Made by `Context.playout`. Where speech comes too late, frames of silence take its place, and
    the last frame is filled up with silence. Silence is the encoding's own (protocol §6.1).

    An interrupt by Ctrl-C loses no frame. Iterating ends after the last frame, under the pace
    ``"real_time"`` once that was played. It raises what `Context.receive` raises, after all frames
    of the audio that came before. Once the context was cancelled, or its block was left, it gives
    out nothing more.
    """

    @property
    def position_seconds(self) -> float:
        """How much of what was given out has been played, silence included, as far as is known.

        Where the far end does not report it (`played`), it is taken to play each frame as soon as
        it can, and to have a frame once the next one is asked for. Where iterating is cancelled,
        it is taken to stop at that moment.
        """
        return self._portal.run_sync(lambda: self._inner.position_seconds)

    @property
    def heard(self) -> Heard:
        """What was heard of the text until now.

        It goes by `position_seconds`, and needs ``add_timestamps``: without word times, no text
        counts as heard until all of it was.
        """
        return self._portal.run_sync(lambda: self._inner.heard)

    @property
    def underruns(self) -> int:
        """How often speech came too late, under the pace ``"real_time"``.

        A gap counts once, however long it was.
        """
        return self._portal.run_sync(lambda: self._inner.underruns)

    @property
    def buffered_seconds(self) -> float:
        """Audio that was received and not given out: at most 30 seconds and one chunk."""
        return self._portal.run_sync(lambda: self._inner.buffered_seconds)

    def played(self, seconds: float) -> None:
        """Report how much the far end has played; `heard` goes by that from then on.

        Reports are on the scale of `Frame.start_seconds`: when a frame was played, that is its
        start and its length. Call this with 0 before the first frame if the far end will report,
        since the clock counts until the first report. A report that is lower than an earlier one,
        or that comes after iterating was cut short, changes nothing.

        Args:
            seconds: 0 or more; at most what was given out counts.

        Raises:
            LocalProtocolError: It is not a number, or negative.
        """
        self._portal.run_sync(self._inner.played, seconds)

    def pause(self) -> None:
        """Give out no frames until `resume`; the far end plays what it has."""
        self._portal.run_sync(self._inner.pause)

    def resume(self) -> None:
        """Give out frames again."""
        self._portal.run_sync(self._inner.resume)

    def __next__(self) -> Frame:
        """Return the next frame when its time has come.

        Raises:
            StopIteration: There is no more.
            LocalProtocolError: Another thread iterates.
            CartesiaError: What the context failed with.
        """
        item: Frame = self._next()
        return item
