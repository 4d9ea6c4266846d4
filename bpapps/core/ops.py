"""Inner loops by name, in the quickest form there is: layers call a name, and never ask which.

Each is written in NumPy here. :func:`load` puts the form that Numba compiles in its place, where
Numba is installed (the extra ``fast``): one pass over memory in place of several, number by number
in the same order of operations. So a training gives the same bits with and without. Long trainings
load them; a program that predicts one sample at a time may call ``load()`` at its start.

Call them as ``ops.adam(…)``: a name that was imported by itself would stay what it was.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORTH_LOADING = 2e9
"""Parameters times steps of a training from which loading pays: it takes about half a second
(seconds, once, to compile), and saves about 0.5 ns a parameter and step, and 10 µs a step."""


def adam(
    w: NDArray, g: NDArray, mean: NDArray, square: NDArray,
    beta_1: Any, beta_2: Any, rate: Any, epsilon: Any, kept: Any,
) -> None:  # fmt: skip
    """A step of :class:`bpapps.core.optimizers.Adam`; ``kept`` is what weight decay leaves.

    The numbers must be of the type of the arrays.
    """
    mean *= beta_1
    mean += g
    square *= beta_2
    scratch = g * g
    square += scratch
    np.sqrt(square, out=scratch)
    scratch += epsilon
    np.divide(mean, scratch, out=scratch)
    scratch *= rate
    if kept != 1:
        w *= kept
    w -= scratch


def sgd(w: NDArray, g: NDArray, velocity: NDArray, momentum: Any, rate: Any) -> None:
    """A step of :class:`bpapps.core.optimizers.SGD` with momentum that is not Nesterov's."""
    velocity *= momentum
    velocity += g
    w -= rate * velocity


def add_scaled(a: NDArray, b: NDArray, factor: Any) -> None:
    """``a += factor * b``."""
    a += factor * b


def dense_of_one(x: NDArray, W: NDArray, b: NDArray) -> NDArray:
    """``x @ W + b`` of one sample x, (1, inputs): compiled, rows of W where x is 0 aren't read.

    Only here may the two forms differ in their last bits, for BLAS adds in an order of its own.
    """
    y = x @ W
    y += b
    return y


def largest_of_4(x: NDArray, y: NDArray) -> None:
    """Max pooling of 2×2 pixels of x, (height, channels, width, n), into y."""
    corners = _corners(x, y)
    np.maximum(next(corners), next(corners), out=y)
    for corner in corners:
        np.maximum(y, corner, out=y)


def largest_of_4_back(x: NDArray, y: NDArray, dy: NDArray, dx: NDArray) -> None:
    """The gradient of :func:`largest_of_4` into dx: all of it to the first that is largest."""
    *first, last = zip(_corners(x, y), _corners(dx, y), strict=True)
    left = dy
    for of_x, of_dx in first:
        np.multiply(left, of_x == y, out=of_dx)
        left = left - of_dx
    last[1][...] = left


def _corners(x: NDArray, y: NDArray) -> Any:
    """The pixels of x at each corner of the 2×2 windows, row by row, as the shape of y has them."""
    rows, _, columns, _ = y.shape
    return (x[i : 2 * rows : 2, :, j : 2 * columns : 2] for i in (0, 1) for j in (0, 1))


def shift(logits: NDArray, shifted: NDArray) -> None:
    """Each row less its largest."""
    np.subtract(logits, logits.max(axis=1, keepdims=True), out=shifted)


def cross_entropy(
    shifted: NDArray, p: NDArray, total: NDArray, log_total: NDArray, targets: NDArray, weight: Any,
    values: NDArray,
) -> bool:  # fmt: skip
    """Of one class each: p becomes the gradient; False if a target is not among the classes."""
    n, k = p.shape
    if targets.min() < 0 or targets.max() >= k:
        return False
    places = np.arange(n), targets
    np.subtract(log_total, shifted[places], out=values)
    p *= weight / total[:, np.newaxis]
    p[places] -= weight
    return True


def bilinear(padded: NDArray, rows: NDArray, columns: NDArray) -> NDArray:
    """:func:`bpapps.pictures.augment.resample`, of pictures with a border of zeros.

    ``rows`` and ``columns`` serve as memory to work in: they are lost.
    """
    n, height, width = padded.shape
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    rows -= top
    columns -= left
    place = top * width + left
    place += np.arange(n, dtype=np.int32)[:, None, None] * (height * width)
    values = padded.ravel()
    upper = _between(values, place, columns)
    place += width
    lower = _between(values, place, columns)
    lower -= upper
    lower *= rows
    upper += lower
    return upper


def _between(values: NDArray, place: NDArray, share: NDArray) -> NDArray:
    """Between each place and the one to its right."""
    here = values.take(place, mode="clip")
    there = values.take(place + 1, mode="clip")
    there -= here
    there *= share
    here += there
    return here


# ------------------------------------------------------------------ which form it is

_PLAIN = {
    form.__name__: form
    for form in (
        *(adam, sgd, add_scaled, dense_of_one, largest_of_4, largest_of_4_back, shift),
        *(cross_entropy, bilinear),
    )
}


def load() -> bool:
    """Compile them, or fetch them from Numba's cache; False where there is no Numba."""
    if find_spec("numba") is None:
        return False
    from bpapps.core import loops

    globals().update(loops.compiled(tuple(_PLAIN)))
    return True


def unload() -> None:
    """Back to plain NumPy."""
    globals().update(_PLAIN)


def loaded() -> bool:
    """Whether they are the compiled ones."""
    return globals()["adam"] is not _PLAIN["adam"]
