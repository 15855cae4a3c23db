"""A server that records requests, for clients of any kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs


@attrs.frozen
class Recorded:
    """A request, as a server understands it.

    Attributes:
        query: Names and values, sorted: their order means nothing.
        json: The body, if it is JSON.
        form: The fields of a form and the contents of its files, sorted.
        files: The names of the fields that are files.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    json: Any
    form: list[tuple[str, str]]
    files: list[str]


def parsed(method: str, target: str, kind: str, body: bytes) -> Recorded:
    """Return a request as a server understands it."""
    parts = urlsplit(target)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    form, files = [], []
    if kind.startswith("multipart/form-data"):
        message = BytesParser(policy=policy.HTTP).parsebytes(
            f"Content-Type: {kind}\r\n\r\n".encode() + body
        )
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            form.append((name, part.get_payload(decode=True).decode()))
            if part.get_filename() is not None:
                files.append(name)
    value = json.loads(body) if body and kind.startswith("application/json") else None
    return Recorded(method, parts.path, query, value, sorted(form), sorted(files))


@attrs.frozen
class Recorder:
    """A server that runs.

    Attributes:
        url: Where.
        requests: What came, in order.
    """

    url: str
    requests: list[Recorded]

    def take(self) -> Recorded:
        """Return the only request that came since the last time."""
        (request,) = self.requests
        self.requests.clear()
        return request


@contextmanager
def recording() -> Iterator[Recorder]:
    """Run a server that records requests, and answers all of them with an empty object."""
    requests: list[Recorded] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def record(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kind = self.headers.get("content-type", "")
            requests.append(parsed(self.command, self.path, kind, body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = record  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None: ...  # clients may leave at any time

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Recorder(f"http://127.0.0.1:{server.server_address[1]}", requests)
        finally:
            server.shutdown()
            thread.join()
