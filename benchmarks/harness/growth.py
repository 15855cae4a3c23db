"""Fit the growth of a cost: least squares of two forms, of which the better one is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from harness.tables import number

Point = tuple[float, float]
FORMS: Final[dict[str, Callable[[float], float]]] = {"n": float, "log2(n)": math.log2}


@attrs.frozen
class Fit:
    """A curve a + b * form(n) through some points.

    Attributes:
        r2: The coefficient of determination; 1 where the points do not vary.
    """

    form: str
    a: float
    b: float
    r2: float

    def at(self, n: float) -> float:
        """Return the curve's value at *n*."""
        return self.a + self.b * FORMS[self.form](n)


def fit(points: Sequence[Point], *, straight: bool = False) -> Fit:
    """Return the best curve through the points; *straight*: only a line."""
    forms = ["n"] if straight else [*FORMS]
    return max((_through(points, form) for form in forms), key=lambda found: found.r2)


def words(found: Fit) -> str:
    """Format the curve and its R²."""
    sign = "-" if found.b < 0 else "+"
    slope = number(abs(found.b)) if abs(found.b) >= 0.1 else f"{abs(found.b):.2g}"
    return f"{number(found.a)} {sign} {slope}·{found.form} (R² {found.r2:.3f})"


def _through(points: Sequence[Point], form: str) -> Fit:
    xs, ys = [FORMS[form](n) for n, _ in points], [y for _, y in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((each - x) ** 2 for each in xs)
    b = sum((one - x) * (other - y) for one, other in zip(xs, ys, strict=True)) / across
    a = y - b * x
    left = sum((other - a - b * one) ** 2 for one, other in zip(xs, ys, strict=True))
    whole = sum((each - y) ** 2 for each in ys)
    return Fit(form, a, b, 1 - left / whole if whole else 1.0)
