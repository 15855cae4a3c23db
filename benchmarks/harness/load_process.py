"""The load: a WebSocket server in a process of its own, which sends chunks as fast as they are
read.

Started by `harness.peers.open_load`, it prints its port. For each `Load` on its standard input it
serves one client: it waits until each context has been given its text, sends the stream, and prints
what that cost. Frames are made beforehand, so that the client is what is measured.
"""

from __future__ import annotations

import base64
import json
import os
import random
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

from harness import listening_load
from harness.load_peer import Peer, accept
from harness.messages import SENT_AT, TOKEN, chunk, done, time_digits, transcript_done
from harness.processors import stay_on_core

BLOCK_BYTES = 16 * 2**20
PIECE_FRAMES = 16  # sent to each of many connections in turn


def flood(stream: socket.socket, names: list[str], load: dict[str, Any]) -> int:
    """Send the whole stream as fast as it is read; return the number of frames."""
    audio = base64.b64encode(os.urandom(load["bytes"])).decode()
    frames = {name: chunk(name, audio) for name in names}
    size = len(frames[names[0]])
    rounds = max(1, min(load["frames"], BLOCK_BYTES // size) // len(names))
    order = names * rounds
    random.Random(1).shuffle(order)  # noqa: S311  # the same order each time
    block = [frames[name] for name in order]
    blocks, rest = divmod(load["frames"], len(order))
    whole, part = b"".join(block), b"".join(block[:rest])
    for _ in range(blocks):
        stream.sendall(whole)
    stream.sendall(part)
    return blocks * len(order) + rest


def paced(stream: socket.socket, names: list[str], load: dict[str, Any]) -> int:
    """Send a frame a context each interval, spread or in a burst; return the number of frames."""
    audio = base64.b64encode(os.urandom(load["bytes"])).decode()
    frames = [chunk(name, audio, SENT_AT).split(SENT_AT) for name in names]
    is_burst = load["pace"] == "burst"
    step = load["interval_seconds"] / (1 if is_burst else len(names))
    count = load["frames"] // len(names) * len(names)
    due = time.perf_counter()
    turns = count // len(names) if is_burst else count
    for turn in islice(cycle(range(len(names))), turns):
        due += step
        while (left := due - time.perf_counter()) > 0:
            time.sleep(max(0.0, left - 0.0001))
        now = time_digits()
        some = frames if is_burst else [frames[turn]]
        stream.sendall(b"".join(now.join(parts) for parts in some))
    return count


def flood_in_turns(peers: list[Peer], names: list[list[str]], load: dict[str, Any]) -> int:
    """Send each connection its part, a piece in turn; return the number of frames."""
    audio = base64.b64encode(os.urandom(load["bytes"])).decode()
    frames = [[chunk(name, audio) for name in some] for some in names]
    turns = max(1, load["frames"] // (len(peers) * PIECE_FRAMES))
    for turn in range(turns):
        for peer, some in zip(peers, frames, strict=True):
            first = turn * PIECE_FRAMES
            piece = (some[number % len(some)] for number in range(first, first + PIECE_FRAMES))
            peer.stream.sendall(b"".join(piece))
    return turns * len(peers) * PIECE_FRAMES


def sink(peer: Peer, contexts: int) -> dict[str, Any]:
    """Receive all inputs of all contexts; return how many there were."""
    found = {"messages": 0, "frames": 0}  # a message may carry the text of several pushes
    while contexts:
        text = peer.receive_text().replace(b": ", b":")
        found["messages"] += 1
        found["frames"] += text.count(b"~") // TOKEN.count("~")
        contexts -= b'"continue":false' in text
    return found | {"bytes": 0}


def work(peers: list[Peer], load: dict[str, Any]) -> dict[str, Any]:
    """Send or receive what the load asks for; return its figures."""
    if load["pace"] in listening_load.LOADS:
        return listening_load.LOADS[load["pace"]](peers, load)
    if load["pace"] == "sink":
        return sink(peers[0], load["contexts"])
    names = [peer.receive_contexts(load["contexts"] // len(peers)) for peer in peers]
    cpu, began = time.process_time(), time.perf_counter()
    if load["pace"] == "pieces":
        frames = flood_in_turns(peers, names, load)
    else:
        send = flood if load["pace"] == "flood" else paced
        frames = send(peers[0].stream, names[0], load)
    for peer, some in zip(peers, names, strict=True):
        peer.stream.sendall(b"".join(map(done, some)))
    return {
        "frames": frames,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
    }


def wait_end(peer: Peer) -> None:
    """Wait until a client has closed its connection."""
    try:
        while True:
            if peer.receive_text() == b"close":
                peer.stream.sendall(transcript_done())
    except (EOFError, OSError):
        peer.stream.close()  # some clients send no close frame


def serve(listener: socket.socket, context: ssl.SSLContext | None, load: dict[str, Any]) -> None:
    """Serve one client, and print what it cost."""
    if load["pace"] == "pieces":
        wait_end(accept(listener, context))  # the client's first, which is not measured
    peers = [accept(listener, context) for _ in range(load["connections"])]
    cpu, began = time.process_time(), time.perf_counter()
    try:
        found = work(peers, load)
    except (EOFError, OSError) as error:  # the client gave up; the next one may not
        found = {"error": type(error).__name__, "frames": 0}
    found.setdefault("seconds", time.perf_counter() - began)
    found.setdefault("cpu_seconds", time.process_time() - cpu)
    print(json.dumps(found), flush=True)
    with ThreadPoolExecutor(len(peers)) as threads:  # they close in any order
        list(threads.map(wait_end, peers))


def main(certificate: str) -> None:
    """Serve a client for each load on standard input."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        for line in sys.stdin:
            serve(listener, context, json.loads(line))


if __name__ == "__main__":
    stay_on_core()
    main(sys.argv[1])
