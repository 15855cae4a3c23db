"""
The load: a WebSocket server in a process of its own, that writes chunks as fast as they are taken.

Started by `rounds.open_load` with a `Load` as JSON. It prints its port, then serves one connection
after another: waits until each context has been given its text, sends the stream, and prints what
that cost it. Frames are made beforehand, so that it is the client that is measured.
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
from itertools import cycle, islice
from typing import Any

BLOCK_BYTES = 16 * 2**20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
SENT_AT = b"\xff" * 18  # where a paced frame has the time at which it was sent
PACES = ("flood", "spread", "burst")


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

    def hear(self) -> dict[str, Any]:
        """Return the next text message."""
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
                found: dict[str, Any] = json.loads(payload)
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


def serve(listener: socket.socket, context: ssl.SSLContext | None, load: dict[str, Any]) -> None:
    """Serve one connection, and print what it cost."""
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with stream if context is None else context.wrap_socket(stream, server_side=True) as stream:
        peer = Peer(stream)
        names = peer.hear_contexts(load["contexts"])
        cpu, began = time.process_time(), time.perf_counter()
        frames = (flood if load["pace"] == "flood" else paced)(stream, names, load)
        stream.sendall(b"".join(map(done, names)))
        found = {
            "frames": frames,
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu,
        }
        print(json.dumps(found), flush=True)
        try:
            while True:
                peer.hear()
        except (EOFError, OSError):
            pass  # some clients leave without a word


def main(load: dict[str, Any]) -> None:
    """Serve until killed."""
    context = None
    if load["certificate"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(load["certificate"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            serve(listener, context, load)


if __name__ == "__main__":
    if (core := os.environ.get("BENCHMARK_CORE")) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    main(json.loads(sys.argv[1]))
