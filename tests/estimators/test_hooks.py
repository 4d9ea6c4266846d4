"""An estimator of one's own: a head, targets and a draw, in any shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bpapps.core import Conv2D, ReLU, SigmoidCrossEntropy
from bpapps.estimators.base import Backprop

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@dataclass(eq=False, repr=False)
class Segmenter(Backprop):
    """Which pixels are bright: targets, and logits, are pictures."""

    def head(self, in_shape: tuple[int, ...]) -> list[Any]:
        assert len(in_shape) == 3
        return [Conv2D(1, 1)]

    def targets(self, y: np.ndarray) -> np.ndarray:
        return y[..., np.newaxis].astype(np.float32)

    def draw(self) -> Any:
        return flipped

    def _loss(self) -> Any:
        return Pixels()

    def _score(self, logits: np.ndarray, targets: np.ndarray, weights: Any) -> float:
        return float(((logits > 0) == targets).mean())

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._logits(X)[..., 0] > 0


class Pixels(SigmoidCrossEntropy):
    def __call__(self, logits: Any, targets: Any, weights: Any = None) -> Any:
        assert logits.shape == targets.shape
        n = len(logits)
        value, gradient = super().__call__(logits.reshape(n, -1), targets.reshape(n, -1), weights)
        return value, gradient.reshape(logits.shape)


def flipped(X: Any, y: Any, rows: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    turn = rng.choice([-1, 1])
    return X[rows][:, ::turn], y[rows][:, ::turn]


def test_a_subclass_has_a_head_and_targets_of_its_own_shape() -> None:
    X = np.random.default_rng(0).random((60, 6, 5, 1))
    y = X[..., 0] > 0.6
    weights = np.ones(60)
    weights[7:9] = 0
    net = Segmenter(
        layers=[Conv2D(4, 1), ReLU()], max_iter=150, learning_rate_init=0.02, random_state=0,
        batch_size=20, early_stopping=True, n_iter_no_change=150,
    )  # fmt: skip
    net.fit(X, y, sample_weight=weights)
    assert [type(layer) for layer in net.network_] == [Conv2D, ReLU, Conv2D]
    assert (net.predict(X) == y).mean() > 0.97
    assert net.best_validation_score_ > 0.97
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net.fit(X, y[:50])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        net.fit(X, np.where(y, np.nan, 0.0))
