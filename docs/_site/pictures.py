"""Where pages have pictures and players: at a directive, a comment, or a state diagram.

A comment in Markdown, which GitHub does not show, is replaced: ``<!-- speech: Hello. -->`` by the
speech of this text, and ``<!-- diagram: levels -->`` by the diagram of this name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from _site import svg
from _site.traces import record_connection, record_frame
from _site.waveforms import waveform

COMMENT: Final = re.compile(r"\s*(speech|diagram): (.+?)\s*")


def states(source: str) -> nodes.raw:
    """Draw a Mermaid state diagram, which the tests hold equal to a table of the code."""
    edges = re.findall(r"^ *(\S+) --> (\w+)(?:: (.+))?$", source, re.MULTILINE)
    names = list(dict.fromkeys(name for edge in edges for name in edge[:2]))
    rows: dict[tuple[int, int], list[str]] = {}
    for one, two, step in edges:
        rows.setdefault((names.index(one), names.index(two)), []).append(step or "begins")
    columns = ["start" if name == "[*]" else name.replace("_", " ") for name in names]
    drawn = [(one, two, ", ".join(steps)) for (one, two), steps in rows.items()]
    return svg.sequence(f"The states {', '.join(columns[1:])} and their steps", columns, drawn)


def frame_path() -> nodes.raw:
    """Draw the calls between the arrival of a frame and the receive loop, as they were recorded."""
    calls = record_frame()
    names = list(dict.fromkeys(name for call in calls for name in call[:2]))
    rows = [(names.index(one), names.index(two), what) for one, two, what in calls]
    return svg.sequence("One frame's way from the socket to the receive loop", names, rows)


def connection() -> nodes.raw:
    """Draw the life of a connection, as it was recorded."""
    steps = record_connection()
    times = [f"{seconds:.2f} s" for seconds, *_ in steps]
    return svg.sequence(
        "The life of a connection, recorded on virtual time",
        ["your tasks", "client", "service"],
        [(one, two, what) for _, one, two, what in steps],
        margin=times,
    )


def levels() -> nodes.raw:
    """Draw the levels that the layout test checks."""
    from tests.test_layers import FLOORS

    rows = []
    for floor in sorted(set(FLOORS.values()), reverse=True):
        names = [name or "trio_cartesia" for name in FLOORS if FLOORS[name] == floor]
        others = [n for n in names if n.startswith(("server", "testing", "_cli", "__main__"))]
        rows.append((str(floor), [[n for n in names if n not in others], others]))
    title = "A package imports only packages below it"
    return svg.levels(title, ["client", "local service and tools"], rows)


DIAGRAMS: Final = {"connection": connection, "frame path": frame_path, "levels": levels}


def draw(app: Sphinx, docname: str, kind: str, argument: str) -> nodes.raw:
    """Return the picture that a directive or a comment asks for."""
    if kind == "speech":
        up = "../" * docname.count("/")
        return waveform(argument, Path(app.outdir) / "_audio", f"{up}_audio")
    return DIAGRAMS[argument]()


class Pictures(SphinxTransform):
    """Replaces comments and state diagrams."""

    default_priority = 300

    def apply(self, **_: Any) -> None:
        """Replace them in one page."""
        for comment in list(self.document.findall(nodes.comment)):
            if match := COMMENT.fullmatch(comment.astext()):
                comment.replace_self(draw(self.app, self.env.docname, match[1], match[2]))
        for block in list(self.document.findall(nodes.literal_block)):
            if block.get("language") == "mermaid":
                block.replace_self(states(block.astext()))


class Speech(SphinxDirective):
    """The speech of a text, as a waveform and a player."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        return [draw(self.env.app, self.env.docname, "speech", self.arguments[0])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("speech", Speech)
    app.add_transform(Pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
