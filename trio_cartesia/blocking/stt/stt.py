"""`STT` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._client.stt import STT as AsyncSTT
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia.blocking.stt.manual_finalize import ManualFinalize
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["STT"]


@no_public_constructor("client.stt")
@attrs.define(eq=False, init=False, repr=False)
class STT(Wrapper[AsyncSTT]):
    """Speech to text, over WebSockets (protocol §4).

    Attributes:
        manual_finalize: Sessions in which the client decides when audio is transcribed.
    """

    @property
    def manual_finalize(self) -> ManualFinalize:
        """Sessions in which the client decides when audio is transcribed."""
        return create(ManualFinalize, self._portal, self._inner.manual_finalize)
