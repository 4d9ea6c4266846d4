"""The loops that Numba compiles, each in place of the NumPy form of its name in ``ops``.

They do in one pass over memory what NumPy does in several, number by number in the same order of
operations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@cache
def compiled(names: tuple[str, ...]) -> dict[str, Callable]:
    """The loops of these names, to be called as the NumPy forms are."""
    import numba

    form = numba.njit(nogil=True, cache=True, error_model="numpy")
    return {name: form(globals()[name]) for name in names}


def adam(
    w: NDArray, g: NDArray, mean: NDArray, square: NDArray,
    beta_1: Any, beta_2: Any, rate: Any, epsilon: Any, kept: Any,
) -> None:  # fmt: skip
    """A step of :class:`bpapps.core.optimizers.Adam`; ``kept`` is what weight decay leaves."""
    for i in range(w.size):
        mean[i] = mean[i] * beta_1 + g[i]
        square[i] = square[i] * beta_2 + g[i] * g[i]
        w[i] = w[i] * kept - mean[i] / (np.sqrt(square[i]) + epsilon) * rate


def sgd(w: NDArray, g: NDArray, velocity: NDArray, momentum: Any, rate: Any) -> None:
    """A step of :class:`bpapps.core.optimizers.SGD` with momentum that is not Nesterov's."""
    for i in range(w.size):
        velocity[i] = velocity[i] * momentum + g[i]
        w[i] -= velocity[i] * rate


def add_scaled(a: NDArray, b: NDArray, factor: Any) -> None:
    """``a += factor * b``."""
    for i in range(a.size):
        a[i] += factor * b[i]


def largest_of_4(x: NDArray, y: NDArray) -> None:
    """Max pooling of 2×2 pixels of x, (height, channels, width, n), into y."""
    rows, channels, columns, n = y.shape
    for r in range(rows):
        for c in range(channels):
            for q in range(columns):
                for b in range(n):
                    top = x[2 * r, c, 2 * q, b]  # what is no number stays, as in np.maximum
                    other = x[2 * r, c, 2 * q + 1, b]
                    top = top if top >= other or top != top else other
                    other = x[2 * r + 1, c, 2 * q, b]
                    top = top if top >= other or top != top else other
                    other = x[2 * r + 1, c, 2 * q + 1, b]
                    y[r, c, q, b] = top if top >= other or top != top else other


def largest_of_4_back(x: NDArray, y: NDArray, dy: NDArray, dx: NDArray) -> None:
    """The gradient of :func:`largest_of_4` into dx: all of it to the first that is largest."""
    rows, channels, columns, n = y.shape
    for r in range(rows):
        for c in range(channels):
            for q in range(columns):
                for b in range(n):
                    top, left = y[r, c, q, b], dy[r, c, q, b]
                    share = left * (x[2 * r, c, 2 * q, b] == top)
                    dx[2 * r, c, 2 * q, b] = share
                    left -= share
                    share = left * (x[2 * r, c, 2 * q + 1, b] == top)
                    dx[2 * r, c, 2 * q + 1, b] = share
                    left -= share
                    share = left * (x[2 * r + 1, c, 2 * q, b] == top)
                    dx[2 * r + 1, c, 2 * q, b] = share
                    dx[2 * r + 1, c, 2 * q + 1, b] = left - share


def shift(logits: NDArray, shifted: NDArray) -> None:
    """Each row less its largest."""
    n, k = logits.shape
    for i in range(n):
        top = logits[i, 0]
        for j in range(1, k):
            top = max(top, logits[i, j])
        for j in range(k):
            shifted[i, j] = logits[i, j] - top


def cross_entropy(
    shifted: NDArray, p: NDArray, total: NDArray, log_total: NDArray, targets: NDArray, weight: Any,
    values: NDArray,
) -> bool:  # fmt: skip
    """Of one class each: p becomes the gradient; False if a target is not among the classes."""
    n, k = p.shape
    for i in range(n):
        target = targets[i]
        if not 0 <= target < k:
            return False
        values[i] = log_total[i] - shifted[i, target]
        share = weight / total[i]
        for j in range(k):
            p[i, j] *= share
        p[i, target] -= weight
    return True


def dense_of_one(x: NDArray, W: NDArray, b: NDArray) -> NDArray:
    """``x @ W + b`` for one sample x: the rows of W where x is 0 are not even read."""
    y = b.copy()
    for i in range(x.size):
        if x[0, i] != 0:
            for j in range(y.size):
                y[j] += x[0, i] * W[i, j]
    return y.reshape(1, -1)


def bilinear(padded: NDArray, rows: NDArray, columns: NDArray) -> NDArray:
    """Pictures with a border of zeros, read between pixels."""
    out = np.empty(rows.shape, padded.dtype)
    n, height, width = out.shape
    for b in range(n):
        for i in range(height):
            for j in range(width):
                top, left = int(rows[b, i, j]), int(columns[b, i, j])
                down, right = rows[b, i, j] - np.float32(top), columns[b, i, j] - np.float32(left)
                upper, lower = padded[b, top, left], padded[b, top + 1, left]
                upper += (padded[b, top, left + 1] - upper) * right
                lower += (padded[b, top + 1, left + 1] - lower) * right
                out[b, i, j] = upper + (lower - upper) * down
    return out
