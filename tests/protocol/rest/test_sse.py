"""Server-sent events, whatever way they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.rest import sse
from trio_cartesia._protocol.rest.sse import EventStream

DATA = st.text(st.characters(blacklist_characters="\r\n", codec="utf-8"), max_size=20).map(
    str.encode
)
EVENTS = st.lists(st.lists(DATA, min_size=1, max_size=3), max_size=5)
OTHER = st.sampled_from([b": comment", b"event: error", b"id: 7", b"retry: 10", b"data2: x"])


@given(EVENTS, st.lists(OTHER, max_size=3), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
def test_events_come_as_they_were_sent(events, others, end, data):
    """With any line ends, comments and fields, and cut anywhere, even within a line's end."""
    lines = [b"\xef\xbb\xbf: start"]
    for event in events:
        lines += [*others, *(b"data: " + line for line in event), b""]
    sent = end.join(lines) + end * 2
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    stream, received = EventStream(), []
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        received += stream.receive(sent[start:stop])
    received += stream.receive(b":" + end)  # a CR at the end waits for what follows
    assert received == [b"\n".join(event) for event in events]


def test_data_without_a_space_and_blocks_without_data():
    """The space is optional, and a block without data is no event."""
    assert EventStream().receive(b"event: ping\n\ndata:x\ndata\n\n\n:") == [b"x\n"]


def test_an_event_that_does_not_end_is_bounded(monkeypatch):
    """Neither a line nor many of them may grow for ever."""
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    for piece in (b"x", b"data: x\n"):
        stream = EventStream()
        with pytest.raises(RemoteProtocolError, match="larger"):
            for _ in range(200):
                stream.receive(piece)


def test_empty_lines_of_data_count(monkeypatch):
    """An event of nothing but empty lines is bounded, too."""
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    stream = EventStream()
    with pytest.raises(RemoteProtocolError, match="larger"):
        for _ in range(2000):
            stream.receive(b"data:\n")
