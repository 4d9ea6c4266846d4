"""Small trainings, which the tests of the loop share."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from bpapps.core import (
    Adam,
    Chain,
    Conv2D,
    Dense,
    Dropout,
    Epoch,
    Flatten,
    GroupNorm,
    MaxPool2D,
    Params,
    Plan,
    ReLU,
    Reshape,
    SoftmaxCrossEntropy,
    Tanh,
    forward,
    initial_params,
    train,
)

NETWORK = Chain(Dense(16), Tanh(), Dense(3))


def blobs(n: int = 90, spread: float = 0.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in the plane, and two features of noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    X = np.hstack([centres[y] + spread * rng.normal(size=(n, 2)), rng.normal(size=(n, 2))])
    return X.astype(np.float32), y


def plan_of(**changes: Any) -> Plan:
    given = {
        "loss": SoftmaxCrossEntropy(),
        "optimizer": Adam(),
        "learning_rate": 0.01,
        "batch_size": 32,
        "max_epochs": 5,
        "microbatch": 8,
    }
    return Plan(**{**given, **changes})


def fit(
    plan: Plan, data: Any = None, network: Any = NETWORK, dtype: Any = np.float32, **options: Any
) -> tuple[Params, list[Epoch]]:
    X, y = blobs() if data is None else data
    params = options.pop("params", None) or initial_params(network, X.shape[1:], 0, dtype)
    return params, list(train(network, params, X, y, plan, **options))


def accuracy(network: Any, params: Params, X: np.ndarray, y: np.ndarray) -> float:
    return float((forward(network, params, X, 64).argmax(axis=1) == y).mean())


def bits(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def pictures(n: int = 200, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, size), dtype=np.float32), rng.integers(10, size=n)


LENET = Chain(
    Reshape((8, 8, 1)),
    Conv2D(8, 3, padding="same"),
    ReLU(),
    MaxPool2D(2),
    Conv2D(16, 3),
    GroupNorm(4),
    ReLU(),
    Flatten(),
    Dropout(0.3),
    Dense(10),
)
WIDE = Chain(Dense(300), ReLU(), Dropout(0.2), Dense(100), ReLU(), Dense(10))

LARGE = Chain(Dense(800), ReLU(), Dense(10))  # so that BLAS on many threads cuts its sums


def scripted(scores: list[float]) -> Callable[..., float]:
    values = iter(scores)
    return lambda logits, y, weights: next(values)


VALIDATION = (*blobs(60, seed=1), None)
