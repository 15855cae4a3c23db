"""A thread that runs Trio for a client, and calls into it from other threads.

`anyio.from_thread.start_blocking_portal` is not used. A program that ends while it is open never
exits, a call that Ctrl-C interrupts goes on in the background, and a call takes 120 µs of processor
time, where one of these takes 45. `trio.from_thread.run` cannot be interrupted either; and with
both, the calling thread only waits, where `feed` has to run an iterator in it.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar

import attrs
import trio

from trio_cartesia._errors import InternalError, LocalProtocolError
from trio_cartesia.blocking.call import Call, client_has_ended

__all__ = ["EXIT_SECONDS", "Portal"]

P = ParamSpec("P")
T = TypeVar("T")

EXIT_SECONDS: Final = 1.0  # for closing what is still open when the interpreter exits

_running: Final[set[Portal]] = set()


@attrs.define(eq=False)
class Portal:
    """One Trio run: it begins by entering a client, and ends by leaving it.

    Python loses a `KeyboardInterrupt` that comes in a destructor. So what has one in Python, such
    as a `Thread` or a nursery, is dropped by the Trio thread rather than by the main one.

    Attributes:
        open_names: What was entered and not left, for messages.
        is_stopping: True from the call of `stop` on.
    """

    _client: AbstractAsyncContextManager[object]
    open_names: dict[object, str] = attrs.field(factory=dict, init=False)
    is_stopping: bool = attrs.field(default=False, init=False)
    _nursery: trio.Nursery | None = attrs.field(default=None, init=False)
    _has_ended: Lock = attrs.field(factory=Lock, init=False)  # held until then
    _process: int | None = attrs.field(default=None, init=False)  # that it was started in
    _token: trio.lowlevel.TrioToken | None = attrs.field(default=None, init=False)
    _started: SimpleQueue[None] = attrs.field(factory=SimpleQueue, init=False)
    _stopping: trio.Event = attrs.field(factory=trio.Event, init=False)
    _crash: BaseException | None = attrs.field(default=None, init=False)

    # -- the life of the thread

    @property
    def was_started(self) -> bool:
        """True from the call of `start` on."""
        return self._process is not None

    @property
    def is_elsewhere(self) -> bool:
        """True in a fork of the process that started it, which does not have the thread."""
        return self._process not in (None, os.getpid())

    def start(self) -> None:
        """Start the thread, and return once the client is entered; if interrupted, call `stop`.

        Raises:
            LocalProtocolError: The calling thread runs Trio.
            BaseException: As entering the client.
        """
        _refuse_trio()
        self._process = os.getpid()
        self._has_ended.acquire()
        # a daemon, since the interpreter joins others before anything could stop them
        Thread(target=self._run, name="trio_cartesia", daemon=True).start()
        self._started.get()
        if self._token is None and self._crash is not None:
            raise self._crash

    def stop(self) -> None:
        """Cancel all tasks, leave the client, and have the thread end; `join` waits for that."""
        self.is_stopping = True
        self.soon(self._stopping.set)

    def join(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended.

        Raises:
            InternalError: A task of this package crashed.
        """
        if self._has_ended.acquire(timeout=-1 if seconds is None else seconds):
            self._has_ended.release()
        if self._crash is not None:
            raise InternalError("the background thread of the client crashed") from self._crash

    # -- calls

    def soon(self, fn: Callable[..., object], *args: Any) -> bool:
        """Run *fn* in Trio, unless that has ended; return whether it has not."""
        if self._token is None or self.is_elsewhere:
            return False
        try:
            self._token.run_sync_soon(fn, *args)
        except trio.RunFinishedError:
            return False
        return True

    def run(self, async_fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *async_fn* in Trio, and wait for it; Ctrl-C cancels it.

        Raises:
            LocalProtocolError: The client's block was not entered, or was left; the calling thread
                runs Trio; or the process is a fork of the one that entered the block.
            BaseException: As *async_fn*.
        """
        return self.perform(Call(partial(async_fn, *args, **kwargs)))

    def run_sync(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *fn* in Trio, and wait for it; raises what `run` raises."""

        async def call() -> T:  # noqa: ASYNC124  # so that both kinds are called in one way
            return fn(*args, **kwargs)

        return self.perform(Call(call))

    def perform(self, call: Call[T]) -> T:
        """Make a call; raises what `run` raises."""
        self._check()
        try:
            if not self.soon(self._start, call):
                raise client_has_ended()
            call.wait()
        except BaseException:
            self.soon(call.scope.cancel, "the call was interrupted")
            raise
        return call.result()

    def _check(self) -> None:
        if not self.was_started:
            raise LocalProtocolError("the client has not been entered: use it in 'with'")
        if self.is_elsewhere:
            raise LocalProtocolError(
                "this process is a fork of the one in which the client was entered, and has no "
                "connection: make another Cartesia in it"
            )
        _refuse_trio()

    def report_open(self) -> None:
        """Write what is still open to standard error."""
        if sys.stderr is None:  # as in a program of Windows without a console
            return
        for name in reversed(list(self.open_names.values())):
            sys.stderr.write(f"trio_cartesia: a {name} is still open at exit: leave its block\n")

    # -- in the thread

    @property
    def nursery(self) -> trio.Nursery:
        """For tasks that raise nothing; they are cancelled at the end."""
        assert self._nursery is not None
        return self._nursery

    def _start(self, call: Call[Any]) -> None:
        call.start(self._nursery)

    def _run(self) -> None:
        self.open_names[self] = "Cartesia"
        _running.add(self)
        try:
            trio.run(self._main)
        except BaseException as error:  # noqa: ASYNC103, BLE001  # join() raises it
            self._crash = error
        finally:
            _running.discard(self)
            self._started.put(None)
            self._has_ended.release()

    async def _main(self) -> None:
        async with self._client, trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._started.put(None)
            if not self.is_stopping:  # from before there was a token
                await self._stopping.wait()
            self._nursery.cancel_scope.cancel("the client's block has ended")
        self._nursery = None


def _refuse_trio() -> None:
    if trio.lowlevel.in_trio_run():
        raise LocalProtocolError(
            "this thread runs Trio, which a blocking call would stop: use trio_cartesia.Cartesia "
            "with 'await', or make the call in trio.to_thread.run_sync"
        )


@atexit.register
def _stop_all() -> None:
    """Say what is still open when the interpreter exits, and close it within a bound."""
    portals = [portal for portal in list(_running) if not portal.is_elsewhere]
    for portal in portals:
        if not portal.is_stopping:
            portal.report_open()
        portal.stop()
    deadline = monotonic() + EXIT_SECONDS
    for portal in portals:
        with suppress(InternalError, KeyboardInterrupt):
            portal.join(max(0.0, deadline - monotonic()))
