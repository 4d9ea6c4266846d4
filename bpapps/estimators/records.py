"""What a trained estimator tells of itself: its arrays, and how its training went."""

from __future__ import annotations

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from bpapps.core import Epoch, Params


class Records:
    """The attributes that follow from ``params_`` and ``history_``."""

    params_: Params
    history_: list[Epoch]
    early_stopping: bool

    @property
    def coefs_(self) -> list[NDArray]:
        """The weights of each layer that has any, from input to output."""
        return self._arrays("W")

    @property
    def intercepts_(self) -> list[NDArray]:
        """The biases of each layer that has any, from input to output."""
        return self._arrays("b")

    def _arrays(self, kind: str) -> list[NDArray]:
        check_is_fitted(self)
        return [a for name, a in self.params_.items() if name.rpartition(".")[2] == kind]

    @property
    def loss_curve_(self) -> list[float]:
        """The training loss of each epoch."""
        return [epoch.loss for epoch in self.history_]

    @property
    def best_loss_(self) -> float | None:
        """The lowest training loss; None with early stopping, which goes by the score."""
        return None if self.early_stopping else min(self.loss_curve_, default=None)

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """The validation loss of each epoch; None without validation data."""
        losses = [e.validation_loss for e in self.history_ if e.validation_loss is not None]
        return losses or None

    @property
    def validation_scores_(self) -> list[float] | None:
        """The validation score (accuracy, R²) of each epoch; None without validation data."""
        scores = [e.validation_score for e in self.history_ if e.validation_score is not None]
        return scores or None

    @property
    def best_validation_score_(self) -> float | None:
        """The highest validation score; None without validation data."""
        return max(self.validation_scores_ or [], default=None)
