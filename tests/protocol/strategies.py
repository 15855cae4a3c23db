"""Events as the service may send them, right and wrong."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
IDS = st.sampled_from(["a", "b", "c"])
AUDIO = st.binary(max_size=40)
SECONDS = st.floats(0, 1000) | st.integers(0, 1000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)

COMMON = {
    "context_id": IDS,
    "status_code": st.sampled_from([200, 206]),
    "done": st.booleans(),
    "flush_id": st.none() | st.integers(0, 5),
}


def _times(names: str):
    def shape(rows):
        texts, starts, ends = zip(*rows, strict=True) if rows else ((), (), ())
        return {names: list(texts), "start": list(starts), "end": list(ends)}

    return st.lists(st.tuples(TEXTS, SECONDS, SECONDS), max_size=4).map(shape)


def base64_text(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


CHUNKS = st.fixed_dictionaries(
    {"type": st.just("chunk"), **COMMON, "data": AUDIO.map(base64_text)},
    optional={"step_time": st.none() | st.floats(0, 1e6) | st.integers(0, 10**6)},
)
WORDS = st.fixed_dictionaries(
    {"type": st.just("timestamps"), **COMMON, "word_timestamps": _times("words")}
)
PHONEMES = st.fixed_dictionaries(
    {
        "type": st.just("phoneme_timestamps"),
        **COMMON,
        "phoneme_timestamps": _times("phonemes"),
    }
)
FLUSHES = st.fixed_dictionaries({"type": st.just("flush_done"), **COMMON})
DONES = st.fixed_dictionaries({"type": st.just("done"), **COMMON})
ERRORS = st.fixed_dictionaries(
    {"type": st.just("error")},
    optional={
        **COMMON,
        "title": JSON,
        "message": JSON,
        "error": JSON,
        "error_code": JSON,
        "request_id": JSON,
        "doc_url": JSON,
    },
)
EVENTS = CHUNKS | WORDS | PHONEMES | FLUSHES | DONES | ERRORS


@st.composite
def broken_events(draw):
    """An event with members replaced, removed or added."""
    event = dict(draw(EVENTS))
    names = [*event, "audio", "segment", "words", "extra"]
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(names))
        if draw(st.booleans()):
            event.pop(name, None)
        else:
            event[name] = draw(JSON | TEXTS.map(lambda text: text + "="))
    return event
