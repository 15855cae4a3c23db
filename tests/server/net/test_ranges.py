from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.net.ranges import requested_range
from trio_cartesia.server.net.requests import HTTPError, Request

NUMBERS = st.integers(0, 30)


def asked(value: str, **others: str) -> Request:
    return Request(method="GET", path="/", headers={"range": value, **others})


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["{}-{}", "{}-", "-{}"]))
def test_a_range_is_within_the_whole(size: int, first: int, last: int, form: str) -> None:
    """A range has the bytes that it names and that exist; without any of them it is a 416."""
    request = asked("bytes=" + form.format(first, last))
    if form == "-{}":
        wanted = set(range(size)[max(0, size - first) :])
    else:
        stop = last + 1 if form == "{}-{}" else size
        wanted = set(range(first, min(size, stop)))
    if form == "{}-{}" and last < first:
        assert requested_range(request, size) is None
    elif wanted:
        assert set(requested_range(request, size) or ()) == wanted
    else:
        with pytest.raises(HTTPError) as caught:
            requested_range(request, size)
        assert caught.value.status == 416
        assert caught.value.headers == (("content-range", f"bytes */{size}"),)


@pytest.mark.parametrize("value", ["", "bytes", "bytes=", "bytes=-", "bytes=0-1,3-4", "lines=0-1"])
def test_other_ranges_are_the_whole(value: str) -> None:
    """Several ranges, other units, and a condition that cannot be checked mean the whole."""
    assert requested_range(asked(value), 10) is None
    assert requested_range(asked("bytes=0-1", **{"if-range": "today"}), 10) is None
