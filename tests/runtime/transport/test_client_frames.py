"""Frames of messages, as the other side reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from trio_cartesia._runtime.transport.client_frames import client_frame

EDGES = (0, 1, 125, 126, 4 * 4096, 4 * 4096 + 1, 2**16 - 1, 2**16)


edges = st.sampled_from(EDGES).map(lambda size: (bytes(range(256)) * 257)[:size])


@given(st.text() | st.binary() | edges)
def test_a_frame_is_read_as_its_message(message):
    """A message of any size and content is read by another implementation, as one frame."""
    server = FrameProtocol(client=False, extensions=[])
    server.receive_bytes(client_frame(message))
    (frame,) = server.received_frames()
    assert frame.opcode is (Opcode.TEXT if isinstance(message, str) else Opcode.BINARY)
    assert frame.payload == message
    assert frame.frame_finished
    assert frame.message_finished


def test_each_frame_has_a_key_of_its_own():
    """The same message is masked with another key each time (RFC 6455 §5.3)."""
    assert len({client_frame(bytes(8)) for _ in range(8)}) == 8
