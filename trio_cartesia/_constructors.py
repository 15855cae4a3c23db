"""
Public classes that users do not construct, such as `Context`.

Their constructors take what the runtime needs, which is nobody else's business, so they show in no
signature, and calling one says where instances come from. Trio has the same idea as a metaclass.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["create", "no_public_constructor"]

T = TypeVar("T")


def no_public_constructor(made_by: str) -> Callable[[type[T]], type[T]]:
    """
    Decorate an attrs class with ``init=False`` that users do not construct.

    Args:
        made_by: What makes instances, for the error.
    """

    def decorate(cls: type[T]) -> type[T]:
        def refuse(_self: T, *_args: object, **_kwargs: object) -> None:
            raise TypeError(f"{cls.__name__} has no public constructor: use {made_by}")

        refuse.__name__, refuse.__qualname__ = "__init__", f"{cls.__qualname__}.__init__"
        refuse.__doc__ = f"Not for users: use {made_by}."
        refuse.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        )
        cls.__init__ = refuse  # type: ignore[assignment, method-assign]
        return cls

    return decorate


def create(cls: type[T], *args: Any, **kwargs: Any) -> T:
    """Make an instance of a class with `no_public_constructor`, from its attrs fields."""
    instance = cls.__new__(cls)
    instance.__attrs_init__(*args, **kwargs)  # type: ignore[attr-defined]
    return instance
