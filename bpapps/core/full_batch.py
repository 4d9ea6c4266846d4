"""Training by L-BFGS on all of the data at once."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpapps.core.layers import Layer
from bpapps.core.optimizers import lbfgs
from bpapps.core.parallel import BatchGradient, penalize
from bpapps.core.params import Params
from bpapps.core.plan import Epoch, Plan
from bpapps.core.progress import Progress
from bpapps.core.threads import Team, cut, team

PARTS_AT_ONCE = 16
"""Microbatches between which it adds up: each needs memory for a gradient of its own."""


def train_lbfgs(
    network: Layer,
    params: Params,
    X: NDArray,
    y: NDArray,
    plan: Plan,
    *,
    weights: NDArray | None = None,
    max_fun: int = 15_000,
    threads: int = 1,
) -> list[Epoch]:
    """Train ``params`` in place by L-BFGS on the whole data at once; a record an iteration.

    Of the plan it uses the loss, ``alpha``, ``microbatch``, ``seed``, ``draw``, ``tol`` (of the
    gradient) and ``max_epochs`` (iterations).
    """
    gradient_of = BatchGradient(network, params, plan.loss, plan.microbatch, plan.draw, plan.seed)
    epochs: list[Epoch] = []
    start = time.perf_counter()

    def record(_: NDArray, value: float) -> None:
        count = len(epochs) + 1
        seconds = time.perf_counter() - start
        solves = gradient_of.solves()
        epochs.append(Epoch(count, count, value, None, None, 1.0, seconds, True, **solves))

    with team(min(threads, -(-plan.samples(X) // plan.microbatch))) as members:
        objective = _Objective(gradient_of, members, (X, y, weights), plan, epochs)
        value, _, converged = lbfgs(
            objective, params.vector, plan.max_epochs, max_fun, plan.tol, record
        )
    if not epochs:  # the start was already a minimum
        record(params.vector, value)
    gradient_of.warn("L-BFGS")
    if converged:
        epochs[-1] = replace(epochs[-1], stop="L-BFGS converged")
    return epochs


class _Objective:
    """Value and gradient over all of the data, of a vector of parameters."""

    def __init__(
        self,
        gradient_of: BatchGradient,
        members: Team,
        data: tuple[NDArray, NDArray, NDArray | None],
        plan: Plan,
        epochs: list[Epoch],
    ) -> None:
        n, weights = plan.samples(data[0]), data[2]
        self._gradient_of, self._members, self._data = gradient_of, members, data
        self._plan, self._epochs = plan, epochs
        self._mass = n if weights is None else float(weights.sum())
        self._parts = [np.arange(n)[part] for part in cut(n, PARTS_AT_ONCE * plan.microbatch)]
        masses = (len(p) if weights is None else float(weights[p].sum()) for p in self._parts)
        self._shares = [mass / self._mass for mass in masses]

    def __call__(self, vector: NDArray) -> tuple[float, NDArray]:
        params = self._gradient_of.params
        params.vector[...] = vector
        value, gradient = 0.0, np.zeros_like(params.vector)
        for step, (rows, share) in enumerate(zip(self._parts, self._shares, strict=True)):
            if share:
                part, gradients = self._gradient_of(self._members, *self._data, rows, step)
                value += share * part
                for one in gradients:
                    gradient += share * one
        value += penalize(params, gradient, self._plan.alpha / self._mass)
        Progress(epoch=len(self._epochs)).deny_divergence(self._plan, value)
        return value, gradient
