"""The site: what can be checked of its sources without building it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs._site.names import MODULES, OPENERS, load, public_names

DOCS = Path(__file__).parent.parent / "docs"
NAMES = {module: public_names(module) for module in MODULES}
API = [path.read_text() for path in sorted((DOCS / "reference/api").glob("*.rst"))]


def listed_names():
    """Return the full path of every name that the reference lists."""
    blocks = re.findall(
        r"^\.\. entries:: (\S+)\n((?:   :.*\n)?\n(?:   .*\n)+)", "".join(API), re.MULTILINE
    )
    return [
        f"{module}.{name}"
        for module, names in blocks
        for name in names.split()
        if not name.startswith(":")
    ]


def test_every_page_is_in_the_navigation():
    """Each page of the docs is in one of the navigation's lists, and each entry is a page."""
    navigation = (DOCS / "index.rst").read_text().partition(".. toctree::")[2]
    entries = re.findall(r"^   ([a-z][\w/-]+)$", navigation, re.MULTILINE)
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    assert len(entries) == len(set(entries))
    rest = {"reference/api/index", "project/contributing", "project/changelog"}
    assert set(entries) == pages - {"index"} | rest


@pytest.mark.parametrize(("module", "names"), NAMES.items(), ids=NAMES)
def test_every_public_name_is_in_the_reference(module, names):
    """Each name that a module makes public is listed on a page of the reference."""
    assert names
    assert {f"{module}.{name}" for name in names} <= set(listed_names())


def test_the_reference_lists_each_name_once():
    """No entry of the reference comes twice, and each of them, public or not, is there."""
    names = listed_names()
    assert len(names) == len(set(names))
    assert set(OPENERS) <= set(names)
    assert all(load(name).__doc__ for name in OPENERS)
