"""
Which endpoint answers which request, and who may ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio

from .catalogue import CURRENT_VERSION
from .cors import allow_origin
from .credentials import Grant
from .exchange import Exchange, Service, plain
from .http import Malformed, Request
from .refusals import Refused
from .speech_socket import SPEECH, serve_speech
from .streams import Disconnected
from .wire import HttpConnection

LATER: Final = frozenset(  # what the API has and this service does not, by its first words
    {
        *("/infill", "/voice-changer", "/stt", "/audio", "/accents", "/datasets", "/fine-tunes"),
        *("/tts/bytes", "/tts/sse", "/voices", "/access-token"),
        *("/pronunciation-dicts", "/agents", "/usage"),
    }
)


async def _tell_status(exchange: Exchange) -> None:
    await exchange.respond_json({"ok": True, "version": CURRENT_VERSION})  # protocol §5.1


@attrs.frozen(kw_only=True)
class Route:
    """
    One method of one address.

    Attributes:
        path: With ``{id}`` where one word may be anything.
        grant: What an access token must allow; None if only an API key will do.
        is_open: Whether nobody has to say who they are.
    """

    method: str
    path: str
    answer: Callable[[Exchange], Awaitable[None]]
    grant: Grant | None = None
    is_open: bool = False

    def matches(self, path: str) -> bool:
        """
        Return whether *path*, without a slash at its end, is this route's.
        """
        pattern = re.escape(self.path).replace(r"\{id\}", "[^/]+")
        return re.fullmatch(pattern, path) is not None


ROUTES: Final = (
    Route(method="GET", path="", answer=_tell_status, is_open=True),
    Route(method="GET", path=SPEECH, answer=serve_speech, grant="tts"),
)


async def serve_requests(service: Service, stream: trio.abc.Stream) -> None:
    """
    Answer what comes over *stream* until either side has had enough. The stream stays open.
    """
    connection = HttpConnection(stream)
    try:
        while await _serve_one(service, connection):
            pass
    except Disconnected:
        return


async def _serve_one(service: Service, connection: HttpConnection) -> bool:
    """
    Answer the next request; False if it was the last.
    """
    try:
        with trio.move_on_after(service.behaviour.idle_seconds) as patience:
            request = await connection.read_request()
    except Malformed as malformed:
        nothing = Request(method="-", path="-")
        await Exchange(service, connection, nothing).refuse_malformed(malformed)
        return False
    if patience.cancelled_caught or request is None:
        return False
    await answer(Exchange(service, connection, request))
    return True


async def answer(exchange: Exchange) -> None:
    """
    Find out what is asked, and answer it or say why not.
    """
    try:
        if exchange.request.method == "OPTIONS":
            await allow_origin(exchange.request, exchange.respond)
            return
        exchange.hear_wishes()
        await _route(exchange).answer(exchange)
    except Refused as refused:
        _journal_refusal(exchange, refused.refusal.status)
        await exchange.refuse(refused.refusal)
    except Malformed as malformed:
        _journal_refusal(exchange, malformed.status)
        await exchange.refuse_malformed(malformed)


def _route(exchange: Exchange) -> Route:
    """
    Find the route, once it is clear that the path exists, for that method and these credentials.

    Raises:
        Refused: It does not, or not for these credentials.
        Malformed: It has other methods.
    """
    path, credentials = exchange.path, exchange.service.credentials
    here = [route for route in ROUTES if route.matches(path)]
    is_later = any("/".join(path.split("/")[:count]) in LATER for count in (2, 3))
    if not here and not is_later:
        raise Refused(plain(404, "There is nothing at this address."))
    method = "GET" if exchange.request.method == "HEAD" and path != SPEECH else ""
    method = method or exchange.request.method
    chosen = next((route for route in here if route.method == method), None)
    is_open = bool(here) and here[0].is_open
    grant = chosen.grant if chosen else here[0].grant if here else None
    if not is_open:
        exchange.identity = credentials.identify(exchange.request, grant)
    if not here:
        raise Refused(plain(501, "The local service does not do this yet."))
    if chosen is None:
        allow = ", ".join(dict.fromkeys(name for route in here for name in _methods(route)))
        raise Malformed(405, f"Only {allow} is answered here.", [("allow", allow)])
    return chosen


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" and route.path != SPEECH else (route.method,)


def _journal_refusal(exchange: Exchange, status: int) -> None:
    if exchange.path == SPEECH or "websocket" in exchange.request.tokens("upgrade"):
        exchange.service.journal.add_connection(
            path=exchange.path,
            version=exchange.version,
            request_id=exchange.request_id,
            status=status,
        )
