"""
One connection's requests, one after another: who may ask, for what, and what is answered.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import attrs
import trio

from .behaviour import Behaviour
from .catalogue import CURRENT_VERSION
from .credentials import UNAUTHORIZED, Credentials
from .http import Headers, Malformed, Request, check_handshake
from .journal import Journal
from .refusals import JSON_TYPE, Refusal, Refused, http_body
from .speech import SpeechSession
from .voice import Voice
from .wire import Disconnected, HttpConnection

logger = logging.getLogger("trio_cartesia.server")

SPEECH: Final = "/tts/websocket"
LATER: Final = frozenset(  # what the API has and this service does not, by its first words
    {
        *("/tts/bytes", "/tts/sse", "/infill", "/voice-changer", "/stt", "/audio"),
        *("/access-token", "/voices", "/accents", "/datasets", "/fine-tunes"),
        *("/pronunciation-dicts", "/agents", "/usage"),
    }
)


@attrs.frozen(kw_only=True)
class Service:
    """
    What all connections of a server share.
    """

    voice: Voice
    behaviour: Behaviour
    journal: Journal
    credentials: Credentials


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
    await Exchange(service, connection, request).answer()
    return True


@attrs.define(eq=False)
class Exchange:
    """
    One request and its answer.
    """

    service: Service
    connection: HttpConnection
    request: Request
    request_id: str = attrs.field(factory=lambda: str(uuid4()), init=False)

    @property
    def version(self) -> str:
        """
        The API version that is asked for; the query wins over the header (protocol §1.2).
        """
        asked = self.request.query.get("cartesia_version", [""])[0]
        return asked or self.request.headers.get("cartesia-version") or CURRENT_VERSION

    async def answer(self) -> None:
        """
        Find out what is asked, and answer it or say why not.
        """
        path = self.request.path.rstrip("/")  # protocol §1.1: both forms are accepted
        try:
            self._check(path)
            if path == SPEECH:
                await self._serve_speech()
            else:
                await self._respond(200, json.dumps({"ok": True, "version": CURRENT_VERSION}))
        except Refused as refused:
            self._journal_refusal(path, refused.refusal.status)
            await self._refuse(refused.refusal)
        except Malformed as malformed:
            self._journal_refusal(path, malformed.status)
            await self.refuse_malformed(malformed)

    def _check(self, path: str) -> None:
        """
        Raise unless the path exists, for that method and for these credentials.

        Raises:
            Refused: It does not, or not for these credentials.
            Malformed: It has other methods.
        """
        words = path.split("/")
        is_later = any("/".join(words[:count]) in LATER for count in (2, 3))
        if path not in ("", SPEECH) and not is_later:
            raise Refused(_plain(404, "There is nothing at this address."))
        if path and not self.service.credentials.accept(self.request):
            raise Refused(UNAUTHORIZED)
        if is_later:
            raise Refused(_plain(501, "The local service does not do this yet."))
        methods = ("GET",) if path == SPEECH else ("GET", "HEAD")
        if self.request.method not in methods:
            allow = ", ".join(methods)
            raise Malformed(405, f"Only {allow} is answered here.", [("allow", allow)])

    async def _serve_speech(self) -> None:
        check_handshake(self.request)
        behaviour = self.service.behaviour
        with self._patience():
            websocket = await self.connection.accept_websocket(
                self.request,
                max_message_bytes=behaviour.max_message_bytes,
                headers=[("x-request-id", self.request_id)],
            )
        number = self.service.journal.add_connection(
            path=SPEECH, version=self.version, request_id=self.request_id, status=101
        )
        self._log(101)
        session = SpeechSession(
            number=number,
            version=self.version,
            request_id=self.request_id,
            websocket=websocket,
            voice=self.service.voice,
            behaviour=behaviour,
            journal=self.service.journal,
        )
        await session.serve()

    def _journal_refusal(self, path: str, status: int) -> None:
        if path == SPEECH or "websocket" in self.request.tokens("upgrade"):
            self.service.journal.add_connection(
                path=path, version=self.version, request_id=self.request_id, status=status
            )

    async def refuse_malformed(self, malformed: Malformed) -> None:
        """
        Answer what is not a request, or not one for this address.
        """
        await self._refuse(_plain(malformed.status, str(malformed)), malformed.headers)

    async def _refuse(self, refusal: Refusal, headers: Headers = ()) -> None:
        kind, body = http_body(refusal, version=self.version, request_id=self.request_id)
        await self._respond(refusal.status, body, kind, headers)

    async def _respond(
        self, status: int, body: str | bytes, kind: str = JSON_TYPE, headers: Headers = ()
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        with self._patience():
            await self.connection.respond(
                status, data, [("content-type", kind), ("x-request-id", self.request_id), *headers]
            )
        self._log(status, len(data))

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """
        Give up on a peer that does not read within the idle time.
        """
        with trio.move_on_after(self.service.behaviour.idle_seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise Disconnected

    def _log(self, status: int, size: int = 0) -> None:
        logger.info(
            "request %s: %s %.80r: %d, %d bytes",
            *(self.request_id, self.request.method, self.request.path, status, size),
        )


def _plain(status: int, message: str) -> Refusal:
    return Refusal(status=status, title=HTTPStatus(status).phrase, message=message)
