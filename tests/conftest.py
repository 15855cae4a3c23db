"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# No test may depend on how fast or how busy the machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
