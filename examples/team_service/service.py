"""The local service for a team: TLS, a key for each member, and voices that stay.

``python service.py --port 8443 --name speech.team.example`` runs it until Ctrl-C. Without
arguments it starts on a free port of this machine, speaks a sentence as a member would, and ends.
The keys are in ``TEAM_KEYS``, separated by commas; without it, keys are made for the run.
"""

from __future__ import annotations

import argparse
import os
import secrets
import ssl
import sys
from pathlib import Path

import trio

from trio_cartesia import Cartesia
from trio_cartesia.server import Server, open_server

MEMBERS = ("ada", "grace")


def read_keys() -> dict[str, str]:
    """Return the plan of each key: builds get more contexts at once than people."""
    if listed := os.environ.get("TEAM_KEYS"):
        keys = [key.strip() for key in listed.split(",") if key.strip()]
    else:
        keys = [f"{member}-{secrets.token_urlsafe(16)}" for member in MEMBERS]
    return {key: "scale" if key.startswith("build-") else "startup" for key in keys}


async def speak_as_member(server: Server, key: str, text: str) -> int:
    """Speak over TLS with a key of the team, trusting its authority alone; return the bytes."""
    trust = ssl.create_default_context(cafile=server.ca_file)
    async with (
        Cartesia(key, base_url=server.url, ssl_context=trust) as client,
        client.tts.websocket_connect() as connection,
        connection.speak(
            text,
            model_id="sonic-latest",
            voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
            output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
        ) as context,
    ):
        return len((await context.collect()).audio)


async def main() -> None:
    """Run the service."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="::", help="the address to listen on")
    parser.add_argument("--port", type=int, help="the port; without it, try the service and end")
    parser.add_argument("--name", action="append", default=[], help="a name that clients use")
    parser.add_argument("--ca-file", type=Path, default=Path("ca.pem"), help="for the clients")
    parser.add_argument("--store", type=Path, default=Path("team.db"), help="for voices and files")
    options = parser.parse_args()
    keys = read_keys()
    is_trial = options.port is None
    async with open_server(
        host="localhost" if is_trial else options.host,
        port=options.port or 0,
        tls=True,
        tls_names=options.name,
        tls_ca_file=options.ca_file,
        api_keys=keys,
        store=options.store,
    ) as server:
        print(*server.urls, f"clients trust {options.ca_file}", sep="\n")
        if is_trial:
            key = next(iter(keys))
            print(await speak_as_member(server, key, "Good morning, team."), "bytes of speech")
            return
        if not os.environ.get("TEAM_KEYS"):
            print("keys of this run, in TEAM_KEYS for the next:", ",".join(keys), file=sys.stderr)
        await trio.sleep_forever()


if __name__ == "__main__":
    try:
        trio.run(main)
    except KeyboardInterrupt:
        sys.exit(130)
