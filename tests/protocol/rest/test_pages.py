"""The way from page to page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.rest.pages import Cursor, Page


def page(cursor: int) -> Page[object]:
    return Page(data=({},), next_page=f"cursor {cursor}")


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_circle_of_pages_is_found(before, circle):
    """Wherever it begins, and however long it is: within three times the pages up to its end."""
    cursor, pages = Cursor(is_backwards=False), before + circle
    with pytest.raises(RemoteProtocolError, match="does not end"):
        for turn in range(3 * pages + 1):
            cursor.follow(page(turn if turn < pages else before + (turn - before) % circle))
    assert turn >= pages


@given(st.lists(st.integers(), unique=True, max_size=200))
def test_a_list_is_followed_to_its_end(numbers):
    """However long it is."""
    cursor = Cursor(is_backwards=False)
    for number in numbers:
        cursor.follow(page(number))
        assert cursor.value == f"cursor {number}"
        assert not cursor.has_ended
    cursor.follow(Page(data=({},)))
    assert cursor.has_ended
