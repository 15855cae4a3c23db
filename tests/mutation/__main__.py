# ruff: noqa: T201  # a command that prints
"""
Try the mutants of one layer, and print those that no test noticed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.mutation.mutants import ROOT, Mutant, mutants_of
from tests.mutation.page import reasons, write_page

# Hypothesis's profile and the tests, in the order in which they are asked: what the first ones
# notice never comes to the last ones
TESTS: Final = {
    "_protocol": (
        ("mutation", ["tests/protocol", "tests/client"]),
        ("mutation", ["tests/runtime", "tests/security", "tests/test_docs.py"]),
        ("local", ["tests/protocol", "tests/client"]),
    ),
    "_runtime": (
        ("mutation", ["tests/runtime", "tests/client"]),
        (
            "mutation",
            ["tests/security", "tests/integration/test_client_and_server.py", "tests/test_docs.py"],
        ),
        ("mutation", ["tests/runtime", "-m", "slow"]),
        ("mutation", ["tests/matrix", "-m", "slow or not slow", "-k", "each_step"]),
    ),
}
FOLDER: Final = ROOT / ".mutation"  # results are kept there, and not tried again
PATIENCE_SECONDS: Final = 5.0  # for each test, and ten times what it takes
QUICK: Final = 0.9  # of all tests: these are asked about what is run at import


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("layer", choices=TESTS)
    parser.add_argument("modules", nargs="*", help="such as speech; all of the layer if none")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--again", action="store_true", help="try survivors without a reason again")
    parser.add_argument("--page", action="store_true", help="write the page about it")
    return parser.parse_args()


class Results:
    """What became of each mutant, on disk: a line each, the last one counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.of: dict[str, tuple[str, str]] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                key, verdict, killer = json.loads(line)
                self.of[key] = verdict, killer

    def verdict(self, mutant: Mutant) -> str:
        return self.of.get(mutant.key, ("", ""))[0]

    def note(self, mutant: Mutant, verdict: str, killer: str) -> None:
        self.of[mutant.key] = verdict, killer
        with self._path.open("a") as file:
            file.write(json.dumps([mutant.key, verdict, killer]) + "\n")


class Order:
    """Puts the tests first that have noticed something lately, then the quick ones."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last: dict[str, int] = {}
        self._count = 0

    def note(self, killer: str) -> None:
        self._count += 1
        self._last[killer] = self._count

    def sort(self, tests: set[str]) -> list[str]:
        recent = sorted(tests & self._last.keys(), key=self._last.__getitem__, reverse=True)[:10]
        return recent + sorted(tests - set(recent), key=lambda test: self._seconds.get(test, 1))

    def patience(self, tests: list[str]) -> dict[str, float]:
        return {test: PATIENCE_SECONDS + 10 * self._seconds.get(test, 1) for test in tests}


def try_all(
    mutants: list[Mutant], test_arguments: list[str], results: Results, processes: int
) -> list[Mutant]:
    """Try mutants on the tests that run their lines; return those that survive."""
    from tests.mutation.baseline import measure
    from tests.mutation.trial import Trial

    baseline = measure(test_arguments, FOLDER)
    gc.collect()
    gc.freeze()
    order = Order(baseline.seconds)
    quick = set(order.sort(set(baseline.seconds))[: int(QUICK * len(baseline.seconds))])
    survivors = []
    waiting, running = deque(mutants), []
    done, began = 0, time.monotonic()
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.popleft()
            tests = baseline.tests_of(mutant.path, *mutant.lines)
            if tests is None:  # of these here, that is: the next ones may run it
                results.note(mutant, results.verdict(mutant) or "not covered", "")
                survivors.append(mutant)
                continue
            if mutant.is_at_import or not tests:
                tests |= quick
            running.append(Trial(mutant, order.patience(order.sort(tests))))
        time.sleep(0.01)
        for trial in list(running):
            if (outcome := trial.verdict()) is None:
                continue
            running.remove(trial)
            verdict, killer = outcome
            results.note(trial.mutant, verdict, killer)
            order.note(killer)
            if verdict == "survived":
                survivors.append(trial.mutant)
            done += 1
            if done % 100 == 0:
                print(f"{done} of {len(mutants)}, {len(survivors)} survive", flush=True)
    print(f"{done} tried in {time.monotonic() - began:.0f} s, {len(survivors)} survive", flush=True)
    return survivors


def all_mutants(layer: str, modules: list[str]) -> Iterator[Mutant]:
    for path in sorted((ROOT / "trio_cartesia" / layer).glob("*.py")):
        if not modules or path.stem in modules:
            yield from mutants_of(path)


def unexplained(layer: str, mutants: list[Mutant], results: Results) -> list[Mutant]:
    explained = {key for keys in reasons(layer).values() for key in keys}
    alive = [one for one in mutants if results.verdict(one) in {"survived", "not covered"}]
    return [one for one in alive if one.key not in explained]


def main() -> None:
    wanted = arguments()
    sys.dont_write_bytecode = False
    os.chdir(ROOT)
    FOLDER.mkdir(exist_ok=True)
    results = Results(FOLDER / f"{wanted.layer}.jsonl")
    mutants = list(all_mutants(wanted.layer, wanted.modules))
    left = [one for one in mutants if not results.verdict(one)]
    if wanted.again:
        left += unexplained(wanted.layer, mutants, results)
    for profile, paths in TESTS[wanted.layer]:
        os.environ["HYPOTHESIS_PROFILE"] = profile
        if left:
            chosen = ["-m", "not slow", *paths]  # where these have a -m of their own, that wins
            survivors = try_all(left, chosen, results, wanted.processes)
            left = unexplained(wanted.layer, survivors, results)
    for mutant in unexplained(wanted.layer, mutants, results):
        print(f"{mutant.path.name}:{mutant.lines[0]} {mutant.key}")
    print(dict(Counter(results.verdict(mutant) for mutant in mutants)))
    if wanted.page:
        write_page(wanted.layer, mutants, {one.key: results.verdict(one) for one in mutants})


if __name__ == "__main__":
    main()
