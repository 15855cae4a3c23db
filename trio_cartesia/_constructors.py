"""Public classes that users do not construct, such as `Context`.

Their constructors take objects of the runtime, so they show in no signature and no help. Calling
such a class raises an error that names what makes its instances. Trio does this with a metaclass.

::

    @no_public_constructor("connection.context()")
    @attrs.define(eq=False, init=False)
    class Context: ...

    context = create(Context, context_id, settings)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

__all__ = ["create", "no_public_constructor"]

T = TypeVar("T")

ONLY_SELF: Final = inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)])


def no_public_constructor(made_by: str) -> Callable[[type[T]], type[T]]:
    """Decorate an attrs class with ``init=False`` whose instances `create` makes.

    Args:
        made_by: What users call to get an instance, for the error.
    """

    def decorate(cls: Any) -> Any:
        def refuse(_self: object, *_args: object, **_kwargs: object) -> None:
            raise TypeError(f"{cls.__name__} has no public constructor: use {made_by}")

        refuse.__name__, refuse.__qualname__ = "__init__", f"{cls.__qualname__}.__init__"
        refuse.__doc__ = f"Not for users: use {made_by}."
        refuse.__signature__ = ONLY_SELF  # type: ignore[attr-defined]  # functions take any
        cls._create = cls.__attrs_init__  # a name that help() does not list
        del cls.__attrs_init__
        cls.__init__ = refuse
        return cls

    return decorate


def create(cls: type[T], *args: Any, **kwargs: Any) -> T:
    """Make an instance of a class with `no_public_constructor` from its attrs fields."""
    instance = cls.__new__(cls)
    instance._create(*args, **kwargs)  # type: ignore[attr-defined]  # of the decorator
    return instance
