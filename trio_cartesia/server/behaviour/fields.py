"""What a field of `Behaviour` may be, and how it is read from text.

Fields are checked wherever their values come from. What is wrong is said with the field's name and
what it may be; what was asked is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

__all__ = ["FieldSpec", "changes", "choice", "close_code", "flag", "number", "settings", "whole"]

_SETTING: Final = "trio_cartesia.spec"  # its key in a field's metadata
_FLAGS: Final = {"true": True, "false": False, "on": True, "off": False}
_CLOSE_CODES: Final = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
MAX_VALUE: Final = 100  # characters of a value in text


@attrs.frozen(kw_only=True)
class FieldSpec:
    """One field.

    Attributes:
        description: What it must be, for messages.
        is_valid: Tells whether a value will do.
        read: Makes a value of text, or raises `ValueError`.
        is_limit: True for what the service holds or waits for at the most, which one request may
            lower and not raise.
    """

    description: str
    is_valid: Callable[[Any], bool]
    read: Callable[[str], Any]
    is_limit: bool = False


def _field(default: Any, spec: FieldSpec) -> Any:
    return attrs.field(default=default, validator=_check, metadata={_SETTING: spec})


def _check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    spec: FieldSpec = attribute.metadata[_SETTING]
    if not spec.is_valid(value):
        raise ValueError(f"{attribute.name} must be {spec.description}")


def choice(*choices: str | int) -> Any:
    """Return a field that is one of *choices*, and the first by default."""
    words: Mapping[str, str | int] = {str(value): value for value in choices}
    *others, last = words
    spec = FieldSpec(
        description=f"{', '.join(others)} or {last}",
        is_valid=lambda value: type(value) in (str, int) and value in choices,
        read=words.get,
    )
    return _field(choices[0], spec)


def flag(default: bool) -> Any:
    """Return a field that is true or false."""
    description = "true or false"
    return _field(
        default,
        FieldSpec(
            description=description, is_valid=lambda value: isinstance(value, bool), read=_FLAGS.get
        ),
    )


def whole(default: int, *, low: int, high: int | None = None, is_limit: bool = False) -> Any:
    """Return a field that is an integer from *low* to *high*."""
    description = (
        f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    )
    spec = FieldSpec(
        description=description,
        is_valid=lambda value: (
            type(value) is int and low <= value and (high is None or value <= high)
        ),
        read=int,
        is_limit=is_limit,
    )
    return _field(default, spec)


def number(default: float, *, is_limit: bool = False, is_positive: bool = False) -> Any:
    """Return a field that is a number, not below 0; infinity is one."""
    spec = FieldSpec(
        description="a number above 0" if is_positive else "a number that is not below 0",
        is_valid=lambda value: (
            type(value) in (int, float) and (value > 0 if is_positive else value >= 0)
        ),
        read=float,
        is_limit=is_limit,
    )
    return _field(default, spec)


def close_code(default: int) -> Any:
    """Return a field that is a code which a close frame may carry (RFC 6455 §7.4)."""
    description = "a close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999"
    return _field(
        default,
        FieldSpec(
            description=description,
            is_valid=lambda value: type(value) is int and value in _CLOSE_CODES,
            read=int,
        ),
    )


def settings(kind: type[attrs.AttrsInstance]) -> dict[str, FieldSpec]:
    """Return the fields of *kind* by name."""
    return {field.name: field.metadata[_SETTING] for field in attrs.fields(kind)}


def changes(values: attrs.AttrsInstance, text: str, *, keep_limits: bool) -> dict[str, Any]:
    """Return what *text* says about *values*: ``flush_id_base=0, late_input=ignore``.

    Args:
        values: What is there already.
        text: Names and values; of several values for a name the last counts.
        keep_limits: Whether limits may only be lowered.

    Raises:
        ValueError: There is no such field, or it may not be that.
    """
    fields = settings(type(values))
    found: dict[str, Any] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, is_pair, value = map(str.strip, item.partition("="))
        if not is_pair:
            raise ValueError("it is written as in 'flush_id_base=0, late_input=ignore'")
        if name not in fields:
            raise ValueError(f"there is no such field; there are {', '.join(fields)}")
        found[name] = _read(name, value, fields[name])
        own = getattr(values, name)
        if keep_limits and fields[name].is_limit and found[name] > own:
            raise ValueError(f"{name} is a limit of this service: {own} at the most")
    return found


def _read(name: str, text: str, spec: FieldSpec) -> Any:
    refused = ValueError(f"{name} must be {spec.description}")
    if len(text) > MAX_VALUE:
        raise refused
    try:
        value = spec.read(text)
    except ValueError:
        raise refused from None
    if not spec.is_valid(value):
        raise refused
    return value
