from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from trio_cartesia.server import Server, open_server


@contextmanager
def server_in_a_thread(**options: object) -> Iterator[Server]:
    """A service with a Trio run and a thread of its own, as a test of another framework holds
    one.
    """
    started: queue.Queue[tuple[Server, trio.Event, trio.lowlevel.TrioToken]] = queue.Queue()

    async def main() -> None:
        async with open_server(voice="tones", **options) as server:  # type: ignore[arg-type]
            stop = trio.Event()
            started.put((server, stop, trio.lowlevel.current_trio_token()))
            await stop.wait()

    thread = threading.Thread(target=trio.run, args=(main,), daemon=True)
    thread.start()
    server, stop, token = started.get(timeout=30)
    try:
        yield server
    finally:
        trio.from_thread.run_sync(stop.set, trio_token=token)
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_server_runs_in_a_thread_and_is_stopped_from_outside(tls: bool) -> None:
    """Beside another event loop a service answers, and is gone once it is stopped with a client
    left.
    """

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    with server_in_a_thread(tls=tls) as server:
        port = int(server.url.rpartition(":")[2])
        status = b"HTTP/1.1 400 " if tls else b"HTTP/1.1 200 "
        assert asyncio.run(ask(port)).startswith(status)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(ask(port))


def test_two_servers_run_in_two_threads() -> None:
    """Two services in one process share nothing."""
    with server_in_a_thread() as one, server_in_a_thread() as two:
        assert one.url != two.url
        assert one.journal is not two.journal
