"""The wire has an address: docs/reference/protocol.md, whose sections code and tests cite."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/reference/protocol.md").read_text()

SECTIONS = set(re.findall(r"^#+ (\d+a?(?:\.\d+)*)\.? ", PAGE, re.MULTILINE))
QUESTIONS = set(re.findall(r"^\| ([TSR]\d+) \|", PAGE, re.MULTILINE))
CORRECTIONS = set(re.findall(r"^\| (E\d+) \|", PAGE, re.MULTILINE))

CITED = re.compile(r"protocol\s+§(\d+a?(?:\.\d+)*)(?:\s+([TSRE]\d+))?")


def cited() -> list[tuple[str, str, str | None]]:
    """Return where each section is cited, and with which question or correction."""
    found = []
    folders = ("trio_cartesia", "tests", "docs", "examples", "benchmarks")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.*"))]
    for path in paths:
        if path.suffix not in (".py", ".md", ".toml") or "node_modules" in path.parts:
            continue
        name, text = path.relative_to(ROOT), path.read_text()
        for match in CITED.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append((f"{name}:{line}", match[1], match[2]))
    return found


def test_every_cited_section_exists():
    """Whoever follows a citation of the protocol finds its section, question or correction."""
    citations = cited()
    assert len(citations) > 100
    dangling = [
        f"{where}: §{section} {label or ''}"
        for where, section, label in citations
        if section not in SECTIONS or (label and label not in QUESTIONS | CORRECTIONS)
    ]
    assert not dangling


def test_the_page_cites_itself_rightly():
    """The page's own references lead to sections that it has."""
    cited_here = set(re.findall(r"§(\d+a?(?:\.\d+)*)", PAGE)) - {"9110"}
    assert cited_here <= SECTIONS


def test_every_rule_is_of_a_section():
    """The rules of tests/requirements.toml are named after sections and questions of the page."""
    rules = tomllib.loads((ROOT / "tests/requirements.toml").read_text())
    known = SECTIONS | QUESTIONS
    minimum = set(re.findall(r"^(\d+)\. ", PAGE[PAGE.index("### 7.4") :], re.MULTILINE))
    known |= {f"7.4.{number}" for number in minimum}
    unknown = [rule for rule in rules if rule.partition("-")[0] not in known]
    assert not unknown


def test_every_correction_is_in_the_text():
    """Each correction of §6a is named where it was applied."""
    text = PAGE[: PAGE.index("## 6a.")]
    missing = [number for number in CORRECTIONS if not re.search(rf"\b{number}\b", text)]
    assert not missing
