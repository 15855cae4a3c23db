"""Every fault and behaviour with every operation of both kinds of session."""

from __future__ import annotations

from itertools import islice
from typing import get_args, get_type_hints

import attrs
import pytest

from tests.matrix.stt.cancelling import cancel_session_at_each_step, sessions_to_cancel
from tests.matrix.stt.readings import STT_READINGS
from tests.matrix.stt.scene import play_stt
from tests.matrix.stt.table import STT_FAULTS, stt_cells
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia.server import FAULTS as FAULT_KINDS
from trio_cartesia.server import Behaviour
from trio_cartesia.testing import on_virtual_time

CELLS = list(stt_cells((*STT_FAULTS, *STT_READINGS)))
WITHOUT_FAST_PATH = {
    "reset at_frame=4 size_bytes=20",
    "close at_frame=4 code=1000",
    "fragmented_frame size_bytes=10",
    "binary_frame at_frame=4",
    "oversized_frame at_frame=4",
    "malformed_json at_frame=4",
    "quota_exceeded at_frame=4",
}


def named(cells):
    return [pytest.param(*cell, id="-".join((cell[0].name, *cell[1:]))) for cell in cells]


@pytest.mark.parametrize(("row", "kind", "name"), named(islice(CELLS, 7, None, len(CELLS) // 5)))
@on_virtual_time
async def test_some_operations(row, kind, name):
    """Some cells of the matrix; the marked tests below run all of them."""
    await play_stt(row, kind, name)


@pytest.mark.matrix
@pytest.mark.parametrize(("row", "kind", "name"), named(CELLS))
@on_virtual_time
async def test_sessions(row, kind, name):
    """Whatever goes wrong, each operation ends in time, with the exception of its row; no text is
    lost or doubled, and nothing is left.
    """
    await play_stt(row, kind, name)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("row", "kind", "name"), named(cell for cell in CELLS if cell[0].fault in WITHOUT_FAST_PATH)
)
@on_virtual_time
async def test_sessions_without_the_fast_path(row, kind, name, monkeypatch):
    """The same holds where trio-websocket reads every frame."""
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", False)
    await play_stt(row, kind, name)


@pytest.mark.matrix
@pytest.mark.parametrize(("row", "kind"), named(sessions_to_cancel()))
@on_virtual_time
async def test_sessions_cancelled_at_each_step(row, kind):
    """Whatever step a session is cancelled at, it ends in time, and nothing is left."""
    assert await cancel_session_at_each_step(row, kind) > 1


def test_every_fault_has_a_row_for_sessions():
    """The table tries every fault that the service has."""
    assert {row.fault.split()[0] for row in STT_FAULTS} == set(FAULT_KINDS)


SPEECH_TO_TEXT = {
    "flush_done_first", "coalesce_flush", "stt_close", "bad_query", "bad_turns_query",
    "stt_idle_seconds", "config_invalid", "empty_turn_end", "end_on_close",
    "drop_before_connected", "wide_eager_end", "ink2_words",
}  # fmt: skip


def test_every_behaviour_of_sessions_has_a_row():
    """The table tries every field of `Behaviour` for speech to text, and every choice of it."""
    usual, hints = Behaviour(), get_type_hints(Behaviour)
    tried = [usual.with_text(row.behaviour) for row in STT_READINGS]
    for field in attrs.fields(Behaviour):
        if field.name in SPEECH_TO_TEXT:
            values = {getattr(behaviour, field.name) for behaviour in tried}
            kind = hints[field.name]
            assert len(values) > 1
            assert values >= set((True, False) if kind is bool else get_args(kind))
