"""The server's side of one connection of the load, in blocking code."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class Peer:
    """The server's side of one connection."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream, self._buffer = stream, b""
        head = self._until(b"\r\n\r\n")
        lines = [line.split(b":", 1) for line in head.split(b"\r\n") if b":" in line]
        key = {name.lower(): value.strip() for name, value in lines}[b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324  # RFC 6455 §4.2.2
        stream.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(mark)
        return head

    def _more(self) -> None:
        if not (data := self.stream.recv(2**16)):
            raise EOFError
        self._buffer += data

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def receive(self) -> bytes | int:
        """Return the next message: a text unparsed, and of a binary one its size."""
        while True:
            first, length = self._take(2)
            if (length := length & 127) >= 126:
                length = int.from_bytes(self._take(2 if length == 126 else 8))
            mask, payload = self._take(4), self._take(length)
            if first & 15 == 8:
                self.stream.sendall(b"\x88\x02\x03\xe8")
                raise EOFError
            if first & 15 == 2:
                return length
            if first & 15 == 1:
                key = int.from_bytes((mask * (length // 4 + 1))[:length])
                return (int.from_bytes(payload) ^ key).to_bytes(length)

    def receive_text(self) -> bytes:
        """Return the next text message, unparsed."""
        while isinstance(found := self.receive(), int):
            pass
        return found

    def receive_contexts(self, count: int) -> list[str]:
        """Return the ids of so many contexts, once each has sent its final input."""
        names: dict[str, None] = {}
        while len(names) < count:
            if not (request := json.loads(self.receive_text()))["continue"]:
                names[request["context_id"]] = None
        return list(names)


def accept(listener: socket.socket, context: ssl.SSLContext | None) -> Peer:
    """Accept a connection and its handshake."""
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Peer(stream if context is None else context.wrap_socket(stream, server_side=True))
