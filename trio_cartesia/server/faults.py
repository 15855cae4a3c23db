"""
What a service may do wrong, on request.
"""

from __future__ import annotations

import attrs

__all__ = ["Fault"]


@attrs.frozen(kw_only=True)
class Fault:
    """
    One thing that goes wrong.
    """

    name: str
