"""Recordings and the microphone of a blocking client."""

from __future__ import annotations

import pytest

from trio_cartesia import CaptureFailed, LocalProtocolError, SampleFormat
from trio_cartesia.blocking import (
    Cartesia,
    Microphone,
    Recording,
    open_microphone,
    open_recording,
)
from trio_cartesia.playback import device

AUDIO = bytes(range(256)) * 1000


@pytest.fixture
def client(cartesia_service):
    with Cartesia(base_url=cartesia_service.url) as client:
        yield client


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "speech.wav"
    header = SampleFormat(encoding="pcm_s16le", sample_rate=16000).wav_header(len(AUDIO))
    path.write_bytes(header + AUDIO)
    return path


def test_a_recording_is_read_in_a_loop(client, path):
    with open_recording(client, path) as recording:
        assert type(recording) is Recording
        assert (recording.encoding, recording.sample_rate) == ("pcm_s16le", 16000)
        assert b"".join(recording) == AUDIO
    with pytest.raises(LocalProtocolError, match="not a WAV file"), path.open("rb") as file:
        file.seek(1)
        open_recording(client, file).__enter__()


def test_a_session_sends_a_recording(client, path):
    """The thread that feeds a session may read the recording in the same client's thread."""
    with (
        open_recording(client, path) as recording,
        client.stt.manual_finalize.websocket(
            model="ink-2", encoding=recording.encoding, sample_rate=recording.sample_rate
        ) as session,
    ):
        session.feed(recording, pace="as_fast_as_possible")
        assert session.statistics().audio_bytes_sent == len(AUDIO)


def test_a_microphone_is_received_in_a_loop(client, monkeypatch):
    with open_microphone(client, backend="null") as microphone:
        assert type(microphone) is Microphone
        for audio in microphone:
            assert audio == bytes(len(audio))
            break
        assert microphone.statistics().audio_seconds > 0
    monkeypatch.setattr(device, "_has_device", lambda *_: False)
    with pytest.raises(CaptureFailed, match="no microphone was found"):
        open_microphone(client).__enter__()
