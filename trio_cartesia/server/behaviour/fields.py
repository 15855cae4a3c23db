"""The kinds of `Behaviour` fields: which values they take, and how text is parsed into one.

A value is checked whether it comes from Python or from text. An error names the field and the
allowed values, and does not repeat the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

__all__ = [
    "FieldSpec",
    "choice",
    "close_code",
    "field_specs",
    "flag",
    "integer",
    "number",
    "parse_changes",
]

_SPEC: Final = "trio_cartesia.field_spec"  # the key in a field's metadata
_FLAGS: Final = {"true": True, "false": False, "on": True, "off": False}
_CLOSE_CODES: Final = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
MAX_VALUE_CHARACTERS: Final = 100  # of a value in text


@attrs.frozen(kw_only=True)
class FieldSpec:
    """The allowed values of one field.

    Attributes:
        description: The allowed values in words, for messages and the reference.
        is_valid: Returns whether a value is allowed.
        parse: Converts text to a value, or raises `ValueError`.
        is_limit: Whether the field limits what the service holds or waits for. One request may
            lower a limit and not raise it.
    """

    description: str
    is_valid: Callable[[Any], bool]
    parse: Callable[[str], Any]
    is_limit: bool = False

    def error(self, name: str) -> ValueError:
        """Return the error for a value of the field *name* that is not allowed."""
        return ValueError(f"{name} must be {self.description}")


def _field(default: Any, spec: FieldSpec) -> Any:
    return attrs.field(default=default, validator=_check, metadata={_SPEC: spec})


def _check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    spec: FieldSpec = attribute.metadata[_SPEC]
    if not spec.is_valid(value):
        raise spec.error(attribute.name)


def choice(*choices: str | int) -> Any:
    """Return a field that is one of *choices*, by default the first."""
    words: Mapping[str, str | int] = {str(value): value for value in choices}
    *others, last = words
    spec = FieldSpec(
        description=f"{', '.join(others)} or {last}",
        is_valid=lambda value: type(value) in (str, int) and value in choices,
        parse=words.get,
    )
    return _field(choices[0], spec)


def flag(default: bool) -> Any:
    """Return a field that is true or false."""
    spec = FieldSpec(
        description="true or false",
        is_valid=lambda value: isinstance(value, bool),
        parse=_FLAGS.get,
    )
    return _field(default, spec)


def integer(default: int, *, low: int, high: int | None = None, is_limit: bool = False) -> Any:
    """Return a field that is an integer from *low* to *high*."""
    spec = FieldSpec(
        description=(
            f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
        ),
        is_valid=lambda value: (
            type(value) is int and low <= value and (high is None or value <= high)
        ),
        parse=int,
        is_limit=is_limit,
    )
    return _field(default, spec)


def number(default: float, *, is_limit: bool = False, is_positive: bool = False) -> Any:
    """Return a field that is a number of at least 0, or infinity."""
    spec = FieldSpec(
        description="a number above 0" if is_positive else "a number that is not below 0",
        is_valid=lambda value: (
            type(value) in (int, float) and (value > 0 if is_positive else value >= 0)
        ),
        parse=float,
        is_limit=is_limit,
    )
    return _field(default, spec)


def close_code(default: int) -> Any:
    """Return a field that is a code which a close frame may carry (RFC 6455 §7.4)."""
    spec = FieldSpec(
        description="a close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999",
        is_valid=lambda value: type(value) is int and value in _CLOSE_CODES,
        parse=int,
    )
    return _field(default, spec)


def field_specs(kind: type[attrs.AttrsInstance]) -> dict[str, FieldSpec]:
    """Return the specification of each field of *kind* by name."""
    return {field.name: field.metadata[_SPEC] for field in attrs.fields(kind)}


def parse_changes(values: attrs.AttrsInstance, text: str, *, keep_limits: bool) -> dict[str, Any]:
    """Parse changes to *values*, such as ``flush_id_base=0, late_input=ignore``.

    Args:
        values: The current values.
        text: Names and values; if a name is repeated, its last value counts.
        keep_limits: Whether limits may only be lowered.

    Raises:
        ValueError: There is no such field, or the value is not allowed.
    """
    specs = field_specs(type(values))
    found: dict[str, Any] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, is_pair, value = map(str.strip, item.partition("="))
        if not is_pair:
            raise ValueError("it is written as in 'flush_id_base=0, late_input=ignore'")
        if name not in specs:
            raise ValueError(f"there is no such field; there are {', '.join(specs)}")
        found[name] = _parse(name, value, specs[name])
        current = getattr(values, name)
        if keep_limits and specs[name].is_limit and found[name] > current:
            raise ValueError(f"{name} is a limit of this service: {current} at the most")
    return found


def _parse(name: str, text: str, spec: FieldSpec) -> Any:
    if len(text) > MAX_VALUE_CHARACTERS:
        raise spec.error(name)
    try:
        value = spec.parse(text)
    except ValueError:
        raise spec.error(name) from None
    if not spec.is_valid(value):
        raise spec.error(name)
    return value
