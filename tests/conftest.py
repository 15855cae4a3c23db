"""What holds for all tests."""

from __future__ import annotations

import os
import signal

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

# What a shell starts in the background ignores Ctrl-C, and so does all that it starts; tests of the
# command line send it to theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
