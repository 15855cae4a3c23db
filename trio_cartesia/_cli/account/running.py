"""What the commands for an account have in common: a client, errors, and output."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import attrs
from cyclopts import Parameter

from trio_cartesia import Cartesia, ConnectionLost, LocalProtocolError
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.common_options import Flag, ServiceChoice
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    invalid_usage,
    print_result,
    report_error,
    write_output,
)

__all__ = [
    "DEFAULTS",
    "Common",
    "next_step_of",
    "print_json",
    "print_made",
    "print_table",
    "record_members",
    "run_request",
]

LOST: Final = "List what there is, then try again: a change may have been made already."
WITHOUT_VALUE: Final = "-"  # in a cell


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Common(ServiceChoice):
    """Options of every command for an account.

    Attributes:
        json: Print JSON, for programs.
    """

    json: Flag = False


DEFAULTS: Final = Common()


async def run_request(common: Common, work: Callable[[Cartesia], Awaitable[bool]]) -> int:
    """Call *work* with a client, and return the exit code.

    Args:
        common: The options.
        work: Makes requests and prints the result; returns False if that could not be printed.

    Raises:
        UsageError: An argument is not valid; nothing was sent.
    """
    try:
        async with open_client(local=common.local, allow_insecure=common.allow_insecure) as client:
            return 0 if await work(client) else FAILED
    except LocalProtocolError as error:
        raise invalid_usage(error) from error
    except EXPECTED as error:
        report_error(error, next_step=next_step_of(error), debug=common.debug)
        return FAILED


def next_step_of(error: BaseException) -> str | None:
    """Return what to do where that differs from the commands that speak, else None."""
    return LOST if isinstance(error, ConnectionLost) else None


def print_made(common: Common, record: Any, shown: str) -> bool:
    """Print *shown* of what was made, or all of it as JSON; return False if that failed."""
    return print_json(record_members(record)) if common.json else print_result(shown)


def record_members(record: Any) -> dict[str, Any]:
    """Return what the service sent of a record, members that this version does not know included.

    Members without a value are left out.
    """
    members = attrs.asdict(record, recurse=False)
    extra = members.pop("extra", {})
    known = {name: _plain(value) for name, value in members.items() if value is not None}
    return {**known, **extra}


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return record_members(value)
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def print_json(value: object) -> bool:
    """Print a JSON document; return False if standard output failed."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return write_output(lambda: sys.stdout.write(f"{text}\n"))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bool:
    """Print a table: aligned on a terminal, else lines with a tab between cells, without a header.

    Returns:
        False if standard output failed.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    show = partial(_print_aligned, columns) if is_terminal else _print_lines
    return write_output(partial(show, cells))


def _cell(value: object) -> str:
    text = WITHOUT_VALUE if value in (None, "") else str(value)
    return " ".join("".join(filter(str.isprintable, text.replace("\t", " "))).split())


def _print_lines(rows: Sequence[Sequence[str]]) -> None:
    sys.stdout.writelines("\t".join(row) + "\n" for row in rows)


def _print_aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # not markup: names may have brackets
    Console().print(table)
