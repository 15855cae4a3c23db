"""Constructors that are not for users show nowhere."""

from __future__ import annotations

import inspect
import pydoc
import re
import typing

import attrs
import pytest
import trio

import trio_cartesia
import trio_cartesia.blocking
import trio_cartesia.server
import trio_cartesia.testing
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia.testing import connected_pair, service_in_thread
from trio_cartesia.testing import script as acts

PACKAGES = [
    trio_cartesia,
    trio_cartesia.blocking,
    trio_cartesia.server,
    trio_cartesia.testing,
    acts,
]

# classes that are yet to get `no_public_constructor`; a test fails once one of them has it


def public_classes():
    """Yield every public class, each under the first public name that it has."""
    seen = set()
    for package in PACKAGES:
        for name in getattr(package, "__all__", dir(package)):
            value = getattr(package, name)
            if inspect.isclass(value) and not name.startswith("_") and value not in seen:
                seen.add(value)
                if value.__module__.startswith("trio_cartesia"):
                    yield pytest.param(value, id=f"{package.__name__}.{name}")


CLASSES = list(public_classes())


def documented(cls) -> set[str]:
    """Return the names that the docstrings of a class and its constructor explain."""
    text = f"{inspect.getdoc(cls) or ''}\n{inspect.getdoc(cls.__init__) or ''}"
    return set(re.findall(r"^ +(?:\*\*|\*)?(\w+):", text, re.MULTILINE))


@pytest.mark.parametrize("cls", CLASSES)
def test_constructors_take_what_users_know(cls):
    """Every parameter of a public class is a public attribute of it or is explained in its
    docstring.
    """
    if typing.is_typeddict(cls) or getattr(cls, "_is_protocol", False):
        return
    parameters = inspect.signature(cls).parameters
    if issubclass(cls, BaseException) or (list(parameters) == ["acts"]):
        return
    fields = attrs.fields_dict(cls) if attrs.has(cls) else {}
    strangers = {name for name in parameters if name not in fields} - documented(cls)
    assert strangers == set()


@no_public_constructor("make_one()")
@attrs.define(eq=False, init=False)
class Hidden:
    """A class of the runtime's own."""

    number: int
    _secret: str = "none"
    made: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.made = True


def test_a_hidden_constructor_shows_nowhere():
    """Neither the signature nor help says what the constructor takes; calling
    it says what to do.
    """
    assert str(inspect.signature(Hidden)) == "()"
    text = pydoc.render_doc(Hidden, renderer=pydoc.plaintext)
    methods = re.findall(r"^ \|  (\w*init__\(self,.*\))", text, re.MULTILINE)
    assert methods == ["__init__(self, /)"]
    for arguments in ([], [1, "two"]):
        with pytest.raises(TypeError, match=r"^Hidden has no public constructor: use make_one\(\)"):
            Hidden(*arguments)


def test_the_package_makes_instances_all_the_same():
    """The fields are set as by attrs, with defaults, keywords and what comes after."""
    one = create(Hidden, 1, secret="two")
    assert (one.number, one._secret, one.made) == (1, "two", True)
    assert create(Hidden, 3)._secret == "none"


async def test_what_blocks_yield_is_of_the_public_classes(autojump_clock):
    """The instances that a test gets belong to the classes that it cannot construct."""
    async with connected_pair() as (_, peer):
        assert type(peer) is trio_cartesia.testing.Peer
        assert type(peer.stream) is trio_cartesia.testing.MemoryStream
    with service_in_thread() as service:
        assert type(service) is trio_cartesia.testing.ServiceThread
    await trio.lowlevel.checkpoint()
