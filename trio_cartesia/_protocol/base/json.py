"""JSON and base64: orjson and pybase64 where they are installed, the standard library elsewhere.

Both ways take and refuse the same texts; a property test holds them to it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

__all__ = ["decode_base64", "loads", "read_json"]


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def plain_loads(text: str | bytes) -> Any:
    """Read JSON with the standard library, as strictly as orjson but for numbers beyond a float's.

    Those are infinite. It has no constants that JSON does not have, and no lone surrogates, which
    could not be written anywhere.
    """
    value = json.loads(text, parse_constant=_refuse_constant)
    if ("\\u" if isinstance(text, str) else b"\\u") in text:  # type: ignore[operator]
        json.dumps(value, ensure_ascii=False).encode()
    return value


def plain_read_json(data: bytes | bytearray) -> Any:
    """Read JSON that must be UTF-8, with the standard library, which would take more."""
    return plain_loads(data.decode())


def plain_b64decode(data: str | memoryview) -> bytes:
    """Decode standard base64 with the standard library; nothing else is skipped or repaired."""
    return base64.b64decode(data, validate=True)


read_json: Callable[[bytes | bytearray], Any] = plain_read_json
decode_base64: Callable[[str | memoryview], bytes] = plain_b64decode

try:
    import orjson
    import pybase64
except ImportError:  # not CPython: the standard library does the same, only slower
    loads = plain_loads
else:
    read_json = orjson.loads

    def loads(text: str | bytes) -> Any:
        """Read JSON, even with a number that orjson refuses: whoever reads that field judges it."""
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return plain_loads(text)

    decode_base64 = partial(pybase64.b64decode, validate=True)  # fast only when strict
