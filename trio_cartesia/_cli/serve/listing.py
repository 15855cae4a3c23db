"""The output of ``--behaviour list`` and ``--fault list``."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Final

import attrs

__all__ = ["behaviours", "faults"]

WIDTH: Final = 78
SOURCE: Final = re.compile(r"\s*\((?:[TRS]\d+|protocol §[^)]*)\)")  # for readers of the code
FIELD: Final = re.compile(r"^    (\w+): (.+(?:\n        .+)*)", re.MULTILINE)


def behaviours() -> str:
    """Return every field of `Behaviour` with its default and its description."""
    from trio_cartesia.server import Behaviour

    usual = attrs.asdict(Behaviour())
    meanings = dict(FIELD.findall(inspect.getdoc(Behaviour) or ""))
    return "\n".join(
        line
        for name, value in usual.items()
        for line in _entry(f"{name}={_written(value)}", SOURCE.sub("", meanings.get(name, "")))
    )


def faults() -> str:
    """Return every fault, with its parameters, their defaults and its description.

    Optional parameters are in brackets.
    """
    from trio_cartesia.server import FAULTS

    return "\n".join(
        line
        for name, kind in FAULTS.items()
        for line in _entry(" ".join([name, *map(_parameter, kind.defaults.items())]), kind.summary)
    )


def _parameter(name_and_default: tuple[str, object]) -> str:
    name, default = name_and_default
    if default is None or isinstance(default, int | float | str):
        return f"[{name}={'' if default is None else default}]"
    return f"{name}="  # required


def _entry(head: str, meaning: str) -> Iterator[str]:
    yield from textwrap.wrap(head, WIDTH, subsequent_indent=" " * 8)
    plain = " ".join(meaning.replace("`", "").split())
    yield from textwrap.wrap(plain, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
