"""Packages whose public names are imported when the first of them is used (PEP 562).

Pytest imports the plugin of this package in every project, and the command line has to handle
Ctrl-C before anything that takes time, so importing a package must cost next to nothing. The names
and their modules are listed once, in the package's ``_exports``, where type checkers find them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

__all__ = ["load_on_first_use"]


def load_on_first_use(
    package: str, *, optional: Mapping[str, str] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package whose names are in its ``_exports``.

    The first use of one loads them all. Their classes show the package as their module, in
    ``repr``, ``help`` and tracebacks.

    Args:
        package: Its name.
        optional: Modules by the names that they are imported for, each when it is used: few need
            them, or they need libraries that may not be installed. ``__all__`` does not have these
            names.
    """
    namespace, modules = vars(sys.modules[package]), optional or {}
    publish = partial(_publish, package, namespace)

    def load() -> None:
        exports = vars(import_module(f"{package}._exports"))
        # pytest adds names of its own, which begin with @
        names = [name for name in exports if name[0].isalpha() and name != "annotations"]
        for name in names:
            publish(name, exports[name])
        namespace["__all__"] = names

    def get_attribute(name: str) -> object:
        if name in modules:
            return publish(name, getattr(import_module(modules[name]), name))
        if "__all__" not in namespace and (name[0] != "_" or name == "__all__"):
            load()
            if name in namespace:
                return namespace[name]
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def list_names() -> list[str]:
        if "__all__" not in namespace:
            load()
        return [*(name for name in namespace if name[:2] == "__"), *namespace["__all__"]]

    return get_attribute, list_names


def _publish(package: str, namespace: dict[str, object], name: str, value: object) -> object:
    namespace[name] = value
    if isinstance(value, type) and value.__module__.startswith(f"{package}."):
        value.__module__ = package
    return value
