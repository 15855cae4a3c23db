"""A receive loop over frames: the audio of a context as it is played."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._protocol.text.timeline import Heard, Timeline
from trio_cartesia._protocol.tts.messages import Chunk, Event, WordTimestamps
from trio_cartesia._runtime.playout.frames import Frame
from trio_cartesia._runtime.playout.pacing import Pacer
from trio_cartesia._runtime.playout.settings import PlayoutSettings

__all__ = ["EventSource", "Playout", "PlayoutSettings", "make_playout"]


class EventSource(Protocol):
    """The events of a context, such as its inbox.

    Attributes:
        on_discard: Called when the rest of them is dropped.
    """

    on_discard: Callable[[], None] | None

    @property
    def has_events(self) -> bool:
        """True if the next one can be had without waiting for it."""

    async def __anext__(self) -> Event:
        """Return the next event; if cancelled, none is lost."""


@no_public_constructor("context.playout()")
@attrs.define(eq=False, init=False)
class Playout:
    """An asynchronous iterator of a context's speech in frames of one size, as it is played.

    Made by `Context.playout`. Where speech comes too late, frames of silence take its place, and
    the last frame is filled up with silence. Silence is the encoding's own (protocol §6.1).

    Being cancelled loses no frame. Iterating ends after the last frame, under the pace
    ``"real_time"`` once that was played. It raises what `Context.receive` raises, after all frames
    of the audio that came before. Once the context was cancelled, or its block was left, it gives
    out nothing more.
    """

    _events: EventSource = attrs.field(repr=False)
    _pieces: Callable[[int], list[str]] = attrs.field(repr=False)  # of the text, from a number on
    _pacer: Pacer = attrs.field(repr=False)
    _is_complete: Callable[[], bool] = attrs.field(repr=False)  # asked when the events have ended
    _check_run: Callable[[], None] = attrs.field(repr=False)
    _on_event: Callable[[Event], object] | None = attrs.field(repr=False)
    _timeline: Timeline = attrs.field(factory=Timeline, init=False, repr=False)
    _known_pieces: int = attrs.field(default=0, init=False)  # that the timeline has
    _is_whole: bool = attrs.field(default=False, init=False)  # all of the text was spoken
    _is_iterating: bool = attrs.field(default=False, init=False)
    _is_over: bool = attrs.field(default=False, init=False)
    _stopped_seconds: float | None = attrs.field(default=None, init=False)  # where it was cut short
    _waiting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._events.on_discard = self._stop

    @property
    def position_seconds(self) -> float:
        """How much of what was given out has been played, silence included, as far as is known.

        Where the far end does not report it (`played`), it is taken to play each frame as soon as
        it can, and to have a frame once the next one is asked for. Where iterating is cancelled,
        it is taken to stop at that moment.
        """
        if self._stopped_seconds is not None:
            return self._stopped_seconds
        self._check_run()
        return self._pacer.progress.played_seconds(trio.current_time())

    @property
    def heard(self) -> Heard:
        """What was heard of the text until now.

        It goes by `position_seconds`, and needs ``add_timestamps``: without word times, no text
        counts as heard until all of it was.
        """
        position, pacer = self.position_seconds, self._pacer
        self._add_text()
        is_given_out = self._is_whole and not pacer.buffer.samples
        return self._timeline.heard(
            pacer.progress.speech_seconds(position),
            ended=is_given_out and position >= pacer.progress.given_seconds,
        )

    @property
    def underruns(self) -> int:
        """How often speech came too late, under the pace ``"real_time"``.

        A gap counts once, however long it was.
        """
        return self._pacer.underruns

    @property
    def buffered_seconds(self) -> float:
        """Audio that was received and not given out: at most 30 seconds and one chunk."""
        return self._pacer.buffer.seconds

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
        self._check_run()
        if type(seconds) not in (int, float) or not seconds >= 0:
            raise LocalProtocolError("seconds must be a number, 0 or more")
        self._pacer.progress.report(seconds)

    def pause(self) -> None:
        """Give out no frames until `resume`; the far end plays what it has."""
        self._check_run()
        self._pacer.is_paused = True

    def resume(self) -> None:
        """Give out frames again."""
        self._check_run()
        self._pacer.is_paused = False
        self._waiting.cancel("playing goes on")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        """Return the next frame when its time has come.

        Raises:
            StopAsyncIteration: There is no more.
            LocalProtocolError: Another task iterates.
            CartesiaError: What the context failed with.
        """
        self._check_run()
        if self._is_iterating:
            raise LocalProtocolError("another task takes this playout's frames already")
        self._is_iterating = True
        try:
            if not self._is_over:
                self._stopped_seconds = None  # it goes on after it was cancelled
                self._pacer.progress.arrive(trio.current_time())
            await trio.lowlevel.checkpoint()
            return await self._next()
        except trio.Cancelled:
            if not self._is_over:
                self._keep_position()
            raise
        finally:
            self._is_iterating = False

    async def _next(self) -> Frame:
        pacer = self._pacer
        while not self._is_over:
            while self._events.has_events and self._can_receive:
                await self._receive()
            now = trio.current_time()
            if now >= pacer.next_at:
                return pacer.give()
            if now >= pacer.ends_at:
                self._is_over = True
                if pacer.is_real_time:
                    pacer.progress.finish()
            else:
                await self._wait(min(pacer.next_at, pacer.ends_at))
        while True:  # of events that are left, only the end counts: why, and what was not spoken
            await anext(self._events)

    async def _wait(self, deadline: float) -> None:
        """Wait for an event, for *deadline*, or for a call that changes what is next."""
        with trio.CancelScope(deadline=deadline) as self._waiting:
            if self._can_receive:
                await self._receive()
            else:
                await trio.sleep_forever()

    @property
    def _can_receive(self) -> bool:
        return not (self._pacer.has_ended or self._pacer.is_full)

    async def _receive(self) -> None:
        try:
            event = await anext(self._events)
        except Exception:  # noqa: BLE001  # the end, whatever it is: raised when all was given out
            self._pacer.has_ended, self._is_whole = True, self._is_complete()
            self._add_text()
            self._timeline.finish(complete=self._is_whole)
        else:
            if isinstance(event, Chunk):
                self._pacer.buffer.add(event.audio)
            elif isinstance(event, WordTimestamps):
                times = event.from_start()
                self._timeline.add_words(times.words, times.start, times.end)
            if self._on_event is not None:
                self._on_event(event)

    def _add_text(self) -> None:
        for piece in self._pieces(self._known_pieces):
            self._timeline.add_text(piece)
            self._known_pieces += 1

    def _stop(self) -> None:
        """Give out nothing more; the far end is taken to stop now, too."""
        if not self._is_over:
            self._keep_position()
            self._is_over, self._is_whole = True, False
            self._pacer.buffer.clear()
            self._waiting.cancel("the context was cancelled, or its block was left")

    def _keep_position(self) -> None:
        if self._stopped_seconds is None:
            self._stopped_seconds = self._pacer.progress.played_seconds(trio.current_time())


def make_playout(
    events: EventSource,
    pieces: Callable[[int], list[str]],
    sample_format: SampleFormat,
    settings: PlayoutSettings,
    *,
    is_complete: Callable[[], bool],
    check_run: Callable[[], None],
    on_event: Callable[[Event], object] | None,
) -> Playout:
    """Make a playout.

    Args:
        events: The context's; nobody else receives them.
        pieces: Returns the pieces of the text that was sent, from a number on.
        sample_format: The layout of the audio.
        settings: How long frames are, and when they are given out.
        is_complete: Returns whether all of the text was spoken; asked when the events have ended.
        check_run: Raises where the caller is not in the context's run.
        on_event: Called with each event.

    Raises:
        LocalProtocolError: A frame is no whole number of samples, or *on_event* is no function.
    """
    if on_event is not None and not callable(on_event):
        raise LocalProtocolError(
            f"on_event must be a function of one event, not {type(on_event).__name__}"
        )
    pacer = Pacer(settings, sample_format)
    return create(Playout, events, pieces, pacer, is_complete, check_run, on_event)
