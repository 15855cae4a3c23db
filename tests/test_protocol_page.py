"""Whatever cites the protocol names a section of docs/reference/protocol.md."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/protocol.md"
REQUIREMENTS = ROOT / "tests/requirements.toml"
FOLDERS = ("trio_cartesia", "tests", "docs", "examples", "benchmarks", "changelog.d")
SUFFIXES = {".cjs", ".md", ".mjs", ".py", ".toml"}

SECTION = r"\d+a?(?:\.\d+)*"
ROW = r"[ERST]\d+"
OTHER = re.compile(rf"RFC \d+[\s#]+§{SECTION}(?:(?:,| and)[\s#]+§{SECTION})*")  # other documents
CITATION = re.compile(rf"§({SECTION})((?:,?[\s#]+{ROW}\b)*)")


def places() -> set[str]:
    """Return what can be cited: sections, their numbered rules ("7.4.3") and rows ("7.1 T9")."""
    found: set[str] = set()
    section = ""
    for line in PAGE.read_text().splitlines():
        if heading := re.match(rf"#+ ({SECTION})\.? ", line):
            section = heading[1]
            found.add(section)
        elif item := re.match(r"(\d+)\. ", line):
            found.add(f"{section}.{item[1]}")
        elif row := re.match(rf"\| ({ROW}) \|", line):
            found.add(f"{section} {row[1]}")
    return found


def written() -> Iterator[tuple[Path, str]]:
    """Yield each text of the project that may cite the protocol, with its path."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("*.py")]
    paths += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in sorted(paths):
        if path.suffix in SUFFIXES and "node_modules" not in path.parts:
            yield path.relative_to(ROOT), path.read_text()


def citations(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the place of each citation of the protocol, also where lines break."""
    text = OTHER.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in CITATION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match[1]
        for row in re.findall(ROW, match[2]):
            yield line, f"{match[1]} {row}"


def test_every_cited_section_exists():
    """Each section and each row of the protocol that a text names is on the page."""
    there = places()
    cited = [(path, line, place) for path, text in written() for line, place in citations(text)]
    assert len([path for path, *_ in cited if path.parts[0] == "trio_cartesia"]) > 100
    dangling = [f"{path}:{line}: §{place}" for path, line, place in cited if place not in there]
    assert not dangling, "not in docs/reference/protocol.md:\n" + "\n".join(dangling)


def test_requirements_name_only_sections_that_exist():
    """Each rule's id begins with a section of the page, or with one of its rows."""
    there = places()
    there |= {row for _, _, row in (place.partition(" ") for place in there) if row}
    text = REQUIREMENTS.read_text()
    dangling = [
        f"tests/requirements.toml:{text.count(chr(10), 0, text.index(chr(34) + rule)) + 1}: {rule}"
        for rule in tomllib.loads(text)
        if rule.partition("-")[0] not in there
    ]
    assert not dangling, "not in docs/reference/protocol.md:\n" + "\n".join(dangling)


def test_the_examples_are_json():
    """Each block of JSON on the page holds objects, one after the other, and nothing else."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 10
    for block in blocks:
        rest = block.strip()
        while rest:
            value, end = json.JSONDecoder().raw_decode(rest)
            assert isinstance(value, dict), block
            rest = rest[end:].lstrip()
