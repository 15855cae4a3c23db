"""Processor affinity and priority. Imports little: memory is measured with it."""

from __future__ import annotations

import os
import sys


def cores() -> tuple[str, str]:
    """Return a processor for the load and one for the clients; empty where they must share."""
    if not hasattr(os, "sched_getaffinity"):
        return "", ""
    ours = sorted(os.sched_getaffinity(0))
    return (str(ours[0]), str(ours[-1])) if len(ours) > 1 else ("", "")


def stay_on_core() -> None:
    """Pin this process to the processor that its parent chose, if it chose one."""
    if (core := os.environ.get("BENCHMARK_CORE")) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})


def ask_for_priority() -> None:
    """Run before other work on this machine, child processes included."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, PermissionError):
        print("!! no priority: only root may ask for it", file=sys.stderr)
