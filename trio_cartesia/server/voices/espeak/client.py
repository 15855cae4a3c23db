"""A client of eSpeak NG in a child process, which is replaced when it crashes or stops responding.

A text that triggers a memory error in the library therefore fails alone.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from trio_cartesia.server.voices.espeak.child import ConnectionClosed
from trio_cartesia.server.voices.espeak.child_process import ChildProcess
from trio_cartesia.server.voices.espeak.library import Event, VoiceParameters

__all__ = ["EspeakClient", "EspeakCrashed", "espeak_client"]


class EspeakCrashed(RuntimeError):
    """The child crashed or stopped responding at this text, and so did a second one if tried.

    Attributes:
        may_retry: Whether another attempt may succeed, because the text need not be the cause.
    """

    def __init__(self, message: str = "", *, may_retry: bool = False) -> None:
        super().__init__(message)
        self.may_retry = may_retry


class EspeakClient:
    """The library in a child process, for all threads: one speaks, and others wait for it.

    The child is started when it is first needed, or earlier by `start`. It ends with this process,
    however this process ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None

    def start(self) -> None:
        """Start the child if there is none, and do not wait until it is ready.

        If that fails, the first call that needs the child raises the error.
        """
        if self._lock.acquire(blocking=False):  # otherwise another thread is starting it
            try:
                with suppress(RuntimeError):
                    self._running_child()
            finally:
                self._lock.release()

    @property
    def sample_rate(self) -> int:
        """Frames a second of all audio.

        Raises:
            RuntimeError: The library cannot be started.
        """
        with self._ready_child() as child:
            return child.sample_rate

    def synthesise(
        self,
        text: str,
        parameters: VoiceParameters,
        *,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> tuple[bytes, list[Event]]:
        """Speak *text*, and block until it is done: `library.Engine.synthesise`, elsewhere.

        A new child tries once more if the child stops responding, or if it crashes at a text that
        is not its first one, because an earlier text may be the cause.

        Args:
            text: Plain text; characters that cannot be spoken become blanks.
            parameters: The voice and its parameters.
            checkpoint: Called first, after about each second of audio, which takes one millisecond,
                and ten times a second while the child sends nothing. Its exceptions end the
                synthesis.

        Returns:
            16-bit samples in the host's byte order, and the events in them.

        Raises:
            LookupError: There is no such voice.
            EspeakCrashed: The library crashed at this text, or did not respond.
            RuntimeError: The library cannot be started, or gave up.
        """
        try:
            return self._synthesise(text, parameters, checkpoint)
        except EspeakCrashed as crash:
            if not crash.may_retry:
                raise
        return self._synthesise(text, parameters, checkpoint)

    def _synthesise(
        self, text: str, parameters: VoiceParameters, checkpoint: Callable[[], None]
    ) -> tuple[bytes, list[Event]]:
        with self._ready_child(checkpoint) as child:
            checkpoint()
            return child.synthesise(text, parameters)

    @contextmanager
    def _ready_child(self, checkpoint: Callable[[], None] = lambda: None) -> Iterator[ChildProcess]:
        """Yield a child that is ready; if it dies during the block, replace it."""
        with self._lock:
            child = self._running_child()
            child.checkpoint = checkpoint
            try:
                child.wait_ready()
                yield child
            except ConnectionClosed as error:
                self._child = None
                end = child.end()
                if child.sample_rate:  # it had started, so another one will
                    with suppress(RuntimeError):
                        self._running_child()
                what = "stopped responding" if child.is_overdue else f"crashed ({end})"
                raise EspeakCrashed(
                    f"eSpeak NG {what}", may_retry=child.is_overdue or child.has_spoken
                ) from error

    def _running_child(self) -> ChildProcess:
        if self._child is not None and not self._child.is_usable():
            self.close()  # it died between two texts, which is not an error of either
        if self._child is None:
            try:
                self._child = ChildProcess()
            except OSError as error:
                raise RuntimeError("eSpeak NG cannot be started: no process") from error
        return self._child

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def detach(self) -> None:
        """Leave the child to the process that this one is a fork of."""
        self._lock = threading.Lock()  # a thread of the other process may have held it
        child, self._child = self._child, None
        if child is not None:
            child.detach()


espeak_client: Final = EspeakClient()  # shared, because the library does one thing at a time
atexit.register(espeak_client.close)
if sys.platform != "win32":  # pragma: no branch  # which has no fork
    os.register_at_fork(after_in_child=espeak_client.detach)
