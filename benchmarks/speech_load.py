"""The load: a WebSocket server in a process of its own, that writes chunks as fast as they are
taken.

Started by `rounds.open_load`, it prints its port. For each `Load` that it is told on its standard
input it serves one client: waits until each context has been given its text, sends the stream, and
prints what that cost it. Frames are made beforehand, so that it is the client that is measured.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import socket
import ssl
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

from processors import stay_on_core

BLOCK_BYTES = 16 * 2**20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
SENT_AT = b"\xff" * 18  # where a paced frame has the time at which it was sent
PIECE_FRAMES = 16  # of one connection, where there are many
TOKEN = "~" * 19 + " "  # what clients push to a sink


class Peer:
    """The server's side of one connection."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream, self.waiting = stream, b""
        head = self._until(b"\r\n\r\n")
        lines = [line.split(b":", 1) for line in head.split(b"\r\n") if b":" in line]
        key = {name.lower(): value.strip() for name, value in lines}[b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324
        stream.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.waiting:
            self._more()
        head, _, self.waiting = self.waiting.partition(mark)
        return head

    def _more(self) -> None:
        if not (data := self.stream.recv(2**16)):
            raise EOFError
        self.waiting += data

    def _take(self, size: int) -> bytes:
        while len(self.waiting) < size:
            self._more()
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken

    def hear_text(self) -> bytes:
        """Return the next text message, as it came."""
        while True:
            first, length = self._take(2)
            if (length := length & 127) >= 126:
                length = int.from_bytes(self._take(2 if length == 126 else 8))
            mask = self._take(4)
            key = int.from_bytes((mask * (length // 4 + 1))[:length])
            payload = (int.from_bytes(self._take(length)) ^ key).to_bytes(length)
            if first & 15 == 8:
                self.stream.sendall(b"\x88\x02\x03\xe8")
                raise EOFError
            if first & 15 == 1:
                return payload

    def hear(self) -> dict[str, Any]:
        """Return the next text message."""
        found: dict[str, Any] = json.loads(self.hear_text())
        return found

    def hear_contexts(self, count: int) -> list[str]:
        """Return the contexts' names, once all have said all they will, and only listen."""
        names: dict[str, None] = {}
        while len(names) < count:
            if not (said := self.hear())["continue"]:
                names[said["context_id"]] = None
        return list(names)


def frame(payload: bytes) -> bytes:
    """Wrap a text message in a frame."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 2**16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def chunk(name: str, audio: str, step_time: bytes) -> bytes:
    """Write an event with audio, as the service does (protocol §2.3)."""
    fields = {
        "type": "chunk",
        "context_id": name,
        "status_code": 206,
        "done": False,
        "step_time": 12.25,
        "flush_id": 1,
        "data": audio,
    }
    return frame(json.dumps(fields, separators=(",", ":")).encode().replace(b"12.25", step_time))


def done(name: str) -> bytes:
    """Write a context's terminal event."""
    fields = {"type": "done", "context_id": name, "status_code": 206, "done": True}
    return frame(json.dumps(fields, separators=(",", ":")).encode())


def flood(stream: socket.socket, names: list[str], load: dict[str, Any]) -> int:
    """Send all there is; return how many frames that were."""
    audio = base64.b64encode(os.urandom(load["bytes"])).decode()
    frames = {name: chunk(name, audio, b"12.25") for name in names}
    size = len(frames[names[0]])
    rounds = max(1, min(load["frames"], BLOCK_BYTES // size) // len(names))
    order = names * rounds
    random.Random(1).shuffle(order)  # noqa: S311
    block = b"".join(frames[name] for name in order)
    blocks = max(1, load["frames"] // len(order))
    for _ in range(blocks):
        stream.sendall(block)
    return blocks * len(order)


def paced(stream: socket.socket, names: list[str], load: dict[str, Any]) -> int:
    """Send a frame a context each interval, spread over it or all at once; return how many."""
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
        now = b"%018.8f" % time.perf_counter()
        now = now.lstrip(b"0").ljust(18, b"0")  # JSON has no leading zeros
        some = frames if is_burst else [frames[turn]]
        stream.sendall(b"".join(now.join(parts) for parts in some))
    return count


def flood_in_turns(peers: list[Peer], names: list[list[str]], load: dict[str, Any]) -> int:
    """Send each connection its part, a piece in turn; return how many frames that were."""
    audio = base64.b64encode(os.urandom(load["bytes"])).decode()
    frames = [[chunk(name, audio, b"12.25") for name in some] for some in names]
    turns = max(1, load["frames"] // (len(peers) * PIECE_FRAMES))
    for turn in range(turns):
        for peer, some in zip(peers, frames, strict=True):
            first = turn * PIECE_FRAMES
            piece = (some[number % len(some)] for number in range(first, first + PIECE_FRAMES))
            peer.stream.sendall(b"".join(piece))
    return turns * len(peers) * PIECE_FRAMES


def sink(peer: Peer, contexts: int) -> dict[str, Any]:
    """Hear until all contexts have said all they will; return how much that was."""
    found = {"messages": 0, "frames": 0}  # a message may have the text of several pushes
    while contexts:
        text = peer.hear_text().replace(b": ", b":")
        found["messages"] += 1
        found["frames"] += text.count(b"~") // (len(TOKEN) - 1)
        contexts -= b'"continue":false' in text
    return found | {"bytes": 0}


def work(peers: list[Peer], load: dict[str, Any]) -> dict[str, Any]:
    """Do what the load says; return how much that was."""
    if load["pace"] == "sink":
        return sink(peers[0], load["contexts"])
    names = [peer.hear_contexts(load["contexts"] // len(peers)) for peer in peers]
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


def meet(listener: socket.socket, context: ssl.SSLContext | None) -> Peer:
    """Wait for a connection, and shake hands."""
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Peer(stream if context is None else context.wrap_socket(stream, server_side=True))


def hear_end(peer: Peer) -> None:
    """Wait until a client has left."""
    try:
        while True:
            peer.hear_text()
    except (EOFError, OSError):
        peer.stream.close()  # some leave without a word


def serve(listener: socket.socket, context: ssl.SSLContext | None, load: dict[str, Any]) -> None:
    """Serve one client, and print what it cost."""
    if load["pace"] == "pieces":
        hear_end(meet(listener, context))  # a first connection, for which the client may load more
    peers = [meet(listener, context) for _ in range(load["connections"])]
    cpu, began = time.process_time(), time.perf_counter()
    found = work(peers, load)
    found.setdefault("seconds", time.perf_counter() - began)
    found.setdefault("cpu_seconds", time.process_time() - cpu)
    print(json.dumps(found), flush=True)
    with ThreadPoolExecutor(len(peers)) as threads:  # in whatever order they leave
        list(threads.map(hear_end, peers))


def main(certificate: str) -> None:
    """Serve, a client for each line that tells of one."""
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
