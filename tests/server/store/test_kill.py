"""The store of a service that is killed: nothing that was answered is lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import pytest

from tests.server.support import Json

OPERATIONS: Final = 10_000
LIFE_OPERATIONS: Final = 600  # the most between two kills
KILL_SECONDS: Final = 0.003  # the most from the start of a request to the kill
MOST: Final = 60  # of a kind, so that lists stay short
COMMAND = [sys.executable, "-m", "trio_cartesia", "serve", "--voice", "tones", "--port", "0"]
HEADERS: Final = {"X-API-Key": "sk_1", "Content-Type": "application/json"}
CLARA: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"

SPEECH: Final = {
    "model_id": "sonic-3.5",
    "transcript": "Hi.",
    "voice": CLARA,
    "output_format": {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 8000},
    "save": True,
}

Model = dict[str, dict[str, Json]]  # by the path of a list and by id: the fields that were sent


def named(name: str) -> dict[str, Json]:
    """For each list, a body that creates a resource, or changes it."""
    items = [{"text": f"{name} {number}", "alias": name} for number in range(20)]
    return {
        "/datasets": {"name": name, "description": name * 100},
        "/pronunciation-dicts": {"name": name, "items": items},
        "/voices": {"name": name, "description": name * 10},
        "/files": {},  # no field can be chosen
    }


class Service:
    """A process with a store, and a connection to it."""

    def __init__(self, store: Path) -> None:
        command = [*COMMAND, "--store", str(store), "--api-key", "sk_1"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        url = (self.process.stdout or sys.stdin).readline().strip()
        self.connection = HTTPConnection(url.removeprefix("http://"), timeout=10)

    def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return the JSON of a response, None for 204."""
        self.connection.request(method, path, body and json.dumps(body), HEADERS)
        response = self.connection.getresponse()
        content = response.read()
        assert response.status in (200, 204), content
        if file_id := response.headers.get("cartesia-file-id"):
            return {"id": file_id}
        return json.loads(content) if content else None

    def size(self, path: str) -> int:
        """Return the size of a response."""
        self.connection.request("GET", path, headers=HEADERS)
        return len(self.connection.getresponse().read())

    def held(self) -> Model:
        """Return all that the service has."""
        found: Model = {}
        for path, body in named("").items():
            query = "?is_owner=true&limit=100" if path == "/voices" else "?limit=100"
            page = self.ask("GET", path + query)
            assert not page["has_more"]
            rows = {row["id"]: row for row in page["data"]}
            if path == "/files":
                for key, row in rows.items():
                    assert self.size(f"/files/{key}/download") == row["size"] > 0
            found[path] = {key: {name: row[name] for name in body} for key, row in rows.items()}
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(store: Path) -> Iterator[Service]:
    service = Service(store)
    try:
        yield service
    finally:
        service.end()


def chosen(chance: random.Random, model: Model, name: str) -> Callable[[Service, Model], None]:
    """Choose an operation, to perform with a service and with a model."""
    path, body = chance.choice(list(named(name).items()))
    ids = list(model[path])
    kind = chance.choice(["create", "update", "delete"])
    if not ids or (kind == "create" and len(ids) < MOST):
        return lambda service, model: create(service, model, path, body)
    place = chance.choice(ids)
    if kind == "update" and body:

        def update(service: Service, model: Model) -> None:
            service.ask("PATCH", f"{path}/{place}", body)
            model[path][place] = body

        return update

    def delete(service: Service, model: Model) -> None:
        service.ask("DELETE", f"{path}/{place}")
        del model[path][place]

    return delete


def create(service: Service, model: Model, path: str, body: Json) -> None:
    if path == "/voices":
        body_there = {**body, "voice_id": CLARA, "accent": "british"}
        made = service.ask("POST", "/voices/localize", body_there)
    elif path == "/files":
        made = service.ask("POST", "/tts/bytes", SPEECH)
    else:
        made = service.ask("POST", path, body)
    model[path][made["id"]] = body


class Applied:
    """In place of a service: applies an operation to a model, since its answer was lost."""

    def __init__(self, found: Model, model: Model) -> None:
        known = {key for rows in model.values() for key in rows}
        self.new = [key for rows in found.values() for key in rows if key not in known]

    def ask(self, method: str, *_: Any) -> Any:
        return {"id": self.new[0] if self.new else "not there"} if method == "POST" else None


@pytest.mark.slow
def test_nothing_answered_is_lost(tmp_path: Path) -> None:
    """Through random operations and kills at random moments, each run of the service has all that
    was answered, and of the request that was cut off all or nothing.
    """
    chance = random.Random(13)  # noqa: S311  # no secret
    model: Model = {path: {} for path in named("")}
    done = kills = unanswered = 0
    while done < OPERATIONS:
        with running(tmp_path / "store.sqlite") as service:
            assert service.held() == model
            last = chance.randrange(LIFE_OPERATIONS)
            for number in range(last + 1):
                operation = chosen(chance, model, f"name {done}")
                done += 1
                if number < last:
                    operation(service, model)
            killer = threading.Timer(chance.uniform(0, KILL_SECONDS), service.process.kill)
            killer.start()
            try:
                operation(service, model)
                is_answered = True
            except (OSError, HTTPException):
                is_answered = False
            killer.join()
            kills += 1
        if not is_answered:
            unanswered += 1
            model = settled(tmp_path / "store.sqlite", model, operation)
    assert kills > OPERATIONS / LIFE_OPERATIONS
    assert unanswered


def settled(store: Path, model: Model, operation: Callable[[Any, Model], None]) -> Model:
    """Return what the store has, which is *model*, with or without *operation*."""
    with running(store) as service:
        found = service.held()
    if found == model:
        return model
    after = {path: dict(rows) for path, rows in model.items()}
    operation(Applied(found, model), after)
    assert found == after
    return after
