"""How a function is called: by ``await``, ``async with``, ``async for`` or as it is."""

from __future__ import annotations

import inspect
import re
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Final

import sphinxcontrib_trio

import trio_cartesia

PREFIXES: Final = {
    "async-with": "async with ",
    "async-for": "async for … in ",
    "async": "await ",
    "with": "with ",
    "for": "for … in ",
}
_sniff_options = sphinxcontrib_trio.sniff_options


def returned_kind(function: Any) -> str | None:
    """Return "async-with", "async-for", "with" or "for" by a function's annotation, or None."""
    function = inspect.unwrap(function)
    annotation = str(getattr(function, "__annotations__", {}).get("return", ""))
    name = annotation.partition("[")[0]
    if not re.fullmatch(r"\w+", name):
        return None
    kind = function.__globals__.get(name) or getattr(trio_cartesia, name, None)
    kind = getattr(kind, "__origin__", kind)
    if not isinstance(kind, type):
        return None
    if AbstractAsyncContextManager in kind.__mro__:  # a client can be entered, too, but need not
        return "async-with"
    if AbstractContextManager in kind.__mro__:
        return "with"
    if hasattr(kind, "__anext__"):
        return "async-for"
    return "for" if hasattr(kind, "__next__") else None


def sniff_options(value: Any) -> set[str]:
    """Do as sphinxcontrib-trio, which this replaces, and look at what a function returns, too."""
    options: set[str] = _sniff_options(value)
    function = getattr(value, "__func__", value)
    if inspect.isfunction(function) and not options & sphinxcontrib_trio.EXCLUSIVE_OPTIONS:
        kind = returned_kind(function)
        options |= {kind} if kind else set()
    return options


def use_of(cls: type, name: str) -> str:
    """Return how a member is used: ``await push()``, for example."""
    value = inspect.getattr_static(cls, name)
    if isinstance(value, property):
        return name
    options = sniff_options(value)
    prefix = next((text for option, text in PREFIXES.items() if option in options), "")
    return f"{prefix}{name}()"
