"""Orders of turn events: those that protocol §4.4 allows, with the texts that turns then have."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

WORDS = st.text("abc .,", max_size=6)


@attrs.frozen
class Told:
    """A turn as the service sends it.

    Attributes:
        events: The types and transcripts of its events; None where there is no such field.
        text: The text that it has in the end.
        is_complete: True if it has an end.
    """

    events: tuple[tuple[str, str | None], ...]
    text: str
    is_complete: bool


@st.composite
def turns(draw: st.DrawFn, *, is_complete: bool = True) -> Told:
    """Make one turn, by the grammar: its text only grows, and each event may lack it."""
    text, events = "", [("turn.start", None)]

    def add(kind: str, *, may_grow: bool = True) -> None:
        nonlocal text
        text += draw(WORDS) if may_grow else ""
        events.append((kind, draw(st.sampled_from([text, text, text, "", None]))))
        text = max(filter(None, (transcript for _, transcript in events)), key=len, default="")

    def add_updates() -> None:
        for _ in range(draw(st.integers(0, 3))):
            add("turn.update")

    for _ in range(draw(st.integers(0, 3))):
        add_updates()
        add("turn.eager_end", may_grow=draw(st.booleans()))
        add_updates()
        events.append(("turn.resume", None))
    add_updates()
    if draw(st.booleans()):
        add("turn.eager_end")
        add_updates()
    if is_complete:
        add("turn.end", may_grow=draw(st.booleans()))
    return Told(tuple(events), text, is_complete)


@st.composite
def sessions(draw: st.DrawFn) -> list[Told]:
    """Make the turns of a session, of which the last one may be cut short by the session's end."""
    told = draw(st.lists(turns(), max_size=4))
    if draw(st.booleans()):
        told.append(draw(turns(is_complete=False)))
    return told
