"""
Context ids: made here or chosen by callers, and never used twice on a connection.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.messages import CancelRequest

__all__ = ["REMEMBERED_MOST", "ContextIds"]

REMEMBERED_MOST: Final = 16_384  # ids that callers chose; ids made here need no memory


@attrs.define(eq=False)
class ContextIds:
    """
    The ids of one connection.

    Attributes:
        prefix: What ids that are made here start with; no caller's id may.
    """

    prefix: str
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), init=False)
    _chosen: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)

    def make(self) -> str:
        """Return an id that was never used."""
        return f"{self.prefix}-{next(self._numbers)}"

    def claim(self, context_id: str) -> str:
        """
        Take an id that a caller chose.

        Raises:
            LocalProtocolError: It cannot be an id, or is among the last `REMEMBERED_MOST` chosen.
        """
        checks.identifier(None, attrs.fields(CancelRequest).context_id, context_id)
        if context_id in self._chosen or context_id.startswith(f"{self.prefix}-"):
            raise LocalProtocolError(
                "the context id was used on this connection before", context_id=context_id
            )
        self._chosen[context_id] = None
        if len(self._chosen) > REMEMBERED_MOST:
            self._chosen.popitem(last=False)
        return context_id
