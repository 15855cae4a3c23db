"""What pyproject.toml, the README and CI say of each other."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import trio_cartesia

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


def test_a_release_has_one_version():
    """The citation has the version that the build reads."""
    (cited,) = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited == trio_cartesia.__version__


def test_each_change_has_a_kind_that_the_changelog_knows():
    """The names of all files in changelog.d are those that towncrier reads."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
    kinds = "|".join(each["directory"] for each in settings["type"])
    names = {path.name for path in (ROOT / "changelog.d").iterdir()} - {"template.md"}
    assert [
        name for name in names if not re.fullmatch(rf"\d+(\.[\w-]+)?\.({kinds})\.md", name)
    ] == []


def test_the_workflows_run_the_tests_as_the_readme_does():
    """Every job that runs tests installs the extras that the README's command installs."""
    command = re.findall(r"pip install -q -e '(.*?)'", (ROOT / ".ci/run").read_text())[0]
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for extras in re.findall(r'-e "(.*?)"', path.read_text()):
            assert extras.replace(",ears", "") == command
