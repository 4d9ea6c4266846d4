"""What the tasks' preprocessing shares: transformers of pictures that learn nothing."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Normalizer(TransformerMixin, BaseEstimator):
    """A stateless transformer; a subclass has ``transform``, and ``_check`` for its parameters."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn."""
        self._check()
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def _check(self) -> None:
        raise NotImplementedError


def are_rows(X: Any, length: int) -> bool:
    """Whether X is rows that a transformer of this length made: float32 (n, length)."""
    return isinstance(X, np.ndarray) and X.dtype == np.float32 and X.shape[1:] == (length,)
