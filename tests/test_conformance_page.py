"""The page on conformance names the clients that are pinned and the tests that are run."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/reference/conformance.md").read_text()
HERE = ROOT / "tests/conformance"


def test_the_versions_are_those_that_are_pinned():
    """Each client stands in the table with the version that CI installs, from PyPI or npm."""
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["conformance"]
    found = [re.fullmatch(r"([\w-]+)(?:\[\w+\])?==([\d.]+)", pin) for pin in group]
    pinned = {"PyPI `{}` | {}".format(*pin.groups()) for pin in found}
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    for path, package in locked.items():
        if path:
            pinned.add(f"npm `{path.removeprefix('node_modules/')}` | {package['version']}")
    shown = set(re.findall(r"^\| ((?:PyPI|npm) `\S+` \| [\d.]+) \|", PAGE, re.MULTILINE))
    assert shown == pinned


def test_the_tests_are_those_that_are_run():
    """The page names every test of the group, and no other."""
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    assert named == set(re.findall(r"^(?:async )?def (test_\w+)", written, re.MULTILINE))
