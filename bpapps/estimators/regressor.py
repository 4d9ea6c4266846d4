"""The regressor: one number, or several."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from bpapps.core import Chain, Huber, Loss, Params, SquaredError
from bpapps.estimators.base import Backprop
from bpapps.estimators.settings import takes_parts

_REGRESSION_LOSSES: dict[str, Loss] = {"squared_error": SquaredError(), "huber": Huber()}


@dataclass(eq=False, repr=False)
class BackpropRegressor(RegressorMixin, Backprop):
    """A regressor trained by backpropagation: ``MLPRegressor``'s drop-in, for any layers.

    Args:
        loss: ``squared_error`` or ``huber`` (linear beyond 1).

    All other parameters and attributes are as for :class:`BackpropClassifier`. y has the
    shape (n_samples,) or (n_samples, n_outputs); the loss is summed over the outputs.
    """

    _: KW_ONLY
    loss: str = "squared_error"

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **Backprop._parameter_constraints,
        "loss": [StrOptions(set(_REGRESSION_LOSSES))],
    }

    @classmethod
    def from_trained(
        cls, network: Chain, params: Params, n_outputs: int, input_shape: tuple[int, ...]
    ) -> BackpropRegressor:
        """A fitted regressor around a network that is already trained, such as a stored one."""
        estimator = cls(layers=list(network)[:-1])
        estimator.n_outputs_ = n_outputs
        estimator.input_shape_ = tuple(input_shape)
        estimator.n_features_in_ = estimator.input_shape_[0]
        estimator._random = check_random_state(None)
        estimator._adopt(network, params)
        return estimator

    @available_if(takes_parts)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> BackpropRegressor:
        """One more epoch, on this data; the net starts at the first call.

        Raises:
            ValueError: as ``fit``.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: ArrayLike) -> NDArray:
        """Values, (n_samples,) for one output, else (n_samples, n_outputs)."""
        values = self._logits(X)
        return values[:, 0] if self.n_outputs_ == 1 else values

    def _loss(self) -> Loss:
        return _REGRESSION_LOSSES[self.loss]

    def _observe(self, y: NDArray, classes: ArrayLike | None = None) -> None:
        self.n_outputs_ = y.reshape(len(y), -1).shape[1]

    def targets(self, y: NDArray) -> NDArray:
        """Values, (n_samples, n_outputs), of float64."""
        targets = y.reshape(len(y), -1)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} outputs, at the first fit {self.n_outputs_}"
            )
        return targets.astype(np.float64, copy=False)

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        return float(r2_score(targets, logits, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
