"""Playouts of threads."""

from __future__ import annotations

import threading

import pytest

from tests.blocking.support import blocking_pair
from tests.support import SETTINGS
from trio_cartesia import Event

PHONE = {**SETTINGS, "output_format": {"encoding": "pcm_mulaw", "sample_rate": 8000}}


def test_events_are_passed_on_in_the_client_s_thread() -> None:
    """A thread takes the frames; each event behind them is passed on in the client's own thread."""
    events: list[tuple[str, int]] = []

    def note(event: Event) -> None:
        events.append((event.type, threading.get_ident()))

    with blocking_pair() as pair, pair.connection.context(**PHONE, context_id="a") as context:
        context.push("Hello.")
        context.no_more_inputs()
        pair.peer("chunk", "a", b"\x01" * 400)
        pair.peer("done", "a")
        playout = context.playout(pace="as_fast_as_possible", on_event=note)
        audio = b"".join(frame.audio for frame in playout)
    assert audio == b"\x01" * 400 + b"\xff" * 80
    assert [kind for kind, _ in events] == ["chunk", "done"]
    assert threading.get_ident() not in {thread for _, thread in events}


def test_an_error_in_the_function_reaches_the_thread() -> None:
    """What the function raises is raised in the loop over the frames, as it is."""

    def fail(_: Event) -> None:
        raise OSError(28, "No space left on device")

    with blocking_pair() as pair, pair.connection.context(**PHONE, context_id="a") as context:
        context.push("Hello.")
        pair.peer("chunk", "a", b"\x01" * 400)
        with pytest.raises(OSError, match="No space left"):
            list(context.playout(on_event=fail))
