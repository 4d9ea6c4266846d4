"""Two measurements: why the core works on matrices, and why the gradient is propagated back."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core import Chain, Loss, Params
from bpapps.explain import nets
from bpapps.explain.passes import batch_gradient

BATCHES = (1, 10, 100, 1000)
WEIGHTS = (10, 100, 1000, 10_000)
RECURRENT_WEIGHTS = (10, 100, 300, 1000)
"""About how many weights the nets have; nets that settle take longer."""

STEP = 1e-5
"""How far a weight is moved to each side: errors of about 1e-10 in double precision."""

Row = dict[str, Any]


def matrices(
    network: Chain, params: Params, loss: Loss, X: NDArray, y: NDArray, seed: int
) -> list[Row]:
    """The gradient of a batch, one sample after another and as one matrix, by batch size."""
    rows = []
    for size in BATCHES:
        drawn = np.random.default_rng(seed).integers(len(X), size=size)
        some, wanted = X[drawn], y[drawn]
        singly, one = _timed(lambda: _one_by_one(network, params, loss, some, wanted))  # noqa: B023
        whole, batch = _timed(lambda: batch_gradient(network, params, loss, some, wanted)[1])  # noqa: B023
        rows.append(
            {
                "samples": size,
                "one_by_one": singly,
                "matrix": whole,
                "ratio": singly / whole,
                "difference": float(np.abs(one - batch).max()),
            }
        )
    return rows


def directions(
    make: Callable[[int], Chain], recurrent: bool, loss: Loss, X: NDArray, y: NDArray, seed: int
) -> list[Row]:
    """The gradient by one backward pass, and weight by weight, for nets of more and more weights.

    Weight by weight means central differences: two forward passes for each weight.
    """
    rows = []
    targets = RECURRENT_WEIGHTS if recurrent else WEIGHTS
    for hidden in sorted({_width(make, X.shape[1], target) for target in targets}):
        network = make(hidden)
        params = nets.start(network, X.shape[1], seed)
        fast, gradient = _timed(lambda: batch_gradient(network, params, loss, X, y)[1])  # noqa: B023
        slow, differences = _timed(lambda: weight_by_weight(network, params, loss, X, y))  # noqa: B023
        rows.append(
            {
                "hidden": hidden,
                "weights": params.size,
                "backpropagation": fast,
                "differences": slow,
                "ratio": slow / fast,
                "difference": float(np.abs(gradient - differences).max()),
            }
        )
    return rows


def weight_by_weight(network: Chain, params: Params, loss: Loss, X: NDArray, y: NDArray) -> NDArray:
    """The gradient by central differences: each weight moved a little up, and a little down."""
    moved = params.copy()
    gradient = np.empty_like(params.vector)
    for i, weight in enumerate(params.vector):
        values = []
        for there in (weight + STEP, weight - STEP):
            moved.vector[i] = there
            values.append(loss(network(moved, X)[0], y)[0])
        moved.vector[i] = weight
        gradient[i] = (values[0] - values[1]) / (2 * STEP)
    return gradient


def _one_by_one(network: Chain, params: Params, loss: Loss, X: NDArray, y: NDArray) -> NDArray:
    gradient = params.zeros_like()
    share = 1 / len(X)
    for row in range(len(X)):
        logits, back = network(params, X[row : row + 1])
        back(loss(logits, y[row : row + 1], share)[1], gradient, need_dx=False)
    return gradient.vector


def _width(make: Callable[[int], Chain], inputs: int, weights: int) -> int:
    """The fewest hidden neurons with which a net has at least so many weights."""

    def size(hidden: int) -> int:
        return nets.start(make(hidden), inputs, 0).size

    widths = range(1, weights + 1)
    return widths[min(bisect_left(widths, weights, key=size), len(widths) - 1)]


def _timed(work: Callable[[], NDArray]) -> tuple[float, NDArray]:
    """The median of the seconds that a call takes: up to 15 calls, or a quarter of a second."""
    seconds: list[float] = []
    while len(seconds) < 15 and (len(seconds) < 3 or sum(seconds) < 0.25):
        begin = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - begin)
        if seconds[-1] > 0.5:
            break
    return median(seconds), answer
