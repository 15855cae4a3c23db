"""Read and check the fields of a JSON object.

``null`` means "not set" (protocol §2.2.1). Messages name the field and its allowed values;
they never repeat the value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import attrs

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.catalogue.voices import VoiceEntry, find_voice
from trio_cartesia.server.messages.errors import APIError, invalid

__all__ = ["MAX_ID_CHARACTERS", "Dialect", "Fields", "read_body", "read_object"]

MAX_ID_CHARACTERS: Final = 1024  # characters of an id, which may be kept for long


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
    """The version and behaviour that a request is read by.

    Attributes:
        version: The API version; one that does not exist counts as the current one.
        behaviour: The readings of the protocol in effect.
        find_voice: Returns the voice with an id, if the account can use one.
        find_pronunciations: Returns the items of a dictionary, if the account has it.
    """

    version: str = CURRENT_VERSION
    behaviour: Behaviour = attrs.field(factory=Behaviour)
    find_voice: Callable[[str], VoiceEntry | None] = find_voice
    find_pronunciations: Callable[[str], tuple[Pronunciation, ...] | None] = lambda _: None


@attrs.frozen
class Fields:
    """Typed access to the fields of one JSON object.

    Attributes:
        path: The path of the object in messages, such as ``output_format.``; empty at the top.
        context_id: The context that errors belong to.
        dialect: The version and behaviour that the object is read by.
    """

    values: Mapping[str, Any]
    path: str = ""
    context_id: str | None = None
    dialect: Dialect = attrs.field(factory=Dialect)

    def field_error(self, name: str, expected: str) -> APIError:
        """Return the error for a field *name* that is not *expected*, as in "an integer"."""
        return APIError(invalid(f"{self.path}{name} must be {expected}."), self.context_id)

    def text(self, name: str, *, required: bool = False, longest: int | None = None) -> str | None:
        """Return a string of at most *longest* characters, which may be empty."""
        value = self.values.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str):
            raise self.field_error(name, "a string")
        if longest is not None and len(value) > longest:
            raise self.field_error(name, f"a string of {longest} characters at most")
        return value

    def nonempty_text(self, name: str) -> str:
        """Return a required string that is not empty and not longer than an id may be."""
        value = self.text(name, required=True, longest=MAX_ID_CHARACTERS)
        if not value:
            raise self.field_error(name, "a string that is not empty")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.field_error(name, "true or false")
        return value

    def number(
        self, name: str, *, low: float, high: float, default: float, may_clamp: bool = False
    ) -> float:
        """Return a number from *low* to *high*.

        Others are refused, or moved into the range if *may_clamp* and the behaviour allow that.
        """
        value = self.values.get(name)
        if value is None:
            return default
        if type(value) not in (int, float):
            raise self.field_error(name, "a number")
        if not low <= value <= high:
            if not may_clamp or self.dialect.behaviour.range_errors == "error":
                raise self.field_error(name, f"between {low} and {high}")
            value = min(max(value, low), high)
        return float(value)

    def integer(
        self, name: str, *, low: int, high: int, default: int, may_clamp: bool = False
    ) -> int:
        """Return a `number` that is an integer."""
        value = self.values.get(name)
        if value is not None and type(value) is not int:
            raise self.field_error(name, f"an integer from {low} to {high}")
        return int(self.number(name, low=low, high=high, default=default, may_clamp=may_clamp))

    def choice(self, name: str, choices: Collection[Any], *, required: bool = False) -> Any:
        """Return one of *choices*, which are of one type."""
        value = self.values.get(name)
        if value is None and not required:
            return None
        kinds = {type(choice) for choice in choices}
        if type(value) not in kinds or value not in choices:
            raise self.field_error(name, "one of " + ", ".join(map(str, choices)))
        return value

    def inner(self, name: str, *, required: bool = False) -> Fields:
        """Return the object under *name*, empty if it is not set."""
        value = self.values.get(name)
        if value is None and not required:
            value = {}
        if not isinstance(value, dict):
            raise self.field_error(name, "an object")
        return attrs.evolve(self, values=value, path=f"{self.path}{name}.")
