"""Requests over HTTP, from threads."""

from __future__ import annotations

import io
import wave

import pytest

from tests.support import SETTINGS
from trio_cartesia import Done, LocalProtocolError, NotFound, VoiceNotFound
from trio_cartesia.blocking import Cartesia

WAV = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 16000}
SPEECH = {**SETTINGS, "transcript": "Good morning, dear all."}


def test_speech_is_received_in_a_loop_whole_or_in_a_file(cartesia_service, tmp_path):
    """The same bytes whatever way; leaving the loop leaves the client usable."""
    with Cartesia(base_url=cartesia_service.url) as client:
        settings = SPEECH | {"output_format": WAV}
        with client.tts.generate(**settings) as response:
            assert response.status_code == 200
            pieces = list(response)
        with client.tts.generate(**settings) as response:
            whole = response.read()
        with client.tts.generate(**settings) as response:
            next(response)
        with client.tts.generate(**settings) as response:
            response.save(tmp_path / "speech.wav")
    assert b"".join(pieces)[44:] == whole[44:]
    assert (tmp_path / "speech.wav").read_bytes() == whole
    with wave.open(io.BytesIO(whole)) as file:
        assert file.getnframes() > 1000


def test_events_lists_and_resources(cartesia_service):
    """Each has its blocking form, down to pages."""
    with Cartesia(base_url=cartesia_service.url) as client:
        with client.tts.generate_sse(**SPEECH) as response:
            assert isinstance(list(response)[-1], Done)
        first, *others = client.voices.list(limit=50)
        assert client.voices.get(first.id) == first
        pages = list(client.voices.list(limit=50).pages())
        assert [voice for page in pages for voice in page.data] == [first, *others]
        assert client.get_status().ok
        assert client.request("GET", "/voices", query={"limit": 1}).json()["has_more"]
        with pytest.raises(VoiceNotFound):
            client.voices.get("nobody")
        with pytest.raises(NotFound, match="Dataset not found"):
            client.datasets.files.upload("d", file=io.BytesIO(b"data"), purpose="fine_tune")


def test_options_make_a_client_in_the_same_block(cartesia_service):
    """It shares the connections, and ends with the block."""
    seen = []
    with Cartesia(base_url=cartesia_service.url) as client:
        other = client.with_options(on_response=seen.append)
        other.voices.get(SETTINGS["voice"])
        with pytest.raises(LocalProtocolError):
            other.__enter__()
    assert [info.status_code for info in seen] == [200]
    with pytest.raises(LocalProtocolError):
        other.voices.get(SETTINGS["voice"])
