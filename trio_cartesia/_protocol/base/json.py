"""Read JSON and base64: with orjson and pybase64, or with the standard library to the same effect.

The two ways differ where JSON leaves room (RFC 8259 §6, §8.2), and both read it alike here:

* A whole number that 64 bits do not hold becomes a float.
* A number that a float does not hold becomes an infinity. orjson refuses the whole text, so text
  that it refused and that has such a number is read again with the standard library.
* An escape that is half of a surrogate pair makes the text malformed.
* ``NaN`` and ``Infinity`` are not JSON.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from trio_cartesia._errors import RemoteProtocolError

__all__ = [
    "MAX_VALUES",
    "decode_base64",
    "has_too_many_values",
    "loads",
    "loads_quickly",
    "plain_b64decode",
    "plain_loads",
    "read_object",
]

MAX_VALUES: Final = 2**19  # of one message: its commas and brackets

_HUGE: Final = re.compile(r"[0-9]{300}|[eE]\+?[0-9]{3}")  # may be more than a float holds
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _whole(digits: str) -> int | float:
    if len(digits) > len(str(2**64)):
        return float(digits)
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


_read: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_whole).decode


def plain_loads(text: str | bytes | bytearray) -> Any:
    """Read JSON, with the standard library.

    Raises:
        ValueError: It is malformed, or not UTF-8.
        RecursionError: It is nested too deeply.
    """
    if not isinstance(text, str):
        text = text.decode()
    value = _read(text)
    if _SURROGATE.search(text) is not None:
        json.dumps(value, ensure_ascii=False).encode()  # raises where one is not half of a pair
    return value


def plain_b64decode(data: str | memoryview) -> bytes:
    """Decode standard base64, with the standard library; nothing is skipped or repaired."""
    decoded = binascii.a2b_base64(data, strict_mode=True)
    if len(data) != (len(decoded) + 2) // 3 * 4:
        raise ValueError("superfluous padding")  # which Python 3.11 takes
    return decoded


loads: Callable[[str | bytes], Any] = plain_loads
loads_quickly: Callable[[bytes], Any] = plain_loads  # refuses some numbers: `loads` decides then
decode_base64: Callable[[str | memoryview], bytes] = plain_b64decode

try:
    import orjson
    import pybase64
except ImportError:
    pass  # not CPython: the standard library does the same, only slower
else:
    loads_quickly = orjson.loads
    _b64decode: Final = pybase64.b64decode

    def decode_base64(data: str | memoryview) -> bytes:
        """Decode standard base64; nothing is skipped or repaired."""
        return _b64decode(data, None, True)  # keywords would take half as long again

    def loads(text: str | bytes) -> Any:
        """Read JSON; raises as `plain_loads` does."""
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            plain = text if isinstance(text, str) else text.decode()
            if _HUGE.search(plain) is None:
                raise
        return plain_loads(plain)


def read_object(text: str | bytes) -> dict[str, Any]:
    """Read one message of the service.

    Raises:
        RemoteProtocolError: It is not a JSON object, or may have more than `MAX_VALUES` values.
            Nothing of it is quoted.
    """
    if has_too_many_values(text):
        raise RemoteProtocolError(f"a message of {len(text)} characters has too many values")
    fields: Any = None
    with suppress(ValueError, RecursionError):  # they hold the message, so they end here
        fields = loads(text)
    if not isinstance(fields, dict):
        raise RemoteProtocolError(f"a message of {len(text)} characters is not a JSON object")
    return fields


def has_too_many_values(text: str | bytes) -> bool:
    """Return whether *text* might become more than `MAX_VALUES` objects.

    Each of them takes up to thirty times the memory of its text: empty arrays, for one.
    """
    if len(text) <= MAX_VALUES:
        return False
    if isinstance(text, str):
        return text.count(",") + text.count("[") + text.count("{") > MAX_VALUES
    return text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES
