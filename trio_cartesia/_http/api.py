"""Sends requests to the service: with the credential, again after a failure, within its options."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import trio

from trio_cartesia._errors import (
    AuthenticationFailed,
    CartesiaError,
    LocalProtocolError,
    RemoteProtocolError,
)
from trio_cartesia._http.connections import Connections
from trio_cartesia._http.multipart import Multipart, form_fields
from trio_cartesia._http.requests import JSON, Options, Request, ResponseInfo, described_by
from trio_cartesia._http.retries import retry_delay, seconds_until
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._protocol.base.error_bodies import error_from_body
from trio_cartesia._protocol.rest.reading import read_json, to_wire

if TYPE_CHECKING:  # loaded by the first request
    from trio_cartesia._http.wire import WireResponse

__all__ = ["API", "MAX_RESPONSE_BYTES", "Response"]

T = TypeVar("T")

MAX_RESPONSE_BYTES: Final = 64 * 2**20  # of a response that is read whole
MAX_ERROR_BYTES: Final = 64 * 2**10  # read of the body of an error
ERROR_SECONDS: Final = 5.0  # for the body of an error

_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_log: Final = logging.getLogger("trio_cartesia.http")


@attrs.define(eq=False)
class Response:
    """A response that is being received.

    Attributes:
        info: Its status and headers.
    """

    _wire: WireResponse
    info: ResponseInfo

    async def receive(self) -> bytes:
        """Receive some of the body; nothing means its end. Raises `ConnectionLost`."""
        with described_by(self.info):
            return await self._wire.receive()

    async def read(self, max_bytes: int) -> bytes:
        """Return the body.

        Raises:
            RemoteProtocolError: It has more than *max_bytes*.
            ConnectionLost: It was cut short.
        """
        body = bytearray()
        with described_by(self.info):
            while data := await self._wire.receive():
                body += data
                if len(body) > max_bytes:
                    raise RemoteProtocolError(f"a response is larger than {max_bytes} bytes")
        return bytes(body)

    def check_type(self, *refused: str) -> None:
        """Raise `RemoteProtocolError` if the body has one of these types."""
        kind = self.info.headers.get("content-type", "").partition(";")[0].strip().lower()
        with described_by(self.info):
            if kind in refused:
                raise RemoteProtocolError(
                    f"a response has the type {kind}: is there a proxy in between?"
                )

    async def aclose(self) -> None:
        """Leave the body."""
        await self._wire.aclose()


@attrs.frozen(eq=False)
class API:
    """Sends requests.

    Attributes:
        voice_as_object: As in `write_settings`.
    """

    connections: Connections = attrs.field(repr=False)
    voice_as_object: bool
    options: Options = attrs.field(factory=Options, repr=False)

    def with_options(self, options: Mapping[str, Any]) -> API:
        """Return one with other options, over the same connections."""
        joined = self.options.joined(options)
        return self if joined is self.options else attrs.evolve(self, options=joined)

    async def json(
        self, request: Request, options: Mapping[str, Any], structure: Callable[[Any], T]
    ) -> T:
        """Send a request, and return what *structure* makes of the JSON of its response."""
        response, body = await self.whole(request, options)
        with described_by(response.info):
            return structure(read_json(body))

    async def text(self, request: Request, options: Mapping[str, Any]) -> str:
        """Send a request, and return the text of its response."""
        response, body = await self.whole(request, options)
        response.check_type("text/html")
        return body.decode("utf-8", "replace")

    async def whole(self, request: Request, options: Mapping[str, Any]) -> tuple[Response, bytes]:
        """Send a request, and return its response with the body.

        Raises:
            ConnectFailed: There is no connection; nothing was sent.
            ConnectionLost: The connection ended early.
            RequestFailed: The service refused the request.
            RemoteProtocolError: The response is not valid, or larger than `MAX_RESPONSE_BYTES`.
        """
        response = await self.open(request, options)
        try:
            return response, await response.read(MAX_RESPONSE_BYTES)
        finally:
            await response.aclose()  # noqa: ASYNC102  # shielded there

    async def open(self, request: Request, options: Mapping[str, Any]) -> Response:
        """Send a request, and return its response, which the caller closes; raises as `whole`."""
        chosen = self.options.joined(options)
        url = f"{self.connections.base_url}{request.target(chosen)}"
        content = _content(request, chosen)
        can_repeat, has_renewed = not isinstance(content, Multipart) or content.can_repeat, False
        for attempt in itertools.count():
            wire = self.connections.wire()
            headers = _headers(await self.connections.headers(), request, chosen, content)
            self.connections.requests_sent += 1
            self.connections.retries += attempt > 0
            try:
                send = partial(wire.send, request.method, url, headers, content, _size(content))
                return await self._observed(attempt, request, partial(_accepted, send, chosen))
            except AuthenticationFailed:
                if has_renewed or not can_repeat or not self.connections.renew(headers):
                    raise
                has_renewed = True
                continue
            except CartesiaError as error:
                delay = retry_delay(
                    error,
                    method=request.method,
                    attempt=attempt - has_renewed,
                    max_retries=chosen.max_retries if can_repeat else 0,
                    retry_written=chosen.retry_written,
                )
                if delay is None:
                    raise
                _log.debug(
                    "%s %s failed (%s %s); attempt %d in %.2f s",
                    *(request.method, request.path, type(error).__name__, error.status_code),
                    *(attempt + 2, delay),
                )
            await trio.sleep(delay)
        raise AssertionError  # the loop has no end

    async def _observed(
        self, resend_count: int, request: Request, send: Callable[[], Awaitable[Response]]
    ) -> Response:
        if self.connections.observe is None:
            return await send()
        observation = self.connections.observe(request, self.connections.base_url, resend_count)
        with observation:
            response = await send()
            observation.note_response(response.info)
            return response


def _content(request: Request, options: Options) -> bytes | Multipart:
    extra = to_wire(options.extra_body, "extra_body")
    if request.form is not None:
        return request.form.with_fields(form_fields(extra))
    members = request.json
    if extra:
        if members is not None and not isinstance(members, dict):
            raise LocalProtocolError("extra_body needs a body that is a JSON object")
        members = {**(members or {}), **extra}
    return b"" if members is None else _to_json(members).encode()


def _size(content: bytes | Multipart) -> int | None:
    return content.size_bytes if isinstance(content, Multipart) else len(content)


def _headers(
    common: Headers, request: Request, options: Options, content: bytes | Multipart
) -> Headers:
    headers = common.replaced(_content_headers(request, content))
    return headers.replaced(options.extra_headers.items())


def _content_headers(request: Request, content: bytes | Multipart) -> Iterator[tuple[str, str]]:
    yield "Accept", request.accept
    yield "Accept-Encoding", "identity"
    if isinstance(content, Multipart):
        yield "Content-Type", content.content_type
    elif content:
        yield "Content-Type", JSON


async def _accepted(send: Callable[[], Awaitable[WireResponse]], options: Options) -> Response:
    """Send a request and return a response of success; leave any other, and raise its error."""
    answer = await send()
    info = ResponseInfo(status_code=answer.status_code, headers=answer.headers)
    response = Response(answer, info)
    try:
        if options.on_response is not None:
            options.on_response(info)
        if 200 <= info.status_code < 300:
            return response
        raise await _error(response)
    except BaseException:
        await response.aclose()  # noqa: ASYNC102  # shielded there
        raise


async def _error(response: Response) -> CartesiaError:
    headers, body = response.info.headers, bytearray()
    # cut short or late: the status is known, and what came of the body
    with suppress(CartesiaError), trio.move_on_after(ERROR_SECONDS):
        while len(body) < MAX_ERROR_BYTES and (data := await response.receive()):
            body += data
    return error_from_body(
        response.info.status_code,
        bytes(body[:MAX_ERROR_BYTES]),
        request_id=headers.get("x-request-id"),
        retry_after=seconds_until(headers.get("retry-after")),
    )
