"""Work on parts of a batch at once: microbatches, a thread pool, and one-threaded BLAS.

A batch is cut into microbatches of a fixed size. Each has its own gradient vector, and the
vectors are added in a fixed order, so the result is the same bits on any number of threads.
NumPy releases the interpreter lock in its inner loops, so threads are enough; BLAS is held to
one thread meanwhile, or the two would fight over the cores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core.layers import Layer
from bpapps.core.losses import Loss
from bpapps.core.params import Params, Shape
from bpapps.core.spatial import Conv2D

Augment = Callable[[NDArray, np.random.Generator], NDArray]
Slices = list[slice]


def cut(n: int, size: int) -> Slices:
    """Slices of at most ``size`` that cover 0 … n."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


SMALL = 4_000_000
"""Products of parameters and samples in a batch below which a second thread costs more than it
brings: waking it takes about 50 µs, in which a core does that many multiplications."""


def microbatch_size(network: Layer, params: Params, in_shape: Shape, batch_size: int) -> int:
    """How many samples to work on at a time; never by the number of threads.

    Convolutions unfold each picture to many times its size, so that 16 of 28×28 pixels fill a
    core's cache (8, 16 and 32 were measured; 16 was the best or within 3% of it on three nets);
    of 8×8 pixels, half a batch of 60 was a sixth faster than 16. Dense layers want large
    products: batches are cut in two, and above 256 into parts of 128.
    """
    if _has(network, Conv2D):
        fitting = 16 * 28 * 28 // prod(in_shape)
        return max(1, min(fitting, -(-batch_size // 2)))
    if params.size * batch_size < SMALL:
        return batch_size
    return min(128, -(-batch_size // 2))


def _has(layer: Any, kind: type) -> bool:
    """Whether a layer is of a kind, or has one inside."""
    if isinstance(layer, tuple):
        return any(_has(inner, kind) for inner in layer)
    if not dataclasses.is_dataclass(layer):
        return False
    fields = (getattr(layer, field.name) for field in dataclasses.fields(layer))
    return isinstance(layer, kind) or any(_has(inner, kind) for inner in fields)


def take(X: Any, rows: NDArray | slice) -> NDArray:
    """Some rows of an array, or of a sparse matrix made dense."""
    part = X[rows]
    return part.toarray() if hasattr(part, "toarray") else part


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def default_threads() -> int:
    """The threads that BLAS would take: all cores, or one inside a joblib worker."""
    counts = [library["num_threads"] for library in _blas().info()]
    return max(counts, default=1)


class _OneBlasThread:
    """Holds BLAS to one thread while anyone is inside; the last one out restores it.

    BLAS has one setting for the whole process, so entries from several threads must not each
    save and restore it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limit = _blas().limit(limits=1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()


_one_blas_thread = _OneBlasThread()


@contextmanager
def pool(threads: int) -> Iterator[Callable[..., Iterator]]:
    """A ``map`` over so many threads, plain ``map`` for one; BLAS is held to one thread."""
    with _one_blas_thread:
        if threads == 1:
            yield map
        else:
            with ThreadPoolExecutor(threads) as executor:
                yield executor.map


def quiet() -> np.errstate:
    """No warnings of overflow: a training that diverges is told by its loss."""
    return np.errstate(over="ignore", invalid="ignore")


class BatchGradient:
    """Value and gradient of the loss over a batch, microbatch by microbatch.

    Args:
        microbatch: samples worked on at a time.
        augment: ``augment(x, rng)`` changes the inputs of a microbatch, or None.
        seed: with a step's and a microbatch's number it seeds all that is random in them.
    """

    def __init__(
        self,
        network: Layer,
        params: Params,
        loss: Loss,
        microbatch: int,
        augment: Augment | None = None,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.params = params
        self.loss = loss
        self.microbatch = microbatch
        self.augment = augment
        self.seed = seed
        self._gradients: list[Params] = []

    def __call__(
        self,
        run: Callable[..., Iterator],
        X: NDArray,
        y: NDArray,
        weights: NDArray | None,
        rows: NDArray,
        step: int,
    ) -> tuple[float, NDArray]:
        """The mean loss over ``rows``, weighted, and its gradient (valid until the next call).

        ``run`` is the ``map`` of :func:`pool`.
        """
        w = np.ones(len(rows)) if weights is None else weights[rows]
        w = w / w.sum()
        parts = cut(len(rows), self.microbatch)
        while len(self._gradients) < len(parts):
            self._gradients.append(self.params.zeros_like())

        def work(part: int) -> float:
            chosen = rows[parts[part]]
            rng = np.random.default_rng([self.seed, 1, step, part])
            x = take(X, chosen)
            if self.augment is not None:
                x = self.augment(x, rng)
            gradient = self._gradients[part]
            gradient.vector.fill(0)
            with quiet():
                logits, back = self.network(self.params, x, rng)
                value, dlogits = self.loss(logits, y[chosen], w[parts[part]])
                back(dlogits, gradient, need_dx=False)
            return value

        value = sum(run(work, range(len(parts))))
        total = self._gradients[0].vector
        for other in self._gradients[1 : len(parts)]:
            total += other.vector
        return value, total


def forward(
    network: Layer, params: Params, X: NDArray, microbatch: int, threads: int = 1
) -> NDArray:
    """The network's output for all of X, in bounded memory: shape (n, *out_shape)."""
    n = X.shape[0]

    def work(part: slice) -> NDArray:
        with quiet():
            return network(params, take(X, part))[0]

    with pool(threads if n > microbatch else 1) as run:
        return np.concatenate(list(run(work, cut(n, microbatch))))
