"""No rule without a test, and no test that names a rule that is gone (tests/requirements.toml)."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
RULES = tomllib.loads((ROOT / "tests/requirements.toml").read_text())  # which has no id twice

# every section of the protocol reference that is about a service that speaks
SECTIONS = {
    *(f"1.{number}" for number in range(1, 9)),
    *(f"2.{number}" for number in range(1, 15)),
    *("3.1", "3.2", "3.3", "3.4", "6.1"),
    *(f"5.{number}" for number in (1, 2, 4, 5, 6, 7, 8, 9, 12, 13)),
    *(f"T{number}" for number in range(1, 35)),  # the open questions of §7.1
    *(f"7.4.{number}" for number in (*range(1, 11), 14)),  # the minimum of §7.4
}


@cache
def functions_of(path: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the test functions of a file by their names."""
    if not path.exists():
        return {}
    nodes = ast.walk(ast.parse(path.read_text()))
    functions = [n for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {node.name: node for node in functions if node.name.startswith("test_")}


def marked() -> Iterator[tuple[str, str]]:
    """Yield each rule that a test is marked with, and the test."""
    for folder in ("tests/server", "tests/conformance", "tests/cli"):
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            if "pytest.mark.rule" not in path.read_text():
                continue
            for name, node in functions_of(path).items():
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
                        for rule in mark.args:
                            yield ast.literal_eval(rule), f"{path.relative_to(ROOT)}::{name}"


def test_every_rule_is_a_sentence_with_tests():
    """A rule says what holds, in one sentence, and names tests that are there."""
    for rule, row in RULES.items():
        assert row.keys() == {"rule", "tests"}, rule
        assert row["rule"].endswith("."), rule
        for test in row["tests"]:
            path, _, name = test.partition("::")
            assert name in functions_of(ROOT / path), f"{rule} names {test}, which is not there"


def test_every_rule_is_shown_without_other_clients():
    """A rule has a test that everybody runs: those with clients that are not ours come on top."""
    for rule, row in RULES.items():
        assert any(not test.startswith("tests/conformance/") for test in row["tests"]), rule


def test_every_section_has_rules():
    """No section that is about a service that speaks is left out, and none is made up."""
    assert {rule.partition("-")[0] for rule in RULES} == SECTIONS


def test_every_rule_that_a_test_names_is_there():
    """A test that is marked with a rule is among those that the rule names."""
    named = list(marked())
    assert named
    for rule, test in named:
        assert rule in RULES, f"{test} names {rule}, which is gone"
        assert test in RULES[rule]["tests"], f"{rule} does not name {test}"
