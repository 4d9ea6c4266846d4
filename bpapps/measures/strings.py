"""How far what was read is from what was written."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bpapps.measures.intervals import Interval, wilson


def edit_distance(truth: str, read: str) -> int:
    """The fewest characters to insert, delete or replace to turn one into the other."""
    row = np.arange(len(read) + 1)
    letters = np.array(list(read), dtype="<U1")
    places = np.arange(len(read) + 1)
    for i, character in enumerate(truth, start=1):
        new = np.minimum(row[1:] + 1, row[:-1] + (letters != character))
        # Inserting is a running minimum, once each place's own distance is taken off.
        row = np.minimum.accumulate(np.concatenate([[i], new]) - places) + places
    return int(row[-1])


def error_rate(errors: ArrayLike, lengths: ArrayLike, draws: int = 2000) -> Interval:
    """Return errors per character over all lines with a 95% interval; n counts the characters.

    Errors of one line go together, so lines are what is drawn anew: the percentile bootstrap of
    Bisani and Ney, "Bootstrap Estimates for Confidence Intervals in ASR Performance Evaluation",
    ICASSP 2004. Where there is no error it knows nothing, and Wilson's interval over the
    characters is taken. Raises ValueError unless there is a positive length for each count.
    """
    wrong, long = np.asarray(errors, dtype=np.int64), np.asarray(lengths, dtype=np.int64)
    if wrong.ndim != 1 or wrong.shape != long.shape or not len(long) or long.min() < 1:
        raise ValueError("each line needs a number of errors and a positive length")
    n = int(long.sum())
    if not wrong.any():
        return wilson(0, n)
    rows = np.random.default_rng(0).integers(len(wrong), size=(draws, len(wrong)))
    rates = wrong[rows].sum(axis=1) / long[rows].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return Interval(float(wrong.sum() / n), float(low), float(high), n)
