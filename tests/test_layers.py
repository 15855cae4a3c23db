"""Imports point downward (CONTRIBUTING.md has the table)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import trio_cartesia

ROOT = Path(trio_cartesia.__file__).parent
PUBLIC = "trio_cartesia"  # the names that `import trio_cartesia` offers

# what each layer may import, beside the standard library and itself
LAYERS = {
    "_errors": set(),
    "_version": set(),
    "_lazy": set(),
    "_constructors": set(),
    "_nursery": {"_errors", "trio"},
    "_protocol": {"_errors", "attrs", "cattrs"},
    "_runtime": {"_constructors", "_errors", "_nursery", "_protocol", "attrs", "trio"},
    "_client": {"_errors", "_nursery", "_protocol", "_runtime", "_version", "attrs", "trio"},
    "server": {"_constructors", "_nursery", "_protocol", "_version", "attrs", "trio"},
    "testing": {
        *(PUBLIC, "_constructors", "_lazy", "_nursery", "_protocol", "_runtime"),
        *("server", "attrs", "trio"),
    },
    "_cli": {PUBLIC, "server", "attrs", "trio", "cyclopts", "rich"},
    "__main__": {"_cli"},
    "__init__": {"_lazy", "_exports", "_version"},
    "_exports": {"_errors", "_protocol", "_runtime", "_client"},
}

# what only these modules may import
ALONE = {
    "orjson": {"_protocol.tts.decoder"},
    "pybase64": {"_protocol.tts.decoder"},
    "cattrs": {"_protocol.tts.decoder", "_protocol.tts.encoder"},
    "trio_websocket": {"_runtime.transport.websocket", "testing.peer"},
    "h11": {"server.net.http1", "_runtime.transport.handshake_errors"},
    "wsproto": {"server.net.deflate", "server.net.websocket"},
    "hypothesis": {"testing.machine", "testing.strategies"},
    "pytest": {"testing.plugin"},
    "espeakng_loader": {"server.voices.espeak.library"},
    "ctypes": {"server.voices.espeak.library"},
    "lameenc": {"server.audio.mp3"},
    "numpy": {"server.voices.espeak.voice", "server.voices.espeak.timing"},
    "soxr": {"server.voices.espeak.voice"},
    "trustme": {"server.net.certificates"},
}

# what layers may import of which others' modules at the most
SERVER_KNOWS = {"_protocol.base.audio"}  # it is the other side, and must be right by itself
LONGEST_MODULE = 300


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> Iterator[str]:
    """Yield what *path* imports: our own modules without the package's name, others in full."""
    package = ["trio_cartesia", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


def layer_of(name: str) -> str | None:
    """Return the layer or library that *name* belongs to; None for the standard library."""
    if name == "trio_cartesia":
        return PUBLIC
    name = name.removeprefix("trio_cartesia.")
    top = name.split(".")[0]
    return None if top in sys.stdlib_module_names else top


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_point_downward(path):
    """
    A module imports its own layer, the layers that the table allows it, and nothing else.
    """
    layer = dotted(path).split(".")[0]
    used = {layer_of(name) for name in imports(path)} - {None, layer, "__future__"}
    allowed = LAYERS[layer] | {name for name, where in ALONE.items() if dotted(path) in where}
    assert used <= allowed


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_libraries_stay_in_their_rooms(path):
    """
    A library that one module is to hide is imported by that module alone.
    """
    tops = {name.split(".")[0] for name in imports(path)}
    for library, where in ALONE.items():
        assert library not in tops or dotted(path) in where


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_the_service_knows_no_client(path):
    """
    The local service shares the arithmetic of audio with the client, and nothing else.
    """
    names = {name.removeprefix("trio_cartesia.") for name in imports(path)}
    ours = {name for name in names if name.startswith("_protocol")}
    assert not dotted(path).startswith("server.") or ours <= SERVER_KNOWS


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_rooms_are_small(path):
    """
    No module has more lines than can be kept in mind.
    """
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE
