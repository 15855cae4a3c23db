"""Connect over TCP as `trio.open_tcp_stream` does, in tasks that Ctrl-C does not reach.

An interrupt may reach the tasks of Trio's own function at any line: it then leaves in an exception
group, and a socket that was just made stays open until it is collected. Here the interrupt waits
for the next checkpoint of the main task, as everywhere below `Cartesia`.
"""

from __future__ import annotations

from typing import Any, Final

import trio
from trio.lowlevel import enable_ki_protection
from trio.socket import SocketType

__all__ = ["ATTEMPT_SECONDS", "open_tcp_stream"]

ATTEMPT_SECONDS: Final = 0.25  # RFC 8305 §5: after that, the next address is tried as well


@enable_ki_protection
async def open_tcp_stream(host: str, port: int) -> trio.SocketStream:
    """Connect to the address of *host* that accepts first (RFC 8305, "happy eyeballs").

    Raises:
        OSError: *host* has no address, or none accepts; then it is the error that came first.
    """
    addresses = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    connected, errors, sockets = list[SocketType](), list[OSError](), set[SocketType]()

    @enable_ki_protection
    async def attempt(family: int, protocol: int, address: Any, has_failed: trio.Event) -> None:
        try:
            sock = trio.socket.socket(family, trio.socket.SOCK_STREAM, protocol)
            sockets.add(sock)
            await sock.connect(address)
        except OSError as error:
            errors.append(error)
            has_failed.set()
        else:
            connected.append(sock)
            nursery.cancel_scope.cancel("another address accepted first")

    try:
        async with trio.open_nursery() as nursery:
            for family, _, protocol, _, address in _other_family_second(addresses):
                has_failed = trio.Event()
                nursery.start_soon(attempt, family, protocol, address, has_failed)
                with trio.move_on_after(ATTEMPT_SECONDS):
                    await has_failed.wait()
        if not connected:
            raise errors[0]
        sockets.remove(connected[0])
        return trio.SocketStream(connected[0])
    finally:
        for sock in sockets:
            sock.close()


def _other_family_second(addresses: list[Any]) -> list[Any]:
    """Move the first address of a second family to the second place (RFC 8305 §4)."""
    for index, (family, *_) in enumerate(addresses):
        if family != addresses[0][0]:
            return [addresses[0], addresses[index], *addresses[1:index], *addresses[index + 1 :]]
    return addresses
