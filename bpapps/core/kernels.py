"""Inner loops that Numba compiles where it is installed (the extra ``fast``).

Each does in one pass over memory what plain NumPy code elsewhere does in several, number by
number in the same order of operations: so a training gives the same bits with and without, and
the plain code stays the reference. Long trainings load them; a program that predicts one sample
at a time may call ``load()`` at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORTH_LOADING = 2e9
"""Parameters times steps of a training from which loading pays: it takes about half a second
(seconds, once, to compile), and saves about 0.5 ns a parameter and step, and 10 µs a step."""

_loaded: SimpleNamespace | None = None


def loaded() -> Any:
    """The compiled loops by name, or None."""
    return _loaded


def load() -> bool:
    """Compile them, or fetch them from Numba's cache; False where there is no Numba."""
    global _loaded
    if _loaded is None and find_spec("numba") is not None:
        _loaded = _compile()
    return _loaded is not None


def unload() -> None:
    """Back to plain NumPy."""
    global _loaded
    _loaded = None


@cache
def _compile() -> SimpleNamespace:
    import numba

    compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
    loops: list[Callable] = [
        add_scaled,
        adam,
        sgd,
        largest_of_4,
        largest_of_4_back,
        shift,
        cross_entropy,
        add_rows,
        bilinear,
    ]
    return SimpleNamespace(**{loop.__name__: compiled(loop) for loop in loops})


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


def add_rows(x: NDArray, W: NDArray, y: NDArray) -> None:
    """``y += x @ W`` for one sample x: the rows of W where x is 0 are not even read."""
    for i in range(x.size):
        if x[i] != 0:
            for j in range(y.size):
                y[j] += x[i] * W[i, j]


def bilinear(padded: NDArray, rows: NDArray, columns: NDArray, out: NDArray) -> None:
    """:func:`bpapps.pictures.augment.resample`, of pictures with a border of zeros."""
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
