"""
Which endpoint answers which request, and who may ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio

from trio_cartesia.server.access.credentials import Need
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.exchange.cors import is_preflight, may_be_dns_rebinding, preflight_headers
from trio_cartesia.server.exchange.exchange import Exchange, plain
from trio_cartesia.server.messages.errors import Refusal, Refused
from trio_cartesia.server.net.http1 import HttpConnection
from trio_cartesia.server.net.requests import HTTPError
from trio_cartesia.server.rest.access_tokens import create_token
from trio_cartesia.server.rest.files import download_file, get_file
from trio_cartesia.server.rest.local_state import STATE, delete_state, get_state
from trio_cartesia.server.rest.voice_previews import PREVIEW, get_preview
from trio_cartesia.server.rest.voices import get_voice, list_voices
from trio_cartesia.server.state import ServerState
from trio_cartesia.server.streams import Disconnected
from trio_cartesia.server.tts.http_endpoints import BYTES, SSE, speak_bytes, speak_events
from trio_cartesia.server.tts.websocket_endpoint import SPEECH, serve_speech

BY_ADDRESS: Final = Refusal(
    status=403,
    title="Forbidden",
    message="Without API keys this is told only to who asks by an address or a local name.",
)
ANY_METHOD: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


async def get_status(exchange: Exchange) -> None:
    """Answer with the status of the service (protocol §5.1)."""
    await exchange.respond_json({"ok": True, "version": CURRENT_VERSION})


async def _not_implemented(_: Exchange) -> None:
    await trio.lowlevel.checkpoint_if_cancelled()
    raise Refused(plain(501, "The local service does not do this yet."))


@attrs.frozen(kw_only=True)
class Route:
    """
    One method of one address.

    Attributes:
        path: With ``{id}`` where one word may be anything.
        grant: What the credential must allow; None if only an API key will do.
        is_open: Whether nobody has to say who they are.
    """

    method: str
    path: str
    answer: Callable[[Exchange], Awaitable[None]] = _not_implemented
    grant: Need = None
    is_open: bool = False

    def matches(self, path: str) -> bool:
        """
        Return whether *path*, without a slash at its end, is this route's.
        """
        pattern = re.escape(self.path).replace(r"\{id\}", "[^/]+")
        return re.fullmatch(pattern, path) is not None

    @property
    def methods(self) -> tuple[str, ...]:
        """
        The methods that it answers: who may GET may also ask for the head alone.
        """
        is_plain_get = self.method == "GET" and self.path != SPEECH
        return ("GET", "HEAD") if is_plain_get else (self.method,)


LATER_HERE: Final = (  # where the service does other things already
    ("POST", "/voices"),
    ("PATCH", "/voices/{id}"),
    ("DELETE", "/voices/{id}"),
    ("POST", "/voices/clone"),
    ("POST", "/voices/clone/clip"),
    ("POST", "/voices/localize"),
    ("POST", "/voices/mix"),
    ("PATCH", "/voices/{id}/accents"),
    ("DELETE", "/voices/{id}/accents/{id}"),
)

ROUTES: Final = (
    Route(method="GET", path="", answer=get_status, is_open=True),
    Route(method="GET", path=SPEECH, answer=serve_speech, grant="tts"),
    Route(method="POST", path=BYTES, answer=speak_bytes, grant="tts"),
    Route(method="POST", path=SSE, answer=speak_events, grant="tts"),
    Route(method="GET", path="/files/{id}/info", answer=get_file),
    Route(method="GET", path="/files/{id}/download", answer=download_file),
    Route(method="POST", path="/access-token", answer=create_token),
    Route(method="GET", path="/voices", answer=list_voices),
    Route(method="GET", path="/voices/{id}", answer=get_voice),
    Route(method="GET", path=PREVIEW, answer=get_preview),
    *(Route(method=method, path=path) for method, path in LATER_HERE),
    Route(method="GET", path=STATE, answer=get_state),
    Route(method="DELETE", path=STATE, answer=delete_state),
)

# What else the API has, by its first words. The longest fit decides who may ask (protocol §1.3).
LATER: Final[dict[str, Need]] = {
    "/accents": None,
    "/agents": None,
    "/agents/stream": "agent",
    "/api-keys": "admin",
    "/audio": "stt",
    "/datasets": None,
    "/files": None,
    "/fine-tunes": None,
    "/infill": None,
    "/links": None,
    "/locales": None,
    "/pronunciation-dicts": None,
    "/stt": "stt",
    "/usage": "admin",
    "/v1/agents/websocket": "agent",
    "/voice-changer": None,
}


async def serve_requests(state: ServerState, stream: trio.abc.Stream) -> None:
    """
    Answer what comes over *stream* until either side has had enough. The stream stays open.
    """
    connection = HttpConnection(stream)
    try:
        while await _serve_one(state, connection):
            pass
    except Disconnected:
        return


async def _serve_one(state: ServerState, connection: HttpConnection) -> bool:
    """
    Answer the next request; False if it was the last.
    """
    try:
        with trio.move_on_after(state.behaviour.idle_seconds) as idle:
            request = await connection.read_request()
    except HTTPError as error:
        await Exchange(state, connection, connection.asked).respond_http_error(error)
        return False
    if idle.cancelled_caught or request is None:
        return False
    await answer(Exchange(state, connection, request))
    return True


async def answer(exchange: Exchange) -> None:
    """
    Find out what is asked, and answer it or say why not.
    """
    try:
        if is_preflight(exchange.request):
            allowed = preflight_headers(exchange.request, methods_at(exchange.path) or ANY_METHOD)
            await exchange.respond(204, b"", kind="", headers=allowed)
            return
        if may_be_dns_rebinding(exchange.request) and not exchange.state.credentials.are_required:
            raise Refused(BY_ADDRESS)
        exchange.read_overrides()
        await _route(exchange).answer(exchange)
    except Refused as refused:
        _journal_refusal(exchange, refused.refusal.status)
        await exchange.refuse(refused.refusal)
    except HTTPError as error:
        _journal_refusal(exchange, error.status)
        await exchange.respond_http_error(error)


def methods_at(path: str) -> tuple[str, ...]:
    """
    Return the methods that *path* answers; none if it is put off or not there.
    """
    found = (method for route in ROUTES if route.matches(path) for method in route.methods)
    return tuple(dict.fromkeys(found))


def _route(exchange: Exchange) -> Route:
    """
    Find the route, once it is clear that the path exists, for that method and these credentials.

    Raises:
        Refused: It does not, or not for these credentials.
        HTTPError: It has other methods.
    """
    path, method = exchange.path, exchange.request.method
    here = [route for route in ROUTES if route.matches(path)]
    chosen = next((route for route in here if method in route.methods), None)
    nearest = chosen or (here[0] if here else _put_off_at(path, method))
    if nearest is None:
        raise Refused(plain(404, "There is nothing at this address."))
    if not nearest.is_open:
        credentials = exchange.state.credentials
        exchange.identity = credentials.identify(exchange.request, nearest.grant)
    if here and chosen is None:
        allow = ", ".join(methods_at(path))
        raise HTTPError(405, f"Only {allow} is answered here.", [("allow", allow)])
    return nearest


def _put_off_at(path: str, method: str) -> Route | None:
    words = path.split("/")
    starts = ("/".join(words[:count]) for count in (4, 3, 2))
    start = next((start for start in starts if start in LATER), None)
    return None if start is None else Route(method=method, path=start, grant=LATER[start])


def _journal_refusal(exchange: Exchange, status: int) -> None:
    if exchange.path == SPEECH or "websocket" in exchange.request.tokens("upgrade"):
        exchange.state.journal.add_connection(
            path=exchange.path,
            version=exchange.version,
            request_id=exchange.request_id,
            status=status,
        )
