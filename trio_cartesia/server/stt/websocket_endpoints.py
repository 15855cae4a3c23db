"""The endpoints `/stt/websocket` and `/stt/turns/websocket`: their handshakes and sessions.

Each open WebSocket is one stream of the account's plan, even while it is idle (protocol §1.8).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, TypeVar

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.exchange.handshake import open_socket
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord
from trio_cartesia.server.messages.errors import APIError, transcription_error_event
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.net.requests import check_handshake
from trio_cartesia.server.recognition.activity import open_score
from trio_cartesia.server.recognition.input import InputConverter
from trio_cartesia.server.stt.manual_session import ManualSession
from trio_cartesia.server.stt.session import StreamSession, refuse
from trio_cartesia.server.stt.settings import (
    StreamSettings,
    read_manual_query,
    read_turns_query,
)
from trio_cartesia.server.stt.transcription import open_transcription
from trio_cartesia.server.stt.turns_session import TurnsSession

__all__ = ["MANUAL", "TURNS", "manual_websocket", "turns_websocket"]

MANUAL: Final = "/stt/websocket"
TURNS: Final = "/stt/turns/websocket"

S = TypeVar("S", bound=StreamSettings)


async def manual_websocket(exchange: Exchange) -> None:
    """Accept a WebSocket on which the client finalises, and serve it until it ends.

    Raises:
        APIError: The query is not valid, or the plan allows no more streams.
        HTTPError: The request is not a valid handshake.
    """
    behaviour = exchange.behaviour
    await _serve(exchange, read_manual_query, behaviour.bad_query, ManualSession)


async def turns_websocket(exchange: Exchange) -> None:
    """Accept a WebSocket on which the service finds turns, and serve it until it ends.

    Raises:
        APIError: The plan allows no more streams.
        HTTPError: The request is not a valid handshake.
    """

    def make_session(**parts: Any) -> TurnsSession:
        return TurnsSession(score=open_score(exchange.state.recognizer.name), **parts)

    behaviour = exchange.behaviour
    await _serve(exchange, read_turns_query, behaviour.bad_turns_query, make_session)


async def _serve(
    exchange: Exchange,
    read: Callable[[Query, Behaviour], S],
    bad_query: Literal["http", "event"],
    make_session: Callable[..., StreamSession],
) -> None:
    check_handshake(exchange.request)
    behaviour = exchange.behaviour
    opened = partial(
        open_socket,
        exchange,
        idle_seconds=behaviour.stt_idle_seconds,
        make_error=transcription_error_event,
    )
    with exchange.account.stream_slot():
        try:
            settings = read(Query(exchange.request.query), behaviour)
        except APIError as error:
            if bad_query == "http":
                raise
            async with opened() as socket:
                await refuse(socket, error.body)
            return
        record = _record(exchange, settings)
        async with (
            open_transcription(exchange, record, keyterms=settings.keyterms) as transcription,
            opened() as socket,
        ):
            record.connection = socket.number
            session = make_session(
                settings=settings,
                socket=socket,
                transcription=transcription,
                converter=InputConverter(
                    encoding=settings.encoding, sample_rate=settings.sample_rate
                ),
            )
            await session.serve()


def _record(exchange: Exchange, settings: StreamSettings) -> TranscriptionRecord:
    return TranscriptionRecord(
        connection=0,  # until the handshake is done
        path=exchange.path,
        request_id=exchange.request_id,
        model=settings.model,
        language=settings.language,
        encoding=settings.encoding,
        sample_rate=settings.sample_rate,
    )
