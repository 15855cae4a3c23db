"""What fuzzing has found is replayed."""

from __future__ import annotations

import pytest

from tests.fuzz.targets import CORPUS, TARGETS, seeds

FILES = sorted(CORPUS.glob("*/*"))
MOST_FILES, MOST_BYTES = 200, 200_000


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("part", range(4))
def test_no_input_that_was_ever_found_fails(name, part):
    """
    Every input of the corpus is read without harm, and the same in all ways.
    """
    found = [path.read_bytes() for path in FILES if path.parent.name == name]
    for data in (seeds(name) + found)[part::4]:
        TARGETS[name](data)


def test_the_corpus_is_small():
    """
    The corpus stays small: what adds nothing is merged away.
    """
    assert len(FILES) <= MOST_FILES
    assert sum(path.stat().st_size for path in FILES) <= MOST_BYTES
