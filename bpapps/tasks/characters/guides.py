"""The lines that print stands on: baseline and the height of capitals, guessed from the ink.

What is seen of a line may be meant in several ways: ``xxx`` may be capitals on the same baseline,
and ``gyp`` may stand lower than it seems. So several guesses are made, and the reader's evidence
chooses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

X_HEIGHT = 0.72  # of small letters, in heights of a capital: the usual fonts have 0.65 to 0.76
DESCENT = 0.29  # how far g, p and y reach below the baseline


class Guides(NamedTuple):
    """Row of the baseline (a pixel's upper edge), and the height of capitals, in pixels."""

    baseline: float
    capital: float


def guess(top: NDArray, bottom: NDArray, weight: NDArray) -> list[Guides]:
    """Guides that may be meant, the likeliest first, from where characters begin and end.

    top, bottom (n,): rows, the latter exclusive. weight (n,): say, the width of each.
    """
    tall = bottom - top
    kept = tall > 0.4 * tall.max()
    top, bottom, weight = top[kept], bottom[kept], weight[kept]
    reach = 0.07 * tall.max()
    baseline = _mode(bottom, weight, reach)
    above = baseline - top
    heights = _levels(above[above > 0.4 * above.max()], weight[above > 0.4 * above.max()], reach)
    capital = heights[-1]
    guesses = [Guides(baseline, capital)]
    if len(heights) == 1:
        guesses.append(Guides(baseline, capital / X_HEIGHT))
        # All of the letters descend.
        whole = capital / (X_HEIGHT + DESCENT)
        guesses.append(Guides(baseline - DESCENT * whole, whole))
    return guesses


def _levels(values: NDArray, weight: NDArray, reach: float) -> list[float]:
    """The one or two levels that values lie at, the lower first."""
    first = _mode(values, weight, reach)
    rest = np.abs(values - first) > max(2 * reach, 0.13 * first)
    near = rest & (values < 2.2 * first) & (values > first / 2.2)
    if weight[near].sum() < 0.05 * weight.sum():
        return [first]
    second = _mode(values[near], weight[near], reach)
    return sorted([first, second])


def _mode(values: NDArray, weight: NDArray, reach: float) -> float:
    """Where most of the weight lies within reach, to less than a pixel."""
    near = np.abs(values[:, None] - values[None]) <= reach
    best = int((near * weight[None]).sum(axis=1).argmax())
    return float(np.average(values[near[best]], weights=weight[near[best]]))
