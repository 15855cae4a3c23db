"""Replay the inputs of the fuzzing corpus."""

from __future__ import annotations

import pytest

from tests.fuzz.corpus import kept
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param(name, data, id=f"{name}-{n}")
        for name in TARGETS
        for n, data in enumerate(kept(name))
    ],
)
def test_kept_inputs_pass(name, data):
    """Every input of the corpus passes the check of its target."""
    TARGETS[name](data)
