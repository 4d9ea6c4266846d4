"""Layers: what each computes, and how it passes a gradient back.

A layer is a frozen dataclass of hyperparameters. It holds no weights and no activations:

- ``layer.init(in_shape, rng)`` gives its initial arrays by name and its output shape;
- ``y, back = layer(p, x, rng)`` computes a batch; ``rng=None`` means prediction;
- ``back(dy, grad=None, need_dx=True)`` returns dx, the gradient with respect to ``x``, and
  *adds* the gradients of its parameters into ``grad`` when one is given. With
  ``need_dx=False`` it may return None, which saves the first layer of a network that work.

Shapes exclude the batch, which is always the first axis. Pictures are (height, width,
channels). Nothing writes to ``p``, ``x`` or ``dy``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, prod
from numbers import Integral
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops
from bpapps.core.initializers import check_initializer, initialize
from bpapps.core.params import Params, Shape, Tree

Back = Callable[..., Any]
Rng = np.random.Generator | None


class Layer(Protocol):
    """What every layer, combinator and network can do."""

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """Initial arrays by name, and the shape of the output; ValueError for a wrong shape."""
        ...

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """The output for a batch, and the function that passes a gradient back."""
        ...


def prepare(layer: Layer, p: Params) -> Layer:
    """The layer with what follows from its parameters alone worked out, to be called with them.

    A layer that has such things, as weights made of others, offers ``prepare(p)``.
    """
    own = getattr(layer, "prepare", None)
    return layer if own is None else own(p)


def output(layer: Layer, p: Params, x: NDArray) -> NDArray:
    """What a layer makes of x, for those who will not go back.

    A layer of layers offers ``output(p, x)``, which lets go of what each of them keeps before it
    calls the next: that memory, still in the cache, serves again.
    """
    own = getattr(layer, "output", None)
    return layer(p, x)[0] if own is None else own(p, x)


@dataclass(frozen=True)
class Dense:
    """Fully connected: ``y = x W + b`` for x of shape (n, inputs)."""

    units: int
    initializer: str = "he_normal"

    def __post_init__(self) -> None:
        _positive("Dense", units=self.units)
        check_initializer(self.initializer)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """W of shape (inputs, units) and b of shape (units,)."""
        if len(in_shape) != 1:
            raise ValueError(f"Dense needs flat input, got shape {in_shape}; put Flatten() before")
        shape = (in_shape[0], self.units)
        W = initialize(self.initializer, shape, *shape, rng)
        return {"W": W, "b": np.zeros(self.units)}, (self.units,)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`Layer`."""
        if rng is None and len(x) == 1:
            y = ops.dense_of_one(x, p.W, p.b)
        else:
            y = x @ p.W
            y += p.b

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            if grad is not None:
                grad.add_product("W", x.T, dy)
                grad.b += dy.sum(axis=0)
            return dy @ p.W.T if need_dx else None

        return y, back


@dataclass(frozen=True)
class Flatten:
    """(n, height, width, channels) or any shape to (n, product)."""

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        return {}, (prod(in_shape),)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`Layer`."""

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            dx = np.empty_like(x)  # in the order of memory that the layers below work in
            dx[...] = dy.reshape(x.shape)
            return dx

        return x.reshape(len(x), -1), back


@dataclass(frozen=True)
class Reshape:
    """(n, ...) to (n, *shape): flat rows of pixels to pictures, ``Reshape((28, 28, 1))``."""

    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        for side in self.shape:
            _positive("Reshape", side=side)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        if prod(in_shape) != prod(self.shape):
            raise ValueError(f"Reshape cannot make {self.shape} of input of shape {in_shape}")
        return {}, self.shape

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`Layer`."""
        return x.reshape(len(x), *self.shape), _reshape_back(x.shape)


@dataclass(frozen=True)
class Dropout:
    """Zeroes a share of its inputs while training and scales up the rest (Srivastava 2014)."""

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate < 1.0:
            raise ValueError(f"Dropout: rate must be in [0, 1), not {self.rate}")

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        return {}, in_shape

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`Layer`."""
        if rng is None or self.rate == 0.0:
            return x, _identity_back
        kept = rng.random(x.shape, dtype=np.float32) >= self.rate
        mask = kept * x.dtype.type(1.0 / (1.0 - self.rate))

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            return dy * mask

        return x * mask, back


@dataclass(frozen=True)
class LayerNorm:
    """Normalises each sample over its last axis (Ba et al. 2016), then scales and shifts."""

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _above_zero("LayerNorm", epsilon=self.epsilon)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """Scale and shift, each of the length of the last axis."""
        if not in_shape:
            raise ValueError("LayerNorm needs at least one axis besides the batch")
        return _scale_and_shift(in_shape[-1]), in_shape

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`Layer`."""
        rows = x.reshape(-1, x.shape[-1])
        centred = rows - _row_means(rows)
        inverse = 1.0 / np.sqrt(_row_means(np.square(centred)) + x.dtype.type(self.epsilon))
        unit = centred * inverse

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            dy = dy.reshape(rows.shape)
            if grad is not None:
                grad.scale += (dy * unit).sum(axis=0)
                grad.shift += dy.sum(axis=0)
            if not need_dx:
                return None
            of_unit = dy * p.scale
            along = unit * _row_means(of_unit * unit)
            return (inverse * (of_unit - _row_means(of_unit) - along)).reshape(x.shape)

        return (unit * p.scale + p.shift).reshape(x.shape), back


def _row_means(x: NDArray) -> NDArray:
    """The mean of each row, (rows, 1); BLAS adds faster than ``mean`` does."""
    return x @ np.full((x.shape[1], 1), 1 / x.shape[1], x.dtype)


def _scale_and_shift(n: int) -> Tree:
    return {"scale": np.ones(n), "shift": np.zeros(n)}


def _identity_back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
    return dy


def _reshape_back(shape: Shape) -> Back:
    def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
        return dy.reshape(shape)

    return back


def _positive(layer: str, **values: int) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{layer}: {name} must be a positive whole number, not {value!r}")


def _above_zero(layer: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 < value < inf:
            raise ValueError(f"{layer}: {name} must be a number above 0, not {value!r}")
