"""How long the state machines run: see ``HYPOTHESIS_PROFILE`` in CONTRIBUTING.md."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

EXAMPLES: Final = {"quick": 20, "ci": 500, "nightly": 50_000}
STEPS: Final = 50

_chosen = os.environ.get("HYPOTHESIS_PROFILE", "quick")

PROFILE: Final = settings(
    max_examples=EXAMPLES[_chosen],
    stateful_step_count=STEPS,
    deadline=None,  # loaded machines are slow
    suppress_health_check=[HealthCheck.too_slow],
)
