"""The queue between Trio's thread and the device's, with a device that is simulated."""

from __future__ import annotations

from collections.abc import Generator
from unittest.mock import patch

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from trio_cartesia.playback import audio_queue
from trio_cartesia.playback.audio_queue import AudioQueue

RATE = 1000
PERIOD = 20  # samples
SPEECH = b"\x01\x01"


@attrs.define(eq=False)
class SimulatedDevice:
    """Asks for its *periods* and one at once, then for another whenever it has played one."""

    queue: AudioQueue
    periods: int
    now: float = 0.0
    asked: int = 0
    received: bytes = b""
    blocks: Generator[bytes, int, None] = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.blocks = self.queue.blocks()
        next(self.blocks)

    def run(self, seconds):
        """Let time pass."""
        end = self.now + seconds
        while (at := max(0, self.asked - self.periods) * PERIOD / RATE) <= end:
            self.now = max(self.now, at)
            self.asked += 1
            block = self.blocks.send(PERIOD)
            assert len(block) == 2 * PERIOD
            self.received += block
        self.now = end

    def played_seconds(self):
        """Return how much speech it has played."""
        return self.received[: 2 * int(self.now * RATE + 1e-6)].count(SPEECH) / RATE


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(1, 150)),
            st.tuples(st.just("run"), st.sampled_from([0.001, 0.013, 0.02, 0.1])),
            st.tuples(st.just("pause"), st.booleans()),
        ),
        max_size=20,
    ),
    periods=st.integers(1, 4),
)
@example(steps=[("put", 30), ("run", 0.1)], periods=2)
def test_heard_is_what_the_device_played(steps, periods):
    """Whatever is put when, the position is never ahead of the speech that the device has played,
    behind it by no more than the device holds, and reaches all of it.
    """
    device = SimulatedDevice(AudioQueue(RATE, 2), periods)
    queue = device.queue

    def check():
        played = device.played_seconds()
        held = (periods + 1) * PERIOD / RATE
        assert played - held - 0.001 <= queue.played_seconds <= played + 0.001

    with patch.object(audio_queue, "perf_counter", lambda: device.now):
        for step, value in steps:
            if step == "put":
                queue.put(SPEECH * value)
            elif step == "pause":
                queue.is_paused = value
            else:
                device.run(value)
            check()
        queue.has_all, queue.is_paused = True, False
        for _ in range(500):
            device.run(0.02)
            check()
        assert queue.is_played
        assert queue.waiting_seconds == 0
        assert device.received.count(SPEECH) == queue.put_samples
        assert device.received.replace(bytes(2), b"") == SPEECH * queue.put_samples


def test_gaps_count_once():
    """Too little audio counts once a gap, and not before the first audio, in a pause or at the
    end.
    """
    device = SimulatedDevice(AudioQueue(RATE, 2), 2)
    queue = device.queue
    with patch.object(audio_queue, "perf_counter", lambda: device.now):
        device.run(0.5)
        assert queue.underruns == 0
        for gaps in (1, 2):
            queue.put(SPEECH * 90)
            device.run(0.5)
            assert queue.underruns == gaps
        queue.put(SPEECH * 200)
        device.run(0.05)
        queue.is_paused = True
        device.run(0.5)
        queue.is_paused, queue.has_all = False, True
        device.run(0.5)
        assert queue.underruns == 2


def test_a_stopped_queue_gives_nothing():
    """Once it was stopped, the device gets silence, and the position stays."""
    device = SimulatedDevice(AudioQueue(RATE, 2), 2)
    queue = device.queue
    with patch.object(audio_queue, "perf_counter", lambda: device.now):
        queue.put(SPEECH * 200)
        device.run(0.1)
        queue.stop()
        position, received = queue.played_seconds, len(device.received)
        device.run(0.5)
        assert device.received[received:].count(SPEECH) == 0
        assert queue.played_seconds == position
