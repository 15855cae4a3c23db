"""Reading the fields of a JSON object, each with its type and its range.

``null`` means "not set" (protocol §2.2.1). Messages name the field and what it may be; they never
repeat what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

import attrs

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.messages.errors import APIError, invalid

__all__ = ["MAX_NAME", "Dialect", "Fields", "read_body", "read_object"]

MAX_NAME: Final = 1024  # characters of an id, which may be kept for long


def read_object(text: str) -> Mapping[str, Any]:
    """Parse a JSON object.

    Raises:
        APIError: It is not one.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise APIError(invalid("The message is not valid JSON.")) from error
    if not isinstance(value, dict):
        raise APIError(invalid("The message is not a JSON object."))
    return value


def read_body(body: bytes) -> Mapping[str, Any]:
    """Parse the JSON object that is the body of a request.

    Raises:
        APIError: It is not one.
    """
    try:
        return read_object(body.decode())
    except UnicodeDecodeError as error:
        raise APIError(invalid("The body is not UTF-8.")) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@attrs.frozen(kw_only=True)
class Dialect:
    """What decides how a request is to be understood.

    Attributes:
        version: The API version; one that does not exist counts as the current one.
        behaviour: How the service reads what the protocol leaves open.
    """

    version: str = CURRENT_VERSION
    behaviour: Behaviour = attrs.field(factory=Behaviour)


@attrs.frozen
class Fields:
    """One JSON object under the reader's eyes.

    Attributes:
        path: Where the object is, for messages: ``output_format.`` or nothing at the top.
        context_id: The context that refusals belong to.
        dialect: How the object is to be understood.
    """

    values: Mapping[str, Any]
    path: str = ""
    context_id: str | None = None
    dialect: Dialect = attrs.field(factory=Dialect)

    def refuse(self, name: str, wants: str) -> APIError:
        """Return the exception that says that *name* must be what it *wants*."""
        return APIError(invalid(f"{self.path}{name} must be {wants}."), self.context_id)

    def text(self, name: str, *, required: bool = False, longest: int | None = None) -> str | None:
        """Return a string that may be empty, and has *longest* characters at most."""
        value = self.values.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str):
            raise self.refuse(name, "a string")
        if longest is not None and len(value) > longest:
            raise self.refuse(name, f"a string of {longest} characters at most")
        return value

    def nonempty_text(self, name: str) -> str:
        """Return a string that is there, not empty, and as short as an id."""
        value = self.text(name, required=True, longest=MAX_NAME)
        if not value:
            raise self.refuse(name, "a string that is not empty")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.refuse(name, "true or false")
        return value

    def number(
        self, name: str, *, low: float, high: float, default: float, may_clamp: bool = False
    ) -> float:
        """Return a number from *low* to *high*, or the nearest if the service clamps."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(name, "a number")
        if not low <= value <= high:
            if not may_clamp or self.dialect.behaviour.range_errors == "error":
                raise self.refuse(name, f"between {low} and {high}")
            value = min(max(value, low), high)
        return float(value)

    def whole(
        self, name: str, *, low: int, high: int, default: int, may_clamp: bool = False
    ) -> int:
        """Return an integer from *low* to *high*, or the nearest if the service clamps."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(name, f"an integer from {low} to {high}")
        return int(self.number(name, low=low, high=high, default=default, may_clamp=may_clamp))

    def choice(self, name: str, choices: Collection[Any], *, required: bool = False) -> Any:
        """Return one of *choices*, which are of one type."""
        value = self.values.get(name)
        if value is None and not required:
            return None
        kinds = {type(choice) for choice in choices}
        if type(value) not in kinds or value not in choices:
            raise self.refuse(name, "one of " + ", ".join(map(str, choices)))
        return value

    def inner(self, name: str, *, required: bool = False) -> Fields:
        """Return the object under *name*, empty if it is not set."""
        value = self.values.get(name)
        if value is None and not required:
            value = {}
        if not isinstance(value, dict):
            raise self.refuse(name, "an object")
        return Fields(value, f"{self.path}{name}.", self.context_id, self.dialect)
