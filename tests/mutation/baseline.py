"""
The tests on the code as it is: how long each takes, and which lines it runs.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import attrs
import coverage
import pytest
from hypothesis.internal import charmap

from tests.mutation.trial import OPTIONS

__all__ = ["Baseline", "measure"]


@attrs.frozen
class Baseline:
    """
    What is known of a set of tests.

    Attributes:
        seconds: How long each takes, by its id.
        lines: For each file, the tests that run each line.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, set[str]]]

    def tests_of(self, path: Path, first: int, last: int) -> set[str] | None:
        """Return the tests that run one of these lines, which may be run at import; None if not."""
        lines = self.lines.get(str(path), {})
        found = [lines[line] for line in range(first, last + 1) if line in lines]
        return set().union(*found) if found else None


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


def measure(arguments: list[str], folder: Path) -> Baseline:
    """
    Run tests in a process of their own, and load here what they loaded, the package excepted.
    """
    if not (pid := os.fork()):
        code = 70
        try:
            os.environ["COVERAGE_FILE"] = str(folder / "coverage")
            clock = _Clock()
            options = ["--cov=trio_cartesia", "--cov-context=test", "--cov-fail-under=0"]
            options.append("--cov-report=")
            code = int(pytest.main([*OPTIONS, *options, *arguments], plugins=[clock]))
            loaded = [
                name for name in sys.modules if not name.startswith(("trio_cartesia", "tests"))
            ]
            (folder / "baseline.json").write_text(json.dumps([clock.seconds, loaded]))
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit("the tests fail on the code as it is")
    seconds, loaded = json.loads((folder / "baseline.json").read_text())
    for name in loaded:
        with suppress(ImportError):
            importlib.import_module(name)
    with warnings.catch_warnings(action="ignore"):
        charmap.charmap()  # what Hypothesis would read again for each mutant
        charmap.intervals_from_codec("utf-8")
    data = coverage.CoverageData(str(folder / "coverage"))
    data.read()
    lines = {
        file: {
            line: {context.partition("|")[0] for context in contexts if context}
            for line, contexts in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    return Baseline(seconds, lines)
