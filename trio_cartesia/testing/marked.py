"""The marker of the pytest plugin, and the services and clients that it configures.

This is not in the plugin's own module, because pytest imports that one in every project.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import Any, Final, Protocol, TypeVar

import attrs

from trio_cartesia import Cartesia
from trio_cartesia.server import Behaviour, Fault, Plan, Recognizer, Server, Voice, open_server
from trio_cartesia.testing.links import DIRECT, Link
from trio_cartesia.testing.peer import connect_in_memory
from trio_cartesia.testing.service_thread import ServiceThread, service_in_thread

__all__ = ["Marked", "marked_service_in_thread", "open_marked_client", "open_marked_server"]

MARKER: Final = "cartesia"
TEST_KEY: Final = "sk_car_test"  # never one from the environment, which may be real

T = TypeVar("T")


def _value_of(kind: type[T], value: object) -> T:
    """Return *value* as a *kind*, of which it is an instance or a mapping of the fields."""
    if isinstance(value, Mapping):
        return kind(**value)
    if not isinstance(value, kind):
        given = type(value).__name__
        raise TypeError(f"must be a {kind.__name__} or a mapping of its fields, not {given}")
    return value


def _behaviour(value: object) -> Behaviour:
    return Behaviour().with_text(value) if isinstance(value, str) else _value_of(Behaviour, value)


def _faults(value: Fault | str | Sequence[Fault]) -> tuple[Fault, ...]:
    if isinstance(value, str):
        return Fault.read(value)
    faults = (value,) if isinstance(value, Fault) else tuple(value)
    return tuple(_value_of(Fault, fault) for fault in faults)


def _plan(value: object) -> Plan | str:
    return value if isinstance(value, str) else _value_of(Plan, value)


def _link(value: object) -> Link:
    return _value_of(Link, value)


def _default_recognizer() -> str:
    """Return one that uses no thread, so that it works under an autojumping clock."""
    return "own" if find_spec("numpy") else "none"


@attrs.frozen(kw_only=True)
class Marked:
    """The arguments of ``@pytest.mark.cartesia(...)``.

    Attributes:
        behaviour: The service's reading of the protocol: a `Behaviour`, a mapping of its fields,
            or text such as ``"late_input=ignore, flush_id_base=0"``.
        faults: The faults of every connection: a `Fault`, several, or text such as
            ``"close at_frame=3"``.
        voice: A voice or its name.
        recognizer: A recogniser or its name; by default ``own``, or ``none`` without NumPy. Others
            may use threads, and need real time then.
        plan: The limits of the account: a `Plan`, a mapping of its fields, or the name of one.
        link: How slowly, and in which pieces, the connection in memory carries bytes: a `Link`,
            or a mapping of its fields.
        loopback: True for a port of this machine instead of memory; time is real then.
        tls: True for TLS, at a port of this machine too (extra ``tls``).
    """

    behaviour: Behaviour = attrs.field(factory=Behaviour, converter=_behaviour)
    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_faults)
    voice: Voice | str = "tones"
    recognizer: Recognizer | str = attrs.field(factory=_default_recognizer)
    plan: Plan | str = attrs.field(default="enterprise", converter=_plan)
    link: Link = attrs.field(default=DIRECT, converter=_link)
    loopback: bool = False
    tls: bool = False

    @property
    def has_port(self) -> bool:
        """Whether the service listens at a port."""
        return self.loopback or self.tls

    def server_options(self) -> dict[str, Any]:
        """Return the arguments of `open_server`."""
        return {
            "voice": self.voice,
            "recognizer": self.recognizer,
            "behaviour": self.behaviour,
            "faults": self.faults,
            "plan": self.plan,
            "tls": self.tls,
        }


class _Mark(Protocol):
    @property
    def args(self) -> tuple[Any, ...]: ...

    @property
    def kwargs(self) -> Mapping[str, Any]: ...


class MarkedItem(Protocol):
    """A test, as pytest represents it."""

    def iter_markers(self, name: str | None = None) -> Iterator[_Mark]:
        """Yield its markers, the closest one first."""


def marked(item: MarkedItem) -> Marked:
    """Merge the markers of a test; where several set an argument, the closest one to the test wins.

    Raises:
        TypeError: A marker has an unknown argument, or one of the wrong type.
        ValueError: A value is out of its range, or two arguments exclude each other.
    """
    merged: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise TypeError("the marker 'cartesia' takes named arguments only")
        merged = {**marker.kwargs, **merged}
    known = [field.name for field in attrs.fields(Marked)]
    if unknown := merged.keys() - set(known):
        names = ", ".join(sorted(unknown))
        raise TypeError(f"the marker 'cartesia' takes no {names}; it takes {', '.join(known)}")
    found = Marked(**merged)
    if found.has_port and found.link != DIRECT:
        raise ValueError("link is for connections in memory: leave out link, or loopback and tls")
    return found


@asynccontextmanager
async def open_marked_server(item: MarkedItem) -> AsyncIterator[Server]:
    """Run the service that the markers of a test describe."""
    options = marked(item)
    port = 0 if options.has_port else None
    async with open_server(port=port, **options.server_options()) as server:
        yield server


@asynccontextmanager
async def open_marked_client(item: MarkedItem, server: Server) -> AsyncIterator[Cartesia]:
    """Make a client of *server*, in memory unless the markers of the test ask for a port."""
    options = marked(item)
    if options.has_port:
        trust = ssl.create_default_context(cafile=server.ca_file) if options.tls else None
        async with Cartesia(TEST_KEY, base_url=server.url, ssl_context=trust) as client:
            yield client
        return
    async with (
        connect_in_memory(server, link=options.link) as open_stream,
        Cartesia(TEST_KEY, base_url=server.url, open_stream=open_stream) as client,
    ):
        yield client


@contextmanager
def marked_service_in_thread(item: MarkedItem) -> Iterator[ServiceThread]:
    """Run the service that the markers of a test describe in a thread."""
    options = marked(item)
    if options.link != DIRECT:
        raise ValueError("link is for connections in memory: cartesia_service listens at a port")
    with service_in_thread(**options.server_options()) as service:
        yield service
