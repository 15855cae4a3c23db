"""Entries of the reference: classes with their members once, async and blocking side by side."""

from __future__ import annotations

import inspect
import re
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pkgutil import walk_packages
from typing import Any, Final

import attrs
import sphinxcontrib_trio
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.util.docutils import SphinxDirective

from _site.names import OPENERS, load
import trio_cartesia
import trio_cartesia.blocking

USES: Final = {  # how a call is written, by the kind of what it returns
    "async-with": "async with ",
    "async-for": "async for … in ",
    "async": "await ",
    "with": "with ",
    "for": "for … in ",
}
DATA: Final = {  # names that are neither classes nor functions
    "trio_cartesia.Event": "Each event that a receive loop of a context may yield.",
    "trio_cartesia.server.FAULTS": "Each `FaultKind` by its name; the how-to on faults lists them.",
    "trio_cartesia.server.PLANS": "The plans of the real service by their names (protocol §1.8).",
    "trio_cartesia.testing.script.Act": "Each act that a `Script` may have.",
    "trio_cartesia.types.Upload": (
        "What can be sent as a file: a path, bytes, a binary file, pieces of bytes that come from "
        "an asynchronous iterable, or an `UploadFile`."
    ),
    "trio_cartesia.types.UNCHANGED": "The default of a parameter that is sent as null if it is None.",
}
_sniff_options = sphinxcontrib_trio.sniff_options


def returned_kind(function: Any) -> str | None:
    """Return "async-with", "async-for", "with" or "for" by a function's annotation, or None."""
    function = inspect.unwrap(function)
    annotation = getattr(function, "__annotations__", {}).get("return")
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    head = re.match(r"[\w.]+", name)
    kind: Any = function.__globals__.get(head[0]) if head else None
    kind = getattr(trio_cartesia, head[0], None) if kind is None and head else kind
    kind = getattr(kind, "__origin__", kind)
    if not isinstance(kind, type):
        return None
    for base, use in ((AbstractAsyncContextManager, "async-with"), (AbstractContextManager, "with")):
        if issubclass(kind, base) and kind.__module__ != "trio_cartesia.server":
            return use
    if hasattr(kind, "__anext__"):
        return "async-for"
    return "for" if hasattr(kind, "__next__") else None


def sniff_options(value: Any) -> set[str]:
    """Do as sphinxcontrib-trio, and look at what a function returns, too."""
    options: set[str] = _sniff_options(value)
    inner = getattr(value, "__func__", value)
    if inspect.isfunction(inspect.unwrap(inner)):
        kind = returned_kind(inner)
        if kind and not options & sphinxcontrib_trio.EXCLUSIVE_OPTIONS:
            options.add(kind)
    return options


def members(cls: type) -> list[str]:
    """Return the public methods and properties of *cls* and of its bases without an entry."""
    names: dict[str, None] = {}
    bases = [base for base in cls.__mro__ if base.__module__.startswith("trio_cartesia")]
    for base in bases:
        if base is not cls and not base.__module__.rpartition(".")[2].startswith("_"):
            if base.__module__ in ("trio_cartesia", "trio_cartesia.server"):
                continue  # it has an entry of its own
        for name, value in vars(base).items():
            if name.startswith("_") or inspect.isclass(value) or inspect.isdatadescriptor(value):
                if not isinstance(value, property):
                    continue
            if callable(value) or isinstance(value, (property, classmethod, staticmethod)):
                names.setdefault(name)
    return [name for name in names if not name.startswith("_")]


def blocking_classes() -> dict[str, type]:
    """Return the classes of the blocking client by the names that they share with the async ones."""
    found: dict[str, type] = {}
    path = trio_cartesia.blocking.__path__
    for module in walk_packages(path, "trio_cartesia.blocking."):
        scope = __import__(module.name, fromlist=["_"])
        for name in getattr(scope, "__all__", ()):
            value = getattr(scope, name)
            if isinstance(value, type):
                found[name] = value
    return found


def use_of(cls: type, name: str) -> str:
    """Return how a member is used: ``await push()``, for example."""
    value = inspect.getattr_static(cls, name)
    if isinstance(value, property):
        return name
    options = sniff_options(value)
    prefix = next((text for option, text in USES.items() if option in options), "")
    return f"{prefix}{name}()"


class Entries(SphinxDirective):
    """The entries of some public names of a module, or of the classes that an attribute gives."""

    has_content = True
    required_arguments = 1
    option_spec = {"compare": directives.flag}

    def run(self) -> list[nodes.Node]:
        """Return the entries, in the order in which they are listed."""
        module = self.arguments[0]
        lines: list[str] = []
        for name in " ".join(self.content).split():
            lines += self._entry(module, name)
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)

    def _entry(self, module: str, name: str) -> list[str]:
        path = f"{module}.{name}"
        value = load(path)
        if isinstance(value, type):
            table = _comparison(value, path) if "compare" in self.options else []
            heading = [] if path not in OPENERS else [f"``{OPENERS[path]}``", "~" * 60, ""]
            listed = ", ".join(members(value))
            option = [f"   :members: {listed}"] if listed else []
            kind = "autoexception" if issubclass(value, Exception) else "autoclass"
            return [*heading, *table, f".. {kind}:: {path}", *option, ""]
        if path in DATA:
            return [f".. py:data:: {path}", "", f"   {DATA[path]}", ""]
        return [f".. autofunction:: {path}", ""]


class BlockingEntries(Entries):
    """The classes of the blocking client that have no public name."""

    has_content = False
    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        """Return their entries."""
        lines: list[str] = []
        for name, cls in sorted(blocking_classes().items()):
            if cls.__module__ != "trio_cartesia.blocking":
                lines += self._entry(cls.__module__, name)
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _comparison(cls: type, path: str) -> list[str]:
    other = blocking_classes().get(cls.__name__)
    if other is None:
        return []
    lines = [
        f".. list-table:: ``{cls.__name__}``, asynchronous and blocking",
        "   :header-rows: 1",
        "   :class: side-by-side",
        "",
        "   * - asynchronous",
        "     - blocking",
    ]
    theirs = members(other)
    blocking = f"{other.__module__}.{other.__name__}"
    for name in members(cls):
        lines.append(f"   * - :py:obj:`{use_of(cls, name)} <{path}.{name}>`")
        use = f":py:obj:`{use_of(other, name)} <{blocking}.{name}>`" if name in theirs else "none"
        lines.append(f"     - {use}")
    return [*lines, ""] if len(lines) > 6 else []


def hide_private_constructors(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Show no parameters of a class that users do not construct."""
    if isinstance(value, type) and hasattr(value, "_create"):
        return "", ""
    return None


def add_types(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Add the type of each attribute that a class documents, which napoleon leaves out."""
    if not isinstance(value, type):
        return
    kinds: dict[str, Any] = {}
    for base in reversed(value.__mro__):
        kinds |= vars(base).get("__annotations__", {})
    if attrs.has(value):
        kinds |= {field.name: field.type for field in attrs.fields(value)}
    for number in range(len(lines) - 1, -1, -1):
        match = re.match(r":ivar (\w+):", lines[number])
        kind = kinds.get(match[1]) if match else None
        if match and isinstance(kind, str) and re.fullmatch(r"[\w.\[\], |]+", kind):
            lines.insert(number, f":vartype {match[1]}: {kind}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    sphinxcontrib_trio.sniff_options = sniff_options
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.add_directive("entries", Entries)
    app.add_directive("blocking-entries", BlockingEntries)
    app.connect("autodoc-process-signature", hide_private_constructors)
    app.connect("autodoc-process-docstring", add_types, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
