"""Every fault, reading and step, with every operation (docs/reference/fault-matrix.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_type_hints

import attrs
import pytest
import trio

from tests.matrix.cancelling import amid_faults, cancel_at_each_step
from tests.matrix.operations import OPERATIONS, SETTINGS, SITUATIONS, TEXT
from tests.matrix.page import PAGE, page
from tests.matrix.readings import READINGS
from tests.matrix.scene import Scene, play
from tests.matrix.table import FAULTS, KEEPALIVE_BOUND, WITHOUT_FAST_PATH, Row, Whose
from trio_cartesia import ConnectionLost
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia.server import FAULTS as FAULT_KINDS
from trio_cartesia.server import Behaviour, open_server
from trio_cartesia.testing import connect_in_memory, on_virtual_time


def failures(row: Row, names: tuple[str, ...]) -> list[str]:
    """Play a row with each operation; return what was wrong, so that one cell hides no other."""
    found = []
    for name in names:
        try:
            on_virtual_time(play)(row, name)
        except AssertionError as error:
            found.append(f"{name}: {error}")
        except BaseExceptionGroup as group:
            found.append(f"{name}: {group.exceptions!r}")
    return found


def diagonal() -> Iterator[tuple[Row, str]]:
    """Yield the first row of each kind of fault, and each reading, with one of its operations, the
    next for each row.
    """
    kinds = {row.fault.split()[0]: row for row in reversed(FAULTS)}
    for number, row in enumerate((*reversed(kinds.values()), *READINGS)):
        names = row.only or tuple(OPERATIONS)
        yield row, names[number % len(names)]


@pytest.mark.parametrize(
    ("row", "name"), [pytest.param(*cell, id=f"{cell[0].name}-{cell[1]}") for cell in diagonal()]
)
def test_one_operation_per_row(row, name):
    """Each kind of fault and each behaviour has the effect in its row, with one operation; the
    marked tests below run every row with all.
    """
    assert failures(row, (name,)) == []


@pytest.mark.matrix
@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.name)
def test_faults(row):
    """Whatever fault strikes, each operation ends in time, with the exception of its row, and harms
    nobody who is not in the row; and nothing is left.
    """
    assert failures(row, row.only or tuple(OPERATIONS)) == []


@pytest.mark.matrix
@pytest.mark.parametrize("row", WITHOUT_FAST_PATH, ids=lambda row: row.name)
def test_faults_without_the_fast_path(row, monkeypatch):
    """The same holds where trio-websocket reads every frame. Some of the faults will do, since a
    property (`test_fast_path`) holds both ways to the same events.
    """
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", False)
    assert failures(row, tuple(OPERATIONS)) == []


@pytest.mark.matrix
@pytest.mark.parametrize("row", READINGS, ids=lambda row: row.name)
def test_readings(row):
    """However the service reads what the protocol leaves open, each operation does what its row
    says.
    """
    assert failures(row, row.only or (*OPERATIONS, *SITUATIONS)) == []


@pytest.mark.matrix
@pytest.mark.parametrize("name", OPERATIONS)
@on_virtual_time
async def test_cancelled_at_each_step(name):
    """Whatever step an operation is cancelled at, nothing is left of it, and the connection goes
    on.
    """
    assert await cancel_at_each_step(name) > 1


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("row", "name"), [pytest.param(*cell, id=f"{cell[0].name}-{cell[1]}") for cell in amid_faults()]
)
@on_virtual_time
async def test_cancelled_amid_a_fault(row, name):
    """Whatever step an operation is cancelled at while something goes wrong, it ends in time, with
    what its row says or with the cancellation, and nothing is left.
    """
    assert await cancel_at_each_step(name, row) > 1


@pytest.mark.parametrize("patience_seconds", [1.0, 3600.0])
@on_virtual_time
async def test_a_push_that_the_service_does_not_read(patience_seconds):
    """A push that the service does not read ends with its caller's deadline, or with the keepalive
    of the connection; leaving takes no longer than the bound for closing.
    """
    async with (
        open_server(port=None, voice="tones") as server,
        connect_in_memory(server, 1024) as open_stream,
    ):
        row = Row(fault="stall at_byte=0", whose=Whose.CONNECTION, does="")
        raised = None
        with trio.move_on_after(patience_seconds) as patience:
            try:
                async with (
                    Scene(server, open_stream, row, "push").client().tts.websocket_connect() as c,
                    c.context(**SETTINGS) as context,
                ):
                    while True:
                        await context.push(TEXT)
            except ConnectionLost as error:
                raised = error
        assert (raised is None) is patience.cancelled_caught is (patience_seconds == 1)
        bound = 1 + GOODBYE_SECONDS if raised is None else KEEPALIVE_BOUND
        assert trio.current_time() <= bound + 0.1


def test_every_fault_has_a_row():
    """The table tries every fault that the service has."""
    assert {row.fault.split()[0] for row in FAULTS} == set(FAULT_KINDS)


def test_every_reading_has_a_row():
    """The table tries every field of `Behaviour`, and every value of those that have few."""
    usual, hints = Behaviour(), get_type_hints(Behaviour)
    tried = [usual.with_text(row.behaviour) for row in READINGS]
    for field in attrs.fields(Behaviour):
        values = {getattr(behaviour, field.name) for behaviour in tried}
        assert len(values) > 1, f"{field.name} is {values} only"
        kind = hints[field.name]
        choices = (True, False) if kind is bool else get_args(kind)
        assert values >= set(choices), f"{field.name} is {values} only"


def test_the_page_shows_the_table():
    """The page that users read is what the table says."""
    assert PAGE.read_text() == page()
