"""Methods that are declared by their signatures.

A method of a resource says what it sends and what comes back; `endpoint` does the rest::

    @endpoint("GET", "/voices/{id}", names={"expand": "expand[]"})
    async def get(
        self, id: str, *, expand: Sequence[str] | None = None, **options: Unpack[RequestOptions]
    ) -> Voice:
        \"\"\"Return a voice.\"\"\"

A parameter in braces in the path goes there. Others are the query of a GET or DELETE, the JSON
members of other methods, or the fields and files of a form. Those that are None are not sent,
unless their default is `UNCHANGED`; then that is not sent, and None is sent as null.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial, wraps
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import quote

import attrs

from trio_cartesia._constructors import create
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.api import API
from trio_cartesia._http.listing import Listing
from trio_cartesia._http.multipart import Multipart, form_fields
from trio_cartesia._http.requests import Request, query_pairs
from trio_cartesia._http.responses import AudioResponse
from trio_cartesia._http.streams import open_audio, open_events
from trio_cartesia._http.uploads import Source, Upload, source_of
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.pages import Cursor, Page, read_page
from trio_cartesia._protocol.rest.reading import ARRAYS, read, to_wire
from trio_cartesia._protocol.rest.unchanged import UNCHANGED

__all__ = ["endpoint"]

F = TypeVar("F", bound=Callable[..., Any])
Values = Mapping[str, Any]

PROGRESS: Final = "progress"  # the parameter that is called with the bytes of files that were sent

_NO_BODY: Final = frozenset({"GET", "HEAD", "DELETE"})


def _whole(low: int, high: int, value: object, name: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise LocalProtocolError(
            f"{name} must be a whole number from {low} to {high}, not {checks.quoted(value)}"
        )


def _array(value: object, name: str) -> None:
    if not isinstance(value, ARRAYS):
        raise LocalProtocolError(f"{name} must be a list, not {type(value).__name__}")


def _segment(value: object, name: str) -> str:
    text = checks.printable(value, name)
    if text in (".", ".."):
        raise LocalProtocolError(f"{name} must be an id, not {text!r}, which is another path")
    return quote(text, safe="")


CHECKS: Final[Mapping[str, Callable[[object, str], object]]] = {  # of parameters, by name
    "expires_in": partial(_whole, 1, 3600),
    "limit": partial(_whole, 1, 100),
}


def endpoint(
    method: str, path: str, *, names: Mapping[str, str] | None = None, form: bool = False
) -> Callable[[F], F]:
    """Decorate a method that only declares; see the module.

    Args:
        method: Of HTTP.
        path: Below the base URL, with parameters in braces.
        names: The names of parameters on the wire, where they are not their own.
        form: Send a form instead of JSON.
    """

    def decorate(function: F) -> F:
        declared = _Declaration(
            function=function, method=method, path=path, names=names or {}, is_form=form
        )
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def call(*args: Any, **kwargs: Any) -> Any:
                return await declared.call(*declared.bound(args, kwargs))

        else:

            @wraps(function)
            def call(*args: Any, **kwargs: Any) -> Any:
                return declared.begin(*declared.bound(args, kwargs))

        return call  # type: ignore[return-value]  # of the same signature

    return decorate


@attrs.frozen(kw_only=True, slots=False, eq=False)
class _Declaration:
    """What a method declares. Its types are read at its first call."""

    function: Callable[..., Any]
    method: str
    path: str
    names: Mapping[str, str]
    is_form: bool

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of the method."""
        return inspect.signature(self.function)

    @cached_property
    def types(self) -> Mapping[str, Any]:
        """The types of the parameters, and of the result, which is called ``return``."""
        return get_type_hints(self.function)

    @cached_property
    def in_path(self) -> frozenset[str]:
        """The parameters in the path."""
        return frozenset(re.findall(r"{(\w+)}", self.path))

    @cached_property
    def has_members(self) -> bool:
        """Whether there are parameters for a body."""
        return bool(self.signature.parameters.keys() - self.in_path - {"self", "options"})

    @cached_property
    def files(self) -> frozenset[str]:
        """The parameters that are uploads."""
        kinds = set(get_args(Upload))
        return frozenset(name for name, kind in self.types.items() if kinds <= set(get_args(kind)))

    @cached_property
    def arrays(self) -> frozenset[str]:
        """The parameters that are arrays."""
        return frozenset(
            name
            for name, kind in self.types.items()
            if any(get_origin(each) is Sequence for each in (kind, *get_args(kind)))
        )

    @cached_property
    def nullable(self) -> frozenset[str]:
        """The parameters whose None is sent as null."""
        parameters = self.signature.parameters.values()
        return frozenset(each.name for each in parameters if each.default is UNCHANGED)

    def bound(self, args: Any, kwargs: Any) -> tuple[API, Values, Values]:
        """Return the API, the arguments and the options of a call.

        Raises:
            TypeError: They do not fit the signature.
        """
        values = self.signature.bind(*args, **kwargs).arguments
        return values.pop("self")._api, values, values.pop("options", {})

    async def call(self, api: API, values: Values, options: Values) -> Any:
        """Send the request, and return the result."""
        request, kind = self.request(values), self.types["return"]
        if kind is type(None):
            await api.whole(request.accepting("*/*"), options)
            return None
        if kind is str:
            return await api.text(request.accepting("text/csv"), options)
        return await api.json(request, options, partial(read, kind=kind))

    def begin(self, api: API, values: Values, options: Values) -> Any:
        """Return the list, or the block that receives the response."""
        request, kind = self.request(values), self.types["return"]
        if get_origin(kind) is Listing:
            return self._listing(api, values, options, get_args(kind)[0])
        open_block = open_audio if AudioResponse in get_args(kind) else open_events
        return open_block(api, request, options)

    def request(self, values: Values) -> Request:
        """Return the request for arguments.

        Raises:
            LocalProtocolError: One cannot be sent.
        """
        path, sent, files = self.path, dict[str, object](), list[tuple[str, Source]]()
        for name, value in values.items():
            wire_name = self.names.get(name, name)
            if name in self.in_path:
                path = path.replace(f"{{{name}}}", _segment(value, name))
            elif self._is_left_out(name, value):
                continue
            elif name in self.files:
                files.append((wire_name, source_of(value, name)))
            else:
                if name in CHECKS:
                    CHECKS[name](value, name)
                if name in self.arrays:
                    _array(value, name)
                sent[wire_name] = to_wire(value, name)
        request = partial(Request, method=self.method, path=path, template=self.path)
        if self.is_form:
            form = Multipart(fields=form_fields(sent), files=files, progress=values.get(PROGRESS))
            return request(form=form)
        if self.method in _NO_BODY:
            return request(query=query_pairs(sent))
        return request(json=sent if self.has_members else None)

    def _is_left_out(self, name: str, value: object) -> bool:
        is_none = value is None and name not in self.nullable
        return is_none or value is UNCHANGED or name == PROGRESS

    def _listing(self, api: API, values: Values, options: Values, item: Any) -> Listing[Any]:
        is_backwards = values.get("ending_before") is not None
        parameter = "ending_before" if is_backwards else "starting_after"

        async def fetch(cursor: Cursor) -> Page[Any]:
            def followed(value: Any) -> Page[Any]:
                page = read_page(value, item)
                cursor.follow(page)
                return page

            asked = values if cursor.value is None else {**values, parameter: cursor.value}
            return await api.json(self.request(asked), options, followed)

        listing: Listing[Any] = create(Listing, fetch, is_backwards)
        return listing
