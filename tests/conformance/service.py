"""The service under test, as users start it: over TLS, since official clients
speak over wss alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import attrs

KEY = "sk_car_conformance"
COMMAND = [sys.executable, "-m", "trio_cartesia", "serve", "--tls", "--port", "0"]
PATIENCE_SECONDS = 30.0

Unit = tuple[str, float, float]


@attrs.frozen
class Record:
    """What the service says it did in one context."""

    told: Any

    def __getattr__(self, name: str) -> Any:
        return self.told[name]

    @property
    def audio(self) -> bytes:
        data = base64.b64decode(self.told["audio"])
        assert hashlib.sha256(data).hexdigest() == self.told["audio_sha256"]
        return data

    def units(self, kind: str) -> list[Unit]:
        return units(self.told[f"{kind}_timestamps"], kind)


def units(times: Any, kind: str) -> list[Unit]:
    """Turn columns of words or phonemes into rows."""
    return list(zip(times[f"{kind}s"], times["start"], times["end"], strict=True))


@attrs.frozen
class Service:
    """A service that runs.

    Attributes:
        environment: What it says to export.
    """

    url: str
    environment: dict[str, str]

    @property
    def authority(self) -> str:
        return self.environment["SSL_CERT_FILE"]

    def state(self) -> Any:
        """Ask the service what it was asked."""
        trusted = ssl.create_default_context(cafile=self.authority)
        connection = HTTPSConnection(self.url.removeprefix("https://"), context=trusted, timeout=10)
        with closing(connection):
            headers = {"Authorization": f"Bearer {KEY}"}
            connection.request("GET", "/_local/state?audio=base64&limit=10", headers=headers)
            return json.load(connection.getresponse())

    def record(self, name: str) -> Record:
        """Return the newest context that has the id *name*, or came with a request of it, once
        over.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            contexts = self.state()["contexts"]
            found = [told for told in contexts if name in (told["context_id"], told["request_id"])]
            if found and found[-1]["ended"] is not None:
                return Record(found[-1])
            assert time.monotonic() < give_up, f"{name} is not over"
            time.sleep(0.02)


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Service]:
    """Run ``trio-cartesia serve --tls``, and do with what it prints as it says."""
    told = folder / "stderr"
    with (
        told.open("wb") as log,
        subprocess.Popen(
            [*COMMAND, "--api-key", KEY, *options], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            url = process.stdout.readline().strip()
            yield Service(url, exports(told))
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
    log_text = told.read_text()
    assert "Traceback" not in log_text
    assert KEY not in log_text
    assert "Good morning" not in log_text


def exports(told: Path) -> dict[str, str]:
    """Wait for the lines to export, which are those of a shell, and read them."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while "curl" not in (text := told.read_text()):
        assert time.monotonic() < give_up, text
        time.sleep(0.02)
    lines = [shlex.split(line, comments=True) for line in text.splitlines() if "export " in line]
    found = dict(line[line.index("export") + 1].split("=", 1) for line in lines)
    return {name: value for name, value in found.items() if name != "CARTESIA_API_KEY"}
