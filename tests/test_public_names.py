"""The public names, so that none changes unseen.

``python -m tests.test_public_names --write`` writes ``public_names.txt`` anew. A line that is
missing or different in its diff is an incompatible change: docs/project/releases.md says what that
needs.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

LISTED = Path(__file__).with_name("public_names.txt")
ROOT = Path(__file__).parent.parent / "trio_cartesia"
DEFAULTS = (bool, int, float, str, type(None))  # others print differently in other Pythons


def packages() -> Iterator[str]:
    """Yield the public modules of the top level."""
    yield "trio_cartesia"
    for path in sorted(ROOT.iterdir()):
        if path.stem[0] != "_" and (path.suffix == ".py" or (path / "__init__.py").exists()):
            yield f"trio_cartesia.{path.stem}"


def names_of(package: str) -> list[str]:
    """Return the names that a module has for its users, those that are loaded late included."""
    module = importlib.import_module(package)
    found = set(getattr(module, "__all__", ()))
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names if alias.asname == alias.name}
    return sorted(name for name in found if name[0] != "_")


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
    names |= {name for base in owner.__mro__ for name in vars(base).get("__annotations__", ())}
    for name in sorted(names):
        if name[0] == "_":
            continue
        value = inspect.getattr_static(owner, name, None)
        value = getattr(value, "__func__", value)
        yield f"{name}{parameters(value)}" if inspect.isfunction(value) else name


def is_ours(kind: type) -> bool:
    """Return whether a class is defined here."""
    return kind.__module__.partition(".")[0] == "trio_cartesia"


def public_names() -> Iterator[str]:
    """Yield a line for each public name and for each member of a public class."""
    for package in packages():
        module = importlib.import_module(package)
        for name in names_of(package):
            value = getattr(module, name)
            path = f"{package}.{name}"
            if not isinstance(value, type) or not is_ours(value):
                yield f"{path}{parameters(value) if inspect.isfunction(value) else ''}"
                continue
            has_constructor = not issubclass(value, BaseException) and hasattr(value, "__init__")
            yield f"{path}{parameters(value) if has_constructor else ''}"
            yield from (f"{path}.{member}" for member in members(value))


def test_no_public_name_has_changed_unseen():
    """Every public name, member and parameter is what the list says."""
    assert list(public_names()) == LISTED.read_text().splitlines()


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    LISTED.write_text("".join(f"{line}\n" for line in public_names()))
