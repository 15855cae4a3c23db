"""Read the items of a batch from a file: lines of text, CSV or JSON Lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.settings import SPEEDS, ContextSettings
from trio_cartesia.batch.items import Item

__all__ = ["read_items"]

EXPRESSIVE: Final = ("speed", "volume", "emotion")  # members of generation_config
SETTINGS: Final = tuple(field.name for field in attrs.fields(ContextSettings))
REQUIRED: Final = ("id", "text")
KNOWN: Final = (*REQUIRED, *dict.fromkeys((*EXPRESSIVE, *SETTINGS)))
JSON_CELLS: Final = frozenset(  # all others are strings
    ("output_format", "max_buffer_delay_ms", "generation_config", "speed", "volume", "duration")
).union(name for name in SETTINGS if name.endswith("_timestamps"))


def read_items(path: str | os.PathLike[str]) -> list[Item]:
    """Read the items of a batch.

    A file ``*.csv`` has a header with the columns ``id`` and ``text``, and may have others: the
    settings of `Connection.context`, and ``speed`` (0.6 to 1.5), ``volume`` and ``emotion`` of
    `GenerationConfig`. An empty cell is not a setting. Numbers, flags and objects are written as in
    JSON. In a file ``*.jsonl`` or ``*.ndjson`` each line is an object with these members. In any
    other file each line that is not blank is a text, with the id ``line-0001`` and so on, after its
    number in the file.

    Args:
        path: The file, in UTF-8.

    Raises:
        LocalProtocolError: It is not valid; the message has the number of the line.
        OSError: It cannot be read.
    """
    path = Path(path)
    read = FORMATS.get(path.suffix.lower(), _read_lines)
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        content = data.decode().replace("\r\n", "\n").replace("\r", "\n")
        items = list(read(content))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LocalProtocolError(f"{path}: line {line} is not UTF-8") from None
    except LocalProtocolError as error:
        raise LocalProtocolError(f"{path}: {error}") from None
    if not items:
        raise LocalProtocolError(f"{path} has no texts")
    return items


def _read_lines(content: str) -> Iterator[Item]:
    lines = content.split("\n")
    digits = max(4, len(str(len(lines))))
    for number, line in enumerate(lines, start=1):
        if text := line.strip():
            yield Item(f"line-{number:0{digits}}", text, line=number)


def _read_csv(content: str) -> Iterator[Item]:
    rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        columns = [name.strip() for name in next(rows, [])]
        _check_names(columns, 1, "column")
        line = rows.line_num + 1  # on which a row begins: quoted cells may have several lines
        for row in rows:
            if row:
                yield _item(_members_of(columns, row, line), line)
            line = rows.line_num + 1
    except csv.Error as error:
        raise LocalProtocolError(f"line {rows.line_num}: {error}") from None


def _members_of(columns: list[str], row: list[str], line: int) -> dict[str, object]:
    if len(row) != len(columns):
        raise LocalProtocolError(f"line {line} has {len(row)} cells, and the header {len(columns)}")
    cells = zip(columns, row, strict=True)
    return {name: _value(name, cell, line) for name, cell in cells if cell or name in REQUIRED}


def _value(name: str, cell: str, line: int) -> object:
    if name not in JSON_CELLS or (name == "speed" and cell in SPEEDS):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise LocalProtocolError(f"line {line}: the cell of {name} is not valid JSON") from None


def _read_json_lines(content: str) -> Iterator[Item]:
    for line, text in enumerate(content.split("\n"), start=1):
        if not text.strip():
            continue
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            raise LocalProtocolError(f"line {line} is not valid JSON") from None
        if not isinstance(members, dict):
            raise LocalProtocolError(f"line {line} is not a JSON object")
        _check_names(list(members), line, "member")
        yield _item(members, line)


def _check_names(names: list[str], line: int, kind: str) -> None:
    """Check that the columns of a header, or the members of an object, are known and complete."""
    if missing := [name for name in REQUIRED if name not in names]:
        raise LocalProtocolError(f"line {line} has no {kind} {' and no '.join(missing)}")
    for name in names:
        if name not in KNOWN:
            raise LocalProtocolError(
                f"line {line}: there is no setting {checks.quoted(name)} for a {kind}; "
                f"there are {', '.join(KNOWN)}"
            )
        if names.count(name) > 1:
            raise LocalProtocolError(f"line {line} has the {kind} {name} twice")


def _item(members: Mapping[str, object], line: int) -> Item:
    settings = dict(members)
    item_id, text = settings.pop("id"), settings.pop("text")
    if isinstance(item_id, int) and not isinstance(item_id, bool):
        item_id = str(item_id)
    expressive = {
        name: settings.pop(name)
        for name in EXPRESSIVE
        if name in settings and settings[name] not in SPEEDS
    }
    if expressive:
        config = settings.get("generation_config") or {}
        if not isinstance(config, Mapping):
            raise LocalProtocolError(f"line {line}: generation_config must be an object")
        settings["generation_config"] = {**config, **expressive}
    return Item(item_id, text, settings=settings, line=line)  # type: ignore[arg-type]  # see jobs_from


FORMATS: Final[Mapping[str, Callable[[str], Iterator[Item]]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
