"""
What the fixtures of the pytest plugin do, and what their marker may say.

The plugin itself is the module ``trio_cartesia_pytest``, which is loaded in every run of pytest and
so imports this only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

import attrs

from trio_cartesia import Cartesia
from trio_cartesia.server import Behaviour, Fault, Plan, Server, Voice, open_server
from trio_cartesia.testing.links import DIRECT, Link
from trio_cartesia.testing.peer import connect_in_memory

__all__ = ["Marked", "open_marked_client", "open_marked_server"]

MARKER: Final = "cartesia"
TEST_KEY: Final = "sk_car_test"  # never one from the environment, which may be real

T = TypeVar("T")


def _value_of(kind: type[T], value: object) -> T:
    """Return a value of *kind*, made of a mapping of its fields where it is one."""
    if isinstance(value, Mapping):
        return kind(**value)
    if not isinstance(value, kind):
        raise TypeError(f"a {kind.__name__} is wanted, or a mapping of its fields")
    return value


def _behaviour(value: object) -> Behaviour:
    return Behaviour().with_text(value) if isinstance(value, str) else _value_of(Behaviour, value)


def _faults(value: Fault | Sequence[Fault]) -> tuple[Fault, ...]:
    faults = (value,) if isinstance(value, Fault) else tuple(value)
    return tuple(_value_of(Fault, fault) for fault in faults)


def _plan(value: object) -> Plan | str:
    return value if isinstance(value, str) else _value_of(Plan, value)


def _link(value: object) -> Link:
    return _value_of(Link, value)


@attrs.frozen(kw_only=True)
class Marked:
    """
    What ``@pytest.mark.cartesia(...)`` may say of a test's service.

    Attributes:
        behaviour: A `Behaviour`, a mapping of its fields, or text such as
            ``"late_input=ignore, flush_id_base=0"``.
        faults: A `Fault` or several: what is to go wrong, with every connection.
        voice: A voice or its name.
        plan: What the account may do at once: a `Plan`, or the name of one.
        link: How slowly, and in which pieces, the connection in memory carries bytes: a `Link`,
            or a mapping of its fields.
        loopback: True for a real port of this machine instead of memory; time is real then.
    """

    behaviour: Behaviour = attrs.field(factory=Behaviour, converter=_behaviour)
    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_faults)
    voice: Voice | str = "tones"
    plan: Plan | str = attrs.field(default="enterprise", converter=_plan)
    link: Link = attrs.field(default=DIRECT, converter=_link)
    loopback: bool = False


class _Mark(Protocol):
    @property
    def args(self) -> tuple[Any, ...]: ...

    @property
    def kwargs(self) -> Mapping[str, Any]: ...


class MarkedItem(Protocol):
    """A test, as pytest knows it."""

    def iter_markers(self, name: str | None = None) -> Iterator[_Mark]:
        """Yield its markers, the closest one first."""


def marked(item: MarkedItem) -> Marked:
    """
    Return what the markers of a test say; of several, the closest one to the test counts.

    Raises:
        TypeError: A marker has an argument that there is not, or of the wrong type.
        ValueError: A value is out of its range.
    """
    said: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise TypeError("the marker 'cartesia' takes named arguments only")
        said = {**marker.kwargs, **said}
    known = [field.name for field in attrs.fields(Marked)]
    if unknown := said.keys() - set(known):
        names = ", ".join(sorted(unknown))
        raise TypeError(f"the marker 'cartesia' takes no {names}; there are {', '.join(known)}")
    return Marked(**said)


@asynccontextmanager
async def open_marked_server(item: MarkedItem) -> AsyncIterator[Server]:
    """Run the service that a test asks for."""
    said = marked(item)
    async with open_server(
        port=0 if said.loopback else None,
        voice=said.voice,
        behaviour=said.behaviour,
        faults=said.faults,
        plan=said.plan,
    ) as server:
        yield server


@asynccontextmanager
async def open_marked_client(item: MarkedItem, server: Server) -> AsyncIterator[Cartesia]:
    """Make a client of *server*, in memory unless the test asks for loopback."""
    said = marked(item)
    if said.loopback:
        async with Cartesia(TEST_KEY, base_url=server.url) as client:
            yield client
        return
    async with (
        connect_in_memory(server, link=said.link) as open_stream,
        Cartesia(TEST_KEY, base_url=server.url, open_stream=open_stream) as client,
    ):
        yield client
