"""Responses to a handshake, as they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._runtime.transport.response_head import ResponseHead

INFORMATIONAL = st.sampled_from(
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 199 \n\n",
    ]
)
SWITCHING = b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n"
REFUSALS = st.sampled_from(
    [
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 101 Go\r\n\r\n",
        b"HTTP/1.1 1",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"H",
        b"",
    ]
)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)


def played(data: bytes, cuts: list[int]) -> tuple[bytes, ResponseHead]:
    """What is passed on of *data* in pieces, and what is known at its end."""
    head, passed, index = ResponseHead(), b"", 0
    while data and not head.is_over:
        piece, data = data[: cuts[index % len(cuts)]], data[cuts[index % len(cuts)] :]
        passed += head.feed(piece)
        index += 1
    if not head.is_over:
        passed += head.feed(b"")
    return passed, head


@given(before=st.lists(INFORMATIONAL, max_size=3), after=st.binary(max_size=50), cuts=CUTS)
def test_informational_responses_are_not_the_response(before, after, cuts):
    """Any number of 1xx responses before the 101 is passed over; what follows the 101 is kept
    apart.
    """
    data = b"".join(before) + SWITCHING
    passed, head = played(data + after, cuts)
    assert passed == SWITCHING
    assert head.is_over
    assert after.startswith(head.after)


@given(before=st.lists(INFORMATIONAL, max_size=3), refusal=REFUSALS, cuts=CUTS)
def test_any_other_response_is_passed_on_as_it_is(before, refusal, cuts):
    """A refusal, or what is no HTTP at all, is passed on and kept, without the 1xx before it."""
    passed, head = played(b"".join(before) + refusal, cuts)
    assert passed == bytes(head.received) == refusal
    assert not head.is_over
