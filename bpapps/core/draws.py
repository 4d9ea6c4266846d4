"""What a microbatch is made of: ``draw(X, y, rows, rng) -> x, y``.

Without a draw it is the rows themselves. A draw may change them (a distorted picture, and its
mask with it), take a part of them (crops of large pictures), or make samples of several (pairs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[Any, Any, NDArray, np.random.Generator], tuple[NDArray, NDArray]]
"""``draw(X, y, rows, rng)``: inputs and targets of a microbatch, as many as there are rows.

X and y are all of the training data, which nothing may write to; ``rows``, (n,), are the numbers
of the samples wanted; ``rng`` is the microbatch's own, and all that is random comes from it.
"""

Augment = Callable[[NDArray, np.random.Generator], NDArray]
"""``augment(x, rng)``: inputs that stand for x, of its shape and type."""


@dataclass(frozen=True)
class Augmented:
    """The draw that changes inputs by ``augment(x, rng)`` and leaves targets as they are."""

    augment: Augment

    def __call__(
        self, X: Any, y: NDArray, rows: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray]:
        """See :data:`Draw`."""
        return self.augment(take(X, rows), rng), y[rows]


def take(X: Any, rows: NDArray | slice) -> NDArray:
    """Some rows of an array, or of a sparse matrix made dense."""
    if isinstance(X, np.ndarray) and not isinstance(rows, slice):
        return X.take(rows, axis=0)  # much faster than X[rows] for short rows
    part = X[rows]
    return part.toarray() if hasattr(part, "toarray") else part
