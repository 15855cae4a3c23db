"""Calls must come from the Trio run that a connection belongs to.

Trio's objects are not thread-safe, and a call from another thread or another run would change a
connection's state before it fails, or strand whoever waits. So each public call checks first.
"""

from __future__ import annotations

import sys
from threading import get_ident

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError

__all__ = ["RunCheck", "current_run"]


def current_run() -> trio.lowlevel.TrioToken:
    """Return the token of the Trio run that the caller is in.

    Raises:
        LocalProtocolError: The caller is in none.
    """
    try:
        return trio.lowlevel.current_trio_token()
    except RuntimeError:
        raise LocalProtocolError(_outside()) from None


def _outside() -> str:
    if "asyncio" in sys.modules:
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            return (
                "trio_cartesia runs on Trio, and this is asyncio: "
                "call trio.run in a thread of its own"
            )
    return (
        "this must be called from within Trio, in the run that it belongs to: "
        "from another thread, use trio.from_thread.run or trio.from_thread.run_sync"
    )


@attrs.frozen(eq=False)
class RunCheck:
    """The run that an object belongs to: the one in which this was made."""

    token: trio.lowlevel.TrioToken = attrs.field(factory=current_run)
    thread: int = attrs.field(factory=get_ident)

    def check(self) -> None:
        """Do nothing where the caller is in the same run.

        Raises:
            LocalProtocolError: It is in another thread, another run or none.
        """
        if current_run() is not self.token:
            raise LocalProtocolError("this belongs to another trio.run, and cannot be used in here")
