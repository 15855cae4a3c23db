"""Does a fixed stream take more work than it did? A step of CI, which noise does not disturb.

``python benchmarks/work_counts.py`` counts, and ends with status 1 if a count is more than 5 %
above the one that ``work_counts.json`` has for this version of Python. ``--renew`` keeps the new
counts: do that on purpose, in a commit that says why. Counted are, for each frame or context:

* opcodes of this package's own code, which need nothing but Python;
* calls that this package makes, of functions in Python and in C;
* steps of tasks, since each is a pass through Trio's scheduler;
* with ``--callgrind``, if valgrind is installed: instructions of the whole process, and the
  functions that most of them are in. These hold for one build of Python and its libraries, which
  are therefore part of the baseline's name.

Time stands still meanwhile: counting slows a program down, and audio that comes too late to be
played takes some more work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final

import trio
from contexts import push_and_leave
from harness.cases import FAST_PATH
from harness.clients.tasks import SETTINGS
from harness.memory_peer import MemoryPeer, PolitePeer
from harness.messages import chunk, done
from trio.testing import MockClock

import trio_cartesia
from trio_cartesia import Cartesia, Connection

BASELINE: Final = Path(__file__).with_suffix(".json")
MOST_GROWTH: Final = 1.05
CONTEXTS: Final = 64
AUDIO: Final = "QUJD" * 1365 + "QQ=="  # 4 KiB
PARTS: Final = (trio_cartesia.__path__[0] + os.sep, "<attrs generated methods trio_cartesia.")
PLACES: Final = 16  # functions that --callgrind lists
RUNS: Final = (640, 1920)  # the difference is counted, so that neither start nor end counts

Scenario = Callable[[Connection, MemoryPeer, int], Awaitable[None]]


async def listen(connection: Connection, name: str, *, task_status: trio.TaskStatus[None]) -> None:
    """Receive all of a context's events."""
    async with connection.context(context_id=name, **SETTINGS) as context:
        await context.push("x")
        await context.no_more_inputs()
        task_status.started()
        async for event in context.receive():
            assert event.type != "chunk" or event.audio


async def receive(connection: Connection, peer: MemoryPeer, frames: int) -> None:
    """Receive *frames* frames of many contexts."""
    names = [f"context-{number}" for number in range(CONTEXTS)]
    async with trio.open_nursery() as nursery:
        for name in names:
            await nursery.start(listen, connection, name)
        for _ in range(0, frames, CONTEXTS * 5):  # five frames a context in a read
            peer.send(b"".join(chunk(name, AUDIO, b"1.5") for name in names) * 5)
            for _ in range(20):
                await trio.lowlevel.checkpoint()
        peer.send(b"".join(map(done, names)))


async def leave(connection: Connection, peer: MemoryPeer, contexts: int) -> None:  # noqa: ARG001  # the signature is given
    """Open a tenth as many contexts, push to them and leave them."""
    for _ in range(contexts // 10):
        await push_and_leave(connection)


SCENARIOS: Final[dict[str, tuple[Scenario, str, int]]] = {
    "a frame": (receive, "1", 1),
    "a frame, fast path off": (receive, "0", 1),
    "a context": (leave, "1", 10),
}


async def play(scenario: Scenario, size: int, count: Callable[[], Any]) -> None:
    """Run a scenario over a connection, within a block of *count*."""
    peer = PolitePeer()
    trio._core._run._r.seed(1)  # the order of tasks is drawn from it

    async def open_peer(host: str, port: int) -> MemoryPeer:  # noqa: ARG001  # the signature is given
        await trio.lowlevel.checkpoint()
        return peer

    async with (
        Cartesia("k", base_url="http://localhost", open_stream=open_peer) as client,
        client.tts.websocket_connect() as connection,
    ):
        with count():
            await scenario(connection, peer, size)


class Steps(trio.abc.Instrument):
    """Counts steps of tasks."""

    def __init__(self, found: Counter[str]) -> None:
        self._found = found

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # the signature is given
        """Count one."""
        self._found["steps"] += 1


def is_ours(frame: FrameType) -> bool:
    """Return whether a frame runs this package's code."""
    return frame.f_code.co_filename.startswith(PARTS)


@contextmanager
def counting(found: Counter[str]) -> Iterator[None]:
    """Count within the block."""

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if event == "call" and not is_ours(frame):
            return None
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        found["opcodes"] += event == "opcode"
        return trace

    def profile(frame: FrameType, event: str, _: object) -> None:
        caller = {"c_call": frame, "call": frame.f_back}.get(event)
        found["calls"] += caller is not None and is_ours(caller)

    steps = Steps(found)
    trio.lowlevel.add_instrument(steps)
    sys.setprofile(profile)
    sys.settrace(trace)
    # settrace does not reach frames that run already, such as the reader's
    for frame in filter(is_ours, waiting_frames()):
        frame.f_trace, frame.f_trace_opcodes, frame.f_trace_lines = trace, True, False
    try:
        yield
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        trio.lowlevel.remove_instrument(steps)


def waiting_frames() -> Iterator[FrameType]:
    """Yield the frames of all waiting tasks."""
    waiting = [trio.lowlevel.current_root_task()]
    while waiting:
        if (task := waiting.pop()) is not None:
            yield from (frame for frame, _ in task.iter_await_frames())
            waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


def count(name: str) -> dict[str, float]:
    """Return the counts of a scenario, for each frame or context."""
    scenario, _, portion = SCENARIOS[name]
    totals = []
    for size in RUNS:
        found: Counter[str] = Counter()
        trio.run(play, scenario, size, lambda found=found: counting(found), clock=MockClock())
        totals.append(found)
    few, many = totals
    each = (RUNS[1] - RUNS[0]) / portion
    return {field: round((many[field] - few[field]) / each, 3) for field in sorted(many)}


def count_instructions(name: str) -> dict[str, float]:
    """Return the instructions of a scenario, for each frame or context, and where most are."""
    totals: list[Counter[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in RUNS:
            out = f"{folder}/{size}"
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
            command += [sys.executable, __file__, "--play", name, "--size", str(size)]
            subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # our own command
            totals.append(instructions_by_function(out))
    few, many = totals
    each = (RUNS[1] - RUNS[0]) / SCENARIOS[name][2]
    spent = Counter({place: (many[place] - few[place]) / each for place in many})
    for place, instructions in spent.most_common(PLACES):
        print(f"      {instructions:>9,.0f} in {place}", file=sys.stderr)
    return {"instructions": round(spent.total())}


def instructions_by_function(out: str) -> Counter[str]:
    """Return the instructions in each function itself, from a file of callgrind's."""
    command = ["callgrind_annotate", "--threshold=100", out]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own command
    spent: Counter[str] = Counter()
    for line in listed.stdout.splitlines():
        if found := re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+\S+?:([^\s'\[]+)", line):
            spent[found[2]] += int(found[1].replace(",", ""))
    return spent


def in_a_process(name: str, *options: str) -> dict[str, float]:
    """Count in a process of its own: whether the fast path is on is read once."""
    command = [sys.executable, __file__, "--count", name, *options]
    environment = os.environ | {FAST_PATH: SCENARIOS[name][1], "PYTHONHASHSEED": "0"}
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own command
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def baseline_name(*, callgrind: bool) -> str:
    """Return the name of the baseline: the version of Python, and what else counts depend on."""
    if not callgrind:
        return f"{platform.python_implementation()} {'.'.join(platform.python_version_tuple()[:2])}"
    libraries = [f"{name} {version(name)}" for name in ("trio", "orjson", "pybase64")]
    return ", ".join([f"callgrind, {platform.machine()}, {sys.version.split(' ')[0]}", *libraries])


def check(kept: dict[str, Any], found: dict[str, dict[str, float]]) -> bool:
    """Print counts beside the baseline; return whether none grew too much."""
    is_good = True
    for name, counts in found.items():
        for field, value in counts.items():
            before = kept.get(name, {}).get(field)
            if before is None:
                print(f"new   {name}: {value:,g} {field}")
                continue
            grew = value / before
            is_good &= grew <= MOST_GROWTH
            word = "GREW" if grew > MOST_GROWTH else "less" if grew < 1 / MOST_GROWTH else "same"
            print(f"{word}  {name}: {value:,g} {field}, {before:,g} before ({grew - 1:+.1%})")
    return is_good


def main() -> int:
    """Count, and compare with the baseline or replace it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true", help="keep the new counts as the baseline")
    parser.add_argument("--callgrind", action="store_true", help="count instructions, by valgrind")
    parser.add_argument("--count", choices=list(SCENARIOS), help=argparse.SUPPRESS)
    parser.add_argument("--play", choices=list(SCENARIOS), help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        trio.run(play, SCENARIOS[given.play][0], given.size, nullcontext, clock=MockClock())
        return 0
    if given.count:
        counted = count_instructions(given.count) if given.callgrind else count(given.count)
        print(json.dumps(counted))
        return 0
    if given.callgrind and shutil.which("valgrind") is None:
        print("--callgrind needs valgrind, which is not installed", file=sys.stderr)
        return 2
    options = ["--callgrind"] if given.callgrind else []
    found = {name: in_a_process(name, *options) for name in SCENARIOS}
    kept = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    key = baseline_name(callgrind=given.callgrind)
    is_good = check(kept.get(key, {}), found)
    if given.renew:
        kept[key] = found
        BASELINE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        print(f"kept for {key}")
        return 0
    if key not in kept:
        print(f"no baseline for {key}; --renew keeps these counts")
    elif not is_good:
        print(
            f"a count grew by more than {MOST_GROWTH - 1:.0%}; reduce it, or keep it with --renew"
        )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
