from __future__ import annotations

import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.base.audio import ENCODINGS, SampleFormat
from trio_cartesia.server.audio.clips import decode, samples_of
from trio_cartesia.server.audio.encodings import encode
from trio_cartesia.server.audio.mp3 import Mp3Encoder
from trio_cartesia.server.messages.errors import APIError

SAMPLES = array("h", [(index * 977) % 30_000 - 15_000 for index in range(3000)])


def wav(encoding: str, *, is_streamed: bool) -> tuple[bytes, bytes]:
    """A file, and the audio in it."""
    audio = encode(SAMPLES.tobytes(), encoding)
    form = SampleFormat(encoding=encoding, sample_rate=16000)
    return form.wav_header(None if is_streamed else len(audio)) + audio, audio


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_wav_is_read_in_each_encoding(encoding: str, is_streamed: bool) -> None:
    """The samples of a file are found as they are, and decoded, with or without known sizes."""
    clip, audio = wav(encoding, is_streamed=is_streamed)
    assert samples_of(clip) == audio
    decoded = array("h", b"".join(piece.tobytes() for piece in decode(clip, 16000)))
    tolerance = {"pcm_s16le": 0, "pcm_f32le": 1}.get(encoding, 512)
    assert len(decoded) == len(SAMPLES)
    assert max(abs(a - b) for a, b in zip(decoded, SAMPLES, strict=True)) <= tolerance


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_any_rate_becomes_the_one_that_is_asked_for(sample_rate: int) -> None:
    """Audio of another rate, and MP3, has the length that it had, in pieces that are not long."""
    encoder = Mp3Encoder(sample_rate=16000, bit_rate=64000)
    mp3 = encoder.add(SAMPLES.tobytes() * 10) + encoder.end()
    for clip, frames in ((wav("pcm_s16le", is_streamed=False)[0], 3000), (mp3, 30_000)):
        pieces = [len(piece) for piece in decode(clip, sample_rate)]
        assert sum(pieces) / sample_rate == pytest.approx(frames / 16000, abs=0.2)
        assert max(pieces) <= 1024


@given(
    clip=st.binary(max_size=100) | st.binary(max_size=60).map(lambda rest: b"RIFF1234WAVE" + rest)
)
def test_no_bytes_do_harm(clip: bytes) -> None:
    """Whatever is uploaded, its samples are a part of it, and it is decoded or refused."""
    assert samples_of(clip) in clip
    try:
        assert list(decode(clip, 8000))
    except APIError as error:
        assert error.body.code == "unsupported_audio_format"


def test_a_wav_without_sound_is_refused() -> None:
    """A header alone is no recording."""
    header = SampleFormat(encoding="pcm_s16le", sample_rate=8000).wav_header(0)
    with pytest.raises(APIError, match="Unsupported audio format"):
        decode(header, 8000)


def test_the_decoder_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error names it."""
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    with pytest.raises(APIError) as caught:
        decode(wav("pcm_s16le", is_streamed=False)[0], 8000)
    assert caught.value.body.status == 501
    assert "trio-cartesia[local]" in caught.value.body.message
