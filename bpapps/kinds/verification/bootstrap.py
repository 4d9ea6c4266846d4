"""Intervals over owners, by drawing owners anew.

Trials of one owner are alike, so intervals come from drawing owners, not pairs: the subset
bootstrap of Bolle, Ratha and Pankanti, "Error analysis of pattern recognition systems: the subsets
bootstrap", Computer Vision and Image Understanding 93, 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.kinds.verification.records import Threshold
from bpapps.kinds.verification.trials import GENUINE, RANDOM, Floats, Trials
from bpapps.measures.intervals import Interval, wilson

EDGES = 1000  # quantiles of each kind that scores are binned by for the bootstrap


@dataclass(frozen=True, eq=False)
class Sample:
    """Trials, the fold of each owner (n,), and how often each draw took each owner (draws, n)."""

    trials: Trials
    fold: NDArray[np.intp]
    weights: Floats

    @property
    def folds(self) -> NDArray[np.intp]:
        """The fold of each trial."""
        return self.fold[self.trials.owner]

    def wrong(self, rule: Sequence[Threshold]) -> NDArray[np.bool_]:
        """Which trials are decided wrongly at the threshold of their fold; (t,)."""
        limits = np.array([threshold.value for threshold in rule])
        accepted = self.trials.score >= limits[self.folds]
        return accepted != (self.trials.kind == GENUINE)


def drawn_sums(weights: Floats, counts: Floats, kind: int) -> Floats:
    """The sum of counts (n, n) by owner and maker in each draw.

    A random trial is of two people, and is there as often as both are: the product of their
    weights. Drawing its owner alone would make its interval too narrow.
    """
    if kind == RANDOM:
        return ((weights @ counts) * weights).sum(axis=1)
    return weights @ counts.sum(axis=1)


# Scores are binned once, by quantiles, into counts for each owner; a draw of owners then only
# adds up counts. The values are exact, only the ends of the intervals come from the bins.


def interval(value: float, drawn: Floats, n: int) -> Interval:
    """The middle 95% of what the draws gave, which the value is never outside of.

    Where neither the sample nor any draw has an error, or anything but errors, drawing anew
    tells nothing, and Wilson's interval for that many owners is taken.
    """
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Interval(value, 0.0, 1.0, n)
    low, high = (float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    if value in (0.0, 1.0) and low == high == value:
        return wilson(int(value) * n, n)
    return Interval(value, min(low, value), max(high, value), n)


def drawn_roc(sample: Sample, kind: int) -> tuple[Floats, Floats]:
    """FRR and FAR in each draw, (draws, m); NaN where it has no genuine or no forged trial."""
    trials = sample.trials
    edges = _edges(trials, kind)
    genuine, forged = (_drawn_counts(sample, one, edges) for one in (GENUINE, kind))
    with np.errstate(invalid="ignore"):
        frr, far = _below(genuine), 1 - _below(forged)
    missing = np.isnan(frr[:, :1] + far[:, :1])
    return np.where(missing, np.nan, frr), np.where(missing, np.nan, far)


def _below(counts: Floats) -> Floats:
    """The shares of scores below each edge, and below none; (draws, m) -> (draws, m + 1)."""
    sums = np.cumsum(counts, axis=1)
    return np.pad(sums, ((0, 0), (1, 0))) / sums[:, -1:]


def _edges(trials: Trials, kind: int) -> Floats:
    """Scores that bin all scores: quantiles, close together where few forgeries are accepted."""
    tail = 1 - np.logspace(-1, -5, EDGES // 2)
    shares = np.unique(np.concatenate([np.linspace(0, 1, EDGES), tail]))
    found = [
        np.quantile(trials.score[trials.kind == one], shares, method="lower")
        for one in (GENUINE, kind)
    ]
    return np.unique(np.concatenate(found))


def _drawn_counts(sample: Sample, kind: int, edges: Floats) -> Floats:
    """How many scores of a kind each draw has in each bin; (draws, m)."""
    mine, n, m = sample.trials.kind == kind, len(sample.trials.names), len(edges)
    owner, by = sample.trials.owner[mine], sample.trials.by[mine]
    bins = np.searchsorted(edges, sample.trials.score[mine], side="right") - 1
    if kind != RANDOM:
        counts = np.bincount(owner * m + bins, minlength=n * m).reshape(n, m)
        return sample.weights @ counts.astype(np.float64)
    total = np.zeros((len(sample.weights), m))
    order = np.argsort(owner, kind="stable")
    for rows in np.split(order, np.searchsorted(owner[order], np.arange(1, n))):
        if len(rows):  # a pair is there as often as both of its people, as in drawn_sums
            counts = np.bincount(by[rows] * m + bins[rows], minlength=n * m).reshape(n, m)
            drawn = sample.weights @ counts.astype(np.float64)
            total += sample.weights[:, owner[rows[0]], None] * drawn
    return total
