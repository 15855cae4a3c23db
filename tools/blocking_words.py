"""The docstrings of the blocking face: the asynchronous ones, with the words for threads."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Final

__all__ = ["Unclear", "docstring_for_threads"]

WORDS: Final = {  # in docstrings: patterns, and what they become
    r"an async(?:hronous)? context manager": "a context manager",
    r"(A|a)n asynchronous iterator": r"\1n iterator",
    r"The block keeps the connections of requests over HTTP; before the first request there are "
    r"none, so a client is cheap\. All tasks of a Trio run may share it\.": (
        "While its block runs, a thread in the background runs Trio for it. All threads may share "
        "it; leaving the block ends what they have open."
    ),
    r"any task of the same Trio run": "any thread",
    r"(O|o)ne task receives at a time": r"\1ne thread receives at a time",
    r"Another task (receives|iterates)": r"Another thread \1",
    r"in another task than": "in another thread than",
    r"(S|s)everal tasks": r"\1everal threads",
    r"another task sends": "another thread sends",
    r" Where the socket takes audio at once, other tasks have their turn after one call in 16, "
    r"whichever sessions they are of, rather than after each\.": "",
    r"an iterable or asynchronous iterable": "an iterable",
    r"An iterable or asynchronous iterable": "An iterable",
    r"an exception or a cancellation closes": "an exception closes",
    r"(A|a)nother task is receiving": r"\1nother thread is receiving",
    r"Pieces are pushed by a task": "Pieces are created and pushed by another thread",
    r"Leaving the block stops the task and closes an asynchronous generator of pieces; the block "
    r"raises the exception of that, unless it raises another one\.": (
        "Leaving the block stops pushing; an iterator that is creating a piece is not interrupted."
    ),
    r"If cancelled": "If interrupted by Ctrl-C",
    r"Being cancelled loses": "An interrupt by Ctrl-C loses",
    r"StopAsyncIteration": "StopIteration",
    r"or cancellation, (drops)": r"or Ctrl-C, \1",
    r"nothing is awaited for it": "nothing waits for the answer",
    r": use ``trio\.fail_after``": "",
    r"(N|n)othing is awaited": r"\1othing is waited for",
    r": there is no exception group unless the block opened a nursery": "",
    r"an async function that returns one, which is called": (
        "an async function that returns one, which is called in the background thread"
    ),
    r"An async function that": "An async function, called in the background thread, that",
}
EXAMPLE: Final = {  # in examples, likewise
    r"import trio\n": "",
    r"\n*trio\.run\(main\)\n*": "\n",
    r"from trio_cartesia import Cartesia": "from trio_cartesia.blocking import Cartesia",
    r"\b(open_(?:speaker|recording|microphone))\(": r"\1(client, ",
    r"(import Cartesia)\n(from trio_cartesia\.batch import Item), speak_all": r"\1, speak_all\n\2",
    r"\basync with\b": "with",
    r"\basync for\b": "for",
    r"(?<!\w)\(await ([\w.]+\(\))\)": r"\1",
    r"\bawait ": "",
}
STALE: Final = re.compile(r"\b(await\w*|async\w*|nurser\w*|tasks?|trio\.(?!abc)\w+)\b")
EXPECTED: Final = {  # what `STALE` finds and is right
    "An async function, called in",
    "or an async function that",
    "A task of this package crashed",
}


class Unclear(Exception):
    """The asynchronous face has something for which there is no rule."""


def docstring_for_threads(text: str, indent: int) -> str:
    """Return a docstring with the words for threads, at an indentation."""
    text, mark, example = inspect.cleandoc(text).partition("Example::\n")
    lines = [line for paragraph in paragraphs(text) for line in reworded(paragraph, indent)]
    if mark:
        lines += ["Example::", "", *example_for_threads(example)]
    found = "\n".join(lines)
    checked = found
    for phrase in EXPECTED:
        checked = checked.replace(phrase, "")
    if stale := STALE.search(checked):
        raise Unclear(f"{stale[0]!r} in a docstring: WORDS needs a rule for it\n\n{found}")
    return "\n".join(" " * indent + line if line else "" for line in lines).strip()


def paragraphs(text: str) -> Iterator[list[str]]:
    """Yield the lines of each paragraph, and of each entry of a section."""
    paragraph: list[str] = []
    for line in text.splitlines():
        if not line or re.match(r" {4}[*`]*\w+[`]*: |\w+:$", line):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    yield paragraph


def reworded(lines: list[str], indent: int) -> list[str]:
    """Return a paragraph with the words for threads, filled again if there are some."""
    text = " ".join(line.strip() for line in lines if line)
    new = text
    for pattern, words in WORDS.items():
        new = re.sub(pattern, words, new)
    if new == text:
        return lines
    blank = [""] if not lines[0] else []
    first = re.match(" *", lines[len(blank)])
    assert first is not None
    hang = first[0] + (" " * 4 if first[0] else "")
    width = 100 - indent
    return blank + textwrap.wrap(
        new, width, initial_indent=first[0], subsequent_indent=hang, break_long_words=False
    )


def example_for_threads(code: str) -> list[str]:
    """Return the example of a docstring as a script for threads."""
    code = textwrap.dedent(code).strip("\n") + "\n"
    head, main, body = code.partition("async def main():\n")
    if main:
        body, end, tail = body.partition("\ntrio.run(main)")
        code = head + textwrap.dedent(body) + end + tail
    for pattern, words in EXAMPLE.items():
        code = re.sub(pattern, words, code)
    return textwrap.indent(code.strip(), "    ").splitlines()
