"""Directives for the reference: entries of public names, async and blocking side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import FunctionType
from typing import Any, ClassVar, Final

import sphinxcontrib_trio
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import trio_cartesia.blocking
from _site.names import MODULES, OPENERS, load
from _site.uses import sniff_options, use_of

DATA: Final = {  # names that are neither classes nor functions
    "trio_cartesia.Event": "Each event that a receive loop of a context may yield.",
    "trio_cartesia.server.FAULTS": "Each `FaultKind` by its name; the how-to on faults lists them.",
    "trio_cartesia.server.PLANS": "The plans of the real service by their names (protocol §1.8).",
    "trio_cartesia.testing.script.Act": "Each act that a `Script` may have.",
    "trio_cartesia.types.Upload": (
        "What can be sent as a file: a path, bytes, a binary file, pieces of bytes that come from "
        "an asynchronous iterable, or an `UploadFile`."
    ),
    "trio_cartesia.types.UNCHANGED": "The default of a parameter whose None is sent as null.",
}
MEMBERS: Final = (FunctionType, property, classmethod, staticmethod)


def members(cls: type) -> list[str]:
    """Return the public methods and properties of *cls* and of its bases without an entry.

    Those that the docstring of the class describes are left out.
    """
    described = set(re.findall(r"^ +(\w+): ", cls.__doc__ or "", re.MULTILINE))
    names: dict[str, None] = {}
    for base in cls.__mro__:
        if base is cls or base.__module__ not in MODULES:
            names |= {
                name: None
                for name, value in vars(base).items()
                if base.__module__.startswith("trio_cartesia")
                and isinstance(value, MEMBERS)
                and not name.startswith("_")
            }
    return [name for name in names if name not in described]


@cache
def blocking_classes() -> dict[str, type]:
    """Return the classes of the blocking client by the names that they share with async ones."""
    package = trio_cartesia.blocking
    found: dict[str, type] = {}
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        scope = import_module(module.name)
        if "write_blocking.py wrote this" in (scope.__doc__ or ""):
            values = [getattr(scope, name) for name in scope.__all__]
            found |= {value.__name__: value for value in values if isinstance(value, type)}
    return found


def entry(path: str, *, compare: bool = False) -> list[str]:
    """Return the lines of the entry of a public name, below a table if it is to be compared."""
    value = load(path)
    if path in DATA:
        return [f".. py:data:: {path}", "", f"   {DATA[path]}", ""]
    if not isinstance(value, type):
        return [f".. autofunction:: {path}", ""]
    heading = [f"``{OPENERS[path]}``", "~" * 60, ""] if path in OPENERS else []
    table = comparison(value, path) if compare else []
    kind = "autoexception" if issubclass(value, Exception) else "autoclass"
    listed = [f"   :members: {', '.join(names)}"] if (names := members(value)) else []
    return [*heading, *table, f".. {kind}:: {path}", *listed, ""]


def comparison(cls: type, path: str) -> list[str]:
    """Return the lines of a table of a class's members, beside those of the blocking class."""
    other = blocking_classes().get(cls.__name__)
    names = members(cls)
    if other is None or not names:
        return []
    lines = [
        f".. list-table:: ``{cls.__name__}``, asynchronous and blocking",
        "   :header-rows: 1",
        "   :class: side-by-side",
        "",
        "   * - asynchronous",
        "     - blocking",
    ]
    theirs, their_path = members(other), f"{other.__module__}.{other.__name__}"
    for name in names:
        lines.append(f"   * - :py:obj:`{use_of(cls, name)} <{path}.{name}>`")
        use = f":py:obj:`{use_of(other, name)} <{their_path}.{name}>`" if name in theirs else "none"
        lines.append(f"     - {use}")
    return [*lines, ""]


class Entries(SphinxDirective):
    """The entries of the listed names of a module; with ``compare``, below tables."""

    has_content = True
    required_arguments = 1
    option_spec: ClassVar[Mapping[str, Any]] = {"compare": directives.flag}

    def run(self) -> list[nodes.Node]:
        """Return the entries."""
        compare = "compare" in self.options
        paths = [f"{self.arguments[0]}.{name}" for name in " ".join(self.content).split()]
        lines = [line for path in paths for line in entry(path, compare=compare)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


class BlockingEntries(SphinxDirective):
    """The entries of the classes of the blocking client that have no public name."""

    def run(self) -> list[nodes.Node]:
        """Return the entries."""
        others = [cls for cls in blocking_classes().values() if cls.__module__ not in MODULES]
        paths = sorted(f"{cls.__module__}.{cls.__name__}" for cls in others)
        lines = [line for path in paths for line in entry(path)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    sphinxcontrib_trio.sniff_options = sniff_options
    app.add_directive("entries", Entries)
    app.add_directive("blocking-entries", BlockingEntries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
