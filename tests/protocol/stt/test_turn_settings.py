"""Thresholds of turns, and the messages that carry them."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.stt.turn_settings import TurnSettings, write_config

RANGES = {
    "start_threshold": (0.5, 0.9),
    "eager_end_threshold": (0.3, 0.8),
    "end_threshold": (0.05, 0.5),
    "end_timeout_ms": (640, 11200),
}
THRESHOLDS = list(RANGES)[:3]

values = st.fixed_dictionaries(
    {}, optional={name: st.none() | st.floats(*limits) for name, limits in RANGES.items()}
)


def falls(settings):
    known = [settings[name] for name in THRESHOLDS if settings.get(name) is not None]
    return all(high > low for high, low in pairwise(known))


@given(values, values)
def test_thresholds_fall_at_first_and_after_each_change(first, change):
    """Whichever are given, now or before, start > eager end > end; an error names two of them."""
    merged = first | {name: value for name, value in change.items() if value is not None}
    try:
        updated = TurnSettings(**first).updated(TurnSettings(**change))
    except LocalProtocolError as error:
        assert re.search(r"_threshold \(.*\) must be greater than .*_threshold \(", str(error))
        assert not (falls(first) and falls(change) and falls(merged))
    else:
        assert falls(first)
        assert falls(change)
        assert falls(merged)
        assert updated == TurnSettings(**merged)


@pytest.mark.parametrize("name", RANGES)
def test_a_value_outside_of_its_range_is_refused(name):
    """Both limits are allowed, anything beyond them is refused, and so is what is no number."""
    low, high = RANGES[name]
    for value in (low, high):
        assert TurnSettings(**{name: value}).given() == {name: value}
    for value in (low - 0.01, high + 0.01, float("nan"), True, "0.5"):
        with pytest.raises(LocalProtocolError, match=name):
            TurnSettings(**{name: value})


@given(values.filter(falls))
def test_a_message_has_what_is_given_and_nothing_else(given):
    """No default of ours is sent; without a setting, there is no turn object (protocol §6a E12)."""
    settings = TurnSettings(**given)
    message = json.loads(write_config(settings))
    assert message.pop("type") == "config"
    known = {name: value for name, value in attrs.asdict(settings).items() if value is not None}
    assert message == ({"turn": known} if known else {})
