"""Calibration: can a model's confidence be believed?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bpapps.measures.answers import checked_answers


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions whose confidence lies in ``[low, high)``: how sure, and how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Reliability diagram and expected calibration error (Guo et al. 2017), 15 equal bins."""

    ece: float
    bins: list[CalibrationBin]


def calibration(
    probabilities: ArrayLike, truth: ArrayLike, classes: ArrayLike, n_bins: int = 15
) -> Calibration:
    """Compare confidence, the largest probability, with how often the answer is right.

    Expected calibration error over bins of equal width: the mean of |accuracy - confidence|,
    weighted by count (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural
    Networks", ICML 2017, eq. 5). Bins that nothing fell into are left out; 1 is in the last one.
    """
    p, t, _ = checked_answers(probabilities, truth, classes)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == t
    edges = np.linspace(0, 1, n_bins + 1)
    bin_of = np.minimum(np.searchsorted(edges, confidence, side="right") - 1, n_bins - 1)
    bins = [
        CalibrationBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            n=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for i in np.unique(bin_of)
        for inside in [bin_of == i]
    ]
    ece = sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(t)
    return Calibration(ece, bins)


def confidence_gap(measured: Calibration) -> float | None:
    """Mean confidence less accuracy over all answers: positive is too sure of itself."""
    total = sum(b.n for b in measured.bins)
    if not total:
        return None
    return sum(b.n * (b.confidence - b.accuracy) for b in measured.bins if b.n) / total
