"""Cartesia's speech API for Trio.

Start with `Cartesia`. Every exception is a `CartesiaError`, and its class says who has to act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_cartesia._lazy import load_on_first_use
from trio_cartesia._version import __version__ as __version__

if TYPE_CHECKING:
    from trio_cartesia._exports import *  # noqa: F403  # the list is there
else:
    __getattr__, __dir__ = load_on_first_use(__name__)
