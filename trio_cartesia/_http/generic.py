"""Requests to endpoints without a method of their own, and their responses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.api import API
from trio_cartesia._http.requests import Request, ResponseInfo, described_by, query_pairs
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.account import Status
from trio_cartesia._protocol.rest.reading import read, read_json, to_wire

__all__ = ["RawResponse", "get_status", "send"]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@attrs.frozen(kw_only=True)
class RawResponse(ResponseInfo):
    """A response as it came.

    Attributes:
        status_code: The HTTP status.
        headers: By lower-case name.
        body: The body; no ``repr`` shows it.
    """

    body: bytes = attrs.field(repr=lambda body: f"<{len(body)} bytes>")

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body, parsed.

        Raises:
            RemoteProtocolError: It is not JSON.
        """
        with described_by(self):
            return read_json(self.body)


async def send(
    api: API,
    method: str,
    path: str,
    query: Mapping[str, object],
    json: object,
    options: Mapping[str, Any],
) -> RawResponse:
    """Send a request, as `Cartesia.request`."""
    checks.choice(method, "method", METHODS)
    if (
        not checks.text(path, "path").startswith("/")
        or not path.isascii()
        or not path.isprintable()
    ):
        raise LocalProtocolError("path must be printable ASCII and begin with a slash")
    if set(path) & set(" ?#"):
        raise LocalProtocolError("path must have no space, query or fragment: use query")
    request = Request(
        method=method,
        path=path,
        template=None,
        query=query_pairs(query),
        json=to_wire(json, "json"),
        accept="*/*",
    )
    response, body = await api.whole(request, options)
    info = response.info
    return RawResponse(status_code=info.status_code, headers=info.headers, body=body)


async def get_status(api: API, options: Mapping[str, Any]) -> Status:
    """Return the service's status, as `Cartesia.get_status`."""
    return await api.json(Request(method="GET", path="/"), options, partial(read, kind=Status))
