"""What autodoc and napoleon leave out of an entry, and what they show without need."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import attrs
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

from _site.uses import sniff_options

SIMPLE: Final = re.compile(r"[\w.\[\], |]+")
LONG_DEFAULT: Final = re.compile(r"\b(Behaviour|Link)\((?:[^()]|\(\))*\)")
YIELDS: Final = re.compile(r"[\w.~]*(?:Iterator|Generator|Manager)\[(.+?)(?:, [^\]]+)?\]")


def simplify_signature(
    _app: Sphinx, what: str, _name: str, value: Any, _options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Show no parameters of a class that users do not construct, and what a block yields."""
    if what == "exception" or hasattr(value, "_create"):
        return "", ""
    signature = LONG_DEFAULT.sub(r"\1()", signature or "")
    signature = signature.replace("NOTHING", "...").replace(
        "<built-in function monotonic>", "monotonic"
    )
    if what in ("function", "method") and sniff_options(value) & {"with", "async-with"}:
        block = YIELDS.fullmatch(returns or "")
        returns = block[1] if block else returns
    return signature, returns


def add_types(
    _app: Sphinx, _what: str, _name: str, value: Any, _options: Any, lines: list[str]
) -> None:
    """Add the type of each attribute that a class documents, which napoleon leaves out."""
    if not isinstance(value, type):
        return
    kinds: dict[str, Any] = {}
    for base in reversed(value.__mro__):
        kinds |= inspect.get_annotations(base)
        properties = inspect.getmembers_static(base, lambda member: isinstance(member, property))
        for name, member in properties:
            kinds[name] = inspect.get_annotations(member.fget).get("return")
    if attrs.has(value):
        kinds |= {field.name: field.type for field in attrs.fields(value)}
    for number in range(len(lines) - 1, -1, -1):
        match = re.match(r":ivar (\w+):", lines[number])
        kind = kinds.get(match[1]) if match else None
        if match and isinstance(kind, str) and SIMPLE.fullmatch(kind):
            lines.insert(number, f":vartype {match[1]}: {kind}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("autodoc-process-signature", simplify_signature)
    app.connect("autodoc-process-docstring", add_types, priority=600)  # after napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
