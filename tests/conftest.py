"""What holds for all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# How many examples a property meets (CONTRIBUTING.md says when to use which). In CI, Hypothesis
# would by itself try the same ones each time: "default" is what it does elsewhere.
for name, examples in {"quick": 25, "ci": 50, "nightly": 2000}.items():
    settings.register_profile(
        name,
        settings.get_profile("default"),
        max_examples=examples,
        deadline=None,  # no test may depend on how fast or how busy the machine is
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# What a shell starts in the background ignores Ctrl-C, and so does all that it starts; tests of the
# command line send it to theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# CI fails a test that takes more processor time, with the processes it starts, unless it is marked.
CPU_LIMIT_SECONDS = float(os.environ.get("CPU_LIMIT_SECONDS", "inf"))
UNLIMITED = frozenset({"slow", "matrix", "soak", "conformance"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    before = sum(os.times()[:4])
    result = yield
    took = sum(os.times()[:4]) - before
    if took > CPU_LIMIT_SECONDS and not any(map(item.get_closest_marker, UNLIMITED)):
        pytest.fail(f"took {took:.2f} s of processor time: do less, or mark it slow", pytrace=False)
    return result
