from __future__ import annotations

import errno
import logging
import os
import socket
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_pair

from tests.server.support import catch_logs, on_virtual_time
from trio_cartesia.server import open_server
from trio_cartesia.server.net.listeners import (
    ACCEPT_LOG_SECONDS,
    ACCEPT_RETRY_SECONDS,
    accept_connections,
    open_listeners,
    server_urls,
)


async def status_at(host: str, port: int) -> int:
    async with await trio.open_tcp_stream(host, port) as stream:
        await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
        return int((await stream.receive_some()).split()[1])


@pytest.mark.parametrize("host", ["", "::", "localhost"])
async def test_all_addresses_have_one_port(host: str, has_ipv6: bool) -> None:
    """An empty host, ``::`` and a name with two addresses listen on IPv4 and IPv6, at the same
    port.
    """
    async with open_server(host=host, voice="tones") as server:
        port = int(server.url.rpartition(":")[2])
        assert await status_at("127.0.0.1", port) == 200
        if has_ipv6 and host != "localhost":  # which may have one address only
            assert await status_at("::1", port) == 200
        if has_ipv6 and host == "::":
            assert server.url == f"http://[::1]:{port}"


async def test_a_port_that_another_process_takes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the port of the first address is taken at the second one, another port is tried."""
    real, attempts = trio.open_tcp_listeners, 0

    async def busy(port: int, *, host: str | None) -> list[trio.SocketListener]:
        nonlocal attempts
        attempts += 1
        if port:
            raise OSError(errno.EADDRINUSE, "in use")
        first, second = await real(0, host="127.0.0.1"), await real(0, host="127.0.0.1")
        return [*first, *second] if attempts < 4 else (second[0].socket.close(), first)[1]

    monkeypatch.setattr(trio, "open_tcp_listeners", busy)
    async with open_listeners("", 0) as listeners:
        assert len(listeners) == 1
    assert attempts == 5
    attempts = -99
    with pytest.raises(OSError, match="in use"):
        async with open_listeners("", 0):
            pass


class Exhausted(trio.abc.Listener[trio.abc.Stream]):
    """A listener that has no file descriptor for a while, and then a connection."""

    def __init__(self, failures: int, error: int = errno.EMFILE) -> None:
        self.failures, self.error = failures, error

    async def accept(self) -> Any:
        await trio.lowlevel.checkpoint()
        self.failures -= 1
        if self.failures >= 0:
            raise OSError(self.error, os.strerror(self.error))
        if self.failures == -1:
            return memory_stream_pair()[0]
        return await trio.sleep_forever()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@on_virtual_time
async def test_without_file_descriptors_connections_wait() -> None:
    """A process out of file descriptors accepts again once it has some, and logs one line a
    minute.
    """
    failures = round(1.5 * ACCEPT_LOG_SECONDS / ACCEPT_RETRY_SECONDS)
    accepted = []

    async def serve(stream: Any) -> None:
        accepted.append(trio.current_time())
        await stream.aclose()

    with catch_logs(logging.DEBUG) as lines, trio.move_on_after(10 * ACCEPT_LOG_SECONDS):
        listeners: Any = [Exhausted(failures)]
        await accept_connections(listeners, serve)
    assert accepted == [pytest.approx(1.5 * ACCEPT_LOG_SECONDS)]
    assert lines == ["new connections have to wait: Too many open files"] * 2


@on_virtual_time
async def test_other_errors_of_a_listener_are_raised() -> None:
    """An error that waiting does not cure ends the service."""
    listeners: Any = [Exhausted(1, errno.EBADF)]
    with pytest.raises(ExceptionGroup) as caught:  # noqa: ASYNC401  # what is in it is looked at
        await accept_connections(listeners, trio.aclose_forcefully)
    assert caught.group_contains(OSError, match="descriptor")


async def test_urls_have_every_name() -> None:
    """The first URL is for this machine, and each further name has one, IPv6 addresses in
    brackets.
    """
    async with open_listeners("0.0.0.0", 0) as listeners:  # noqa: S104  # for a moment
        port = listeners[0].socket.getsockname()[1]
        urls = list(server_urls(listeners, ["a.example", "fd00::1"], is_secure=True))
    assert urls == [
        f"https://127.0.0.1:{port}",
        f"https://a.example:{port}",
        f"https://[fd00::1]:{port}",
    ]
    assert socket.gethostname() not in "".join(urls)
