"""How many sessions of speech to text does the local service carry at real time?

``python benchmarks/listening_load.py`` answers for two recognisers; ``--part`` chooses one.

* ``own``: 50 sessions at once, with manual finalize and with turns, at 16 kHz and as 8 kHz mu-law,
  send what the service has spoken before. All texts have to be right.
* ``moonshine``: more and more sessions send a recording of a person, where the extra ``ears`` is
  installed. A session keeps up if its text is final a second after its audio.

The service has a process and a processor of its own. A step is what its loop runs at once; its
processor time is what the service itself makes others wait, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import wave
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import trio
from harness.cases import is_installed
from harness.peers import Peer, open_service
from harness.results import Measure, Row, middle, pick, row
from harness.rounds import Option, ask, measure_parts
from harness.tables import Cell, full, only, sections, table, text

from trio_cartesia import Cartesia

VOICE: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
SENTENCES: Final = (
    "The quick brown fox jumps over the lazy dog.",
    "An old grey sailor crossed the northern sea in winter.",
    "Her youngest child found seven coins under the table.",
    "That famous doctor answered three difficult questions.",
    "No other engineer repaired the broken bridge.",
)
FORMATS: Final[tuple[dict[str, Any], ...]] = (
    {"encoding": "pcm_s16le", "sample_rate": 16_000},
    {"encoding": "pcm_mulaw", "sample_rate": 8_000},
)
START_SECONDS: Final = 1.1  # in which all sessions begin; their pieces of 0.1 s do not coincide
PATIENCE_SECONDS: Final = 1.0  # from the end of the audio to the final text
RECORDING: Final = "beckett.wav"
RECORDED: Final = "no matter"  # words that the model gets right


class Crowd:
    """Sessions that send the same speech at real time."""

    def __init__(self, client: Cartesia, size: int) -> None:
        self.client, self.size = client, size
        self.delays: list[float] = []
        self.texts: list[str] = []

    async def run(self, forms: list[dict[str, Any]], recordings: list[bytes]) -> None:
        """Run all sessions; the formats and both kinds of sessions take turns."""
        async with trio.open_nursery() as nursery:
            for number in range(self.size):
                kind = number % len(forms)
                work = self.turns if number // len(forms) % 2 else self.manual
                nursery.start_soon(work, forms[kind], recordings[kind])
                await trio.sleep(START_SECONDS / self.size)

    async def manual(self, form: dict[str, Any], audio: bytes) -> None:
        """Finalise once, at the end."""
        async with self.client.stt.manual_finalize.websocket(model="ink-2", **form) as session:
            await session.feed(audio)
            began = trio.current_time()
            await session.finalize()
            self.delays.append(trio.current_time() - began)
        self.texts.append(session.transcript.final.strip())

    async def turns(self, form: dict[str, Any], audio: bytes) -> None:
        """Receive turns meanwhile; the last one ends with the session."""
        found: list[str] = []

        async def receive() -> None:
            found.extend([await turn.end() async for turn in session.turns()])

        async with self.client.stt.auto_finalize.websocket(model="ink-2", **form) as session:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive)
                await session.feed(audio)
                began = trio.current_time()
                await session.no_more_audio()
            self.delays.append(trio.current_time() - began)
        self.texts.append(" ".join(found))


async def spoken(client: Cartesia, form: dict[str, Any]) -> bytes:
    """Return the speech of all sentences, and a pause after each."""
    size = 1 if form["encoding"] == "pcm_mulaw" else 2
    pause = (b"\xff" if size == 1 else bytes(2)) * form["sample_rate"]
    audio = b""
    async with client.tts.websocket_connect() as connection:
        for sentence in SENTENCES:
            speaking = connection.speak(
                sentence, model_id="sonic-latest", voice=VOICE, output_format=form
            )
            async with speaking as context:
                audio += (await context.collect()).audio + pause
    return audio


async def measure_own(given: argparse.Namespace) -> list[Row]:
    """Measure sessions with the service's own speech, after a round that counts for nothing."""
    measures = []
    forms = list(FORMATS)
    with open_service(given.voice, "own") as service:
        async with Cartesia(base_url=service.url) as client:
            recordings = [await spoken(client, form) for form in forms]
            await Crowd(client, 1).run(forms, recordings)
            for _ in range(given.rounds):
                await _report(service)
                crowd = Crowd(client, given.sessions)
                await crowd.run(forms, recordings)
                right = sum(found == " ".join(SENTENCES) for found in crowd.texts)
                measures.append(_measure(crowd, await _report(service)) | {"right": right})
    return [row(measures, part="own", sessions=given.sessions)]


async def measure_moonshine(given: argparse.Namespace) -> list[Row]:
    """Measure more and more sessions, until they no longer keep up."""
    rows: list[Row] = []
    if not is_installed("moonshine-voice"):
        return rows
    with wave.open(str(files("moonshine_voice") / "assets" / RECORDING)) as file:
        form = {"encoding": "pcm_s16le", "sample_rate": file.getframerate()}
        recording = file.readframes(file.getnframes())
    with open_service("tones", "moonshine") as service:
        async with Cartesia(base_url=service.url) as client:
            await Crowd(client, 1).run([form], [recording])  # loads the model
            for sessions in given.crowds:
                await _report(service)
                crowd = Crowd(client, sessions)
                await crowd.run([form], [recording])
                assert all(RECORDED in found.lower() for found in crowd.texts)
                measure = _measure(crowd, await _report(service))
                rows.append(row([measure], part="moonshine", sessions=sessions))
                if max(crowd.delays) > 5 * PATIENCE_SECONDS:
                    break
    return rows


def _measure(crowd: Crowd, found: Measure) -> Measure:
    late = sum(delay > PATIENCE_SECONDS for delay in crowd.delays)
    share = found["cpu_seconds"] / found["seconds"]
    return found | {"delay_seconds": max(crowd.delays), "late": late, "processors": share}


async def _report(service: Peer) -> Measure:
    service.send("")
    return await trio.to_thread.run_sync(service.receive)


PARTS: Final = {"own": measure_own, "moonshine": measure_moonshine}


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure the parts."""
    return measure_parts(given, PARTS)


def report(rows: list[Row]) -> str:
    """Format a table a part."""
    own, moonshine = (pick(rows, part=part) for part in PARTS)
    return sections([
        _table(own, "sessions, `own`", {"texts right": whole("right")}, full) if own else "",
        _table(moonshine, "sessions, `moonshine`", {"texts late": whole("late")}, only)
        if moonshine
        else "",
    ])  # fmt: skip


def _table(rows: list[Row], head: str, first: dict[str, Cell], cell: Callable[[str], Cell]) -> str:
    columns = {
        "processors": only("processors"),
        "last text, s after the audio": cell("delay_seconds"),
        "longest step, CPU ms": cell("step_worst_cpu_ms"),
        "longest garbage collection, ms": cell("collection_worst_ms"),
        "lag p99, ms": only("lag_p99_ms"),
    }
    return table(rows, head, text("sessions"), first | columns)


def whole(field: str) -> Cell:
    """Return a cell with a count."""
    return lambda row: f"{middle(row, field):.0f}"


OPTIONS: Final = (
    Option("--part", "all", choices=("all", *PARTS)),
    Option("--voice", "espeak", choices=("espeak", "tones")),
    Option("--sessions", 50, brief=10),
    Option("--crowds", [1, 4, 8, 12, 16], brief=[1, 2], help="sessions; default: 1,4,8,12,16"),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS, rounds=3)
