"""The endpoints: their paths, their methods, and the credentials that they require."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import attrs
import trio

from trio_cartesia.server.access.credentials import Access
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.exchange.cors import (
    is_preflight,
    is_private,
    may_be_dns_rebinding,
    preflight_headers,
)
from trio_cartesia.server.exchange.exchange import Exchange, status_error
from trio_cartesia.server.messages.errors import OUT_OF_RESOURCES, APIError, ErrorBody
from trio_cartesia.server.net.http1 import HttpConnection
from trio_cartesia.server.net.requests import HTTPError, Request
from trio_cartesia.server.rest.agents import list_templates
from trio_cartesia.server.rest.files import LINK, follow_link
from trio_cartesia.server.rest.local_state import STATE, delete_state, get_state
from trio_cartesia.server.rest.table import REST
from trio_cartesia.server.rest.usage import get_credits
from trio_cartesia.server.state import ServerState
from trio_cartesia.server.streams import Disconnected, is_out_of_resources
from trio_cartesia.server.stt.batch_endpoints import (
    BATCH,
    OPENAI,
    transcribe,
    transcribe_for_openai,
)
from trio_cartesia.server.stt.websocket_endpoints import (
    MANUAL,
    TURNS,
    manual_websocket,
    turns_websocket,
)
from trio_cartesia.server.tts.form_endpoints import (
    CHANGER_BYTES,
    CHANGER_SSE,
    INFILL,
    change_voice_bytes,
    change_voice_sse,
    infill_bytes,
)
from trio_cartesia.server.tts.http_endpoints import BYTES, SSE, tts_bytes, tts_sse
from trio_cartesia.server.tts.websocket_endpoint import WEBSOCKET, tts_websocket

NOT_LOCAL: Final = ErrorBody(
    status=403,
    title="Forbidden",
    message=(
        "Without API keys, /_local answers only requests whose Host is an IP address or a name of "
        "this machine. Use its address, or start the service with --tls-name or with API keys."
    ),
)
NOT_IMPLEMENTED: Final = status_error(501, "The local service does not implement this yet.")
HTTPS_REQUIRED: Final = HTTPError(400, "This is a port for TLS: use https or wss.")
OLD_PATHS: Final = ("/voices", "/voices/clone/clip", "/voices/mix")  # protocol §5.2
WEBSOCKETS: Final = (WEBSOCKET, MANUAL, TURNS)
ALL_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

Handler = Callable[[Exchange], Awaitable[None]]


async def get_status(exchange: Exchange) -> None:
    """Respond with the status of the service (protocol §5.1)."""
    await exchange.respond_json({"ok": True, "version": CURRENT_VERSION})


async def not_implemented(_: Exchange) -> None:
    """Refuse a request for an endpoint that the local service does not implement."""
    await trio.lowlevel.checkpoint_if_cancelled()
    raise APIError(NOT_IMPLEMENTED)


@attrs.frozen
class Route:
    """One method of one path.

    Attributes:
        path: ``{id}`` stands for any one segment.
        access: The credential that the route requires; None if it requires none.
    """

    method: str
    path: str
    handler: Handler
    access: Access | None
    _pattern: re.Pattern[str] = attrs.field(init=False, repr=False)

    @_pattern.default
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.path).replace(r"\{id\}", "([^/]+)"))

    def ids(self, path: str) -> tuple[str, ...] | None:
        """Return the ids in *path*, without a slash at its end; None if it is not this route's."""
        match = self._pattern.fullmatch(path)
        return None if match is None else match.groups()

    @property
    def methods(self) -> tuple[str, ...]:
        """Its methods; HEAD is among them if GET responds over HTTP."""
        is_plain_get = self.method == "GET" and self.path not in WEBSOCKETS
        return ("GET", "HEAD") if is_plain_get else (self.method,)


ROUTES: Final = (
    Route("GET", "", get_status, None),
    Route("GET", WEBSOCKET, tts_websocket, "tts"),
    Route("POST", BYTES, tts_bytes, "tts"),
    Route("POST", SSE, tts_sse, "tts"),
    Route("GET", MANUAL, manual_websocket, "stt"),
    Route("GET", TURNS, turns_websocket, "stt"),
    Route("POST", BATCH, transcribe, "stt"),
    Route("POST", OPENAI, transcribe_for_openai, "stt"),
    Route("GET", "/agents/templates", list_templates, None),  # before /agents/{id}
    Route("POST", INFILL, infill_bytes, "key"),
    Route("POST", CHANGER_BYTES, change_voice_bytes, "key"),
    Route("POST", CHANGER_SSE, change_voice_sse, "key"),
    *(Route(method, path, handler, "key") for method, path, handler in REST),
    Route("GET", "/usage/credits", get_credits, "admin"),
    Route("POST", "/files", not_implemented, "key"),
    Route("GET", LINK, follow_link, None),
    *(Route("POST", path, not_implemented, "key") for path in OLD_PATHS),
    Route("GET", STATE, get_state, "key"),
    Route("DELETE", STATE, delete_state, "key"),
)

# Other paths of the API, by their first segments; the longest match applies (protocol §1.3).
OTHER_PATHS: Final[dict[str, Access]] = {
    "/accents": "key",
    "/agents": "key",
    "/agents/stream": "agent",
    "/api-keys": "admin",
    "/audio": "stt",
    "/datasets": "key",
    "/files": "key",
    "/fine-tunes": "key",
    "/infill": "key",
    "/links": "key",
    "/locales": "key",
    "/pronunciation-dicts": "key",
    "/stt": "stt",
    "/usage": "admin",
    "/v1/agents/websocket": "agent",
    "/voice-changer": "key",
}


async def serve_requests(state: ServerState, stream: trio.abc.Stream) -> None:
    """Respond to the requests on *stream* until either side ends it. The stream stays open."""
    connection = HttpConnection(stream)
    try:
        while await _serve_one(state, connection):
            pass
    except Disconnected:
        return


async def _serve_one(state: ServerState, connection: HttpConnection) -> bool:
    """Respond to the next request; return False if it was the last."""
    try:
        with trio.move_on_after(state.behaviour.idle_seconds) as idle:
            request = await connection.read_request(partial(_may_upload, state, connection))
    except HTTPError as error:
        await _refuse_and_close(state, connection, error)
        return False
    if idle.cancelled_caught or request is None:
        return False
    await respond(Exchange(state, connection, request))
    return True


def _may_upload(state: ServerState, connection: HttpConnection, head: Request) -> bool:
    """Return False if `respond` refuses a request for its path, its credential or its method."""
    try:
        _route(Exchange(state, connection, head))
    except (APIError, HTTPError):
        return False
    return True


async def refuse_plain_http(state: ServerState, stream: trio.abc.Stream) -> None:
    """Respond to plain HTTP on a port for TLS. The stream stays open."""
    try:
        await _refuse_and_close(state, HttpConnection(stream), HTTPS_REQUIRED)
    except Disconnected:
        return


async def _refuse_and_close(
    state: ServerState, connection: HttpConnection, error: HTTPError
) -> None:
    exchange = Exchange(state, connection, connection.request)
    await exchange.respond_http_error(error)


async def respond(exchange: Exchange) -> None:
    """Respond to a request: find and call its handler, or send an error."""
    try:
        if is_preflight(exchange.request):
            methods = methods_at(exchange.path) or ALL_METHODS
            allowed = preflight_headers(exchange.request, methods)
            await exchange.respond(204, b"", kind="", headers=allowed)
            return
        _check_local(exchange)
        exchange.read_overrides()
        await _route(exchange).handler(exchange)
    except APIError as error:
        _journal_error(exchange, error.body.status)
        await exchange.respond_error(error.body)
    except HTTPError as error:
        _journal_error(exchange, error.status)
        await exchange.respond_http_error(error)
    except OSError as error:
        if not is_out_of_resources(error) or not exchange.connection.can_respond:
            raise
        _journal_error(exchange, OUT_OF_RESOURCES.status)
        await exchange.respond_error(OUT_OF_RESOURCES)


def _check_local(exchange: Exchange) -> None:
    state, request = exchange.state, exchange.request
    if not is_private(request) or state.credentials.are_required:
        return
    if may_be_dns_rebinding(request, state.local_names):
        raise APIError(NOT_LOCAL)


def methods_at(path: str) -> tuple[str, ...]:
    """Return the methods of the routes at *path*."""
    found = (method for route in ROUTES if route.ids(path) is not None for method in route.methods)
    return tuple(dict.fromkeys(found))


def _route(exchange: Exchange) -> Route:
    """Return the route of a request, after checking its path, its credential and its method.

    Raises:
        APIError: The path does not exist, or the credential does not allow it.
        HTTPError: The path does not have the method.
    """
    path, method = exchange.path, exchange.request.method
    here = [route for route in ROUTES if route.ids(path) is not None]
    chosen = next((route for route in here if method in route.methods), None)
    nearest = chosen or (here[0] if here else _other_route(path, method))
    if nearest is None:
        raise APIError(status_error(404, "There is nothing at this address."))
    if nearest.access is not None:
        credentials = exchange.state.credentials
        exchange.account = credentials.identify(exchange.request, nearest.access)
    if here and chosen is None:
        allow = ", ".join(methods_at(path))
        raise HTTPError(405, f"The methods at this address are {allow}.", [("allow", allow)])
    exchange.ids = nearest.ids(path) or ()
    return nearest


def _other_route(path: str, method: str) -> Route | None:
    segments = path.split("/")
    starts = ("/".join(segments[:count]) for count in (4, 3, 2))
    start = next((start for start in starts if start in OTHER_PATHS), None)
    if start is None or "" in segments[1:]:  # an id is missing
        return None
    return Route(method, start, not_implemented, OTHER_PATHS[start])


def _journal_error(exchange: Exchange, status: int) -> None:
    if exchange.path in WEBSOCKETS or "websocket" in exchange.request.tokens("upgrade"):
        exchange.state.journal.add_connection(
            path=exchange.path,
            version=exchange.version,
            request_id=exchange.request_id,
            status=status,
        )
