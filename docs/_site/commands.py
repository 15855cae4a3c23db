"""Every command of the command line, as the program itself describes it."""

from __future__ import annotations

from typing import Any, Final

from sphinx.application import Sphinx

MARK: Final = "<!-- commands -->"


def _insert(_app: Sphinx, _page: str, source: list[str]) -> None:
    if MARK in source[0]:
        from trio_cartesia._cli.main import app

        described = app.generate_docs()
        commands = described[described.index(f"## {app.name[0]} ") :]  # behind their list
        source[0] = source[0].replace(MARK, commands.replace("*.", "\\*."))  # of file names


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True}
