"""Who asks, and the headers that say so."""

from __future__ import annotations

import pytest

from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.base.credentials import (
    Credential,
    check_headers,
    parse_header_lines,
    request_headers,
    version_of,
)

NOT_OURS_TO_GIVE = [
    *("Authorization", "Cartesia-Version", "User-Agent", "X-API-Key"),
    *("Connection", "Content-Length", "Expect", "Host", "TE", "Trailer", "Transfer-Encoding"),
    *("Upgrade", "Sec-WebSocket-Key", "sec-websocket-protocol"),
]


def test_a_key_or_a_token_is_sent_as_a_bearer():
    """Whichever is given goes into the Authorization header, without the blanks around it."""
    for credential in (Credential.choose(" sk_1\n", None), Credential.choose(None, "sk_1")):
        assert credential.authorization == "Bearer sk_1"
        assert "sk_1" not in repr(credential)
    assert Credential.choose(None, None) is None


@pytest.mark.parametrize(
    ("key", "token", "says"),
    [
        ("sk_1", "t", "give api_key or token, not both"),
        ("", None, "api_key must be printable ASCII without spaces"),
        (None, "a b", "token must be printable ASCII without spaces"),
        (None, "a\x7fb", "token must be printable ASCII without spaces"),
        ("k\u00e9y", None, "api_key must be printable ASCII without spaces"),
        (7, None, "api_key must be a str, not int"),
        (None, b"t", "token must be a str, not bytes"),
    ],
)
def test_a_credential_that_cannot_be_sent_is_refused_by_its_name(key, token, says):
    """The error says which of the two it is about, and what it may be."""
    with pytest.raises(LocalProtocolError, match=says):
        Credential.choose(key, token)


def test_every_request_says_who_asks_and_in_which_version():
    """Version, user agent and credential come first, then what the caller adds; their repr is a
    count.
    """
    said = {"version": "2026-08-14", "user_agent": "me/1", "extra": {"X-One": "1", "X-Two": "2"}}
    common = [("Cartesia-Version", "2026-08-14"), ("User-Agent", "me/1")]
    extra = [("X-One", "1"), ("X-Two", "2")]
    assert request_headers(credential=None, **said) == [*common, *extra]
    headers = request_headers(credential=Credential.choose("sk_1", None), **said)
    assert headers == [*common, ("Authorization", "Bearer sk_1"), *extra]
    assert repr(headers) == "<5 headers>"


@pytest.mark.parametrize("name", NOT_OURS_TO_GIVE)
def test_headers_of_ours_cannot_be_given(name):
    """What this client or its transport sets is refused, however its letters are written."""
    for written in (name, name.lower(), name.upper(), name.swapcase()):
        with pytest.raises(LocalProtocolError, match=f"{written} is set by this package"):
            check_headers({written: "1"})


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ([("X-One", "1")], "headers must be a mapping of names to values"),
        ({"X One": "1"}, "a header's name must have letters"),
        ({"": "1"}, "a header's name must have letters"),
        ({7: "1"}, "a header's name must be a str, not int"),
        ({"X-One": 1}, "a header's value must be a str, not int"),
        ({"X-One": None}, "a header's value must be a str, not NoneType"),
        ({"X-One": b"1"}, "a header's value must be a str, not bytes"),
        ({"X-One": "canary "}, "the value of header X-One must be printable ASCII"),
        ({"X-One": " canary"}, "the value of header X-One must be printable ASCII"),
        ({"X-One": "can\x00ary"}, "the value of header X-One must be printable ASCII"),
        ({"X-One": "can\u00e4ry"}, "the value of header X-One must be printable ASCII"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_in_words(headers, says):
    """The error names the header, and does not quote its value."""
    with pytest.raises(LocalProtocolError, match=says) as caught:
        check_headers(headers)
    assert "canary" not in str(caught.value)


def test_headers_that_can_be_sent_are_taken_as_they_are():
    """Every character that RFC 9110 has for names is allowed, and values may have blanks inside."""
    headers = {"!#$%&'*+.^_`|~09AZaz-": "", "X-Two": "a b", "Sec": "1", "Hosts": "1"}
    assert check_headers(headers) == headers


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        ("", {}),
        ("\n \n", {}),
        ("X-One: 1", {"X-One": "1"}),
        ("X-One:1\r\n\r\n X-Two : b: c \n", {"X-One": "1", "X-Two": "b: c"}),
    ],
)
def test_headers_may_come_as_lines(lines, headers):
    """Each line has a name, a colon and a value; blanks around them and empty
    lines do not count.
    """
    assert parse_header_lines(lines) == headers


@pytest.mark.parametrize(("lines", "says"), [("X-One", "each line of"), ("Host: a", "Host")])
def test_lines_that_are_no_headers_are_refused(lines, says):
    """A line without a colon is refused, and so is a header that is not for callers to set."""
    with pytest.raises(LocalProtocolError, match=says):
        parse_header_lines(lines)


def test_a_version_is_a_date():
    """A version is written as the service writes it, and anything else is refused in words."""
    assert version_of("2025-04-16") == "2025-04-16"
    for other in ("20250416", "2025-W16-3", "2025-13-01", "latest", ""):
        with pytest.raises(LocalProtocolError, match="version must be a date such as"):
            version_of(other)
    with pytest.raises(LocalProtocolError, match="version must be a str, not int"):
        version_of(20250416)
