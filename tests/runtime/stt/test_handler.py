"""A handler whose connection was opened, and not handed over to the session yet."""

from __future__ import annotations

import pytest

from trio_cartesia import ConnectionLost, InboxOverflow
from trio_cartesia._protocol.stt.audio import InputFormat
from trio_cartesia._protocol.stt.auto import AutoProtocol
from trio_cartesia._protocol.stt.turn_settings import TurnSettings
from trio_cartesia._runtime.stt.handler import TranscriptHandler

FORMAT = InputFormat(encoding="pcm_s16le", sample_rate=16000)


async def test_a_connection_that_is_lost_at_once():
    """A connection may end while it is handed over; that is no crash, and the loop raises it."""
    handler = TranscriptHandler(AutoProtocol(TurnSettings(), FORMAT), 10_000)
    handler.lose(ConnectionLost("gone", request_id="r"))
    with pytest.raises(ConnectionLost, match="gone") as caught:
        await anext(handler.inbox)
    assert caught.value.request_id == "r"


async def test_an_inbox_that_is_full_at_once():
    """So may the first event be too large."""
    handler = TranscriptHandler(AutoProtocol(TurnSettings(), FORMAT), 1)
    handler.receive_message('{"type":"connected"}', 0.0)
    with pytest.raises(InboxOverflow):
        await anext(handler.inbox)
