"""What do the official asynchronous client and this one make of the same faults?

``python benchmarks/faults.py`` starts the local service with TLS, plays every case with each
client, and prints the table of docs/explanation/compared.md. It takes about five minutes, most of
which is spent on clients that hang. It needs PyPI ``cartesia[websockets]`` (dependency group
``conformance``) and the extra ``tls``. Both clients get the same text, fault and patience; neither
is patched.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import trio
from harness.clients.tasks import KEY
from harness.environment import installed
from harness.fault_clients import CASES, HEALTHY, Official, Ours, Outcome

from trio_cartesia.server import open_server

CLIENTS: Final = ("cartesia", "cartesia, `timeout=5`", "trio_cartesia")
Outcomes = dict[str, Any]


def contexts_held(outcome: Any) -> str:
    """Format how many contexts are held."""
    return str(outcome["contexts"])


EXTRA_ROWS: Final[tuple[tuple[str, str, Callable[[Any], str]], ...]] = (
    ("closing a connection while a task receives", "closing", lambda o: Outcome(**o).text(0)),
    ("tasks left after all of it", "tasks", str),
    ("100 receive loops left at the first chunk: contexts held", "left", contexts_held),
    ("the same: late events held", "left", lambda o: f"{o['events']:,}"),
    ("the same, after `cancel()` of each: contexts held", "cancelled", contexts_held),
    (
        "bytes held for 40 contexts that are not received; `inbox_bytes=500_000`",
        "unread",
        lambda o: f"{o:,}",
    ),
)


def play(client: str, url: str) -> None:
    """Play all cases with one client, and print their outcomes as JSON."""
    if client == "trio_cartesia":
        outcomes = trio.run(Ours(url).main)
    else:
        outcomes = asyncio.run(Official(url, 5.0 if "timeout" in client else None).main())
    print(json.dumps(outcomes))


async def play_all(clients: list[str]) -> dict[str, Outcomes]:
    """Start the service, and play all cases with each client in a process of its own."""
    found = {}
    async with open_server(voice="tones", api_keys=[KEY], tls=True) as server:
        kept = {name: value for name, value in os.environ.items() if "CARTESIA_" not in name}
        for client in clients:
            done = await trio.run_process(
                [sys.executable, __file__, "--play", client, "--url", server.url],
                env=kept | {"SSL_CERT_FILE": str(server.ca_file)},
                capture_stdout=True,
            )
            found[client] = json.loads(done.stdout)
    return found


def table(found: dict[str, Outcomes]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"| what happens | {' | '.join(found)} |"
    yield "|---" * (len(found) + 1) + "|"
    for name in CASES:
        cells = []
        for outcomes in found.values():
            whole = outcomes[HEALTHY][0]["audio_bytes"]
            texts = [Outcome(**each).text(whole) for each in outcomes[name]]
            is_alike = len({text.split(" after ")[0] for text in texts}) == 1  # but for seconds
            cells.append(texts[0] if is_alike else f"{texts[0]}; its neighbour: {texts[1]}")
        yield f"| {name} | {' | '.join(cells)} |"
    for name, key, cell in EXTRA_ROWS:
        yield f"| {name} | {' | '.join(cell(outcomes[key]) for outcomes in found.values())} |"


def main() -> None:
    """Play everything, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--client", action="append", choices=CLIENTS, help="may be repeated")
    parser.add_argument("--play", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        play(given.play, given.url)
        return
    found = trio.run(play_all, given.client or list(CLIENTS))
    versions = [f"{name} {installed(name)}" for name in ("cartesia", "websockets")]
    print(f"{', '.join(versions)}, Python {sys.version.split()[0]}\n")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
