"""The announcer under every fault that the local service can inject, on virtual time."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from announcer import CHIME, SILENCE_SECONDS, announce

from trio_cartesia.server import FAULTS

TEXT = "The train to Utrecht leaves from platform four in twelve minutes."
NEXT = "Please mind the gap."
NEEDED = {"latency": "seconds=0.5", "bandwidth": "bytes_per_second=60000"}
BREAKING = ("reset", "fin", "truncated_frame", "close")


def faulty(kind, settings=""):
    """Return a parameter: a service with a fault."""
    faults = f"{kind} {NEEDED.get(kind, '')} {settings}"
    return pytest.param(id=kind, marks=pytest.mark.cartesia(faults=faults))


class Platform:
    """A loudspeaker and a display."""

    def __init__(self):
        self.audio, self.shown, self.played_at = b"", [], []

    def play(self, audio):
        self.audio += audio
        self.played_at.append(trio.current_time())

    def show(self, text):
        self.shown.append(text)

    async def announce(self, client, *texts):
        async with client.tts.websocket_pool(plan="free") as pool:
            return [await announce(pool, text, play=self.play, show=self.show) for text in texts]


async def test_an_announcement_is_played(cartesia, cartesia_server, autojump_clock):
    """
    All of it is played, and nothing is shown.
    """
    platform = Platform()
    assert await platform.announce(cartesia, TEXT) == [True]
    (record,) = cartesia_server.journal.contexts
    assert (platform.audio, platform.shown) == (record.audio, [])


@pytest.mark.parametrize((), [faulty(kind) for kind in FAULTS])
async def test_passengers_get_each_announcement(cartesia, autojump_clock):
    """
    Under every fault, an announcement is played to its end, or the chime is played and the text is
    shown, soon after the last sound; and the next one gets its turn.
    """
    platform = Platform()
    began_at = trio.current_time()
    with trio.fail_after(60):
        spoken = await platform.announce(cartesia, TEXT, NEXT)
    for text, is_whole in zip((TEXT, NEXT), spoken, strict=True):
        assert is_whole != (text in platform.shown)
    assert platform.audio.count(CHIME) == spoken.count(False)
    times = [began_at, *platform.played_at]
    waits = [after - before for before, after in pairwise(times)]
    assert max(waits) <= SILENCE_SECONDS + 1


@pytest.mark.parametrize((), [faulty(kind, "at_frame=9") for kind in BREAKING])
async def test_a_lost_connection_does_not_show(cartesia, autojump_clock):
    """
    If a connection breaks in mid-sentence, the rest comes over another one.
    """
    platform = Platform()
    with trio.fail_after(60):
        spoken = await platform.announce(cartesia, TEXT)
    assert (spoken, platform.shown) == ([True], [])
