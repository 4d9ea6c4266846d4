"""Optimisers: each changes the flat vector of parameters in place.

An optimiser is a frozen dataclass of hyperparameters. What it remembers between steps is a
plain dictionary of arrays, ``state = optimizer.init(vector)``, so that a checkpoint can hold
it; ``optimizer.step(vector, gradient, state, learning_rate)`` makes one step. A step is its
``rule`` applied to chunks of the vector, in any order or at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops
from bpapps.core.threads import cut

State = dict[str, NDArray]
Rule = Callable[[slice, NDArray, NDArray], None]
"""``rule(part, w, g)`` changes ``w``, that part of the vector, by ``g``, that of the gradient."""

CHUNK = 131_072
"""Values worked on at a time, so that the passes of one step stay in the processor's cache."""


class Optimizer:
    """What every optimiser can do."""

    def init(self, vector: NDArray) -> State:
        """What is remembered before the first step."""
        raise NotImplementedError

    def rule(self, state: State, learning_rate: float) -> Rule:
        """Count one more step, and say what it does to any part of the vector."""
        raise NotImplementedError

    def step(self, vector: NDArray, gradient: NDArray, state: State, learning_rate: float) -> None:
        """Change ``vector`` and ``state`` in place; ``gradient`` is only read."""
        change = self.rule(state, learning_rate)
        for part in cut(len(vector), CHUNK):
            change(part, vector[part], gradient[part])


@dataclass(frozen=True)
class SGD(Optimizer):
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

    def rule(self, state: State, learning_rate: float) -> Rule:
        """See :class:`Optimizer`."""

        def descend(part: slice, w: NDArray, g: NDArray) -> None:
            w -= learning_rate * g

        def roll(part: slice, w: NDArray, g: NDArray) -> None:
            numbers = (self.momentum, learning_rate)
            ops.sgd(w, g, state["velocity"][part], *map(w.dtype.type, numbers))

        def look_ahead(part: slice, w: NDArray, g: NDArray) -> None:
            velocity = state["velocity"][part]
            velocity *= self.momentum
            velocity += g
            w -= learning_rate * (g + self.momentum * velocity)

        if not self.momentum:
            return descend
        return look_ahead if self.nesterov else roll


@dataclass(frozen=True)
class Adam(Optimizer):
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
        """Both moments, undivided, and the number of steps."""
        moments = {"mean": np.zeros_like(vector), "square": np.zeros_like(vector)}
        return moments | {"steps": np.zeros(1, np.int64)}

    def rule(self, state: State, learning_rate: float) -> Rule:
        """See :class:`Optimizer`.

        The moments are kept as sums, Σ βᵏ g, and so are 1 / (1 − β) times too large: that saves
        passes over the vector, and is mended in two numbers.
        """
        state["steps"] += 1
        t = int(state["steps"][0])
        root = ((1 - self.beta_2) / (1 - self.beta_2**t)) ** 0.5
        rate = learning_rate * (1 - self.beta_1) / (1 - self.beta_1**t) / root
        epsilon = self.epsilon / root
        kept = 1 - learning_rate * self.weight_decay
        numbers = (self.beta_1, self.beta_2, rate, epsilon, kept)

        def change(part: slice, w: NDArray, g: NDArray) -> None:
            mean, square = state["mean"][part], state["square"][part]
            ops.adam(w, g, mean, square, *map(w.dtype.type, numbers))

        return change


def AdamW(  # noqa: N802 - the name that the field gives it
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01
) -> Adam:
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019)."""
    return Adam(beta_1, beta_2, epsilon, weight_decay)


def clip_norm(gradient: NDArray, max_norm: float) -> float:
    """Scale a gradient in place to at most this Euclidean norm; returns the norm it had.

    The squares are added without BLAS, whose result would depend on its number of threads.
    """
    parts = cut(len(gradient), CHUNK)
    squares = (np.square(gradient[part], dtype=np.float64) for part in parts)
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


def _check_share(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} must be in [0, 1), not {value}")
