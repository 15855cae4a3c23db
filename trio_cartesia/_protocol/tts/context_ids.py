"""Context ids: generated here or chosen by callers, and never used twice on a connection."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = ["REMEMBERED_MOST", "ContextIds"]

REMEMBERED_MOST: Final = 16_384  # of ids that callers chose; generated ids need none


@attrs.define(eq=False)
class ContextIds:
    """The ids of one connection.

    Attributes:
        prefix: The start of every generated id; ids of callers must not start with it.
    """

    prefix: str
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), init=False)
    _chosen: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)

    def is_foreign(self, context_id: str) -> bool:
        """Return whether *context_id* was never used on this connection, as far as is known."""
        return context_id not in self._chosen and not context_id.startswith(f"{self.prefix}-")

    def make(self) -> str:
        """Generate an id that was never used."""
        return f"{self.prefix}-{next(self._numbers)}"

    def claim(self, context_id: str) -> str:
        """Reserve an id that a caller chose.

        Raises:
            LocalProtocolError: It cannot be an id, or is among the last `REMEMBERED_MOST` chosen.
        """
        checks.printable(context_id, "context_id")
        if not self.is_foreign(context_id):
            raise LocalProtocolError(
                "context_id must be one that was not used on this connection before",
                context_id=context_id,
            )
        self._chosen[context_id] = None
        if len(self._chosen) > REMEMBERED_MOST:
            self._chosen.popitem(last=False)
        return context_id
