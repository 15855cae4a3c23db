"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

# No test may depend on how fast or how busy the machine is.
settings.register_profile("unhurried", deadline=None)
# Mutants (tests/mutation) meet the same few examples each, and nothing is shrunk.
settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
is_on_mutants = os.environ.get("HYPOTHESIS_PROFILE") == "mutation"
settings.load_profile("mutation" if is_on_mutants else "unhurried")
