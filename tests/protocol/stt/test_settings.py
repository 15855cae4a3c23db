"""Settings of a session, and the query that carries them."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.stt.settings import ManualFinalizeSettings, query_string

SETTINGS = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}

printable = st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" ")
terms = st.text(printable, min_size=1, max_size=12).map(str.strip).filter(bool)


def test_a_query_has_what_was_given():
    """What is None is not sent, and a space is %20 (protocol §7.2 S15)."""
    settings = ManualFinalizeSettings(**SETTINGS, keyterms=["New York", "a+b&c"], min_volume=0.5)
    assert query_string(settings) == (
        "model=ink-2&encoding=pcm_s16le&sample_rate=16000&keyterm=New%20York&keyterm=a%2Bb%26c"
        "&min_volume=0.5"
    )


@given(st.lists(terms, max_size=5), st.none() | terms)
def test_a_service_reads_the_values_that_were_given(keyterms, language):
    """Any printable term arrives as it is, in its order, and the query is plain ASCII."""
    settings = ManualFinalizeSettings(**SETTINGS, keyterms=keyterms, language=language)
    query = query_string(settings)
    assert query.isascii()
    assert " " not in query
    read = parse_qsl(query)
    assert [value for name, value in read if name == "keyterm"] == keyterms
    assert dict(read).get("language") == language


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": ""}, "model must not be empty"),
        ({"encoding": "opus"}, "encoding must be one of 'pcm_s16le'"),
        ({"sample_rate": 0}, "sample_rate must be a positive whole number"),
        ({"keyterms": "word"}, "keyterms must be an iterable of str, not str"),
        ({"keyterms": ["x"] * 101}, "there are 101 keyterms: at most 100 may be"),
        ({"keyterms": ["x" * 200] * 7}, "the keyterms have 1400 characters: at most 1200 may be"),
        ({"keyterms": [1]}, "a keyterm must be a str"),
        ({"min_volume": 1.5}, "min_volume must be from 0 to 1"),
        ({"max_silence_duration_secs": -1}, "max_silence_duration_secs must be from 0"),
        ({"language": 1}, "language must be a str"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, message):
    """An error names the field and says what is allowed, before anything is sent."""
    with pytest.raises(LocalProtocolError, match=message):
        ManualFinalizeSettings(**{**SETTINGS, **change})
