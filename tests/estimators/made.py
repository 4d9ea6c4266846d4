"""Small data and quick estimators, which the tests of the estimators share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bpapps.core import (
    Conv2D,
    MaxPool2D,
    ReLU,
)
from bpapps.estimators import BackpropClassifier, BackpropRegressor

Estimator = BackpropClassifier | BackpropRegressor
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
CONV = [Conv2D(4, 3, padding=1), ReLU(), MaxPool2D(), Conv2D(8, 3), ReLU()]


def blobs(n: int = 120, spread: float = 0.7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in the plane, and two features of noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    return np.hstack([centres[y] + spread * rng.normal(size=(n, 2)), rng.normal(size=(n, 2))]), y


def waves(n: int = 120, outputs: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth function of two variables, for each output another."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (n, 2))
    y = np.column_stack([np.sin(X[:, 0] + i) + 0.5 * X[:, 1] for i in range(outputs)])
    return X, y[:, 0] if outputs == 1 else y


def digits(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return (X[:n] / 16).astype(np.float32), y[:n]


def data_for(estimator: type) -> tuple[np.ndarray, np.ndarray]:
    return blobs() if issubclass(estimator, BackpropClassifier | MLPClassifier) else waves()


def bits(estimator: Estimator) -> bytes:
    return estimator.params_.vector.tobytes()


def classifier(**settings: Any) -> BackpropClassifier:
    return BackpropClassifier(**QUICK | settings)


def regressor(**settings: Any) -> BackpropRegressor:
    return BackpropRegressor(**QUICK | settings)


@contextmanager
def silence() -> Iterator[None]:
    """No warning, not even of a training that was cut short."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


BOTH = pytest.mark.parametrize("make", [classifier, regressor])
PAIRS = pytest.mark.parametrize(
    ("ours", "theirs"), [(BackpropClassifier, MLPClassifier), (BackpropRegressor, MLPRegressor)]
)
