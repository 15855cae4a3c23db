from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.rest.support import BOUNDARY, form
from trio_cartesia.server.messages.errors import APIError
from trio_cartesia.server.messages.multipart import FormFile, read_form

TYPE = f"multipart/form-data; boundary={BOUNDARY}"
NAMES = st.text("abc[]_", min_size=1, max_size=8)
VALUES = st.text(max_size=20)


@given(
    fields=st.dictionaries(NAMES, VALUES, max_size=4),
    content=st.binary(max_size=40) | st.sampled_from([b"\r\n", b"\r\n--", b"--\r\n\r\n"]),
)
def test_what_was_put_in_comes_out(fields: dict[str, str], content: bytes) -> None:
    """Fields and files are read as they are, to the byte."""
    read = read_form(TYPE, form(("clip", "a clip.wav", content), **fields))
    assert read.files == {"clip": FormFile("a clip.wav", content)}
    assert read.texts == {name: [value] for name, value in fields.items()}
    assert read.values() == {name: value for name, value in fields.items() if value}


GOOD = form(("clip", "a.wav", b"RIFF"), name="A")


@given(st.binary(max_size=60) | st.integers(0, len(GOOD) - 3).map(lambda end: GOOD[:end]))
def test_a_form_that_is_not_whole_is_refused(body: bytes) -> None:
    """Whatever is not a whole form is a 400."""
    with pytest.raises(APIError) as caught:
        read_form(TYPE, body)
    assert caught.value.body.status == 400


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", GOOD),
        ("multipart/form-data", GOOD),
        ("", GOOD),
        (TYPE, GOOD.replace(b"form-data; name", b"form-data; neme")),
        (TYPE, GOOD.replace(b"form-data", b"attachment")),
        (TYPE, GOOD.replace(b"A", b"\xff")),
        (TYPE, GOOD.replace(b"a.wav", b"\xff")),
        (TYPE, GOOD.replace(b"a.wav", b"a" * 9000)),
        (TYPE, form(**{f"field_{number}": "" for number in range(101)})),
    ],
)
def test_other_bodies_are_refused(kind: str, body: bytes) -> None:
    """Another type, a part without a name, text that is not UTF-8, or too much: a 400."""
    with pytest.raises(APIError) as caught:
        read_form(kind, body)
    assert caught.value.body.status == 400
