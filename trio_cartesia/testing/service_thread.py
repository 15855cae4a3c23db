"""A local service in a thread of its own, for tests that do not run under Trio."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlencode

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia.server import Server, open_server

__all__ = ["ServiceThread", "service_in_thread"]

STATE: Final = "/_local/state"
ANSWER_SECONDS: Final = 10.0


@no_public_constructor("service_in_thread() and the fixture cartesia_service")
@attrs.frozen(eq=False, init=False)
class ServiceThread:
    """A local service that runs in a thread; made by `service_in_thread`.

    Attributes:
        url: Its address, as ``http://127.0.0.1:40123``, or ``https`` with TLS.
        ca_file: The certificate that clients have to trust (PEM); None without TLS.
    """

    url: str
    ca_file: Path | None
    _stop: Callable[[], None] = attrs.field(repr=False)

    @property
    def websocket_url(self) -> str:
        """The same address for WebSockets."""
        return self.url.replace("http", "ws", 1)

    def state(
        self, *, context_id: str | None = None, audio: bool = False, limit: int = 100
    ) -> dict[str, Any]:
        """Return what clients asked and what the service spoke: the JSON of ``GET /_local/state``.

        Call it from any thread. It blocks for as long as the service takes to answer, which is
        milliseconds.

        Args:
            context_id: Return the contexts with this id only.
            audio: Include the audio of each context, in base64.
            limit: Return at most this many contexts, requests and connections, the newest ones.
        """
        query: dict[str, object] = {"limit": limit}
        if context_id is not None:
            query["context_id"] = context_id
        if audio:
            query["audio"] = "base64"
        return self._request("GET", f"{STATE}?{urlencode(query)}")

    def forget(self) -> None:
        """Delete all records, so that the next `state` starts from nothing."""
        self._request("DELETE", STATE)

    def _request(self, method: str, target: str) -> dict[str, Any]:
        host = self.url.partition("://")[2]
        connection = HTTPConnection(host, timeout=ANSWER_SECONDS)
        if self.ca_file is not None:
            trust = ssl.create_default_context(cafile=self.ca_file)
            connection = HTTPSConnection(host, timeout=ANSWER_SECONDS, context=trust)
        with closing(connection):
            connection.request(method, target)
            answer: dict[str, Any] = json.load(connection.getresponse())
        return answer


def service_in_thread(**options: Any) -> AbstractContextManager[ServiceThread]:
    """Run a local service in a thread for the block, in a Trio run of its own.

    For a fixture that lives longer than a test, for example one with ``scope="session"``. It
    listens at a port of this machine, on real time.

    Args:
        **options: The arguments of `trio_cartesia.server.open_server`. The voice is ``tones``
            unless another one is given.

    Raises:
        LocalProtocolError: The block was entered before.
        OSError: As `open_server`.
        ValueError: As `open_server`.

    Example::

        from trio_cartesia.testing import service_in_thread

        with service_in_thread() as service:
            assert service.url.startswith("http://127.0.0.1:")
            assert service.state()["contexts"] == []
    """
    return _ServiceBlock(_run_service(options))


class _ServiceBlock(AbstractContextManager[ServiceThread, bool | None]):
    """A block that is entered once."""

    def __init__(self, manager: AbstractContextManager[ServiceThread, bool | None]) -> None:
        self._manager = manager
        self._was_entered = False

    def __enter__(self) -> ServiceThread:
        if self._was_entered:
            raise LocalProtocolError(
                "service_in_thread() was entered before: make one for each block"
            )
        self._was_entered = True
        return self._manager.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._manager.__exit__(kind, error, traceback)


@contextmanager
def _run_service(options: Mapping[str, Any]) -> Iterator[ServiceThread]:
    started: SimpleQueue[ServiceThread | None] = SimpleQueue()

    async def serve() -> None:
        async with open_server(**{"voice": "tones", **options}) as server:
            stop = trio.Event()
            started.put(_service_of(server, stop, trio.lowlevel.current_trio_token()))
            await stop.wait()

    with ThreadPoolExecutor(1, "trio_cartesia service") as executor:
        run: Future[None] = executor.submit(trio.run, serve)
        run.add_done_callback(lambda _: started.put(None))
        service = started.get()
        if service is None:  # the run ended before the service had started
            run.result()
            raise AssertionError("unreachable: the run waits to be stopped")
        try:
            yield service
        finally:
            with suppress(trio.RunFinishedError):  # it crashed, and result() raises why
                service._stop()
            run.result()


def _service_of(server: Server, stop: trio.Event, token: trio.lowlevel.TrioToken) -> ServiceThread:
    return create(ServiceThread, server.url, server.ca_file, lambda: token.run_sync_soon(stop.set))
