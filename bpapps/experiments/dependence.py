"""How THE score hangs on the training data: on less of them, and on wrong targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bpapps.data.splits import Part
from bpapps.experiments.probe import Progress, silent
from bpapps.results import DependencePoint, Figure

Spoil = Callable[[Part, float, np.random.Generator], Part]
"""``spoil(part, share, rng)``: the part with less in it, or with wrong targets."""

Trained = Callable[[Part], tuple[Figure, float]]
"""Trains anew on a part: THE score on test data, and the seconds that training took."""

LESS = (0.1, 0.25, 0.5, 1.0)
"""Shares of the training data that are kept."""
WRONG = (0.1, 0.2, 0.4)
"""Shares of the targets that are made wrong."""


def dependence(
    train: Trained,
    part: Part,
    spoil: Spoil,
    shares: Sequence[float],
    *,
    what: str,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DependencePoint]:
    """Train anew on what ``spoil`` leaves of a part at each share.

    Each share has a fresh generator of the same seed, so that what is kept or wrong at a smaller
    share is so at a larger one. ``what`` ends the text of the progress: "of the training data".

    Raises ValueError for shares outside [0, 1].
    """
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares must lie between 0 and 1, not {tuple(shares)}")
    points = []
    for share in shares:
        spoilt = spoil(part, share, np.random.default_rng(seed))
        figure, seconds = train(spoilt)
        points.append(DependencePoint(float(share), len(spoilt), figure, seconds))
        (progress or silent)(len(points), len(shares), f"{share:.0%} {what}")
    return points
