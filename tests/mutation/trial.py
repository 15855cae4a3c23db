"""
One mutant on trial: tests run on it in a process of its own, until the first of them fails.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from types import CodeType
from typing import Final

import pytest

from tests.mutation.mutants import Mutant

__all__ = ["OPTIONS", "Trial"]

MEMORY_BYTES: Final = 3 * 2**30  # a mutant may collect things without end
START_SECONDS: Final = 60.0  # to collect tests
OPTIONS: Final = ("-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", "--assert=plain")


class Chosen:
    """A plugin of pytest: of the tests that were collected, these run, in this order."""

    def __init__(self, tests: Mapping[str, float], killer: int) -> None:
        self._place = {test: place for place, test in enumerate(tests)}
        self._seconds = tests
        self._killer = killer

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._place]
        items[:] = sorted(chosen, key=lambda item: self._place[item.nodeid])

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        signal.alarm(math.ceil(self._seconds[item.nodeid]))  # ends the process

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._killer, report.nodeid.encode())


class Mutated(importlib.machinery.SourceFileLoader):
    """Loads one module as another text than the one on disk, and finds nothing else."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._mutant = mutant

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._mutant.path, loader=self)

    def get_code(self, _: str) -> CodeType:
        return compile(self._mutant.source, self._mutant.path, "exec", dont_inherit=True)


class Trial:
    """
    A process that tries a mutant, forked from one that has loaded what takes long to load.

    Args:
        mutant: What to try.
        tests: Ids of the tests, in the order to run them in, and the seconds that each may take.
    """

    def __init__(self, mutant: Mutant, tests: Mapping[str, float]) -> None:
        assert mutant.module not in sys.modules, "a mutant must be imported to be run"
        self.mutant = mutant
        self._tests = tests
        self._deadline = time.monotonic() + START_SECONDS + sum(tests.values())
        self._reader, self._writer = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            self._run()
        os.close(self._writer)

    def _run(self) -> None:
        code = 70
        try:
            output = os.open(os.devnull, os.O_WRONLY)
            os.dup2(output, 1)
            os.dup2(output, 2)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            sys.meta_path.insert(0, Mutated(self.mutant))
            files = dict.fromkeys(test.partition("::")[0] for test in self._tests)
            chosen = Chosen(self._tests, self._writer)
            code = int(pytest.main([*OPTIONS, "-x", *files], plugins=[chosen]))
        finally:
            os._exit(code)

    def verdict(self) -> tuple[str, str] | None:
        """
        Return how it went, and which test failed; None while it runs.

        A process that takes too long is ended.
        """
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            if time.monotonic() < self._deadline:
                return None
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            status = -1
        with os.fdopen(self._reader) as pipe:
            killer = pipe.read()
        if status < 0 or os.WIFSIGNALED(status):
            return "timeout", killer
        return "survived" if status == 0 else "killed", killer or f"exit {status >> 8}"
