"""The measured clients, and the loads that they run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs

from harness.environment import ROOT, installed
from harness.results import OURS

BENCHMARKS: Final = ROOT / "benchmarks"
JAVASCRIPT: Final = ROOT / "tests/conformance/node_modules/@cartesia/cartesia-js"
FAST_PATH: Final = "TRIO_CARTESIA_FAST_PATH"  # "0" leaves every frame to trio-websocket


@attrs.frozen(kw_only=True)
class Load:
    """The work of a client.

    Attributes:
        frames: The total number of frames; of pushes if the pace is "sink", of texts if "service".
        pace: "flood" and "pieces" (many connections) send as fast as frames are read, "spread" and
            "burst" once an interval; "sink" receives pushes; "service" is the local service.
    """

    contexts: int = 64
    bytes: int = 4096
    frames: int = 48_000
    pace: str = "flood"
    interval_seconds: float = 0.02
    connections: int = 1


@attrs.frozen(kw_only=True)
class Client:
    """A client, and the command that starts it.

    Attributes:
        needs: The package that must be installed.
        share: The fraction of the frames that it gets if many cases would take too long.
        package: A folder with another copy of trio_cartesia.
    """

    command: tuple[str, ...]
    needs: str | None = None
    share: float = 1.0
    environment: tuple[tuple[str, str], ...] = ()
    package: str = ""


@attrs.frozen(kw_only=True, eq=False)
class Case:
    """One measurement: a client and a load.

    Attributes:
        where: The fields of its row that distinguish it from other cases of the same client.
        voice: The local service's voice, if the pace is "service".
    """

    name: str
    client: Client
    load: Load
    where: dict[str, Any]
    tls: bool = False
    voice: str | None = None


def python(name: str, needs: str | None = None, share: float = 1.0, **more: Any) -> Client:
    """Return a client of ``harness/clients`` in Python."""
    # -P: nothing in the current folder may stand for an installed package
    command = (sys.executable, "-P", "-m", "harness.clients", name)
    return Client(command=command, needs=needs, share=share, **more)


QUARTER: Final = 0.25
CLIENTS: Final = {
    OURS: python("ours"),
    "trio_cartesia, fast path off": python("ours", None, QUARTER, environment=((FAST_PATH, "0"),)),
    "trio_cartesia.blocking": python("ours_blocking"),
    "official async": python("official_async", "cartesia", QUARTER),
    "official sync": python("official_sync", "cartesia", QUARTER),
    "official JS": Client(
        command=("node", str(BENCHMARKS / "harness/clients/official.cjs")), needs="node"
    ),
    "bare websockets": python("websockets", "websockets", QUARTER),
    "bare trio-websocket": python("trio_websocket", None, QUARTER),
    "picows": python("picows", "picows"),
    "picows, least queue": python("picows_least", "picows"),
    "picows, callback only": python("picows_raw", "picows"),
    "raw socket": python("raw_socket"),
}


def chosen(names: Iterable[str]) -> dict[str, Client]:
    """Return the clients of these names that are installed; report those that are not."""
    found = {}
    for name in names:
        if is_installed(CLIENTS[name].needs):
            found[name] = CLIENTS[name]
        else:
            print(f"!! not measured: {name}; {CLIENTS[name].needs} is missing", file=sys.stderr)
    return found


def is_installed(needed: str | None) -> bool:
    """Return whether a package is installed; "node" stands for Node and the official client."""
    if needed == "node":
        return shutil.which("node") is not None and JAVASCRIPT.exists()
    return needed is None or installed(needed) is not None


def copy_of(folder: str) -> tuple[str, Client]:
    """Return a client of another copy of this package, and its name."""
    path = Path(folder).resolve()
    return f"{OURS} of {path.name}", python("ours", package=str(path))
