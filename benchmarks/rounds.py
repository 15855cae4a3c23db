"""
What the comparisons share: processes that are started in turn, medians with their spread, tables.

Machines are noisy, and drift. So the clients take turns in each round, and what is compared is
compared within one run. The load has one processor and the client another, where the machine lets
itself be told so.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs

HERE: Final = Path(__file__).parent
JAVASCRIPT: Final = HERE.parent / "tests/conformance/node_modules/@cartesia/cartesia-js"
RUN_SECONDS: Final = 120  # of one client, at the most
LIBRARIES: Final = (
    "trio-cartesia",
    "trio",
    "trio-websocket",
    "orjson",
    "pybase64",
    "cartesia",
    "websockets",
    "picows",
)


@attrs.frozen(kw_only=True)
class Load:
    """What the load sends."""

    contexts: int = 64
    bytes: int = 4096
    frames: int = 60_000
    pace: str = "flood"
    interval_seconds: float = 0.02


@attrs.frozen
class Client:
    """A client: the command that starts it, and what it needs in its environment."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    needs: str | None = None  # what must be installed


def _python(name: str, needs: str | None = None, **environment: str) -> Client:
    command = (sys.executable, str(HERE / "clients.py"), name)
    return Client(command, tuple(environment.items()), needs)


CLIENTS: Final = {
    "trio_cartesia": _python("ours"),
    "trio_cartesia, lane off": _python("ours", TRIO_CARTESIA_FAST_LANE="0"),
    "official async": _python("official_async", "cartesia"),
    "official sync": _python("official_sync", "cartesia"),
    "official JS": Client(("node", str(HERE / "clients.cjs")), (), "node"),
    "bare websockets": _python("websockets", "websockets"),
    "bare trio-websocket": _python("trio_websocket"),
    "picows": _python("picows", "picows"),
    "picows, least inbox": _python("picows_least", "picows"),
    "picows, callback only": _python("picows_raw", "picows"),
    "raw socket": _python("raw_socket"),
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


def chosen(names: Sequence[str] | None) -> dict[str, Client]:
    """Return the clients of these names, or all, that can be run here."""
    wanted = {name: CLIENTS[name] for name in names or CLIENTS}
    return {name: client for name, client in wanted.items() if is_there(client)}


def cores() -> tuple[str, str]:
    """Return a processor for the load and one for the clients; empty where they must share."""
    if not hasattr(os, "sched_getaffinity"):
        return "", ""
    ours = sorted(os.sched_getaffinity(0))
    return (str(ours[0]), str(ours[-1])) if len(ours) > 1 else ("", "")


def ask_for_priority() -> None:
    """Go before other work on this machine, and let those that are started do so."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, PermissionError):
        print("!! no priority: only root may ask for it", file=sys.stderr)


class Loader:
    """The other end, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, authority: str | None) -> None:
        self._process, self.url, self._authority = process, url, authority

    def run(self, client: Client, load: Load) -> dict[str, Any]:
        """Run a client against it; return what it reports, and what the load did."""
        environment = dict(client.environment) | {"BENCHMARK_CORE": cores()[1]}
        if self._authority:
            environment |= dict.fromkeys(
                ("BENCHMARK_AUTHORITY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"), self._authority
            )
        if load.pace != "flood":
            environment["BENCHMARK_PACED"] = "1"
        command = [*client.command, self.url, str(load.contexts)]
        if cores()[1] and shutil.which("taskset"):
            command = ["taskset", "-c", cores()[1], *command]
        done = subprocess.run(  # noqa: S603  # ours
            command,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=RUN_SECONDS,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert self._process.stdout is not None
        sent = json.loads(self._process.stdout.readline())
        if found["frames"] == -1:
            found["frames"] = sent["frames"]
        elif (found["frames"], found["bytes"]) != (sent["frames"], sent["frames"] * load.bytes):
            raise SystemExit(f"{command} heard {found['frames']} frames of {sent['frames']}")
        delays = sorted(found.pop("delays") or [])
        for part in (0.5, 0.99, 0.999) if delays else ():
            found[f"p{100 * part:g}_us"] = 1e6 * delays[int(part * (len(delays) - 1))]
        return found | {
            # others may use the machine: what it waited for a processor is not the client's doing
            "frames_per_second": found["frames"] / (found["seconds"] - found["queued_seconds"]),
            "frames_per_second_wall": found["frames"] / found["seconds"],
            "cpu_us_per_frame": 1e6 * found["cpu_seconds"] / found["frames"],
            "load_busy": sent["cpu_seconds"] / max(sent["seconds"], found["seconds"]),
        }


@contextmanager
def open_load(load: Load, *, tls: bool = False) -> Iterator[Loader]:
    """Start the load; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = authority = None
        if tls:
            import trustme

            made = trustme.CA()
            leaf = made.issue_cert("127.0.0.1", "localhost")
            certificate, authority = f"{folder}/leaf.pem", f"{folder}/authority.pem"
            leaf.private_key_and_cert_chain_pem.write_to_path(certificate)
            made.cert_pem.write_to_path(authority)
        told = json.dumps(attrs.asdict(load) | {"certificate": certificate})
        process = subprocess.Popen(  # noqa: S603  # ours
            [sys.executable, str(HERE / "speech_load.py"), told],
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


Found = dict[str, list[dict[str, Any]]]


def compare(clients: dict[str, Client], load: Load, rounds: int, *, tls: bool = False) -> Found:
    """Let each client have its turn in each round; return what each of them found each time."""
    found: Found = {name: [] for name in clients}
    with open_load(load, tls=tls) as loader:
        for number in range(rounds + 1):  # the first warms the machine, and is not counted
            for name, client in clients.items():
                measured = loader.run(client, load)
                if number:
                    found[name].append(measured)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def median(measures: Sequence[dict[str, Any]], field: str) -> float:
    """Return the median of one figure."""
    return statistics.median(measure[field] for measure in measures)


def spread(measures: Sequence[dict[str, Any]], field: str) -> float:
    """Return how far the quarters lie apart, as a part of the median."""
    values = [measure[field] for measure in measures]
    if len(values) < 2:
        return 0.0
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return (upper - lower) / statistics.median(values)


def ratio(found: Found, one: str, other: str, field: str) -> float:
    """Return the median, over the rounds, of how one client compares to the other in that round."""
    pairs = zip(found[one], found[other], strict=True)
    return statistics.median(mine[field] / theirs[field] for mine, theirs in pairs)


def table(found: Found, columns: dict[str, Callable[[list[dict[str, Any]]], str]]) -> str:
    """Write a table with a row a client."""
    lines = ["| client | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for name, measures in found.items():
        cells = [write(measures) for write in columns.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load_average": round(os.getloadavg()[0], 1),
        "pinned": bool(cores()[0]),
        "priority": hasattr(os, "SCHED_RR") and os.sched_getscheduler(0) == os.SCHED_RR,
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def write_json(path: str | None, results: dict[str, Any]) -> None:
    """Write results and what they depend on, if a file was asked for."""
    if path is not None:
        Path(path).write_text(json.dumps({"machine": machine(), **results}, indent=1) + "\n")
