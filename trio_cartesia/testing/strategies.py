"""Hypothesis strategies for texts, audio, events, networks and whole scripts of a service.

All of them shrink to short examples, whose reprs can be pasted into a test.
"""

from __future__ import annotations

import base64
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from trio_cartesia.server import Behaviour
from trio_cartesia.testing import script
from trio_cartesia.testing.links import Link
from trio_cartesia.testing.script import Act, Script

__all__ = [
    "audio",
    "behaviours",
    "events",
    "interleavings",
    "links",
    "pieces",
    "scripts",
    "slices",
    "transcripts",
]

T = TypeVar("T")

SPOKEN: Final = "abc déñ日本 .,!?'12-"
BYTES_PER_FRAME: Final = {"pcm_s16le": 2, "pcm_f32le": 4, "pcm_mulaw": 1, "pcm_alaw": 1}

# values to try of fields whose type has too many
VALUES: Final[Mapping[str, Sequence[Any]]] = {
    "flush_id_base": (1, 0, 7),
    "done_status": (206, 200),
    "cancel_trailing_chunks": (2, 0, 10),
    "expiry_seconds": (1.0, 0.1, 5.0),
    "idle_close": (1000, 1001, 4000),
    "chunk_bytes": (16 * 1024, 4, 100, 64 * 1024),
    "times_real_time": (100.0, 1.0, float("inf")),
    "training_seconds": (5.0, 0.0, 60.0),
    "stt_close": (1000, 1001, 4000),
}


def transcripts(*, min_size: int = 1, max_size: int = 40) -> SearchStrategy[str]:
    """Generate texts that a service can speak; shrinks to short ones of few characters."""
    anything = st.characters(codec="utf-8")
    return st.text(st.sampled_from(SPOKEN) | anything, min_size=min_size, max_size=max_size)


def pieces(*, max_count: int = 6) -> SearchStrategy[list[str]]:
    """Generate the pieces of a text, as a language model writes them; none is empty."""
    return st.lists(transcripts(max_size=12), min_size=1, max_size=max_count)


def audio(*, encoding: str = "pcm_s16le", max_frames: int = 40) -> SearchStrategy[bytes]:
    """Generate audio in whole frames."""
    size = BYTES_PER_FRAME[encoding]
    frames = st.lists(st.binary(min_size=size, max_size=size), max_size=max_frames)
    return frames.map(b"".join)


@st.composite
def slices(draw: st.DrawFn, data: bytes, *, max_count: int = 8) -> list[bytes]:
    """Generate *data* cut into slices, as a network delivers it; slices may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=max_count - 1)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def interleavings(draw: st.DrawFn, sequences: Sequence[Sequence[T]]) -> list[T]:
    """Generate an interleaving of *sequences*; each sequence keeps its order."""
    rest = [list(sequence) for sequence in sequences if sequence]
    merged = []
    while rest:
        chosen = draw(st.integers(0, len(rest) - 1)) if len(rest) > 1 else 0
        merged.append(rest[chosen].pop(0))
        if not rest[chosen]:
            del rest[chosen]
    return merged


def events(context_ids: SearchStrategy[str]) -> SearchStrategy[dict[str, Any]]:
    """Generate well-formed events of the TTS WebSocket, as JSON objects (protocol §2.3).

    Terminal events are among them. Optional members may be left out.
    """
    common: dict[str, SearchStrategy[Any]] = {"context_id": context_ids}
    optional: dict[str, SearchStrategy[Any]] = {
        "status_code": st.sampled_from([206, 200]),
        "done": st.just(False),
        "flush_id": st.integers(0, 5),
    }
    data = audio().map(lambda samples: base64.b64encode(samples).decode())
    own: dict[str, dict[str, SearchStrategy[Any]]] = {
        "chunk": {"data": data},
        "flush_done": {},
        "done": {},
        "timestamps": {"word_timestamps": _times("words")},
        "phoneme_timestamps": {"phoneme_timestamps": _times("phonemes")},
        "error": {"title": st.just("Failed"), "message": st.just("It failed.")},
    }
    return st.one_of(
        [
            st.fixed_dictionaries({"type": st.just(kind), **common, **fields}, optional=optional)
            for kind, fields in own.items()
        ]
    )


def _times(name: str) -> SearchStrategy[dict[str, Any]]:
    seconds = st.floats(0, 100).map(lambda value: round(value, 3))
    rows = st.lists(st.tuples(transcripts(max_size=8), seconds, seconds), max_size=4)
    return rows.map(
        lambda rows: {
            name: [text for text, _, _ in rows],
            "start": [start for _, start, _ in rows],
            "end": [end for _, _, end in rows],
        }
    )


def behaviours(*, without: Sequence[str] = ()) -> SearchStrategy[Behaviour]:
    """Generate readings of the protocol: each open question is answered in one of its ways.

    The repr shows the fields that differ from the defaults. Limits keep their defaults.

    Args:
        without: Further fields that keep their defaults.
    """
    usual = Behaviour()
    choices = {  # the default is the first value, to which each field shrinks
        name: st.sampled_from(sorted(values, key=lambda value: value != getattr(usual, name)))
        for name, values in _readings().items()
        if name not in without and len(values) > 1
    }
    return st.fixed_dictionaries(choices).flatmap(_behaviour)


def _behaviour(fields: dict[str, Any]) -> SearchStrategy[Behaviour]:
    usual = Behaviour()
    changed = {name: value for name, value in fields.items() if value != getattr(usual, name)}
    # by builds(), whose values print as the call that makes them
    return st.builds(Behaviour, **{name: st.just(value) for name, value in changed.items()})


def _readings() -> dict[str, Sequence[Any]]:
    hints = typing.get_type_hints(Behaviour)
    found: dict[str, Sequence[Any]] = {}
    for field in attrs.fields(Behaviour):
        kind = hints[field.name]
        if field.name in VALUES:
            found[field.name] = VALUES[field.name]
        elif kind is bool:
            found[field.name] = (False, True)
        elif typing.get_origin(kind) is Literal:
            found[field.name] = typing.get_args(kind)
    return found


def links() -> SearchStrategy[Link]:
    """Generate networks: instant or slow, whole or in pieces as small as a byte."""
    return st.builds(
        Link,
        latency_seconds=st.sampled_from([0.0, 0.05, 2.0]),
        bytes_per_second=st.sampled_from([float("inf"), 100_000.0, 5_000.0]),
        piece_bytes=st.lists(st.integers(1, 4096), max_size=4).map(tuple),
    )


def scripts(
    context_ids: Sequence[str], *, max_acts: int = 12, may_lose: bool = True
) -> SearchStrategy[Script]:
    """Generate scripts of a service that is right, wrong, slow or silent.

    Args:
        context_ids: The contexts of its events; some events are for an unknown context.
        max_acts: The largest number of acts.
        may_lose: Whether a script may end the connection.
    """
    names = st.sampled_from([*context_ids, "unknown"])
    acts: list[SearchStrategy[Act]] = [
        st.builds(script.Speaks, names, audio(max_frames=4)),
        st.builds(script.Receives),
        st.builds(script.Waits, st.sampled_from([0.1, 1.0, 5.0])),
        st.builds(script.Flushes, names),
        st.builds(script.Ends, names),
        st.builds(script.Fails, names, st.sampled_from([500, 400, 402, 404, 429])),
        st.builds(script.Stalls, st.sampled_from([0.1, 5.0])),
        st.builds(script.Sends, events(names)),
        st.builds(script.Sends, st.builds(_news, names)),
    ]
    if may_lose:
        acts += [
            st.builds(script.Fails, st.none()),
            st.builds(script.Closes, st.sampled_from([1000, 1001, 1011, 4000])),
            st.builds(script.Cuts, st.integers(1, 4)),
            st.builds(script.HalfCloses),
            st.builds(script.Resets),
            st.builds(script.Sends, st.sampled_from(["", "nonsense", "[]", '{"type": 1}'])),
        ]
    return st.lists(st.one_of(acts), max_size=max_acts).flatmap(_script)


def _news(name: str) -> dict[str, object]:
    return {"type": "news", "context_id": name}


def _script(acts: list[Act]) -> SearchStrategy[Script]:
    return st.builds(Script, *map(st.just, acts))
