"""JSON to the types of responses, and values of requests to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import attrs

from trio_cartesia._errors import LocalProtocolError, RemoteProtocolError
from trio_cartesia._protocol.base import checks, json
from trio_cartesia._protocol.rest.records import wire_name

if TYPE_CHECKING:  # loaded by the first response
    from cattrs import Converter

__all__ = ["ARRAYS", "read", "read_json", "to_wire"]

T = TypeVar("T")
Json = Any

ARRAYS: Final = (list, tuple, set, frozenset)  # in requests
MAX_DEPTH: Final = 100  # of values in a request
MAX_QUOTED_PATHS: Final = 3  # of what is wrong with one response


def read_json(body: bytes) -> Json:
    """Parse the body of a response.

    Raises:
        RemoteProtocolError: It is not JSON, or may have more than `MAX_VALUES` values. Nothing of
            it is quoted.
    """
    if json.has_too_many_values(body):
        raise RemoteProtocolError(f"a response of {len(body)} bytes has too many values")
    with suppress(ValueError, RecursionError):  # they hold the body, so they end here
        return json.loads(body)
    raise RemoteProtocolError(f"a response of {len(body)} bytes is not JSON")


def read(value: Json, kind: type[T]) -> T:
    """Return a JSON value as an instance of *kind*.

    Raises:
        RemoteProtocolError: It lacks what *kind* must have, or a member has the wrong type.
    """
    try:
        result: T = _converter().structure(value, kind)
    except Exception as error:  # noqa: BLE001  # a group of cattrs's, which holds the value
        found = _paths(error, kind)
    else:
        return result
    raise RemoteProtocolError(f"malformed response: {found}")


def _paths(error: Exception, kind: type) -> str:
    from cattrs import transform_error

    found = transform_error(error, path=getattr(kind, "__name__", "response"))
    return "; ".join(found[:MAX_QUOTED_PATHS])


def to_wire(value: object, name: str, depth: int = MAX_DEPTH) -> Json:
    """Return a value of a request as JSON can carry it, with the names of the wire.

    Args:
        value: Of this package's types, of JSON's, or a `datetime`.
        name: The parameter that it is from, for messages.
        depth: How many levels of objects and arrays it may have.

    Raises:
        LocalProtocolError: JSON cannot carry it, or it is a `datetime` without a time zone.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return checks.finite(value, name)
    if isinstance(value, str):
        return checks.text(value, name)
    if isinstance(value, datetime):
        return _moment(value, name)
    if depth == 0:
        raise LocalProtocolError(
            f"{name} must not contain itself, or more than {MAX_DEPTH} levels of arrays and objects"
        )
    if attrs.has(type(value)):
        return _members(value, name, depth - 1)
    if isinstance(value, Mapping):
        items = value.items()
        return {checks.text(key, name): to_wire(each, name, depth - 1) for key, each in items}
    if isinstance(value, ARRAYS):
        return [to_wire(each, name, depth - 1) for each in value]
    raise LocalProtocolError(f"{name} must be a value for JSON, not {type(value).__name__}")


def _moment(value: datetime, name: str) -> str:
    if value.utcoffset() is None:
        raise LocalProtocolError(
            f"{name} must have a time zone, and {value.isoformat()} has none: use "
            "datetime.now(UTC), or astimezone() for local time"
        )
    return value.isoformat()


def _members(value: Any, name: str, depth: int) -> dict[str, Json]:
    members: dict[str, Json] = {}
    if isinstance(container := getattr(value, "container", None), str):  # of an output format
        members["container"] = container
    for field in attrs.fields(type(value)):
        member = getattr(value, field.name)
        if field.name == "extra":
            members |= to_wire(member, name, depth)
        elif member is not None:
            members[wire_name(field)] = to_wire(member, name, depth)
    return members


# -- the converter


def _string(value: object, _: object = None) -> str:
    if type(value) is not str:
        raise ValueError("not a string")
    return value


def _whole(value: object, _: object = None) -> int:
    if type(value) is not int:
        raise ValueError("not a whole number")
    return value


def _real(value: object, _: object = None) -> float:
    if type(value) is not float and type(value) is not int:
        raise ValueError("not a number")
    return float(value)


def _flag(value: object, _: object = None) -> bool:
    if type(value) is not bool:
        raise ValueError("not true or false")
    return value


def _object(value: object, _: object = None) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  # as all others here
    return value


def _anything(value: object, _: object = None) -> object:
    return value


def _is_open_enumeration(kind: Any) -> bool:
    """Return whether *kind* is ``Literal[...] | str``, or that or None."""
    return get_origin(kind) in (Union, UnionType) and any(
        get_origin(each) is Literal for each in get_args(kind)
    )


def _open_enumeration(value: object, kind: Any) -> str | None:
    if value is None and NoneType in get_args(kind):
        return None
    return _string(value)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_mapping(kind: Any) -> bool:
    return kind is not str and get_origin(kind) is get_origin(Mapping[str, object])


@cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter()
    for kind, hook in ((str, _string), (int, _whole), (float, _real), (bool, _flag)):
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_func(lambda kind: kind is object, _anything)
    converter.register_structure_hook_func(_is_mapping, _object)
    converter.register_structure_hook_func(_is_open_enumeration, _open_enumeration)

    def structure_tuple(value: object, kind: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise ValueError("not an array")
        item = get_args(kind)[0]
        return tuple(converter.structure(each, item) for each in value)

    def make_record_hook(kind: Any) -> Any:
        attrs.resolve_types(kind)
        names = {field.name: wire_name(field) for field in attrs.fields(kind)}
        renamed = {name: override(rename=wire) for name, wire in names.items() if name != wire}
        structure = make_dict_structure_fn(kind, converter, **renamed)  # type: ignore[arg-type]
        known = set(names.values()) - {"extra"}

        def structure_record(value: object, kind: Any) -> Any:
            members = _object(value)
            if members.keys() <= known and None not in members.values():
                return structure(members, kind)
            found: dict[str, Any] = {"extra": {}}
            for name, member in members.items():
                if name not in known:
                    found["extra"][name] = member
                elif member is not None:  # null is what a missing member is
                    found[name] = member
            return structure(found, kind)

        return structure_record

    converter.register_structure_hook_func(_is_tuple, structure_tuple)
    converter.register_structure_hook_factory(attrs.has, make_record_hook)
    return converter
