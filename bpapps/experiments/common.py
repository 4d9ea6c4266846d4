"""What experiments share: progress, and labels that are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.evaluation import Interval, wilson

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, text: str) -> None:
    """Report no progress."""


def which_right(predicted: ArrayLike, truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Compare labels: numbers as numbers, anything else as text."""
    guess = np.asarray(predicted)
    if guess.shape != truth.shape:
        raise ValueError(
            f"predict gave labels of the shape {guess.shape}, the true ones are {truth.shape}"
        )
    if {guess.dtype.kind, truth.dtype.kind} <= set("biuf"):
        return guess == truth
    return guess.astype(str) == truth.astype(str)


def share_right(predicted: ArrayLike, truth: NDArray[Any]) -> Interval:
    """The share of labels that are the true ones: numbers as numbers, anything else as text."""
    return share_of(which_right(predicted, truth))


def share_of(right: NDArray[np.bool_]) -> Interval:
    """The share of answers that are right, with Wilson's 95% interval."""
    return wilson(int(right.sum()), len(right))
