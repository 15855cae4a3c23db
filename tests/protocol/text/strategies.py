"""Texts as language models write them."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

WORDS = st.sampled_from(
    [
        "Hello,",
        "the",
        "price",
        "is",
        "fine.",
        "Gr\u00f6\u00dfe",
        "a<b",
        "\u65e5\u672c\u8a9e",
        "[sic]",
    ]
)
MARKUP = st.sampled_from(
    [
        '<break time="1.5s"/>',
        "<break time='500ms' />",
        '<speed ratio="1.25"/>',
        '<volume ratio="0.8"/>',
        '<emotion value="sad"/>',
        "<spell>AB 12-3</spell>",
        "<<h|e|l>>",
        "[laughter]",
    ]
)
NUMBERS = st.sampled_from(
    ["$1,299.95", "3.14", "1\u202f000\u202f000,5", "20\u00a0\u20ac", "12:30", "2024-01-15", "50%"]
)
CHARACTERS = st.sampled_from(
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f44d\U0001f3fd",
        "\u2764\ufe0f",
        "\U0001f1e9\U0001f1ea",
        "3\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u1112\u1161\u11ab",
        "\u0915\u094d\u0937\u093f",
    ]
)
UNITS = WORDS.map(list) | (MARKUP | NUMBERS | CHARACTERS).map(lambda unit: [unit])


@st.composite
def _texts(draw):
    """Parts of a text: its units, the characters of its words, and the blanks between them."""
    parts = ["O", "h"]
    for unit in draw(st.lists(UNITS, max_size=8)):
        parts += [*draw(st.sampled_from([" ", "\n", " \n"])), *unit]
    return parts


MODEL_TEXTS = _texts()


def split_at(text, data):
    """Return *text* in pieces that end anywhere, also within surrogate pairs."""
    units = text.encode("utf-16-le", "surrogatepass")
    places = data.draw(st.sets(st.integers(0, len(units) // 2)), label="places")
    edges = [0, *sorted(2 * place for place in places), len(units)]
    return [
        units[start:end].decode("utf-16-le", "surrogatepass")
        for start, end in itertools.pairwise(edges)
    ]
