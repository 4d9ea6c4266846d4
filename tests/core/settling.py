"""Small nets that settle, which the tests of fixed points share."""

from typing import Any

import numpy as np

from bpapps.core import (
    Adam,
    Anderson,
    Bounded,
    Broyden,
    Chain,
    Conv2D,
    Damped,
    Dense,
    FixedPoint,
    Params,
    Plan,
    ReLU,
    SoftmaxCrossEntropy,
    Tanh,
    initial_params,
)

EXACT: dict[str, Any] = {"tol": 1e-14, "max_iter": 400}
DENSE = FixedPoint(Chain(Tanh(), Bounded(Dense(6), 0.8)), Dense(6), **EXACT)
CONV = FixedPoint(
    Chain(ReLU(), Bounded(Conv2D(3, 3, padding="same"), 0.8)), Conv2D(3, 3, padding="same"), **EXACT
)
SOLVERS = [Damped(), Damped(0.6), Anderson(), Broyden()]


def params_of(layer: Any, in_shape: tuple, dtype: Any = np.float64, seed: int = 0) -> Params:
    return initial_params(layer, in_shape, seed, dtype)


def normal(*shape: int, seed: int = 1, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def gradient_of(layer: Any, p: Params, x: np.ndarray, dz: np.ndarray) -> tuple[Any, Any]:
    grad = p.zeros_like()
    _, back = layer(p, x)
    dx = back(dz, grad)
    return grad, dx


def clouds(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in the plane, and two features of noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    X = np.hstack([centres[y] + 0.5 * rng.normal(size=(n, 2)), rng.normal(size=(n, 2))])
    return X.astype(np.float32), y


def plan_of(**changes: Any) -> Plan:
    given = {
        "loss": SoftmaxCrossEntropy(),
        "optimizer": Adam(),
        "learning_rate": 0.02,
        "batch_size": 32,
        "microbatch": 8,
        "max_epochs": 3,
    }
    return Plan(**{**given, **changes})
