"""Crawl the built site: links and anchors lead somewhere, and every public name has an entry.

``python tools/check_site.py build/site`` prints what is wrong, and ends with 1 if anything is.
"""

from __future__ import annotations

import sys
from collections import deque
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from sphinx.util.inventory import InventoryFile

sys.path.insert(0, str(Path(__file__).parent.parent))

from docs._site.names import MODULES, public_names  # of the checkout

REFERENCES = {"a": "href", "link": "href", "img": "src", "script": "src", "audio": "src"}


class Page(HTMLParser):
    """The anchors of a page, what it refers to, and its pictures without a text alternative."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.references: list[str] = []
        self.without_text = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = dict(attributes)
        if name := given.get("id"):
            self.anchors.add(name)
        if target := given.get(REFERENCES.get(tag, "")):
            self.references.append(target)
        if tag == "img" and not given.get("alt"):
            self.without_text += 1
        if given.get("role") == "img" and not given.get("aria-label"):
            self.without_text += 1


def read_pages(site: Path) -> dict[str, Page]:
    """Read every page, by its path within the site."""
    paths = site.rglob("*.html")
    return {path.relative_to(site).as_posix(): Page(path.read_text()) for path in paths}


def dead_links(site: Path, pages: dict[str, Page]) -> list[str]:
    """Return each reference within the site that leads nowhere, and how many were followed."""
    wrong = []
    for name, page in pages.items():
        for reference in page.references:
            if urlsplit(reference).scheme or reference.startswith("//"):
                continue
            path, anchor = urldefrag(urljoin(f"/{name}", reference))
            path = unquote(urlsplit(path).path).lstrip("/")
            if path not in pages:
                if anchor or not (site / path).is_file():
                    wrong.append(f"{name}: {reference} leads nowhere")
            elif unquote(anchor) not in pages[path].anchors:
                wrong.append(f"{name}: {reference} has no such anchor")
    return wrong


def unreached(pages: dict[str, Page]) -> list[str]:
    """Return the pages that no chain of links from the first one leads to."""
    reached, waiting = {"index.html"}, deque(["index.html"])
    while waiting:
        name = waiting.popleft()
        for reference in pages[name].references:
            path = urlsplit(urljoin(f"/{name}", reference)).path.lstrip("/")
            if path in pages and path not in reached:
                reached.add(path)
                waiting.append(path)
    return [f"{name}: no link leads here" for name in sorted(set(pages) - reached)]


def missing_names(site: Path) -> list[str]:
    """Return the public names that have no entry."""
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda _base, path: path)
    entries = {name for kind, names in inventory.items() if kind[:3] == "py:" for name in names}
    paths = [f"{module}.{name}" for module in MODULES for name in public_names(module)]
    print(f"{len(paths)} public names, {len(entries)} entries")
    return [f"{path} has no entry" for path in paths if path not in entries]


def main() -> None:
    """Check the site in the folder that is given."""
    site = Path(sys.argv[1])
    pages = read_pages(site)
    followed = sum(len(page.references) for page in pages.values())
    print(f"{len(pages)} pages, {followed} references")
    wrong = dead_links(site, pages) + unreached(pages) + missing_names(site)
    wrong += [
        f"{name}: a picture without text" for name, page in pages.items() if page.without_text
    ]
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
