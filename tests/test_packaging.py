"""What pyproject.toml, the README and CI say of each other."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_ci_runs_the_command_of_the_readme():
    """The second command of the README is what CI runs, to the letter."""
    _, command = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert command in (ROOT / ".ci/run").read_text().splitlines()


def test_the_oldest_releases_are_those_that_ci_tries():
    """Each lower bound is a release that the tests are run with, and there are no upper bounds."""
    extras = PROJECT["optional-dependencies"]
    tried = ("local", "cli", "play", "tls", "otel", "testing")
    wanted = [*PROJECT["dependencies"], *(each for name in tried for each in extras[name])]
    bounds = {re.match(r"[\w-]+>=[\d.]+", requirement)[0] for requirement in wanted}
    lowest = (ROOT / ".ci/lowest.txt").read_text().split()
    assert bounds == {re.sub(r"==([\d.]+?)(\.0)?$", r">=\1", line) for line in lowest}
    assert not any("<" in requirement or "~" in requirement for requirement in wanted)


def test_entry_points_are_in_the_package():
    """The console script and the pytest plugin are modules of the package, which has no others."""
    plugins = PROJECT["entry-points"]["pytest11"]
    for value in (*PROJECT["scripts"].values(), *plugins.values()):
        module, _, name = value.partition(":")
        assert module.startswith("trio_cartesia.")
        assert not name or callable(getattr(importlib.import_module(module), name))
        importlib.import_module(module)
    assert [path.name for path in ROOT.glob("trio_cartesia*.py")] == []
