"""Cartesia's speech API for Trio.

Start with `Cartesia`. Every exception is a `CartesiaError`, and its class says who has to act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_cartesia._lazy import load_on_first_use
from trio_cartesia._version import __version__ as __version__

if TYPE_CHECKING:
    from trio_cartesia._exports import *  # noqa: F403  # the list is there
    from trio_cartesia._pool.pool import Pool as Pool
    from trio_cartesia._pool.statistics import PoolStatistics as PoolStatistics
    from trio_cartesia._protocol.text.speakable import AsyncSpeakablePieces as AsyncSpeakablePieces
    from trio_cartesia._protocol.text.speakable import SpeakablePieces as SpeakablePieces
    from trio_cartesia._protocol.text.speakable import speakable as speakable
else:
    __getattr__, __dir__ = load_on_first_use(
        __name__,
        optional={
            "Pool": "trio_cartesia._pool.pool",
            "PoolStatistics": "trio_cartesia._pool.statistics",
            "AsyncSpeakablePieces": "trio_cartesia._protocol.text.speakable",
            "SpeakablePieces": "trio_cartesia._protocol.text.speakable",
            "speakable": "trio_cartesia._protocol.text.speakable",
        },
    )
