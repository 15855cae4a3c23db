"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# No test may depend on how fast or how busy the machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# What a shell starts in the background ignores Ctrl-C, and so does all that it starts; tests of the
# command line send it to theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
