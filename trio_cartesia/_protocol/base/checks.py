"""
Checks of what a caller gives, made before anything is sent.

Each raises `LocalProtocolError` with a sentence that names the field and what it may be. Values
that may be speech are never quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

import attrs

from trio_cartesia._errors import LocalProtocolError

__all__ = [
    "flag",
    "identifier",
    "language_tag",
    "number_between",
    "one_of",
    "text",
    "transcript",
    "whole_between",
]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def text(value: object, name: str) -> str:
    """Return *value* if it is a string that JSON can carry."""
    if not isinstance(value, str):
        raise LocalProtocolError(f"{name} must be a str, not {type(value).__name__}")
    if _SURROGATE.search(value):  # not by encoding it: that error would hold the text
        raise LocalProtocolError(f"{name} holds a lone surrogate, which is not text")
    return value


def transcript(value: object, context_id: str, *, may_be_empty: bool) -> None:
    """Check that *value* can be an input's text."""
    if not text(value, "transcript") and not may_be_empty:
        raise LocalProtocolError(
            "push takes no empty text: flush() ends a segment, no_more_inputs() the text",
            context_id=context_id,
        )


def identifier(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is a string with something printable in it, and nothing else."""
    name = field.name
    if not (given := text(value, name)).strip():
        raise LocalProtocolError(f"{name} must not be empty")
    if not given.isprintable() or len(given) > 256 or given != given.strip():
        raise LocalProtocolError(
            f"{name} must be at most 256 printable characters, with no blanks around"
        )


def language_tag(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* looks like ``en`` or ``en-GB``; which ones exist the service knows."""
    if not _LANGUAGE_TAG.fullmatch(text(value, field.name)):
        raise LocalProtocolError(
            f"{field.name} must be a tag such as 'en' or 'en-GB', not {value!r}"
        )


def one_of(choices: Collection[object]) -> Check:
    """Make a check that a value is one of *choices*."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value not in choices:
            listed = ", ".join(repr(choice) for choice in choices)
            raise LocalProtocolError(f"{field.name} must be one of {listed}, not {value!r}")

    return check


def number_between(low: float, high: float) -> Check:
    """Make a check that a value is a number from *low* to *high*, both included."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            kind = type(value).__name__
            raise LocalProtocolError(f"{field.name} must be a number, not {kind}")
        if not low <= value <= high:
            raise LocalProtocolError(f"{field.name} must be from {low} to {high}")

    return check


def whole_between(low: int, high: int) -> Check:
    """Make a check that a value is an int from *low* to *high*, both included."""
    in_range = number_between(low, high)

    def check(owner: object, field: attrs.Attribute[Any], value: object) -> None:
        in_range(owner, field, value)
        if not isinstance(value, int):
            raise LocalProtocolError(f"{field.name} must be a whole number")

    return check


def flag(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is True or False."""
    if not isinstance(value, bool):
        kind = type(value).__name__
        raise LocalProtocolError(f"{field.name} must be True or False, not {kind}")
