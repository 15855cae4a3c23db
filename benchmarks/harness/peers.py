"""The other ends that clients are measured against, each in a process of its own."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs

from harness.cases import BENCHMARKS, Case
from harness.processors import cores
from harness.results import Measure, quantile

RUN_SECONDS: Final = 120  # the most that one client may take


class ClientFailed(Exception):
    """A client ended with an error, or lost frames."""


def path_of(*folders: str) -> str:
    """Return a PYTHONPATH with these folders first."""
    found = [*folders, str(BENCHMARKS), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(folder for folder in found if folder)


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a module of the harness on the processor of the other ends."""
    return subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"BENCHMARK_CORE": cores()[0], "PYTHONPATH": path_of()},
    )


@attrs.define(eq=False)
class Peer:
    """A process that clients connect to; ``url`` is its address."""

    process: subprocess.Popen[str]
    url: str
    authority: str = ""

    def send(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Return the next line of its standard output, which is JSON."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def report(self) -> dict[str, Any]:
        """Return what the local service reports about the time since its last report."""
        self.send("")
        return self.receive()

    def measure(self, case: Case) -> Measure:
        """Let the case's client perform its load, and return the figures of both.

        Raises:
            ClientFailed: The client ended with an error, or did not count every frame.
        """
        if case.voice is not None:
            self.report()
            found = run_client(case, self)
            return figures(found, self.report())
        self.send(json.dumps(attrs.asdict(case.load)))
        try:
            found = run_client(case, self)
        finally:
            sent = self.receive()  # the load ends with its client
        _check(case, found, sent)
        return figures(found, sent)


def run_client(case: Case, peer: Peer) -> dict[str, Any]:
    """Run a client in a process of its own; return what it reports.

    Raises:
        ClientFailed: It ended with an error, which it has printed.
    """
    plan = json.dumps(attrs.asdict(case.load) | {"url": peer.url})
    command = [*case.client.command, plan]
    if cores()[1] and shutil.which("taskset"):
        command = ["taskset", "-c", cores()[1], *command]
    environment = dict(case.client.environment) | {"BENCHMARK_CORE": cores()[1]}
    environment["PYTHONPATH"] = path_of(case.client.package)
    if peer.authority:
        names = ("BENCHMARK_AUTHORITY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
        environment |= dict.fromkeys(names, peer.authority)
    done = subprocess.run(  # noqa: S603  # our own command
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    if done.returncode:
        raise ClientFailed(f"{case.name} ended with status {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _check(case: Case, found: dict[str, Any], sent: dict[str, Any]) -> None:
    if found["frames"] == -1:  # the client does not count
        found["frames"] = sent["frames"]
    size = sent.get("bytes", sent["frames"] * case.load.bytes)
    if found["frames"] != sent["frames"] or (found["bytes"] or size) != size:
        raise ClientFailed(f"{case.name} received {found['frames']} frames of {sent['frames']}")


def figures(found: dict[str, Any], sent: dict[str, Any]) -> Measure:
    """Return what is compared, from the reports of a client and of its peer."""
    del found["bytes"]
    frames, seconds, busy = map(found.pop, ("frames", "seconds", "cpu_seconds"))
    delays = sorted(found.pop("delays", None) or [])
    for part in (0.5, 0.95, 0.99, 0.999) if delays else ():
        found[f"p{100 * part:g}_us"] = 1e6 * quantile(delays, part)
    # Waits for a processor are other programs' work, unless threads of the client wait for each
    # other: on one processor its clock runs at least as long as its CPU time.
    running = max(seconds - found.pop("queued_seconds"), min(busy, seconds))
    found |= {
        "cpu_us": 1e6 * busy / frames,
        "clock_us": 1e6 * running / frames,
        "wall_us": 1e6 * seconds / frames,
        "frames_per_second": frames / running,
    }
    found["load_busy"] = sent["cpu_seconds"] / max(sent["seconds"], seconds)
    if "lag_p99_ms" in sent:
        found["lag_p99_ms"] = sent["lag_p99_ms"]
    return found


def certificates(folder: str) -> tuple[str, str]:
    """Make a certificate for the load, and the certificate of the authority that issued it."""
    import trustme

    made = trustme.CA()
    leaf = made.issue_cert("127.0.0.1", "localhost")
    certificate, authority = f"{folder}/leaf.pem", f"{folder}/authority.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(certificate)
    made.cert_pem.write_to_path(authority)
    return certificate, authority


@contextmanager
def open_load(*, tls: bool = False) -> Iterator[Peer]:
    """Start the load, and end it with the block."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, authority = certificates(folder) if tls else ("", "")
        with _running(start("harness.load_process", certificate)) as (process, port):
            yield Peer(process, f"{'wss' if tls else 'ws'}://localhost:{port}", authority)


@contextmanager
def open_service(voice: str, recognizer: str = "auto", **behaviour: float) -> Iterator[Peer]:
    """Start the local service with a voice, and end it with the block.

    Args:
        voice: "tones" or "espeak".
        recognizer: The name of the recogniser of speech.
        behaviour: Fields of `Behaviour`; without ``times_real_time`` it speaks as fast as it can.
    """
    fields = json.dumps({"times_real_time": math.inf, **behaviour})
    with _running(start("harness.service_process", voice, recognizer, fields)) as (process, url):
        yield Peer(process, url.replace("http", "ws", 1))


@contextmanager
def _running(process: subprocess.Popen[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
