"""What is spoken of Markdown, beside the text that a whole parser finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from trio_cartesia import speakable

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def texts(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("inline", "image"):
            yield from texts(token.children or [])
        elif token.type in ("text", "code_inline"):
            yield token.content
        elif token.block or token.type in ("softbreak", "hardbreak", "html_inline"):
            yield " "


def words(text: str) -> list[str]:
    """Return the words of *text*; the numbers of lists are no text for the parser."""
    return [word for word in re.findall(r"[^\W_]+", text) if not word.isdigit()]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_words_are_those_of_a_parser(page):
    """Of each page of the documentation those words are spoken that markdown-it-py shows."""
    source = page.read_text()
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    assert words("".join(speakable(source))) == words("".join(texts(parser.parse(source))))
