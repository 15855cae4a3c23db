"""TCP connections: which address of a host wins."""

from __future__ import annotations

import errno
import socket

import pytest
import trio

from trio_cartesia._runtime.transport.tcp import ATTEMPT_SECONDS, open_tcp_stream

FOUR, SIX = socket.AF_INET, socket.AF_INET6


class FakeSocket:
    """Connects, fails or hangs, as its address says."""

    def __init__(self, network):
        self.network, self.address = network, None
        network.open.append(self)

    async def connect(self, address):
        self.address = address
        self.network.tried.append((address, trio.current_time()))
        answer = self.network.answers[address]
        await trio.sleep(float("inf") if answer == "hangs" else 0.01)
        if answer != "accepts":
            raise OSError(answer, f"{address} fails")

    def close(self):
        self.network.open.remove(self)

    def setsockopt(self, *_):
        pass


class Network(trio.abc.HostnameResolver, trio.abc.SocketFactory):
    """Hosts that are names of addresses, and addresses that answer as they are asked to."""

    def __init__(self, *addresses):
        self.answers = {name: answer for _, name, answer in addresses}
        self.families = [(family, name) for family, name, _ in addresses]
        self.tried, self.open = [], []

    async def getaddrinfo(self, *_):
        await trio.lowlevel.checkpoint()
        return [(family, socket.SOCK_STREAM, 6, "", name) for family, name in self.families]

    async def getnameinfo(self, *_):
        raise NotImplementedError

    def socket(self, *_):
        return FakeSocket(self)


@pytest.fixture
def connect_over(monkeypatch):
    """Connect in a network of one's own; return the address that won, or raise."""

    async def connect(network):
        trio.socket.set_custom_hostname_resolver(network)
        trio.socket.set_custom_socket_factory(network)
        monkeypatch.setattr(trio, "SocketStream", lambda sock: sock)
        return (await open_tcp_stream("host.example", 80)).address

    return connect


async def test_the_first_address_that_accepts_wins(connect_over, autojump_clock):
    """An address that fails or hangs gives way to the next, and only the winner's socket stays
    open.
    """
    network = Network((SIX, "a", "hangs"), (SIX, "b", "accepts"), (FOUR, "c", errno.ECONNREFUSED))
    assert await connect_over(network) == "b"
    assert [name for name, _ in network.tried] == ["a", "c", "b"]  # another family comes second
    assert network.tried[1][1] == ATTEMPT_SECONDS
    assert [sock.address for sock in network.open] == ["b"]


async def test_where_no_address_accepts_the_first_error_is_raised(connect_over, autojump_clock):
    """Where every address fails, the error that came first is raised, and no socket stays open."""
    network = Network((FOUR, "a", errno.ECONNREFUSED), (FOUR, "b", errno.EHOSTUNREACH))
    with pytest.raises(OSError, match="a fails"):
        await connect_over(network)
    assert network.open == []


async def test_cancelling_closes_every_socket(connect_over, autojump_clock):
    """Where connecting is cancelled, no socket stays open."""
    network = Network((FOUR, "a", "hangs"), (FOUR, "b", "hangs"))
    with trio.move_on_after(10) as scope:
        await connect_over(network)
    assert scope.cancelled_caught
    assert len(network.tried) == 2
    assert network.open == []
