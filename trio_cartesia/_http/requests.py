"""Requests, and the options that a caller may give with each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypedDict
from urllib.parse import quote

import attrs

from trio_cartesia._errors import CartesiaError, LocalProtocolError
from trio_cartesia._http.multipart import Multipart, plain_text
from trio_cartesia._http.retries import MAX_RETRIES
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.credentials import Headers, check_headers
from trio_cartesia._protocol.base.error_bodies import one_line
from trio_cartesia._protocol.rest.reading import ARRAYS

__all__ = [
    "JSON",
    "Options",
    "Request",
    "RequestOptions",
    "ResponseInfo",
    "described_by",
    "query_pairs",
]

JSON: Final = "application/json"


@attrs.frozen(kw_only=True)
class ResponseInfo:
    """What a response says beside its body.

    Attributes:
        status_code: The HTTP status.
        headers: By lower-case name.
    """

    status_code: int
    headers: Mapping[str, str] = attrs.field(repr=False)

    @property
    def request_id(self) -> str | None:
        """The service's id of the request, for reports."""
        return self.headers.get("x-request-id")


@contextmanager
def described_by(info: ResponseInfo) -> Iterator[None]:
    """Give an error of the block the status and the request id of its response."""
    try:
        yield
    except CartesiaError as error:
        error.status_code = error.status_code or info.status_code
        error.request_id = error.request_id or one_line(info.request_id or "") or None
        raise


class RequestOptions(TypedDict, total=False):
    """Options that every request takes.

    Attributes:
        extra_headers: Headers to add; they win over those of the client.
        extra_query: Parameters to add to the query; None leaves one out.
        extra_body: Members to add to a JSON body, or fields to a form.
        max_retries: How often it may be sent again after a failure; 2 unless the client has
            another number.
        retry_written: Send a POST again also where it may have been carried out, and billed.
        on_response: Called with the `ResponseInfo` of each response, also of an error.
    """

    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, object]
    extra_body: Mapping[str, object]
    max_retries: int
    retry_written: bool
    on_response: Callable[[ResponseInfo], object]


@attrs.frozen(kw_only=True)
class Options:
    """The checked form of `RequestOptions`."""

    extra_headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    extra_query: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    extra_body: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    max_retries: int = MAX_RETRIES
    retry_written: bool = False
    on_response: Callable[[ResponseInfo], object] | None = None

    def joined(self, given: Mapping[str, Any]) -> Options:
        """Return these options with *given* ones, which win.

        Raises:
            LocalProtocolError: There is no such option, or it has a wrong type.
        """
        if not given:
            return self
        if unknown := given.keys() - RequestOptions.__annotations__.keys():
            raise LocalProtocolError(f"there is no parameter {', '.join(sorted(unknown))}")
        changes = dict(given)
        for name in ("extra_headers", "extra_query", "extra_body"):
            if name in changes:
                if not isinstance(changes[name], Mapping):
                    raise LocalProtocolError(f"{name} must be a mapping")
                changes[name] = {**getattr(self, name), **changes[name]}
        if "extra_headers" in given:
            headers = check_headers(given["extra_headers"])
            own = Headers(self.extra_headers.items())
            changes["extra_headers"] = dict(own.replaced(headers.items()))
        retries = changes.get("max_retries", 0)
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
            raise LocalProtocolError("max_retries must be a whole number, 0 or more")
        checks.boolean(changes.get("retry_written", False), "retry_written")
        if not callable(changes.get("on_response", print)):
            raise LocalProtocolError("on_response must be a function of a ResponseInfo")
        return attrs.evolve(self, **changes)


@attrs.frozen(kw_only=True)
class Request:
    """A request to the service.

    Attributes:
        method: ``"GET"`` or another.
        path: Below the base URL.
        template: The path with parameters in braces, or None if it is the caller's own.
        query: Names and values, in order.
        json: The JSON body, or None for none.
        form: A multipart body, or None.
        accept: The type of response that is expected.
    """

    method: str
    path: str
    template: str | None = attrs.field(
        default=attrs.Factory(lambda self: self.path, takes_self=True)
    )
    query: Sequence[tuple[str, str]] = attrs.field(default=(), repr=False)
    json: Any = attrs.field(default=None, repr=False)
    form: Multipart | None = attrs.field(default=None, repr=False)
    accept: str = JSON

    def accepting(self, kind: str) -> Request:
        """Return the request with another type of response."""
        return attrs.evolve(self, accept=kind)

    def target(self, options: Options) -> str:
        """Return the path with its query."""
        left_out = options.extra_query.keys()
        pairs = [pair for pair in self.query if pair[0] not in left_out]
        pairs += query_pairs(options.extra_query)
        if not pairs:
            return self.path
        query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)
        return f"{self.path}?{query}"


def query_pairs(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return parameters as they are sent: an array repeats its name (protocol §1.6).

    Raises:
        LocalProtocolError: A name is not text, or a value is neither text, a number, a truth
            value, a time nor an array of them.
    """
    if not isinstance(values, Mapping):
        raise LocalProtocolError(f"query must be a mapping, not {type(values).__name__}")
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        checks.text(name, "the name of a parameter")
        values_of_name = value if isinstance(value, ARRAYS) else [value]
        pairs += [(name, plain_text(each, name)) for each in values_of_name if each is not None]
    return pairs


def _quoted(text: str) -> str:
    return quote(text, safe="")  # a space is %20, which every server reads (protocol §4.2)
