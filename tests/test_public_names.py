"""The public names, so that none changes unseen.

``python -m tests.test_public_names --write`` writes ``public_names.txt`` anew. A line that is
missing or different in its diff is an incompatible change: docs/project/releases.md says what that
needs.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from docs._site.names import MODULES, public_names

LISTED = Path(__file__).with_name("public_names.txt")
DEFAULTS = (bool, int, float, str, type(None))  # others print differently in other Pythons


def parameters(value: object) -> str:
    """Return the parameters of a callable, without annotations and without ``self``."""
    try:
        signature = inspect.signature(value)
    except ValueError:  # a class of the standard library's, or an enumeration
        return ""
    shown = []
    for each in signature.parameters.values():
        default = each.default
        if default is not each.empty and not isinstance(default, DEFAULTS):
            default = ...
        shown.append(each.replace(annotation=each.empty, default=default))
    if shown and shown[0].name == "self":
        del shown[0]
    return str(signature.replace(parameters=shown, return_annotation=signature.empty))


def members(owner: type) -> Iterator[str]:
    """Yield the public members of a class, those of our own bases included."""
    names = {name for base in owner.__mro__ if is_ours(base) for name in vars(base)}
    for base in filter(is_ours, owner.__mro__):
        names |= set(vars(base).get("__annotations__", ()))
    for name in sorted(names):
        if name[0] == "_":
            continue
        value = inspect.getattr_static(owner, name, None)
        value = getattr(value, "__func__", value)
        yield f"{name}{parameters(value)}" if inspect.isfunction(value) else name


def is_ours(kind: type) -> bool:
    """Return whether a class is defined here."""
    return kind.__module__.partition(".")[0] == "trio_cartesia"


def lines() -> Iterator[str]:
    """Yield a line for each public name and for each member of a public class."""
    for package in MODULES:
        for name in public_names(package):
            value = getattr(import_module(package), name)
            path = f"{package}.{name}"
            if not isinstance(value, type) or not is_ours(value):
                yield f"{path}{parameters(value) if inspect.isfunction(value) else ''}"
                continue
            has_constructor = not issubclass(value, BaseException) and hasattr(value, "__init__")
            yield f"{path}{parameters(value) if has_constructor else ''}"
            yield from (f"{path}.{member}" for member in members(value))


def test_no_public_name_has_changed_unseen():
    """Every public name, member and parameter is what the list says."""
    assert list(lines()) == LISTED.read_text().splitlines()


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    LISTED.write_text("".join(f"{line}\n" for line in lines()))
