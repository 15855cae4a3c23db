"""Import clients that are not ours: where one is missing, skip, but fail in CI."""

from __future__ import annotations

import importlib
import os
import shutil
from typing import Any, NoReturn

import pytest

HOW = "; see docs/reference/conformance.md"


def expect_module(module: str) -> Any:
    """Import a client of the dependency group, or skip the test module."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing(f"{module} is not installed: pip install --group conformance")


def expect_program(name: str) -> str:
    """Return the path of a program, or skip the test module."""
    return shutil.which(name) or missing(f"there is no {name} on this machine")


def missing(reason: str) -> NoReturn:
    """Skip the test module, or fail in CI, where everything is installed."""
    if os.environ.get("CI"):
        pytest.fail(reason + HOW, pytrace=False)
    pytest.skip(reason + HOW, allow_module_level=True)
