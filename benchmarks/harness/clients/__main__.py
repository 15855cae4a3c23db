"""Run one client: ``python -m harness.clients NAME PLAN``; PLAN is a `tasks.Plan` as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Final

from harness.clients.tasks import Plan
from harness.processors import stay_on_core

CLIENTS: Final = {
    "ours": ("ours", "TrioCartesia"),
    "ours_blocking": ("ours_blocking", "TrioCartesiaBlocking"),
    "official_async": ("official", "OfficialAsync"),
    "official_sync": ("official", "OfficialSync"),
    "websockets": ("libraries", "Websockets"),
    "trio_websocket": ("libraries", "TrioWebsocket"),
    "picows": ("libraries", "Picows"),
    "picows_least": ("libraries", "PicowsLeast"),
    "picows_raw": ("libraries", "PicowsRaw"),
    "raw_socket": ("libraries", "RawSocket"),
    "speech": ("speech", "RealTimeSpeech"),
}


def main() -> None:
    """Run the client that the command line names."""
    stay_on_core()
    _, name, plan = sys.argv
    module, client = CLIENTS[name]
    # nothing else is imported: the memory of a client is its own
    found = getattr(importlib.import_module(f"harness.clients.{module}"), client)
    found().perform(Plan(**json.loads(plan)))


if __name__ == "__main__":
    main()
