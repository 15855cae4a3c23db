"""What the types of responses have in common.

A field whose name differs on the wire has that name in its metadata. Members that a type does not
know are kept in ``extra``, and values that an enumeration does not know are kept as they are, since
the service may add both (protocol §1.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

__all__ = ["WIRE_NAME", "extra", "hidden", "named", "wire_name"]

WIRE_NAME: Final = "wire_name"


def extra() -> Any:
    """Return the field for members that a type does not know."""
    return attrs.field(factory=dict, hash=False, repr=_size)


def named(name: str, **options: Any) -> Any:
    """Return a field that is called *name* on the wire."""
    return attrs.field(metadata={WIRE_NAME: name}, **options)


def hidden(**options: Any) -> Any:
    """Return a field whose value may be speech or a secret, so that no ``repr`` shows it."""
    return attrs.field(repr=_size, **options)


def wire_name(field: attrs.Attribute[Any]) -> str:
    """Return the name of a field on the wire."""
    name: str = field.metadata.get(WIRE_NAME, field.name)
    return name


def _size(value: object) -> str:
    if isinstance(value, (str, tuple, Mapping)):
        unit = "characters" if isinstance(value, str) else "items"
        return f"<{len(value)} {unit}>"
    return repr(value) if value is None else "<...>"
