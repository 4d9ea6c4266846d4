"""A figure with its 95% interval and its count."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054
"""The normal distribution's 97.5% quantile: a 95% interval has 2.5% on either side."""


@dataclass(frozen=True)
class Interval:
    """A proportion or a mean: its value, the ends of its 95% interval, and its count."""

    value: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int) -> Interval:
    """Return ``successes / n`` with Wilson's 95% score interval.

    Unlike the normal approximation it stays in [0, 1] and holds near its ends, where accuracies
    are (Wilson 1927; Brown, Cai and DasGupta 2001). Of nothing, n = 0, the value is 0 and the
    interval is all of [0, 1]. Raises ValueError unless 0 <= successes <= n.
    """
    successes, n = int(successes), int(n)
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n = {n}, not {successes}")
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    value = successes / n
    shrunk = 1 + Z95**2 / n
    centre = (value + Z95**2 / (2 * n)) / shrunk
    half = Z95 / shrunk * math.sqrt(value * (1 - value) / n + Z95**2 / (4 * n**2))
    # at 0 and n an end is the value itself, which rounding would miss
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(value, low, high, n)


def long_interval(interval: Interval) -> str:
    """``99.44% (95% interval 98.70 to 99.76, n = 899)``, as on a terminal."""
    value, low, high = (100 * x for x in (interval.value, interval.low, interval.high))
    return f"{value:.2f}% (95% interval {low:.2f} to {high:.2f}, n = {interval.n})"
