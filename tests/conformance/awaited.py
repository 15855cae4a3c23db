"""
The synchronous client in the clothes of the asynchronous one, so that one test is for both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import Any

import attrs

from tests.conformance.wanted import wanted

wanted("cartesia")  # which brings pydantic

PLAIN = (bytes, str, int, float, bool, list, dict, type(None), wanted("pydantic").BaseModel)


@attrs.frozen
class Awaited:
    """
    Something synchronous whose calls can be awaited, iterated over or entered as if it were not.
    """

    value: Any

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        if callable(found):
            return lambda *args, **kwargs: wrapped(found(*args, **kwargs))
        return wrapped(found) if type(found).__module__.startswith("cartesia.resources") else found

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self.value:
            yield item

    async def __aenter__(self) -> Any:
        return wrapped(self.value.__enter__())

    async def __aexit__(self, *how: object) -> None:
        self.value.__exit__(*how)


class Done(Awaited):
    """
    A plain value that can be awaited.
    """

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self.value


def wrapped(value: Any) -> Any:
    return Done(value) if isinstance(value, PLAIN) else Awaited(value)
