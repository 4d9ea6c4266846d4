"""Votes: distorted copies of what is to be recognised, which have a say beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_votes(augment: Any, votes: int) -> None:
    """ValueError where distorted copies are to have votes, but nothing distorts all alike."""
    if votes and not hasattr(augment, "alike"):
        raise ValueError("votes need an augment that has alike(x, rng), such as Distortion")


def distorted_looks(X: NDArray, augment: Any, votes: int) -> Iterator[NDArray]:
    """So many copies of X, each distorted by ``augment``, all of X in the same way."""
    check_votes(augment, votes)
    for vote in range(votes):
        yield augment.alike(X, np.random.default_rng(vote)).astype(X.dtype, copy=False)
