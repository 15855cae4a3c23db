"""The events behind a playout's frames."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.playout.support import Part, spoken
from trio_cartesia import LocalProtocolError
from trio_cartesia.testing import on_virtual_time

PARTS = st.lists(
    st.builds(Part, st.sampled_from([0, 0.01, 0.5]), st.integers(1, 9000)), min_size=1, max_size=4
)


@given(parts=PARTS, pace=st.sampled_from(["real_time", "as_fast_as_possible"]))
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_every_event_is_passed_on(parts, pace):
    """Whatever the pace, each event of the context is passed on once, in order, and no frame has
    audio that was not.
    """
    events, audio, received = [], b"", 0

    def note(event):
        nonlocal received
        events.append(event.type)
        received += len(event.audio) if event.type == "chunk" else 0

    async with spoken(parts) as (context, _):
        async for frame in context.playout(pace=pace, on_event=note):
            audio += frame.audio.strip(b"\xff")
            assert len(audio) <= received
    assert events == [*["timestamps", "chunk"] * len(parts), "done"]
    assert len(audio) == received == sum(part.samples for part in parts)


@on_virtual_time
async def test_an_error_in_the_function_is_raised():
    """What the function raises is raised by iterating, as it is, and no audio is lost by it."""

    def fail(event):
        if event.type == "timestamps":
            raise OSError(28, "No space left on device")

    frames = []
    async with spoken([Part(0, 160), Part(0.1, 160)]) as (context, _):
        playout = context.playout(on_event=fail)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                async for frame in playout:
                    frames.append(frame)  # noqa: PERF401  # it raises
        frames += [frame async for frame in playout]
    assert b"".join(frame.audio for frame in frames).count(b"\x01") == 320


@on_virtual_time
async def test_what_is_no_function_is_refused():
    """A value that cannot be called is an error that says so."""
    async with spoken([Part(0, 160)]) as (context, _):
        with pytest.raises(LocalProtocolError, match="on_event must be a function of one event"):
            context.playout(on_event=[])
