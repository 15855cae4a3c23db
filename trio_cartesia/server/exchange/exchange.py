"""
One request and its answer: what every endpoint needs, whatever it does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import attrs
import trio

from trio_cartesia._nursery import open_service_nursery
from trio_cartesia.server.access.credentials import Identity
from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.exchange.cors import cors_headers
from trio_cartesia.server.exchange.overrides import override_behaviour, requested_faults
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.messages import check_refused_handshake
from trio_cartesia.server.journal.access_log import log_request
from trio_cartesia.server.messages.errors import JSON_TYPE, Refusal, Refused, http_body
from trio_cartesia.server.net.http1 import HttpConnection
from trio_cartesia.server.net.requests import Headers, HTTPError, Request
from trio_cartesia.server.state import ServerState
from trio_cartesia.server.streams import Disconnected

__all__ = ["Exchange", "plain"]

OWN_PATHS: Final = "/_local"  # of the service alone, and no part of what tests look at


@attrs.define(eq=False)
class Exchange:
    """
    One request and its answer.

    Attributes:
        behaviour: The service's own, with what this request asks to be different.
        faults: What is to go wrong with this answer, or with the WebSocket that it opens.
        identity: Who asks; None until the credentials were looked at.
    """

    state: ServerState
    connection: HttpConnection
    request: Request
    request_id: str = attrs.field(factory=lambda: str(uuid4()), init=False)
    started: float = attrs.field(factory=trio.current_time, init=False)
    behaviour: Behaviour = attrs.field(init=False)
    faults: tuple[Fault, ...] = attrs.field(init=False)
    identity: Identity | None = attrs.field(default=None, init=False)
    _has_begun: bool = attrs.field(default=False, init=False)
    _beginning: Headers = attrs.field(default=(), init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.behaviour = self.state.behaviour
        self.faults = self.state.faults

    @property
    def path(self) -> str:
        """
        The path without a slash at its end: both forms are accepted (protocol §1.1).
        """
        return self.request.path.rstrip("/")

    @property
    def version(self) -> str:
        """
        The API version that is asked for; the query wins over the header (protocol §1.2).
        """
        asked = self.request.query.get("cartesia_version", [""])[0]
        return asked or self.request.headers.get("cartesia-version") or CURRENT_VERSION

    @property
    def account(self) -> Account:
        """
        Whose request it is.
        """
        assert self.identity is not None
        return self.identity.account

    def read_overrides(self) -> None:
        """
        Find out what this request wants to be different from the service's own ways.

        Raises:
            Refused: It cannot be had.
        """
        self.behaviour = override_behaviour(self.state.behaviour, self.request)
        if not self.path.startswith(OWN_PATHS):
            self.faults = (*self.state.faults, *requested_faults(self.request))
            self.connection.arm(self.faults)
            check_refused_handshake(self.faults)

    async def respond_http_error(self, error: HTTPError) -> None:
        """
        Answer what is not a request, or not one for this address.
        """
        await self.refuse(plain(error.status, str(error)), error.headers)

    async def refuse(self, refusal: Refusal, headers: Headers = ()) -> None:
        """
        Answer with an error, in the shape of the version that was asked for (protocol §1.7).
        """
        kind, body = http_body(refusal, version=self.version, request_id=self.request_id)
        if refusal.status == HTTPStatus.NOT_IMPLEMENTED:  # it will be the same the next time
            headers = [*headers, ("x-should-retry", "false")]  # protocol §1.5
        await self.respond(refusal.status, body, kind, headers)

    async def respond_json(self, value: Any, status: int = 200) -> None:
        """
        Answer with JSON.
        """
        await self.respond(status, json.dumps(value))

    async def respond(
        self, status: int, body: str | bytes, kind: str = JSON_TYPE, headers: Headers = ()
    ) -> None:
        """
        Answer with a whole body.
        """
        data = body.encode() if isinstance(body, str) else body
        self._record(status)
        with self.send_deadline():
            await self.connection.respond(status, data, [*self._headers(kind), *headers])
        self.log(status, len(data))

    @asynccontextmanager
    async def streaming(self, kind: str, headers: Headers = ()) -> AsyncIterator[None]:
        """
        Answer 200, with a body that the block sends piece by piece through `send`.

        The answer begins with its first piece: a block that refuses before that leaves the
        exchange as it was, to be answered with the refusal. Later nothing can be said any more,
        so whatever the block raises cuts the body, and a refusal becomes `Disconnected`. Should
        the peer leave, at any time, the block is cancelled and `Disconnected` raised. The body
        ends with the block.
        """
        self._beginning = [*self._headers(kind), *headers]
        try:
            with trio.CancelScope() as scope:
                async with open_service_nursery() as nursery:
                    nursery.start_soon(self._watch, scope)
                    yield
            if scope.cancelled_caught:
                raise Disconnected
            await self._begin()
            with self.send_deadline():
                await self.connection.end_response()
        except Refused as refused:
            if self._has_begun:
                raise Disconnected from refused
            raise
        finally:
            if self._has_begun:
                self.log(200, self._sent_bytes)

    async def _watch(self, scope: trio.CancelScope) -> None:
        await self.connection.wait_gone()
        scope.cancel("the peer has left")

    async def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._record(200)
            with self.send_deadline():
                await self.connection.start_response(200, self._beginning)

    async def send(self, data: bytes) -> None:
        """
        Send a piece of the body within `streaming`; nothing if it is empty.
        """
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
        """
        Give up on a peer that does not read within the idle time.
        """
        with trio.move_on_after(self.behaviour.idle_seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise Disconnected

    def log(self, status: int, size: int = 0) -> None:
        """
        Tell the log what was answered.
        """
        log_request(
            self.request_id,
            self.request.method,
            self.request.path,
            status=status,
            size_bytes=size,
            seconds=trio.current_time() - self.started,
        )

    def _record(self, status: int) -> None:
        """
        Tell the journal what is answered, before it is: whoever reads it may look at once.
        """
        if not self.path.startswith(OWN_PATHS):
            self.state.journal.add_request(
                method=self.request.method,
                path=self.path or "/",
                version=self.version,
                request_id=self.request_id,
                status=status,
            )


def plain(status: int, message: str) -> Refusal:
    """
    Return a refusal whose title is the status's own.
    """
    return Refusal(status=status, title=HTTPStatus(status).phrase, message=message)
