"""Tools for testing programs that use `trio_cartesia`.

They are peers and services in memory, a service in a thread, virtual time, and cancellation at each
step. The acts of a `Script` are in `trio_cartesia.testing.script`. `TrioStateMachine` and the
strategies of `trio_cartesia.testing.strategies` need Hypothesis, which is imported with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_cartesia._lazy import load_on_first_use

if TYPE_CHECKING:
    from trio_cartesia.testing._exports import *  # noqa: F403  # the list is there
    from trio_cartesia.testing.machine import TrioStateMachine as TrioStateMachine
else:
    __getattr__, __dir__ = load_on_first_use(
        __name__, optional={"TrioStateMachine": "trio_cartesia.testing.machine"}
    )
