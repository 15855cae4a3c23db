"""What a reading of the protocol may be, and how it is written."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server import Behaviour
from trio_cartesia.server.behaviour.fields import FieldSpec, field_specs

FIELDS = field_specs(Behaviour)
DEFAULTS = {field.name: field.default for field in attrs.fields(Behaviour)}

# protocol §7.1: rows whose readings are fields, and the fields
ROWS = {
    1: ("flush_id_base", "flush_id_always"),
    2: ("auto_flush_done",),
    3: ("timestamps_first",),
    4: ("times_per_segment",),
    5: ("done_status",),
    6: ("cancel_ends_with",),
    7: ("cancel_trailing_chunks",),
    8: ("cancel_unknown",),
    9: ("late_input", "remembered_contexts"),
    11: ("strict_context_fields",),
    12: ("empty_context", "wordless_start"),
    13: ("empty_input",),
    14: ("empty_flush",),
    16: ("buffer_timer",),
    17: ("expiry_seconds", "expiry_done"),
    18: ("done_after_error",),
    19: ("close_on_error",),
    20: ("error_without_context",),
    21: ("limit_error_has_context",),
    22: ("ping_resets_idle",),
    23: ("idle_seconds", "idle_close"),
    24: ("chunk_bytes", "max_message_bytes", "max_waiting_characters"),
    26: ("range_errors",),
    27: ("deflate",),
    29: ("misaligned_chunks",),
    30: ("accept_mode",),
    32: ("normalized_default",),
}
# protocol §7.2, likewise
TRANSCRIPTION_ROWS = {
    1: ("flush_done_first",),
    3: ("coalesce_flush",),
    4: ("stt_close",),
    5: ("bad_query", "bad_turns_query"),
    6: ("stt_idle_seconds",),
    7: ("config_invalid",),
    8: ("empty_turn_end",),
    10: ("end_on_close",),
    11: ("drop_before_connected",),
    12: ("ink2_words",),
}
LIMITS = {
    "stt_idle_seconds",
    "idle_seconds",
    "max_message_bytes",
    "max_waiting_characters",
    "remembered_contexts",
}


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_of(spec: FieldSpec) -> list[Any]:
    """Some values that a field may have, its choices all of them."""
    numbers = [0, 1, 2, 4, 206, 200, 403, 404, 413, 400, 1000, 3000, 65536, 0.5, math.inf]
    words = [word.strip(",") for word in spec.description.split()]
    return [value for value in [True, False, *numbers, *words] if spec.is_valid(value)]


def test_every_open_row_has_its_field() -> None:
    """Each row that names a knob is in the class's documentation, beside the fields that are it."""
    doc = inspect.cleandoc(Behaviour.__doc__ or "")  # compilers since 3.13 do so, others do not
    entries = dict(part.split(":", 1) for part in split_entries(doc))
    assert set(entries) == set(FIELDS)
    for letter, rows in (("T", ROWS), ("S", TRANSCRIPTION_ROWS)):
        for row, names in rows.items():
            for name in names:
                assert re.search(rf"[(]{letter}{row}[,)]|{letter}{row}[)]", entries[name]), name


def split_entries(doc: str) -> list[str]:
    lines = doc.partition("Attributes:\n")[2].splitlines()
    entries: list[str] = []
    for line in lines:
        if line.startswith("    ") and not line.startswith("     "):
            entries.append(line.strip())
        elif line.strip():
            entries[-1] += f" {line.strip()}"
    return entries


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_read_from_text(name: str) -> None:
    """Whatever a field may be can be written, and changes that field alone."""
    values = values_of(FIELDS[name])
    assert len(values) >= 2
    for value in values:
        changed = Behaviour().with_text(f" {name} = {written(value)} ")
        assert changed == Behaviour(**{name: value})
        assert type(getattr(changed, name)) is type(value) or isinstance(value, (int, float))
        rest = {**attrs.asdict(changed), name: DEFAULTS[name]}
        assert rest == DEFAULTS


@pytest.mark.slow
@pytest.mark.parametrize("name", FIELDS)
@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8))
def test_what_a_field_may_not_be_is_refused(name: str, value: Any) -> None:
    """A value that does not fit is refused, in Python and in text, with the field and what it may
    be.
    """
    spec = FIELDS[name]
    if spec.is_valid(value):
        assert getattr(Behaviour(**{name: value}), name) == value
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Behaviour(**{name: value})
    assert str(caught.value) == f"{name} must be {spec.description}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("late_input", "it is written as in 'flush_id_base=0, late_input=ignore'"),
        ("late_input=sometimes", "late_input must be error, new_context or ignore"),
        ("done_status=201", "done_status must be 206 or 200"),
        ("done_status=", "done_status must be 206 or 200"),
        ("deflate=1", "deflate must be true or false"),
        ("flush_id_base=-1", "flush_id_base must be an integer from 0 to 1048576"),
        ("flush_id_base=0.5", "flush_id_base must be an integer from 0 to 1048576"),
        ("chunk_bytes=3", "chunk_bytes must be an integer from 4 to 65536"),
        ("expiry_seconds=nan", "expiry_seconds must be a number that is not below 0"),
        ("times_real_time=0", "times_real_time must be a number above 0"),
        ("idle_seconds=" + "9" * 5000, "idle_seconds must be a number that is not below 0"),
        ("idle_close=1006", "idle_close must be a close code: 1000 to 1003, 1007 to 1014 or"),
        ("flush_id_base=0, flsh=1", f"there is no such field; there are {', '.join(FIELDS)}"),
    ],
)
def test_text_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    """The message names the field and what it may be, and repeats nothing of what was asked."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Behaviour().with_text(text)
    assert str(caught.value).startswith(message)


def test_many_fields_are_written_together() -> None:
    """Blanks do not matter, the last of several values counts, and so do words for yes and no."""
    text = "flush_id_base=0,,deflate = on , flush_id_base=3,\ttimestamps_first=off"
    assert Behaviour().with_text(text) == Behaviour(flush_id_base=3, deflate=True)
    assert Behaviour().with_text(" ") == Behaviour()
    assert Behaviour(done_status=200).with_text("deflate=true").done_status == 200


@pytest.mark.parametrize("name", FIELDS)
def test_a_request_may_lower_limits_and_not_raise_them(name: str) -> None:
    """What the service holds or waits for at the most is a bound for what a request may ask."""
    service = Behaviour(idle_seconds=10, max_message_bytes=10, max_waiting_characters=10)
    service = attrs.evolve(service, remembered_contexts=10, stt_idle_seconds=10)
    if name not in LIMITS:
        value = values_of(FIELDS[name])[-1]
        assert getattr(service.with_overrides(f"{name}={written(value)}"), name) == value
        return
    assert getattr(service.with_overrides(f"{name}=9"), name) == 9
    with pytest.raises(ValueError, match=f"{name} is a limit of this service: 10 at the most"):
        service.with_overrides(f"{name}=11")
    assert getattr(service.with_text(f"{name}=11"), name) == 11


@pytest.mark.parametrize("name", FIELDS)
def test_the_page_has_every_field(name: str) -> None:
    """The reference has a row for each field, with its default and what it may be."""
    page = (Path(__file__).parents[3] / "docs/reference/behaviour.md").read_text()
    default = DEFAULTS[name]
    shown = f"{default:g}" if isinstance(default, float) else written(default)
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` | ")]
    assert row.startswith(f"| `{name}` | `{shown}` | {FIELDS[name].description} | ")
    assert ("*limit*" in row) == (name in LIMITS)
