"""One request and its response, as every endpoint needs them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import attrs
import trio

from trio_cartesia._nursery import open_service_nursery
from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.exchange.cors import cors_headers, is_private
from trio_cartesia.server.exchange.overrides import override_behaviour, requested_faults
from trio_cartesia.server.exchange.prices import price_of
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.messages import check_refused_handshake
from trio_cartesia.server.journal.access_log import log_request
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.messages.errors import JSON_TYPE, APIError, ErrorBody, http_body
from trio_cartesia.server.messages.fields import Dialect, Fields, read_body
from trio_cartesia.server.messages.multipart import Form, read_form
from trio_cartesia.server.net.http1 import FILE_TOO_LARGE, HttpConnection
from trio_cartesia.server.net.requests import Headers, HTTPError, Request
from trio_cartesia.server.state import ServerState
from trio_cartesia.server.store.dictionaries import find_pronunciations
from trio_cartesia.server.store.voices import find_account_voice
from trio_cartesia.server.streams import Disconnected

__all__ = ["Exchange", "status_error"]


@attrs.define(eq=False)
class Exchange:
    """One request and its response.

    Attributes:
        behaviour: The behaviour of the service, with the overrides in this request.
        faults: Faults to inject into the response, or into the WebSocket that it opens.
        account: The account of the client, set once its credentials are checked.
        ids: The segments of the path that stand for ``{id}`` in that of its route.
    """

    state: ServerState
    connection: HttpConnection
    request: Request
    request_id: str = attrs.field(factory=lambda: str(uuid4()), init=False)
    started: float = attrs.field(factory=trio.current_time, init=False)
    behaviour: Behaviour = attrs.field(init=False)
    faults: tuple[Fault, ...] = attrs.field(init=False)
    account: Account = attrs.field(init=False)
    ids: tuple[str, ...] = attrs.field(default=(), init=False)
    _has_begun: bool = attrs.field(default=False, init=False)
    _stream_headers: Headers = attrs.field(default=(), init=False)
    _stream_status: int = attrs.field(default=200, init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.behaviour = self.state.behaviour
        self.faults = self.state.faults

    @property
    def path(self) -> str:
        """The path without its final slash, which is optional (protocol §1.1)."""
        return self.request.path.rstrip("/")

    @property
    def version(self) -> str:
        """The API version of the request; the query wins over the header (protocol §1.2)."""
        in_query = self.request.parameter("cartesia_version")
        return in_query or self.request.headers.get("cartesia-version") or CURRENT_VERSION

    @property
    def origin(self) -> str | None:
        """The URL of the service, with the host in the request; None without a host."""
        host = self.request.headers.get("host", "")
        is_secure = isinstance(self.connection.stream.inner, trio.SSLStream)
        return f"{'https' if is_secure else 'http'}://{host}" if host else None

    @property
    def dialect(self) -> Dialect:
        """The version, the behaviour, and the voices and dictionaries of the account."""
        find = partial(find_pronunciations, self.state.store, self.account.id)
        return Dialect(
            version=self.version,
            behaviour=self.behaviour,
            find_voice=self.find_voice,
            find_pronunciations=find,
        )

    def find_voice(self, voice_id: str) -> VoiceEntry | None:
        """Return the voice with that id, ignoring case; None if the account can use none."""
        state = self.state
        return find_account_voice(state.store, self.account.id, state.clock.now(), voice_id)

    def meter(self, record: ContextRecord) -> Callable[[], None]:
        """Return a function that adds a context's credits since its last call to the usage.

        It is called after each sentence, so a process that is killed loses the usage of no more
        than that, and at the end (protocol §1.9).
        """
        settings, counted = record.settings, 0

        def count() -> None:
            nonlocal counted
            capability, amount = price_of(record)
            new, counted = amount - counted, amount
            self.add_usage(capability, new, model=settings.model_id, voice=settings.voice_id)

        return count

    def add_usage(self, capability: str, amount: int, *, model: str, voice: str = "") -> None:
        """Add credits to the usage of the account."""
        if amount:
            self.state.store.usage.add(
                seconds=self.state.clock.now(),
                account=self.account.id,
                capability=capability,
                model=model,
                voice=voice,
                amount=amount,
            )

    def fields(self) -> Fields:
        """Parse the JSON object in the body.

        Raises:
            APIError: The body is not one.
        """
        return Fields(read_body(self.request.body))

    def form(self) -> Form:
        """Parse the form in the body.

        Raises:
            APIError: The body is not one.
        """
        return read_form(self.request.headers.get("content-type", ""), self.request.body)

    def read_overrides(self) -> None:
        """Apply the behaviour and fault overrides in the request's headers and query.

        Raises:
            APIError: An override is not valid, or a fault refuses the request.
        """
        self.behaviour = override_behaviour(self.state.behaviour, self.request)
        if not is_private(self.request):
            self.faults = (*self.state.faults, *requested_faults(self.request))
            self.connection.arm(self.faults)
            check_refused_handshake(self.faults)

    async def respond_http_error(self, error: HTTPError) -> None:
        """Respond to a request that is not valid, or not valid for its path."""
        is_upload = error.code == FILE_TOO_LARGE
        status = self.behaviour.too_large_status if is_upload else error.status  # protocol §7.3 R2
        body = attrs.evolve(status_error(status, str(error)), code=error.code)
        await self.respond_error(body, error.headers)

    async def respond_error(self, error: ErrorBody, headers: Headers = ()) -> None:
        """Respond with an error, in the shape of the request's version (protocol §1.7)."""
        kind, body = http_body(error, version=self.version, request_id=self.request_id)
        if error.status == HTTPStatus.NOT_IMPLEMENTED:  # a second attempt would not help
            headers = [*headers, ("x-should-retry", "false")]  # protocol §1.5
        await self.respond(error.status, body, kind, headers)

    async def respond_json(self, value: Any, status: int = 200) -> None:
        """Respond with JSON."""
        await self.respond(status, json.dumps(value))

    async def respond_empty(self) -> None:
        """Respond with 204, which has no body."""
        await self.respond(204, b"", kind="")

    async def respond(
        self, status: int, body: str | bytes, kind: str = JSON_TYPE, headers: Headers = ()
    ) -> None:
        """Respond with a whole body."""
        data = body.encode() if isinstance(body, str) else body
        self._record(status)
        with self.send_deadline():
            await self.connection.respond(status, data, [*self._headers(kind), *headers])
        self.log(status, len(data))

    @asynccontextmanager
    async def streaming(
        self, kind: str, headers: Headers = (), *, status: int = 200
    ) -> AsyncIterator[None]:
        """Respond with a body that the block sends in parts with `send`.

        The response begins with the first part. If the block raises `APIError` before that, nothing
        has been sent, and the error can still be the response. A later exception ends the body
        without its last chunk; `APIError` is then raised as `Disconnected`. If the peer leaves, the
        block is cancelled and `Disconnected` is raised. The body ends with the block.
        """
        self._stream_headers = [*self._headers(kind), *headers]
        self._stream_status = status
        try:
            with trio.CancelScope() as scope:
                async with open_service_nursery() as nursery:
                    nursery.start_soon(self._cancel_when_disconnected, scope)
                    yield
            if scope.cancelled_caught:
                raise Disconnected
            await self._begin()
            with self.send_deadline():
                await self.connection.end_response()
        except APIError as error:
            if self._has_begun:
                raise Disconnected from error
            raise
        finally:
            if self._has_begun:
                self.log(status, self._sent_bytes)

    async def _cancel_when_disconnected(self, scope: trio.CancelScope) -> None:
        await self.connection.wait_disconnected()
        scope.cancel("the peer has left")

    async def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._record(self._stream_status)
            with self.send_deadline():
                await self.connection.start_response(self._stream_status, self._stream_headers)

    async def send(self, data: bytes) -> None:
        """Send a part of the body, within `streaming`; an empty part is ignored."""
        if not data:
            return
        await self._begin()
        with self.send_deadline():
            await self.connection.send_data(data)
        self._sent_bytes += len(data)

    def _headers(self, kind: str) -> list[tuple[str, str]]:
        content_type = [("content-type", kind)] if kind else []  # 204 has no content
        request_id = ("x-request-id", self.request_id)
        return [*content_type, request_id, *cors_headers(self.request)]

    @contextmanager
    def send_deadline(self) -> Iterator[None]:
        """Raise `Disconnected` if the peer does not read for the idle time."""
        with trio.move_on_after(self.behaviour.idle_seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise Disconnected

    def log(self, status: int, size: int = 0) -> None:
        """Log the response."""
        log_request(
            self.request_id,
            self.request.method,
            self.request.path,
            status=status,
            size_bytes=size,
            seconds=trio.current_time() - self.started,
        )

    def _record(self, status: int) -> None:
        """Record the response; called before it is sent, so that its receiver finds the record."""
        if not is_private(self.request):
            self.state.journal.add_request(
                method=self.request.method,
                path=self.path or "/",
                version=self.version,
                request_id=self.request_id,
                status=status,
            )


def status_error(status: int, message: str) -> ErrorBody:
    """Return an error with the standard phrase of the status as its title."""
    return ErrorBody(status=status, title=HTTPStatus(status).phrase, message=message)
