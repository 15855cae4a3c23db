"""What a session with turns has received (protocol §4.4)."""

from __future__ import annotations

from typing import ClassVar

import attrs

from trio_cartesia._protocol.stt.messages import (
    Connected,
    Received,
    TurnEagerEnd,
    TurnEnd,
    TurnStart,
    TurnUpdate,
)
from trio_cartesia._protocol.stt.protocol import TranscriptProtocol
from trio_cartesia._protocol.stt.turn_settings import CLOSE, TurnSettings

__all__ = ["AutoProtocol"]


@attrs.define(eq=False)
class AutoProtocol(TranscriptProtocol):
    """The client's side of ``/stt/turns/websocket``.

    The order of events is checked where turns are received (`turns`), and not where events are.

    Attributes:
        settings: What was asked for so far, when the session was opened and since.
        is_connected: True once the service has confirmed the session.
        partial: The text of the last turn that has started, for the error that cuts it.
    """

    close_command: ClassVar[str] = CLOSE
    ends_with_connection: ClassVar[bool] = True

    settings: TurnSettings
    is_connected: bool = attrs.field(default=False, init=False)
    partial: str = attrs.field(default="", init=False, repr=False)

    def _receive(self, event: Received) -> None:
        if isinstance(event, Connected):
            self.is_connected = True
        elif isinstance(event, TurnStart):
            self.partial = ""
        elif isinstance(event, (TurnUpdate, TurnEagerEnd, TurnEnd)):
            self.partial = event.transcript or self.partial
