"""The blocking face has whatever the asynchronous one has."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType

import attrs
import pytest

import trio_cartesia
import trio_cartesia._pool.pool
import trio_cartesia._runtime.playout.playout
import trio_cartesia.batch
import trio_cartesia.blocking.client
import trio_cartesia.playback
import trio_cartesia.types

ROOT = Path(__file__).parent.parent.parent
WAITING = (AbstractAsyncContextManager, AsyncIterable)  # what only a coroutine can use
FORMS = {AbstractAsyncContextManager: AbstractContextManager, AsyncIterator: Iterator}
STALE = re.compile(r"\b(await\w*|asynchronous\w*|nurser\w*)\b|async (with|for|context)")


def names(cls: type) -> set[str]:
    """Return the public members of a class, its fields included."""
    fields = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    return {name for name in {*dir(cls), *fields} if name[0] != "_"}


@cache
def hint(cls: type, name: str) -> object:
    """Return the type of an attribute, or of what a property or a method returns."""
    member = inspect.getattr_static(cls, name)
    function = member.fget if isinstance(member, property) else member
    if inspect.isfunction(function):
        names = every_class() | inspect.unwrap(function).__globals__
        return typing.get_type_hints(function, names).get("return")
    return typing.get_type_hints(cls, every_class() | vars(module_of(cls))).get(name)


@cache
def every_class() -> dict[str, type]:
    """Return all classes by name: annotations may name those that are imported for checkers."""
    modules = [each for name, each in sys.modules.items() if name.startswith("trio_cartesia._")]
    return {
        name: each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, type)
    }


@cache
def module_of(cls: type) -> object:
    """Return the module that defines a class, whatever module the class shows."""
    modules = [each for name, each in sys.modules.items() if name.startswith("trio_cartesia")]
    having = [each for each in modules if vars(each).get(cls.__name__) is cls]
    line = f"\nclass {cls.__name__}"
    return next(each for each in having if line in Path(each.__file__).read_text())


def classes_in(annotation: object) -> set[type]:
    """Return the classes of this package that a type mentions."""
    found = {annotation} if isinstance(annotation, type) else set()
    for argument in typing.get_args(annotation):
        found |= classes_in(argument)
    return {cls for cls in found if getattr(cls, "__module__", "").startswith("trio_cartesia")}


def waits(annotation: object) -> bool:
    """Return whether only coroutines can use what has this type."""
    origin = typing.get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, WAITING)


@cache
def is_asynchronous(cls: type) -> bool:
    """Return whether a class needs a blocking form: it, or what it leads to, has to be awaited."""
    return issubclass(cls, AsyncIterable) or any(
        inspect.iscoroutinefunction(inspect.getattr_static(cls, name))
        or waits(hint(cls, name))
        or any(is_asynchronous(each) for each in classes_in(hint(cls, name)) - {cls})
        for name in names(cls)
    )


def of_other_packages(kind: type) -> list:
    """Return the public classes or functions that `Cartesia` does not lead to."""
    return [
        each
        for package in (trio_cartesia.playback, trio_cartesia.batch)
        for name, each in vars(package).items()
        if name[0] != "_" and isinstance(each, kind)
    ]


def openers() -> list[FunctionType]:
    """Return those of the functions that return what only a coroutine can use."""
    return [
        each
        for each in of_other_packages(FunctionType)
        if waits(typing.get_type_hints(each, namespace(each)).get("return"))
    ]


def namespace(function: FunctionType) -> dict[str, object]:
    """Return the names that the annotations of a function may have."""
    return every_class() | inspect.unwrap(function).__globals__


def pairs() -> dict[type, type]:
    """Return each asynchronous class that is public, or that one leads to, and its form."""
    found = {}
    left = [
        (cls, getattr(trio_cartesia.blocking, cls.__name__))
        for cls in [trio_cartesia.Cartesia, *of_other_packages(type)]
        if is_asynchronous(cls)
    ]
    while left:
        cls, blocking = left.pop()
        if cls in found:
            continue
        found[cls] = blocking
        for name in names(cls) & names(blocking):
            forms = {each.__name__: each for each in classes_in(hint(blocking, name))}
            left += [
                (each, forms[each.__name__])
                for each in classes_in(hint(cls, name))
                if is_asynchronous(each) and each.__name__ in forms
            ]
    return found


PAIRS = dict(sorted(pairs().items(), key=lambda pair: pair[0].__name__))
MEMBERS = [
    pytest.param(cls, blocking, name, id=f"{cls.__name__}.{name}")
    for cls, blocking in PAIRS.items()
    for name in sorted(names(cls))
]


def test_every_asynchronous_class_has_a_blocking_form():
    """Each public class whose objects have to be awaited has a form of the same name, in another
    class, that is public too.
    """
    public = [getattr(trio_cartesia, name) for name in trio_cartesia.__all__]
    needed = {cls for cls in public if isinstance(cls, type) and is_asynchronous(cls)}
    assert {cls.__name__ for cls in needed} >= {"Cartesia", "Connection", "Context"}
    assert {cls.__name__ for cls in needed} == set(trio_cartesia.blocking.__all__)
    assert needed <= PAIRS.keys()
    for cls, blocking in PAIRS.items():
        assert blocking is not cls
        assert blocking.__module__.startswith("trio_cartesia.blocking")
        assert inspect.getdoc(blocking)


@pytest.mark.parametrize(("cls", "blocking", "name"), MEMBERS)
def test_every_name_has_a_blocking_form(cls, blocking, name):
    """Each public method, property and attribute is there, with the same parameters and defaults,
    a docstring for threads, and nothing to be awaited.
    """
    assert name in names(blocking), f"run tools/write_blocking.py: {name} is missing"
    member, ours = (inspect.getattr_static(each, name, None) for each in (cls, blocking))
    doc = inspect.getdoc(ours)
    assert doc
    assert not STALE.search(doc)
    returned, found = hint(cls, name), hint(blocking, name)
    assert not waits(found)
    for kind, form in FORMS.items():
        if waits(returned) and issubclass(typing.get_origin(returned) or returned, kind):
            assert issubclass(typing.get_origin(found) or found, form)
    if inspect.isfunction(member):
        assert not inspect.iscoroutinefunction(ours)
        assert parameters(ours) == parameters(member)
    else:
        assert isinstance(ours, property)


@pytest.mark.parametrize("function", openers(), ids=lambda each: each.__name__)
def test_every_function_that_opens_something_has_a_blocking_form(function):
    """It takes the same, and a client, in whose thread it is; its block yields the blocking form of
    what the asynchronous one yields.
    """
    blocking = getattr(trio_cartesia.blocking, function.__name__)
    taken, expected = parameters(blocking), parameters(function)
    assert "client" in [name for name, *_ in taken]
    assert taken[taken[0] not in expected :] == expected
    doc = inspect.getdoc(blocking)
    assert all(f"{name}: " in doc for name, _, _ in parameters(blocking))
    assert not STALE.search(doc)
    hints = typing.get_type_hints(inspect.unwrap(function), namespace(function))
    (yielded,) = classes_in(hints["return"])
    returned = typing.get_type_hints(blocking)["return"]
    assert issubclass(typing.get_origin(returned), AbstractContextManager)
    assert typing.get_args(returned)[0] is PAIRS[yielded]


def parameters(function):
    """Return what a caller may pass."""
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in found]


def test_the_constructors_take_the_same():
    """`Cartesia` takes the same arguments, and explains each."""
    faces = (trio_cartesia.Cartesia, trio_cartesia.blocking.Cartesia)
    first, second = (parameters(face.__init__) for face in faces)
    assert first == second
    doc = inspect.getdoc(trio_cartesia.blocking.Cartesia.__init__)
    assert all(f"{name}: " in doc for name, _, _ in second[1:])


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    return import_module("write_blocking")


def test_the_modules_are_what_the_tool_writes(tool):
    """The modules of the blocking face are those that tools/write_blocking.py writes now."""
    for name in tool.CLASSES:
        written = ast.parse(tool.written(name))
        kept = ast.parse(tool.path_of(name).read_text())
        sort_imports(written)
        sort_imports(kept)
        assert ast.unparse(written) == ast.unparse(kept), f"run tools/write_blocking.py: {name}"


def sort_imports(tree: ast.Module) -> None:
    """Give each imported name a line of its own, in order; Ruff joins and sorts them otherwise."""
    names = []
    for node in [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]:
        tree.body.remove(node)
        for alias in node.names:
            module = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
            names.append(f"{module}import {ast.unparse(alias)}")
    tree.body[:0] = ast.parse("\n".join(sorted(names))).body


def test_the_tool_refuses_words_for_which_it_has_no_rule(tool):
    """A docstring that would speak of tasks or of ``await`` is an error that says what to do."""
    with pytest.raises(tool.Unclear, match="WORDS needs a rule"):
        tool.docstring_for_threads("Await the answer in a nursery.", 8)


@pytest.mark.slow
def test_importing_the_package_loads_no_blocking_face():
    """Neither the package nor its names load the blocking face or threads' tools."""
    code = (
        "import sys, trio_cartesia; trio_cartesia.Cartesia\n"
        "print(*[name for name in sys.modules if 'blocking' in name])\n"
        "import trio_cartesia.blocking; print(*[name for name in sys.modules if name == 'trio'])"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == ""
