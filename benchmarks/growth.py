"""How a cost grows: least squares of two forms, of which the one that leaves less is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import attrs
from results import number

Point = tuple[float, float]
FORMS: Final[dict[str, Callable[[float], float]]] = {"n": float, "log2(n)": math.log2}


@attrs.frozen
class Fit:
    """A curve a + b * form(n) through some points.

    Attributes:
        r2: The part of the points' variance that it accounts for; 1 where they do not vary.
    """

    form: str
    a: float
    b: float
    r2: float

    def at(self, n: float) -> float:
        """Return what it has for *n*."""
        return self.a + self.b * FORMS[self.form](n)


def fit(points: Sequence[Point], *, straight: bool = False) -> Fit:
    """Return the curve that is nearest to the points; *straight*: of those that are lines."""
    forms = ["n"] if straight else [*FORMS]
    return max((_through(points, form) for form in forms), key=lambda found: found.r2)


def words(found: Fit) -> str:
    """Write the curve, and how near it is."""
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
