"""Chunks that are read where they lie."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.strategies import CHUNKS, EVENTS, JSON, broken_events
from trio_cartesia import Chunk, RemoteProtocolError
from trio_cartesia._protocol.base import json as base_json
from trio_cartesia._protocol.base.json import MAX_VALUES
from trio_cartesia._protocol.tts import chunk_decoder as frames
from trio_cartesia._protocol.tts.chunk_decoder import read_chunk
from trio_cartesia._protocol.tts.decoder import read_event

SEGMENTS = {"a": 2}


NEIGHBOUR = b'{"type":"chunk","context_id":"b","data":"BBBB"}'


def read_in_place(message: bytes, before: int = 0):
    """What `read_chunk` makes of a message in the midst of a buffer, after others."""
    data = bytearray(NEIGHBOUR * before + message + b'","data":"AAAA"}')
    start = len(NEIGHBOUR) * before
    return read_chunk(data, memoryview(data), start, start + len(message), SEGMENTS)


def check(message: bytes, before: int = 0) -> None:
    chunk = read_in_place(message, before)
    if chunk is not None:
        assert chunk == read_event(message.decode(), SEGMENTS)


@st.composite
def written_otherwise(draw):
    """An event in JSON that is right, and not as one would write it."""
    event = draw(EVENTS | broken_events())
    names = draw(st.permutations(list(event)))
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), ("\n,", " :\t"), (" , ", ":")]))
    members = [f"{json.dumps(name)}{colon}{json.dumps(event[name])}" for name in names]
    extra = st.sampled_from(
        [
            '"data":"AAAA"',
            '"data":"AA\\u0041A"',
            '"x":{"data":"BBBB","y":1}',
            '"x":[{"data":"BBBB"}]',
            '"\\u0064ata":"CCCC"',
            '"type":"chunk"',
            '"x":",\\"data\\":\\"BBBB\\""',
            '"data":"AA\\/A"',
        ]
    )
    for member in draw(st.lists(extra, max_size=2)):
        members.insert(draw(st.integers(0, len(members))), member)
    return ("{" + comma.join(members) + "}").encode()


@given(message=written_otherwise(), before=st.integers(0, 5))
@example(b'{"type":"chunk","context_id":"a","data":"AAAA","data":"BBBB"}', 0)
@example(b'{"x":{"data":"AAAA"},"type":"chunk","context_id":"a","data":"BBBB"}', 1)
@example(b'{"type":"chunk","context_id":"a","data":"AAAA","type":"done"}', 0)
def test_chunks_read_in_place_equal_those_of_the_decoder(message, before):
    """In any form of JSON, a chunk is read in place like the decoder reads it, or left to the
    decoder.
    """
    check(message, before)


@given(message=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_like_the_decoder(message):
    """Any bytes are left to the decoder, or read like the decoder reads them."""
    try:
        check(message)
    except (UnicodeDecodeError, RemoteProtocolError) as error:
        pytest.fail(f"only one of the two took it: {error}")


@given(event=CHUNKS, before=st.integers(0, 2))
def test_chunks_as_the_service_writes_them_are_read_in_place(event, before):
    """What nearly all messages look like takes the short way."""
    for separators in ((",", ":"), (", ", ":")):
        message = json.dumps(event, separators=separators).encode()
        assert read_in_place(message, before) == read_event(message.decode(), SEGMENTS)


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"chunk","context_id":"a","data":"AAAA"}',
        b'{"data":"AAAA","type":"chunk","context_id":"a"}',
        b'{"type": "chunk", "context_id": "a", "data":"AAAA"}',
    ],
)
def test_a_chunk_is_read_wherever_its_audio_stands(message):
    """The audio may stand first, last, or behind a blank."""
    for before in (0, 1):
        chunk = read_in_place(message, before)
        assert chunk == Chunk(context_id="a", audio=b"\0\0\0", segment=2)


@pytest.mark.parametrize(("more", "is_read"), [(0, True), (1, False)])
def test_the_bound_on_values_holds_beside_the_audio(more, is_read):
    """What stands beside the audio may be as long as a message may have values, and no longer."""
    around = b'{"type":"chunk","context_id":"a","x":"%s","data":"AAAA"}'
    room = MAX_VALUES - len(around % b"") + len(b"AAAA")
    chunk = read_in_place(around % (b"x" * (room + more)))
    assert (chunk is not None) == is_read


@given(message=written_otherwise())
def test_the_standard_library_reads_the_same(message):
    """Without orjson and pybase64 the same chunks are read."""
    expected = read_in_place(message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "loads_quickly", base_json.plain_loads)
        patch.setattr(frames, "decode_base64", base_json.plain_b64decode)
        assert read_in_place(message) == expected
