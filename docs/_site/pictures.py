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

OTHER_SIDE: Final = {"server", "testing", "_cli", "__main__"}
COMMENT: Final = re.compile(r"<!-- (speech|diagram): (.+?) -->")


def states(source: str) -> nodes.raw:
    """Draw a Mermaid state diagram, which the tests hold equal to a table of the code."""
    [first] = re.findall(r"\[\*\] --> (\w+)", source)
    edges = re.findall(r"^ *(\w+) --> (\w+): (.+)$", source, re.MULTILINE)
    left = {one for one, *_ in edges}
    names = sorted(
        dict.fromkeys([first, *(name for edge in edges for name in edge[:2])]),
        key=lambda name: name not in left,
    )
    rows = [(names.index(one), names.index(two), step) for one, two, step in edges]
    columns = [name.replace("_", " ") for name in names]
    return svg.sequence(
        f"The states, of which “{columns[0]}” is the first, and the steps", columns, rows
    )


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
        others = [n for n in names if n.partition(".")[0] in OTHER_SIDE]
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
        for raw in list(self.document.findall(nodes.raw)):
            if asked := COMMENT.findall(raw.astext()):
                raw.replace_self([draw(self.app, self.env.docname, *each) for each in asked])
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
