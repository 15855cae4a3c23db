from __future__ import annotations

import io
import re
import struct
import sys
import wave
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.server.http_client import an_error, over_http
from tests.server.support import TWO_SENTENCES, Json, on_virtual_time, tones
from tests.support import one_in
from trio_cartesia._protocol.base.audio import ENCODINGS, SAMPLE_RATES, SampleFormat
from trio_cartesia.server.audio.containers import Audio, finished, playable
from trio_cartesia.server.audio.encodings import encode
from trio_cartesia.server.audio.mp3 import possible_bit_rate

BIT_RATES = (32000, 64000, 96000, 128000, 192000)
FORMATS = st.builds(
    SampleFormat, encoding=st.sampled_from(ENCODINGS), sample_rate=st.sampled_from(SAMPLE_RATES)
)
SUBTYPES = {"pcm_s16le": "PCM_16", "pcm_f32le": "FLOAT", "pcm_mulaw": "ULAW", "pcm_alaw": "ALAW"}
SLACK_FRAMES = 2304  # what MP3 adds: the encoder's delay, and the rest of its last frame

# kbit/s by the four bits of a frame's header: MPEG 1 layer III, and MPEG 2 and 2.5
MPEG_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def mp3_frames(data: bytes) -> list[tuple[int, int, bool]]:
    """Bit rate, sample rate and "is mono" of each frame: nothing else may be in the stream."""
    found = []
    while data:
        (head,) = struct.unpack(">I", data[:4])
        assert head >> 21 == 0x7FF
        version, index = head >> 19 & 3, head >> 12 & 15
        sample_rate = RATES[version][head >> 10 & 3]
        bit_rate = 1000 * (MPEG_1 if version == 3 else MPEG_2)[index]
        found.append((bit_rate, sample_rate, head >> 6 & 3 == 3))
        size = (144 if version == 3 else 72) * bit_rate // sample_rate + (head >> 9 & 1)
        data = data[size:]
    return found


def likeness(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The correlation of two sounds, where they fit each other best."""
    size = 1 << (len(ours) + len(theirs)).bit_length()
    product = np.fft.rfft(ours, size) * np.conj(np.fft.rfft(theirs, size))
    return float(np.fft.irfft(product).max() / np.linalg.norm(ours) / np.linalg.norm(theirs))


@pytest.mark.parametrize(
    ("sample_rate", "bit_rate"),
    one_in(4, product(SAMPLE_RATES, BIT_RATES)),  # each of both is in the default run
)
@on_virtual_time
async def test_mp3_decodes_to_what_was_spoken(sample_rate: int, bit_rate: int) -> None:
    """A decoder that is not ours finds the right rate, the right length and the right sound, and
    each frame has the bit rate that was asked for, as far as MP3 has it.
    """
    output: Json = {"container": "mp3", "sample_rate": sample_rate, "bit_rate": bit_rate}
    async with over_http() as (client, _):
        answer = await client.bytes(TWO_SENTENCES, output_format=output)
    assert answer.headers["content-type"] == "audio/mpeg"
    heard, rate = soundfile.read(io.BytesIO(answer.body))
    spoken = np.frombuffer(await tones(TWO_SENTENCES, sample_rate=sample_rate), dtype="<i2")
    assert rate == sample_rate
    assert 0 <= len(heard) - len(spoken) <= SLACK_FRAMES
    assert likeness(heard, spoken / 32768) > 0.9
    delivered = possible_bit_rate(bit_rate, sample_rate)
    assert set(mp3_frames(answer.body)) == {(delivered, sample_rate, True)}
    assert delivered == bit_rate or sample_rate <= 24000


@on_virtual_time
async def test_mp3_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its encoder the service says what is missing, and speaks in other formats."""
    monkeypatch.setitem(sys.modules, "lameenc", None)
    output: Json = {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000}
    async with over_http() as (client, _):
        answer = await client.bytes("Hi.", output_format=output)
        assert an_error(answer, 501)
        assert "trio-cartesia[local]" in answer.json["title"]
        assert (await client.bytes("Hi.")).body == await tones("Hi.")


@pytest.mark.parametrize("sample_rate", SAMPLE_RATES)
@pytest.mark.parametrize("encoding", ENCODINGS)
@on_virtual_time
async def test_wav_decodes_to_what_was_spoken(encoding: str, sample_rate: int) -> None:
    """A decoder that is not ours reads a WAV as it was streamed, with sizes that nobody knew."""
    output: Json = {"container": "wav", "encoding": encoding, "sample_rate": sample_rate}
    async with over_http() as (client, _):
        answer = await client.bytes(TWO_SENTENCES, output_format=output)
        raw = await client.bytes(TWO_SENTENCES, output_format={**output, "container": "raw"})
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.body[:12] == b"RIFF\xff\xff\xff\xffWAVE"
    assert answer.body.endswith(b"data\xff\xff\xff\xff" + raw.body)
    with soundfile.SoundFile(io.BytesIO(answer.body)) as file:
        assert (file.format, file.subtype) == ("WAV", SUBTYPES[encoding])
        assert (file.samplerate, file.channels) == (sample_rate, 1)
        heard = file.read(dtype="int16" if encoding == "pcm_s16le" else "float64")
    spoken = np.frombuffer(await tones(TWO_SENTENCES, sample_rate=sample_rate), dtype="<i2")
    if encoding == "pcm_s16le":
        assert heard.tolist() == spoken.tolist()
    else:  # G.711 has 8 bits; its steps are a sixteenth of a value
        assert np.abs(heard - spoken / 32768).max() <= (0 if encoding == "pcm_f32le" else 0.02)


@given(samples=FORMATS, frames=st.integers(0, 300), cut=st.integers(0, 300))
def test_a_finished_wav_has_the_right_sizes(samples: SampleFormat, frames: int, cut: int) -> None:
    """A WAV that is complete says how much there is of it, to the byte, however it was sent."""
    audio = encode(bytes(range(256)) * 3, samples.encoding)[: frames * samples.bytes_per_frame]
    sent = samples.wav_header() + audio
    cut = len(samples.wav_header()) + cut
    file = b"".join(finished(Audio(container="wav", samples=samples), [sent[:cut], sent[cut:]]))
    assert struct.unpack("<4sI", file[:8]) == (b"RIFF", len(file) - 8)
    assert len(file) % 2 == 0
    info = soundfile.info(io.BytesIO(file))
    assert (info.frames, info.samplerate) == (frames, samples.sample_rate)
    assert file == b"".join(playable(Audio(container="raw", samples=samples), [audio]))
    assert playable(Audio(container="wav", samples=samples), [file]) == [file]


@given(rate=st.sampled_from(SAMPLE_RATES), samples=st.lists(st.integers(-32768, 32767)))
def test_the_standard_library_reads_it_too(rate: int, samples: list[int]) -> None:
    """Python's own reader, which knows PCM alone, takes the streamed WAV and the finished one."""
    layout = SampleFormat(encoding="pcm_s16le", sample_rate=rate)
    data = struct.pack(f"<{len(samples)}h", *samples)
    sent = layout.wav_header() + data
    for body in (sent, b"".join(finished(Audio(container="wav", samples=layout), [sent]))):
        with wave.open(io.BytesIO(body)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
            assert file.readframes(len(samples) + 1) == data


def test_the_documentation_tells_what_is_delivered() -> None:
    """The table of bit rates in the documentation is that of the code."""
    lines = (Path(__file__).parents[3] / "docs/reference/speech-over-http.md").read_text()
    rows = [
        list(map(int, row.split("|")[1:-1]))
        for row in re.findall(r"^\| \d+ .*", lines, re.MULTILINE)
    ]
    assert rows == [
        [rate, *(possible_bit_rate(bit_rate, rate) for bit_rate in BIT_RATES)]
        for rate in SAMPLE_RATES
    ]
