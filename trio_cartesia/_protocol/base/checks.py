"""Checks of a caller's values, made before anything is sent.

Each raises `LocalProtocolError` with a message that names the field and says what is allowed.
Values that may be speech or secrets are never quoted.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterable, Callable, Collection, Iterable
from typing import Any, Final

import attrs

from trio_cartesia._errors import LocalProtocolError

__all__ = [
    "boolean",
    "choice",
    "finite",
    "flag",
    "identifier",
    "number_between",
    "one_of",
    "positive_or_none",
    "positive_whole",
    "printable",
    "quoted",
    "text",
    "text_or_pieces",
    "transcript",
    "whole_between",
]

LONGEST_IDENTIFIER: Final = 256
LONGEST_QUOTE: Final = 80

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def text(value: object, name: str) -> str:
    """Return *value* if it is a string that JSON can carry."""
    if not isinstance(value, str):
        raise LocalProtocolError(f"{name} must be a str, not {type(value).__name__}")
    if _SURROGATE.search(value):  # not by encoding it: that error would hold the text
        raise LocalProtocolError(f"{name} must be valid Unicode, without lone surrogates")
    return value


def transcript(value: object, context_id: str, *, may_be_empty: bool) -> None:
    """Check that *value* can be an input's text."""
    if not text(value, "transcript") and not may_be_empty:
        raise LocalProtocolError(
            "transcript must not be empty: flush() ends a segment, no_more_inputs() the text",
            context_id=context_id,
        )


def text_or_pieces(value: object, name: str, *, may_be_empty: bool) -> None:
    """Check that *value* is a text, or an iterable or asynchronous iterable of texts."""
    if isinstance(value, str):
        if not value and not may_be_empty:
            raise LocalProtocolError(f"{name} must not be empty")
    elif isinstance(value, (bytes, bytearray)) or not isinstance(value, (Iterable, AsyncIterable)):
        kind = type(value).__name__
        raise LocalProtocolError(
            f"{name} must be a str, or an iterable or async iterable of str, not {kind}"
        )


def printable(value: object, name: str) -> str:
    """Return *value* if it is a string of printable characters, neither empty nor too long."""
    given = text(value, name)
    if not given.strip():
        raise LocalProtocolError(f"{name} must not be empty")
    if not given.isprintable() or len(given) > LONGEST_IDENTIFIER or given != given.strip():
        raise LocalProtocolError(
            f"{name} must be at most {LONGEST_IDENTIFIER} printable characters, "
            "with no spaces around them"
        )
    return given


def identifier(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Validate a field as `printable`."""
    printable(value, field.name)


def boolean(value: object, name: str) -> bool:
    """Return *value* if it is True or False."""
    if not isinstance(value, bool):
        raise LocalProtocolError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def flag(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Validate a field as `boolean`."""
    boolean(value, field.name)


def choice(value: object, name: str, choices: Collection[object]) -> None:
    """Check that *value* is one of *choices*, which are strings or integers."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise LocalProtocolError(f"{name} must be one of {listed}, not {quoted(value)}")


def one_of(choices: Collection[object]) -> Check:
    """Return a validator of fields that are one of *choices*."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        choice(value, field.name, choices)

    return check


def positive_whole(value: object, name: str) -> int:
    """Return *value* if it is a whole number above zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LocalProtocolError(f"{name} must be a positive whole number, not {quoted(value)}")
    return value


def positive_or_none(value: object, name: str) -> float:
    """Return *value* if it is a number above zero, and infinity for None: there is no limit."""
    if value is None:
        return math.inf
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
        raise LocalProtocolError(
            f"{name} must be a positive number, or None for no limit, not {quoted(value)}"
        )
    return float(value)


def finite(value: float, name: str) -> float:
    """Return *value* if it is a number that JSON can carry, and a float can hold."""
    try:
        is_finite = math.isfinite(value)
    except OverflowError:  # of a huge int
        is_finite = False
    if not is_finite:
        raise LocalProtocolError(f"{name} must be a finite number, not {quoted(value)}")
    return value


def number_between(low: float, high: float) -> Check:
    """Return a validator of fields that are numbers from *low* to *high*, both included."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            kind = type(value).__name__
            raise LocalProtocolError(f"{field.name} must be a number, not {kind}")
        if not low <= value <= high:
            raise LocalProtocolError(f"{field.name} must be from {low} to {high}")

    return check


def whole_between(low: int, high: int) -> Check:
    """Return a validator of fields that are integers from *low* to *high*, both included."""
    in_range = number_between(low, high)

    def check(owner: object, field: attrs.Attribute[Any], value: object) -> None:
        in_range(owner, field, value)
        if not isinstance(value, int):
            raise LocalProtocolError(f"{field.name} must be a whole number")

    return check


def quoted(value: object) -> str:
    """Return *value* as a message shows it: cut short, or its type alone where it has no repr."""
    if isinstance(value, str):
        value = value[:LONGEST_QUOTE]
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001  # of an int of more than 4,300 digits, or a caller's class
        shown = type(value).__name__
    return shown if len(shown) <= 2 * LONGEST_QUOTE else type(value).__name__
