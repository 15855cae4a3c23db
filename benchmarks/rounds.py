"""What the comparisons share: clients and loads that are started in turn, each in its own process.

Machines are noisy, and drift. So the clients take turns in each round, and what is compared is
compared within one run. The load has one processor and the client another, where the machine lets
itself be told so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs
from processors import ask_for_priority, cores
from results import OURS, Row, row

HERE: Final = Path(__file__).parent
JAVASCRIPT: Final = HERE.parent / "tests/conformance/node_modules/@cartesia/cartesia-js"
RUN_SECONDS: Final = 120  # of one client, at the most
RATIOS: Final = {  # ours to theirs
    "frames_per_second": "rate_ratio",
    "cpu_us_per_frame": "cpu_ratio",
}
SLOW: Final = 0.25  # of the frames, for clients that take four times as long for each


@attrs.frozen(kw_only=True)
class Load:
    """What the load sends, over all connections."""

    contexts: int = 64
    bytes: int = 4096
    frames: int = 60_000
    pace: str = "flood"
    interval_seconds: float = 0.02
    connections: int = 1


@attrs.frozen
class Client:
    """A client: the command that starts it, and what it needs."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    needs: str | None = None  # what must be installed
    share: float = 1.0  # of the frames, where as much is sent as takes a while


@attrs.frozen
class Case:
    """What is measured in one turn."""

    name: str
    client: Client
    load: Load
    tls: bool = False


def python(
    script: str, name: str, needs: str | None = None, share: float = 1.0, **environment: str
) -> Client:
    """Return a client that is a function in a script here."""
    command = (sys.executable, str(HERE / script), name)
    return Client(command, tuple(environment.items()), needs, share)


def _node() -> Client:
    return Client(("node", str(HERE / "clients.cjs")), needs="node")


CLIENTS: Final = {
    OURS: python("clients.py", "ours"),
    "trio_cartesia, lane off": python(
        "clients.py", "ours", None, SLOW, TRIO_CARTESIA_FAST_PATH="0"
    ),
    "official async": python("clients.py", "official_async", "cartesia", SLOW),
    "official sync": python("clients.py", "official_sync", "cartesia", SLOW),
    "official JS": _node(),
    "bare websockets": python("clients_below.py", "websockets", "websockets", SLOW),
    "bare trio-websocket": python("clients_below.py", "trio_websocket", None, SLOW),
    "picows": python("clients_below.py", "picows", "picows"),
    "picows, least inbox": python("clients_below.py", "picows_least", "picows"),
    "picows, callback only": python("clients_below.py", "picows_raw", "picows"),
    "raw socket": python("clients_below.py", "raw_socket"),
}


def is_there(client: Client) -> bool:
    """Return whether what a client needs is installed; say so where it is not."""
    if client.needs == "node":
        found = shutil.which("node") is not None and JAVASCRIPT.exists()
    else:
        try:
            found = client.needs is None or bool(version(client.needs))
        except PackageNotFoundError:
            found = False
    if not found:
        print(f"!! not measured: {client.needs} is not installed", file=sys.stderr)
    return found


def chosen(names: Sequence[str], clients: dict[str, Client] = CLIENTS) -> dict[str, Client]:
    """Return the clients of these names that can be run here."""
    return {name: clients[name] for name in names if is_there(clients[name])}


def options(doc: str | None, *, rounds: int = 5) -> argparse.ArgumentParser:
    """Return a parser of what every benchmark may be told."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", help="a file for the figures")
    parser.add_argument("--priority", action="store_true", help="on a machine that others use")
    return parser


def begin(parser: argparse.ArgumentParser, *, in_process: bool = False) -> argparse.Namespace:
    """Read the options; *in_process*: what is measured runs in this process, on its processor."""
    given = parser.parse_args()
    if given.priority:
        ask_for_priority()
    if in_process and cores()[1]:
        os.environ["BENCHMARK_CORE"] = cores()[0]  # for what this process starts
        os.sched_setaffinity(0, {int(cores()[1])})
    return given


def whole_numbers(text: str) -> list[int]:
    """Read an option such as 1,16,64."""
    return [int(part) for part in text.split(",")]


class Loader:
    """The other end, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, authority: str | None) -> None:
        self._process, self.url, self._authority = process, url, authority

    def run(self, client: Client, load: Load) -> dict[str, float]:
        """Run a client against it; return what it reports, and what the load did."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(attrs.asdict(load)) + "\n")
        self._process.stdin.flush()
        numbers = map(str, (load.contexts, load.connections, load.frames))
        command = [*client.command, self.url, *numbers]
        if cores()[1] and shutil.which("taskset"):
            command = ["taskset", "-c", cores()[1], *command]
        done = subprocess.run(  # noqa: S603  # ours
            command,
            env=os.environ | self._environment(client, load),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=RUN_SECONDS,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        sent = json.loads(self._process.stdout.readline())
        check(found, sent, load, command)
        return figures(found, sent)

    def _environment(self, client: Client, load: Load) -> dict[str, str]:
        found = dict(client.environment) | {"BENCHMARK_CORE": cores()[1]}
        if self._authority:
            names = ("BENCHMARK_AUTHORITY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
            found |= dict.fromkeys(names, self._authority)
        if load.pace in ("spread", "burst"):
            found["BENCHMARK_PACED"] = "1"
        return found


def check(found: dict[str, Any], sent: dict[str, Any], load: Load, command: list[str]) -> None:
    """Stop where a client did not hear all, or was not heard."""
    if found["frames"] == -1:  # nobody looked
        found["frames"] = sent["frames"]
    heard = sent.get("bytes", sent["frames"] * load.bytes)
    if (found["frames"], found.pop("bytes") or heard) != (sent["frames"], heard):
        raise SystemExit(f"{command} counts {found['frames']} frames, not {sent['frames']}")


def figures(found: dict[str, Any], sent: dict[str, Any]) -> dict[str, float]:
    """Return what is compared, from what a client and the load have reported."""
    frames, seconds, busy = map(found.pop, ("frames", "seconds", "cpu_seconds"))
    delays = sorted(found.pop("delays", None) or [])
    for part in (0.5, 0.99, 0.999) if delays else ():
        found[f"p{100 * part:g}_us"] = 1e6 * delays[int(part * (len(delays) - 1))]
    return found | {
        # others may use the machine: what it waited for a processor is not the client's doing
        "frames_per_second": frames / (seconds - found.pop("queued_seconds")),
        "frames_per_second_wall": frames / seconds,
        "cpu_us_per_frame": 1e6 * busy / frames,
        "load_busy": sent["cpu_seconds"] / max(sent["seconds"], seconds),
    }


def certificates(folder: str) -> tuple[str, str]:
    """Make a certificate for the load, and one of the authority that vouches for it."""
    import trustme

    made = trustme.CA()
    leaf = made.issue_cert("127.0.0.1", "localhost")
    certificate, authority = f"{folder}/leaf.pem", f"{folder}/authority.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(certificate)
    made.cert_pem.write_to_path(authority)
    return certificate, authority


@contextmanager
def open_load(*, tls: bool = False) -> Iterator[Loader]:
    """Start the load; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, authority = certificates(folder) if tls else ("", None)
        process = subprocess.Popen(  # noqa: S603  # ours
            [sys.executable, str(HERE / "speech_load.py"), certificate],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"BENCHMARK_CORE": cores()[0]},
        )
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield Loader(process, f"{'wss' if tls else 'ws'}://localhost:{port}", authority)
        finally:
            process.kill()
            process.wait()


Found = dict[Case, list[dict[str, float]]]


def compare(cases: Sequence[Case], rounds: int) -> Found:
    """Let each case have its turn in each round; return what was found each time."""
    found: Found = {case: [] for case in cases}
    warm = {(case.name, case.tls): case for case in reversed(cases)}
    with ExitStack() as stack:
        kinds = {case.tls for case in cases}
        loaders = {tls: stack.enter_context(open_load(tls=tls)) for tls in kinds}
        for case in warm.values():  # the machine, too; what they find is not counted
            loaders[case.tls].run(case.client, case.load)
        for _ in range(rounds):
            for case in cases:
                found[case].append(loaders[case.tls].run(case.client, case.load))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def rows_of(found: Found, *where: str) -> list[Row]:
    """Make a row of each case: *where* are those fields of its load that tell it from others."""
    rows = []
    for case, measures in found.items():
        fields = {name: getattr(case.load, name) for name in where} | {"tls": case.tls}
        ours = [each for each in found if each.name == OURS and each is not case]
        for beside in ours:  # compared round by round: what disturbed one disturbed the other
            if fields == {name: getattr(beside.load, name) for name in where} | {"tls": beside.tls}:
                for mine, theirs in zip(found[beside], measures, strict=True):
                    for field, name in RATIOS.items():
                        theirs[name] = mine[field] / theirs[field]
        rows.append(row(measures, client=case.name, **fields))
    return rows
