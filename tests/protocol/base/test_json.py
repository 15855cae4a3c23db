"""JSON and base64, read in two ways."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_cartesia._protocol.base.json import (
    decode_base64,
    loads,
    loads_quickly,
    plain_b64decode,
    plain_loads,
)

NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(2**63 - 3, 2**64 + 3).map(str),
    st.integers(-(2**64), -(2**63) + 3).map(str),
    st.floats().map(json.dumps),
    st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
)
STRINGS = st.one_of(
    st.text().map(json.dumps),
    st.lists(st.sampled_from(["\\ud83d", "\\uDE00", "\\u0041", "a"]), max_size=4).map(
        lambda parts: '"' + "".join(parts) + '"'
    ),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.recursive(
        NUMBERS | STRINGS | st.sampled_from(["null", "true"]),
        lambda inner: st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
    ),
)


def outcome(read, text):
    """What *read* makes of *text*, in a form that tells an int from a float."""
    try:
        return repr(read(text))
    except (ValueError, RecursionError):
        return "malformed"


@given(text=TEXTS)
@example("1e999")
@example("[-1e999, 1]")
@example("1" * 5000)
@example('"1e999\\ud800"')
@example(str(2**64))
@example(str(-(2**63) - 1))
def test_both_ways_read_the_same(text):
    """Any text, and its UTF-8, has the same value with orjson as without it, or has none."""
    expected = outcome(plain_loads, text)
    assert outcome(loads, text) == expected
    assert outcome(plain_loads, text.encode()) == outcome(loads, text.encode()) == expected
    assert outcome(loads_quickly, text.encode()) in (expected, "malformed")


@pytest.mark.parametrize("read", [loads, plain_loads])
def test_numbers_beyond_floats_are_infinite(read):
    """A number that is too large for a float does not make the message invalid."""
    assert read('{"a": 1e999, "b": -1e999}') == {"a": math.inf, "b": -math.inf}


@pytest.mark.parametrize("read", [loads, loads_quickly, plain_loads])
@pytest.mark.parametrize("data", [b'"\xff"', b'"\xed\xa0\x80"', '{"a": "b"}'.encode("utf-16")])
def test_bytes_are_utf_8(read, data):
    """JSON in any other encoding is malformed."""
    with pytest.raises(ValueError):  # noqa: PT011  # which one depends on the library
        read(data)


@given(data=st.binary(max_size=20) | st.from_regex(rb"[A-Za-z0-9+/=\n]{0,9}", fullmatch=True))
def test_base64_is_decoded_alike(data):
    """Strict base64 gives the same bytes in both ways, and anything else none."""

    def decoded(decode):
        try:
            return decode(memoryview(data))
        except ValueError:
            return None

    assert decoded(decode_base64) == decoded(plain_b64decode)
