"""Responses become values, and values become JSON."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import LocalProtocolError, RemoteProtocolError, types
from trio_cartesia._protocol.rest.reading import read, read_json, to_wire
from trio_cartesia._protocol.rest.records import wire_name

RECORDS = sorted(
    (
        kind
        for kind in vars(types).values()
        if inspect.isclass(kind) and attrs.has(kind) and "extra" in attrs.fields_dict(kind)
        and kind is not types.Page
    ),
    key=lambda kind: kind.__name__,
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def member(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the JSON of a member of this type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if inspect.isclass(kind) and attrs.has(kind):
        return members(kind)
    if origin is tuple:
        return st.lists(member(arguments[0]), max_size=2)
    if origin is get_origin(Mapping[str, object]):
        return st.dictionaries(st.text(max_size=3), VALUES, max_size=2)
    if type(None) in arguments:
        return st.none() | st.one_of(member(each) for each in arguments if each is not type(None))
    return st.text(max_size=5)  # an open enumeration


SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-99, 99),
    bool: st.booleans(),
    object: VALUES,
}


def members(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the JSON of a record, with members that nobody knows if it keeps them;
    events of a WebSocket, such as the words of a transcript, do not.
    """
    hints = get_type_hints(kind)
    known = {
        wire_name(field): member(hints[field.name])
        for field in attrs.fields(kind)
        if field.name != "extra"
    }
    if "extra" not in attrs.fields_dict(kind):
        return st.fixed_dictionaries(known)
    return st.builds(
        lambda more, have: more | have,
        st.dictionaries(st.text(max_size=3).map("x_{}".format), VALUES, max_size=2),
        st.fixed_dictionaries(known),
    )


def without_null(value: object, kind: Any) -> Any:
    """Leave out members that are null and known, as writing does."""
    if isinstance(value, dict) and inspect.isclass(kind) and attrs.has(kind):
        hints = get_type_hints(kind)
        known = {wire_name(field): hints[field.name] for field in attrs.fields(kind)}
        return {
            name: without_null(each, known.get(name))
            for name, each in value.items()
            if each is not None or name not in known
        }
    if isinstance(value, list):
        kinds = [each for one in (kind, *get_args(kind)) for each in get_args(one)]
        item = next((each for each in kinds if inspect.isclass(each) and attrs.has(each)), None)
        return [without_null(each, item) for each in value]
    nested = [each for each in get_args(kind) if inspect.isclass(each) and attrs.has(each)]
    return without_null(value, nested[0]) if nested and isinstance(value, dict) else value


@given(kind=st.sampled_from(RECORDS), data=st.data())
def test_a_record_keeps_all_that_came(kind, data):
    """Known members, unknown ones and unknown values of enumerations: writing what was read gives
    what came.
    """
    value = data.draw(members(kind))
    record = read(value, kind)
    assert to_wire(record, "record") == without_null(value, kind)
    assert read(to_wire(record, "record"), kind) == record


@given(kind=st.sampled_from(RECORDS), value=VALUES)
def test_anything_else_is_an_error_of_ours(kind, value):
    """Whatever JSON came, it is read or refused, and a refusal does not quote it."""
    try:
        read(value, kind)
    except RemoteProtocolError as error:
        assert error.__cause__ is None
        assert error.__context__ is None


def test_names_of_python_are_not_those_of_the_wire():
    """Camel case and reserved words are renamed."""
    result = read({"id": "r", "agentId": "a", "jsonResult": {"x": 1}}, types.MetricResult)
    assert (result.agent_id, result.json_result) == ("a", {"x": 1})
    assert read({"from": "1", "to": "2"}, types.TelephonyParams).from_ == "1"


def test_no_repr_shows_secrets_or_speech():
    """Tokens, transcripts and summaries are shown by their size."""
    canary = "canary"
    turn = {"role": "user", "text": canary, "text_chunks": [{"text": canary, "start_timestamp": 0}]}
    call = {"id": "c", "agent_id": "a", "summary": canary, "transcript": [turn], "x": canary}
    shown = [
        read({"token": canary}, types.AccessToken),
        read(call, types.AgentCall),
        read(turn, types.AgentTranscript),
        read({"id": "r", "result": canary, "value": canary}, types.MetricResult),
    ]
    assert canary not in repr(shown)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN"])
def test_a_body_that_is_no_json_is_an_error(body):
    """The error says its size alone."""
    with pytest.raises(RemoteProtocolError, match=f"{len(body)} bytes"):
        read_json(body)


def test_a_response_of_very_many_values_is_refused():
    """They would take thirty times the memory of their text."""
    with pytest.raises(RemoteProtocolError, match="too many values"):
        read_json(b"[" + b"[]," * 2**19 + b"[]]")


@pytest.mark.parametrize("value", [b"bytes", object(), {1: 2}, [{"a": {1j}}], "\ud800"])
def test_values_that_json_cannot_carry_are_errors(value):
    """They name the parameter."""
    with pytest.raises(LocalProtocolError, match="the_name"):
        to_wire(value, "the_name")
