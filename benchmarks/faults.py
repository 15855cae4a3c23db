"""The same faults, met by the official asynchronous client and by this one.

    python benchmarks/faults_side_by_side.py

starts a local service with TLS, plays every case with each client, and prints a table in Markdown.
It needs PyPI ``cartesia[websockets]`` (dependency group ``conformance``) and the extra ``tls``.
Both clients get the same text, the same fault and the same patience; neither is patched.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from faults_cases import CASES, KEY, Heard

CLIENTS: Final = ("cartesia", "cartesia, `timeout=5`", "trio_cartesia")


def play(client: str, url: str) -> None:
    """Play all cases with one client, and print what came of them as JSON."""
    if client == "trio_cartesia":
        import trio
        from faults_ours import ours

        outcomes = trio.run(ours, url)
    else:
        from faults_official import official

        patience_seconds = 5.0 if "timeout" in client else None
        outcomes = asyncio.run(official(url, patience_seconds))
    print(json.dumps(outcomes))


@contextmanager
def service() -> Iterator[tuple[str, dict[str, str]]]:
    """Run the local service with TLS; yield its URL, and the environment that trusts it."""
    command = [sys.executable, "-m", "trio_cartesia", "serve", "--tls", "--port", "0"]
    with tempfile.NamedTemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*command, "--voice", "tones", "--api-key", KEY],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            while "curl" not in (told := Path(log.name).read_text()):
                time.sleep(0.05)
            exports = [line.split("export ")[1] for line in told.splitlines() if "export " in line]
            words = [shlex.split(line, comments=True)[0].split("=", 1) for line in exports]
            unset = {name for name in os.environ if name.startswith("CARTESIA_")}
            kept = {name: value for name, value in os.environ.items() if name not in unset}
            yield url, {**kept, "SSL_CERT_FILE": dict(words)["SSL_CERT_FILE"]}
        finally:
            process.terminate()
            process.wait()


def table(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"| what happens | {' | '.join(found)} |"
    yield "|---" * (len(found) + 1) + "|"
    for name in CASES:
        cells = []
        for outcomes in found.values():
            whole = outcomes["nothing is wrong"][0]["audio_bytes"]
            told = [_heard(each).told(whole) for each in outcomes[name]]
            is_alike = len({text.split(" after ")[0] for text in told}) == 1  # but for a second
            cells.append(told[0] if is_alike else f"{told[0]}; its neighbour: {told[1]}")
        yield f"| {name} | {' | '.join(cells)} |"
    for name, key, tell in (
        ("the connection is closed while a task receives", "closing", lambda o: _heard(o).told(0)),
        ("tasks left after all of it", "tasks", str),
        ("100 receive loops left at the first chunk: contexts held", "left", _contexts),
        ("the same: late events held", "left", lambda o: f"{o['events']:,}"),
        ("the same, after `cancel()` of each: contexts held", "cancelled", _contexts),
        (
            "bytes held for 40 contexts that nobody reads; `inbox_bytes=500_000`",
            "unread",
            lambda o: f"{o:,}",
        ),
    ):
        yield f"| {name} | {' | '.join(tell(outcomes[key]) for outcomes in found.values())} |"


def _heard(told: dict[str, Any]) -> Heard:
    return Heard(**told)


def _contexts(told: dict[str, Any]) -> str:
    return str(told["contexts"])


def main() -> None:
    """Play everything, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", choices=CLIENTS, help="only play, with this one")
    parser.add_argument("--url", help="of the service")
    chosen = parser.parse_args()
    if chosen.client:
        play(chosen.client, chosen.url)
        return
    found = {}
    with service() as (url, environment):
        for client in CLIENTS:
            arguments = [sys.executable, __file__, "--client", client, "--url", url]
            done = subprocess.run(  # noqa: S603  # this script
                arguments, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            found[client] = json.loads(done.stdout)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("cartesia", "websockets")]
    print(f"{', '.join(versions)}, Python {sys.version.split()[0]}\n")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
