"""What faults there are, how they are written, and that each is felt by one connection alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.raw import Raw, service
from tests.server.support import (
    TWO_SENTENCES,
    audio,
    generation,
    kinds,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import FAULTS, Fault
from trio_cartesia.server.faults.faults import RANGES, REQUIRED

PAGE = Path(__file__).parents[3] / "docs/how-to/faults.md"
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "at_frame": st.integers(1, 12),
    "at_byte": st.integers(0, 100_000),
    "context_id": st.sampled_from(["a", "b", "two words", "ü,ö"]),
    "code": st.integers(0, 65_535),
    "reason": st.text(st.characters(codec="ascii", exclude_characters='"'), max_size=50),
    "status": st.integers(200, 599),
    "seconds": st.sampled_from([0.0, 0.001, 0.5, 60.0]),
    "bytes_per_second": st.sampled_from([1.0, 1234.5, 1e6]),
    "size_bytes": st.integers(1, 200_000),
    "count": st.integers(1, 5),
}


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    name = draw(st.sampled_from(sorted(FAULTS)))
    given = {
        field: draw(VALUES[field])
        for field, default in FAULTS[name].defaults.items()
        if default is REQUIRED or field == "size_bytes" or draw(st.booleans())
    }
    if name == "drip":  # or it takes for ever, if not in virtual time
        given |= {"seconds": 0.01, "size_bytes": 500}
    if name == "fragmented_frame":
        given |= {"size_bytes": max(50, given["size_bytes"])}
    if "at_byte" in given:
        given = {key: given[key] for key in given if key not in ("at_frame", "context_id")}
    return Fault(name=name, **given)


def written(fault: Fault) -> str:
    fields = {field: getattr(fault, field) for field in RANGES}
    words = [f'{key}="{value}"' for key, value in fields.items() if value is not None]
    return " ".join([fault.name, *words])


@given(st.lists(faults(), max_size=5))
def test_a_fault_can_be_written(asked: list[Fault]) -> None:
    """Any faults come back from the text that writes their parameters out."""
    assert Fault.read(" , ".join(map(written, asked))) == tuple(asked)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    """A text means faults, or a `ValueError`."""
    try:
        assert all(isinstance(fault, Fault) for fault in Fault.read(text))
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"name": "no"}, ValueError, "no fault is called 'no'; there are reset, fin,"),
        ({"name": "close", "status": 1}, ValueError, "close has no status; it takes at_frame, "),
        ({"name": "latency"}, ValueError, "latency needs seconds"),
        ({"name": "close", "code": "1000"}, TypeError, "close: code must be a whole number"),
        ({"name": "close", "code": True}, TypeError, "close: code must be a whole number"),
        ({"name": "close", "reason": 1}, TypeError, "close: reason must be a string"),
        ({"name": "close", "reason": "é" * 62}, ValueError, "reason has more than 123 bytes"),
        ({"name": "close", "code": 65_536}, ValueError, "code must be between 0 and 65,535"),
        ({"name": "stall", "seconds": float("nan")}, ValueError, "seconds must be between"),
        ({"name": "stall", "at_frame": 0}, ValueError, "at_frame must be between 1"),
        ({"name": "stall", "at_byte": 0, "context_id": "a"}, ValueError, "at_byte goes with"),
        ({"name": "drip", "size_bytes": 0}, ValueError, "size_bytes must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: Any, error: Any, words: str) -> None:
    """A fault is checked where it is made, and the error says what is wrong with which
    parameter.
    """
    with pytest.raises(error, match=re.escape(words)):
        Fault(**fields)


def test_the_page_has_the_table() -> None:
    """The page on faults lists each one with its parameters, in the words of the code."""
    page = PAGE.read_text()
    for name, kind in FAULTS.items():
        shown = [
            f"`{field}`" if default in (None, REQUIRED, "") else f"`{field}={default}`"
            for field, default in kind.defaults.items()
        ]
        assert f"| `{name}` | {kind.summary} | {', '.join(shown)} |" in page
    assert page.count("\n| `") == len(FAULTS)


async def speak(raw: Raw, names: str) -> None:
    """Have something spoken in each of these contexts, and read until they are done."""
    for name in names:
        await raw.send(generation(name, TWO_SENTENCES))
    while kinds(raw.messages).count("done") < len(names):
        data = await raw.stream.receive_some(65536)
        assert data
        raw.received += bytes(data)


async def speak_through_faults(raw: Raw) -> None:
    """Have something spoken, whatever comes of it."""
    try:
        for name in "ab":
            await raw.send(generation(name, TWO_SENTENCES))
    except trio.BrokenResourceError:
        return
    await raw.read_until_end(30)


@pytest.mark.slow
@given(st.lists(faults(), min_size=1, max_size=3))
@on_virtual_time
async def test_a_fault_is_felt_by_one_connection(asked: list[Fault]) -> None:
    """Whatever one connection asks for, the others hear the bytes that they hear without it."""
    header = ", ".join(map(written, asked)).encode().decode("latin-1")
    expected = await tones(TWO_SENTENCES)
    async with service("memory") as place, trio.open_nursery() as nursery:
        before = await place.connect()
        sick = await place.dial()
        await sick.send_handshake("/tts/websocket", ("X-Fault", header))
        nursery.start_soon(speak_through_faults, sick)
        after = await place.connect()
        async with trio.open_nursery() as healthy:
            for raw in (before, after):
                healthy.start_soon(speak, raw, "xy")
        for raw in (before, after):
            assert all(audio(raw.messages, name) == expected for name in "xy")
            assert not raw.rest
        nursery.cancel_scope.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_no_fault_delays_the_end_of_the_server(transport: str) -> None:
    """With a connection under each fault the server stops within a second; the others were
    served.
    """
    async with trio.open_nursery() as nursery:
        async with service(transport) as place:
            for name, kind in FAULTS.items():
                needed = [
                    f"{field}={1 if field == 'seconds' else 1000}"
                    for field, default in kind.defaults.items()
                    if default is REQUIRED
                ]
                sick = await place.dial()
                fault = " ".join([name, *needed])
                await sick.send_handshake("/tts/websocket", ("X-Fault", fault))
                nursery.start_soon(speak_through_faults, sick)
            healthy = await place.connect()
            await speak(healthy, "xyz")
            for name in "xyz":
                assert audio(healthy.messages, name) == await tones(TWO_SENTENCES)
            nursery.cancel_scope.cancel()
            started = trio.current_time()
        assert transport != "memory" or trio.current_time() == started


def test_faults_are_values() -> None:
    """A fault with its defaults written out is the same fault, and a small change makes another."""
    fault = Fault(name="close")
    assert fault == Fault(name="close", at_frame=1, code=1011, reason="")
    assert hash(fault) == hash(attrs.evolve(fault))
    assert fault != attrs.evolve(fault, code=1012)
    assert repr(fault) == "Fault(name='close', at_frame=1, code=1011, reason='')"
