"""
The page about it: counts for each module, and every survivor with the reason why it lives.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.mutation.mutants import ROOT, Mutant

__all__ = ["reasons", "write_page"]

PAGE: Final = ROOT / "docs/reference/mutation.md"
REASONS: Final = Path(__file__).parent / "survivors.toml"
BEGIN: Final = "<!-- {layer}: written by `python -m tests.mutation {layer} --page` -->\n"
END: Final = "<!-- end of {layer} -->\n"


def reasons(layer: str) -> dict[str, list[str]]:
    """Return, for each reason to survive, the mutants of a layer that have it."""
    entries = tomllib.loads(REASONS.read_text())["reason"]
    return {entry["why"].strip(): entry[layer] for entry in entries if entry.get(layer)}


def write_page(layer: str, mutants: Iterable[Mutant], verdicts: Mapping[str, str]) -> None:
    """Write a layer's tables into the page, between its marks."""
    text = PAGE.read_text()
    begin, end = BEGIN.format(layer=layer), END.format(layer=layer)
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    tables = "\n".join([*_counts(mutants, verdicts), "", *_survivors(layer, verdicts)])
    PAGE.write_text(f"{before}{begin}\n{tables}\n{end}{after}")


def _counts(mutants: Iterable[Mutant], verdicts: Mapping[str, str]) -> Iterator[str]:
    columns = ("killed", "timeout", "not covered", "survived")
    modules: dict[str, Counter[str]] = {}
    for mutant in mutants:
        modules.setdefault(mutant.path.stem, Counter())[verdicts[mutant.key]] += 1
    yield "| module | mutants | killed | timed out | not covered | survived |"
    yield "|---|---|---|---|---|---|"
    everything = sum(modules.values(), Counter())
    for name, counts in [*modules.items(), ("all", everything)]:
        numbers = " | ".join(str(counts[column]) for column in columns)
        yield f"| {name} | {counts.total()} | {numbers} |"


def _survivors(layer: str, verdicts: Mapping[str, str]) -> Iterator[str]:
    for why, keys in reasons(layer).items():
        alive = [key for key in keys if verdicts.get(key) in {"survived", "not covered"}]
        if not alive:
            continue
        yield f"{why}\n"
        yield "| where | mutation |"
        yield "|---|---|"
        for key in alive:
            where, _, change = key.partition(" ")
            module, _, scope = where.removeprefix(f"{layer}.").partition(":")
            yield f"| {module}:{scope or 'module'} | {change.replace('|', chr(92) + '|')} |"
        yield ""
