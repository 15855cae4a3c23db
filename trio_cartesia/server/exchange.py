"""
One request and its answer: what every endpoint needs, whatever it does.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import attrs
import trio

from .accounts import Account
from .asking import asked_behaviour, asked_faults
from .behaviour import Behaviour
from .catalogue import CURRENT_VERSION
from .cors import cors_headers
from .credentials import Credentials, Identity
from .faults import Fault
from .http import Headers, Malformed, Request
from .journal import Journal
from .refusals import JSON_TYPE, Refusal, Refused, http_body
from .streams import Disconnected
from .voice import Voice
from .wire import HttpConnection

__all__ = ["Exchange", "Service", "plain"]

logger = logging.getLogger("trio_cartesia.server")


@attrs.frozen(kw_only=True)
class Service:
    """
    What all connections of a server share.
    """

    voice: Voice
    behaviour: Behaviour
    faults: tuple[Fault, ...]
    journal: Journal
    credentials: Credentials


@attrs.define(eq=False)
class Exchange:
    """
    One request and its answer.

    Attributes:
        behaviour: The service's own, with what this request asks to be different.
        faults: What is to go wrong with this answer, or with the WebSocket that it opens.
        identity: Who asks; None until the credentials were looked at.
    """

    service: Service
    connection: HttpConnection
    request: Request
    request_id: str = attrs.field(factory=lambda: str(uuid4()), init=False)
    behaviour: Behaviour = attrs.field(init=False)
    faults: tuple[Fault, ...] = attrs.field(init=False)
    identity: Identity | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.behaviour = self.service.behaviour
        self.faults = self.service.faults

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

    def hear_wishes(self) -> None:
        """
        Find out what this request wants to be different from the service's own ways.

        Raises:
            Refused: It cannot be had.
        """
        self.behaviour = asked_behaviour(self.service.behaviour, self.request)
        self.faults = (*self.service.faults, *asked_faults(self.request))

    def json(self) -> Any:
        """
        Return the body of the request.

        Raises:
            Refused: It is not JSON.
        """
        try:
            return json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise Refused(plain(400, "The body is not valid JSON.")) from error

    async def refuse_malformed(self, malformed: Malformed) -> None:
        """
        Answer what is not a request, or not one for this address.
        """
        await self.refuse(plain(malformed.status, str(malformed)), malformed.headers)

    async def refuse(self, refusal: Refusal, headers: Headers = ()) -> None:
        """
        Answer with an error, in the shape of the version that was asked for (protocol §1.7).
        """
        kind, body = http_body(refusal, version=self.version, request_id=self.request_id)
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
        with self.patience():
            await self.connection.respond(status, data, [*self._headers(kind), *headers])
        self.log(status, len(data))

    @asynccontextmanager
    async def streaming(self, kind: str, headers: Headers = ()) -> AsyncIterator[None]:
        """
        Answer 200, with a body that the block sends piece by piece through `send`.

        The body ends with the block. If the block raises, it is cut instead, so that the peer
        can tell. Should the peer leave, the block is cancelled and `Disconnected` raised.
        """
        with self.patience():
            await self.connection.start_response(200, [*self._headers(kind), *headers])
        self.log(200)
        has_left = False
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                nonlocal has_left
                await self.connection.wait_gone()
                has_left = True
                nursery.cancel_scope.cancel("the peer has left")

            nursery.start_soon(watch)
            yield
            nursery.cancel_scope.cancel("the answer is whole")
        if has_left:
            raise Disconnected
        with self.patience():
            await self.connection.end_response()

    async def send(self, data: bytes) -> None:
        """
        Send a piece of the body within `streaming`.
        """
        with self.patience():
            await self.connection.send_data(data)

    def _headers(self, kind: str) -> list[tuple[str, str]]:
        common = [("content-type", kind), ("x-request-id", self.request_id)]
        return [*common, *cors_headers(self.request)]

    @contextmanager
    def patience(self) -> Iterator[None]:
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
        logger.info(
            "request %s: %s %.80r: %d, %d bytes",
            *(self.request_id, self.request.method, self.request.path, status, size),
        )


def plain(status: int, message: str) -> Refusal:
    """
    Return a refusal whose title is the status's own.
    """
    return Refusal(status=status, title=HTTPStatus(status).phrase, message=message)
