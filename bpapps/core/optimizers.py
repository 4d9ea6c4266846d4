"""Optimisers: each changes the flat vector of parameters in place.

An optimiser is a frozen dataclass of hyperparameters. What it remembers between steps is a
plain dictionary of arrays, ``state = optimizer.init(vector)``, so that a checkpoint can hold
it; ``optimizer.step(vector, gradient, state, learning_rate)`` makes one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray]

CHUNK = 32_768
"""Values worked on at a time, so that the passes of one step stay in the processor's cache."""


class Optimizer(Protocol):
    """What every optimiser can do."""

    def init(self, vector: NDArray) -> State:
        """What is remembered before the first step."""
        ...

    def step(self, vector: NDArray, gradient: NDArray, state: State, learning_rate: float) -> None:
        """Change ``vector`` and ``state`` in place; ``gradient`` is only read."""
        ...


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum (Polyak 1964), or Nesterov's (1983).

    velocity ← momentum · velocity + gradient; the step is −learning_rate · velocity.
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)

    def init(self, vector: NDArray) -> State:
        """The velocity, where there is momentum."""
        return {"velocity": np.zeros_like(vector)} if self.momentum else {}

    def step(self, vector: NDArray, gradient: NDArray, state: State, learning_rate: float) -> None:
        """See :class:`Optimizer`."""
        for part in _chunks(len(vector)):
            g = gradient[part]
            if self.momentum:
                velocity = state["velocity"][part]
                velocity *= self.momentum
                velocity += g
                g = g + self.momentum * velocity if self.nesterov else velocity
            vector[part] -= learning_rate * g


@dataclass(frozen=True)
class Adam:
    """Adaptive moments (Kingma & Ba 2015).

    ``weight_decay`` shrinks the parameters by learning_rate · weight_decay before each step,
    apart from the gradient: then it is :func:`AdamW` (Loshchilov & Hutter 2019).
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_share("beta_1", self.beta_1)
        _check_share("beta_2", self.beta_2)
        if not (self.epsilon > 0 and self.weight_decay >= 0):
            raise ValueError("epsilon must be above 0 and weight_decay not below 0")

    def init(self, vector: NDArray) -> State:
        """Both moments and the number of steps."""
        moments = {"mean": np.zeros_like(vector), "square": np.zeros_like(vector)}
        return moments | {"steps": np.zeros(1, np.int64)}

    def step(self, vector: NDArray, gradient: NDArray, state: State, learning_rate: float) -> None:
        """See :class:`Optimizer`."""
        state["steps"] += 1
        t = int(state["steps"][0])
        rate = learning_rate / (1 - self.beta_1**t)
        root_correction = 1 / (1 - self.beta_2**t) ** 0.5
        for part in _chunks(len(vector)):
            g, w, mean, square = (
                gradient[part],
                vector[part],
                state["mean"][part],
                state["square"][part],
            )
            mean *= self.beta_1
            mean += (1 - self.beta_1) * g
            square *= self.beta_2
            squared = g * g
            squared *= 1 - self.beta_2
            square += squared
            divisor = np.sqrt(square, out=squared)
            divisor *= root_correction
            divisor += self.epsilon
            step = np.divide(mean, divisor, out=divisor)
            step *= rate
            if self.weight_decay:
                w *= 1 - learning_rate * self.weight_decay
            w -= step


def AdamW(  # noqa: N802 - the name that the field gives it
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01
) -> Adam:
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019)."""
    return Adam(beta_1, beta_2, epsilon, weight_decay)


def clip_norm(gradient: NDArray, max_norm: float) -> float:
    """Scale a gradient in place to at most this Euclidean norm; returns the norm it had.

    The squares are added without BLAS, whose result would depend on its number of threads.
    """
    squares = (np.square(gradient[part], dtype=np.float64) for part in _chunks(len(gradient)))
    norm = float(sum(part.sum() for part in squares)) ** 0.5
    if norm > max_norm:
        gradient *= max_norm / norm
    return norm


def lbfgs(
    value_and_gradient: Callable[[NDArray], tuple[float, NDArray]],
    vector: NDArray,
    max_iter: int = 200,
    max_fun: int = 15_000,
    tol: float = 1e-4,
    callback: Callable[[NDArray, float], None] | None = None,
) -> tuple[float, int, bool]:
    """Full-batch L-BFGS (Liu & Nocedal 1989) through scipy; ``vector`` is changed in place.

    Args:
        value_and_gradient: of a vector of the type of ``vector``.
        callback: called with the vector and the value after each iteration.

    Returns:
        The final value, the number of iterations, and whether it converged.
    """
    from scipy.optimize import minimize

    def objective(w: NDArray) -> tuple[float, NDArray]:
        value, gradient = value_and_gradient(w.astype(vector.dtype, copy=False))
        return value, gradient.astype(np.float64)

    def on_iteration(intermediate_result) -> None:  # type: ignore[no-untyped-def] # scipy's name
        if callback is not None:
            callback(intermediate_result.x, float(intermediate_result.fun))

    result = minimize(
        objective,
        vector.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=on_iteration,
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
    )
    vector[...] = result.x
    return float(result.fun), int(result.nit), bool(result.success)


def _chunks(size: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, size, CHUNK))


def _check_share(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} must be in [0, 1), not {value}")
