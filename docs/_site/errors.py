"""A directive that draws the tree of exceptions from their classes."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from trio_cartesia import CartesiaError


def _lines(error: type[CartesiaError], depth: int = 0) -> list[str]:
    indent = "  " * depth
    lines = [f"{indent}* `trio_cartesia.{error.__name__}`: {error.next_step}", ""]
    for kind in error.__subclasses__():
        if kind.__module__ == "trio_cartesia":
            lines += _lines(kind, depth + 1)
    return lines


class ErrorTree(SphinxDirective):
    """The public exceptions as a nested list: each with what to do about it."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        lines = "\n".join(_lines(CartesiaError)).replace("`trio", ":py:exc:`~trio")
        return [nodes.container("", *self.parse_text_to_nodes(lines), classes=["error-tree"])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("error-tree", ErrorTree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
