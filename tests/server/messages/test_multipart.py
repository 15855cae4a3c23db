from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.http_client import an_error, form, form_headers, over_http
from tests.server.support import on_virtual_time
from trio_cartesia.server import Behaviour
from trio_cartesia.server.messages import multipart
from trio_cartesia.server.messages.errors import APIError
from trio_cartesia.server.messages.fields import Dialect
from trio_cartesia.server.messages.multipart import Form, FormFile, read_form
from trio_cartesia.server.net.http1 import MAX_BODY_BYTES, MAX_FORM_BYTES

KIND = "multipart/form-data; boundary=b"
NAMES = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\\\0'), min_size=1)
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


@given(
    texts=st.dictionaries(NAMES, st.lists(st.text(), min_size=1, max_size=3), max_size=4),
    files=st.dictionaries(NAMES, st.tuples(NAMES, st.binary()), max_size=4),
)
def test_a_form_is_read_as_it_was_written(
    texts: dict[str, list[str]], files: dict[str, tuple[str, bytes]]
) -> None:
    """Texts and files arrive with their names, byte for byte, whatever is in them."""
    body = form(
        [(name, text) for name, values in texts.items() for text in values],
        {name: (filename, content, "audio/wav") for name, (filename, content) in files.items()},
    )
    assert read_form(form_headers()["content-type"], body) == Form(
        texts=texts,
        files={
            name: FormFile(filename.strip(), content, "audio/wav")
            for name, (filename, content) in files.items()
        },
    )


@given(data=st.data())
def test_a_form_that_is_cut_is_refused(data: st.DataObject) -> None:
    """No start of a form is a form, so that no file is shorter than it was."""
    body = form([("a", "1")], {"clip": ("a.wav", b"RIFF\r\n--", "audio/wav")})
    size = data.draw(st.integers(0, len(body) - 3))  # the last line break is optional
    with pytest.raises(APIError, match="Invalid request"):
        read_form(form_headers()["content-type"], body[:size])


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/mixed"])
def test_another_content_type_is_refused(kind: str) -> None:
    """A body is a form if it is called one, with a boundary."""
    with pytest.raises(APIError) as caught:
        read_form(kind, PART + b"--b--\r\n")
    assert "multipart/form-data" in caught.value.body.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--x",
        b"preamble\r\n" + PART + b"--b--",
        PART + b"--b--epilogue",
        PART + b"--bb--",
        PART + b"--b x\r\n\r\n--b--",
        b"--b\r\nname=a\r\n\r\n1\r\n--b--",
        b'--b\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n--b--',
        b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
        PART.replace(b'"a"', b'"\xff"') + b"--b--",
        PART.replace(b"1", b"\xff") + b"--b--",
        PART.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 9000 + b"\r\n\r\n") + b"--b--",
        PART.replace(b"1", b"1" * (multipart.MAX_TEXT_BYTES + 1)) + b"--b--",
        PART * (multipart.MAX_PARTS + 1) + b"--b--",
    ],
)
def test_what_is_not_exactly_a_form_is_refused(body: bytes) -> None:
    """Text around the parts, headers that are none, and more than the bounds are refused."""
    with pytest.raises(APIError) as caught:
        read_form(KIND, body)
    assert caught.value.body.status == 400


PARAMETERS = ["idna''%ff", "undefined''a", "punycode''%ff", "a\0''a"]


@pytest.mark.parametrize(
    "parameter",
    [*(f"*={each}" for each in PARAMETERS), f"*{'9' * 5000}=a", f'="{";" * 4000}"'],
    ids=range(len(PARAMETERS) + 2),
)
def test_parameters_that_cannot_be_read_are_refused(parameter: str) -> None:
    """An unusable charset or number, and so many parameters that reading them would take long, are
    refused in the header of a part and in that of the request.
    """
    part = PART.replace(b'"a"', f'"a"; filename{parameter}'.encode())
    for kind, body in ((KIND, part + b"--b--"), (f"{KIND[:-2]}{parameter}", PART + b"--b--")):
        with pytest.raises(APIError) as caught:
            read_form(kind, body)
        assert caught.value.body.status == 400


def test_the_largest_form_is_read() -> None:
    """As many parts as are allowed are read, with or without a line break at the end."""
    for end in (b"--b--", b"--b--\r\n"):
        read = read_form(KIND, PART * multipart.MAX_PARTS + end)
        assert read.texts == {"a": ["1"] * multipart.MAX_PARTS}


def test_brackets_are_fields_of_an_object() -> None:
    """Names with brackets are read like the objects of a JSON body, and empty values are unset."""
    body = form(
        [("output_format[sample_rate]", "8000"), ("output_format[bit_rate]", ""), ("voice_id", "v")]
    )
    fields = read_form(form_headers()["content-type"], body).fields(Dialect())
    output = fields.inner("output_format", required=True)
    assert output.choice("sample_rate", (8000, 16000)) == 8000
    assert output.choice("bit_rate", (32000,)) is None
    assert fields.text("voice_id") == "v"
    with pytest.raises(APIError) as caught:
        output.choice("sample_rate", (16000,))
    assert caught.value.body.message == "output_format.sample_rate must be one of 16000."


@pytest.mark.parametrize("names", [("voice", "voice[id]"), ("voice[id]", "voice")])
def test_a_field_is_a_value_or_an_object(names: tuple[str, str]) -> None:
    """A name with and without brackets is refused."""
    body = form([(name, "1") for name in names])
    with pytest.raises(APIError, match="Invalid request"):
        read_form(form_headers()["content-type"], body).fields(Dialect())


@pytest.mark.parametrize("files", [{}, {"clip": ("a.wav", b"", "audio/wav")}])
def test_a_required_file_is_there(files: dict[str, tuple[str, bytes, str]]) -> None:
    """A file that is missing or empty is refused by its name."""
    with pytest.raises(APIError) as caught:
        read_form(form_headers()["content-type"], form([("clip", "1")], files)).file("clip")
    assert caught.value.body.message.startswith("clip must be a file")


FILES = "/datasets/none/files"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"POST {FILES}", 401),
        (f"POST {FILES}?api_key=sk_2", 401),
        (f"POST {FILES}?api_key=sk_car_admin_1", 403),
        ("POST /usage/credits?api_key=sk_1", 403),
        (f"PUT {FILES}?api_key=sk_1", 405),
        ("POST /nothing?api_key=sk_1", 404),
    ],
)
@on_virtual_time
async def test_a_form_that_is_not_allowed_is_not_read(line: str, status: int) -> None:
    """A form is refused by its head if nothing in it could change that: the response does not wait
    for the body, and ends the connection, without resetting it while the client still sends.
    """
    keys = ["sk_1", "sk_car_admin_1"]
    async with over_http(api_keys=keys) as (client, _):
        kind, size = form_headers()["content-type"], MAX_FORM_BYTES
        head = f"{line} HTTP/1.1\r\nHost: me\r\nContent-Type: {kind}\r\nContent-Length: {size}"
        client.wire.send(h11.Request(method="POST", target="/", headers=[("host", "me")]))
        await client.stream.send_all(f"{head}\r\n\r\n".encode())
        answer = await client.finish()
        assert an_error(answer, status)
        assert answer.headers["connection"] == "close"
        for _ in range(4):
            await client.stream.send_all(bytes(MAX_BODY_BYTES))


@pytest.mark.parametrize("status", [413, 400])
@on_virtual_time
async def test_a_form_that_is_too_large_is_refused(status: int) -> None:
    """A form may be larger than other bodies; one byte too many has the code for files (R2)."""
    async with over_http(behaviour=Behaviour(too_large_status=status)) as (client, _):
        body = form([], {"file": ("a.wav", bytes(MAX_BODY_BYTES), "audio/wav")})
        answer = await client.ask("POST", FILES, body, list(form_headers().items()))
        assert an_error(answer, 404)  # there is no such dataset
        kind = form_headers()["content-type"]
        head = f"POST {FILES} HTTP/1.1\r\nHost: me\r\nContent-Type: {kind}\r\nContent-Length: "
        await client.stream.send_all(f"{head}{MAX_FORM_BYTES + 1}\r\n\r\n".encode())
        client.wire.start_next_cycle()
        client.wire.send(h11.Request(method="POST", target="/", headers=[("host", "me")]))
        answer = await client.finish()
    assert an_error(answer, status)
    assert answer.json["error_code"] == "file_too_large"
