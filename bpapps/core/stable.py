"""Layers for cells whose fixed point is known to be there: by their weights' parametrisation.

In z = W σ(z) + u, with σ a rectifier or any activation with slopes in [0, 1]:

- :class:`MonotoneDense` has just one fixed point, however large its weights;
- :class:`Bounded` has just one, and plain iteration comes nearer at a known rate;
- :class:`SymmetricDense` has an energy (Hopfield 1984), so the continuous-time network always
  settles; there may be many points where it does, which is what a memory is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.core.initializers import check_initializer, initialize
from bpapps.core.layers import Back, Dense, Layer, Rng, _positive
from bpapps.core.params import Params, Shape, Tree
from bpapps.core.spatial import Conv2D


class _Prepared:
    """A layer whose effective weights are worked out; it takes the same parameters."""

    def __init__(self, layer: Layer, run: Callable[[NDArray, Rng], tuple[NDArray, Back]]) -> None:
        self.init = layer.init
        self._run = run

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        return self._run(x, rng)


class _Square:
    """``y = x W`` with a square W that is made of parameters."""

    units: int

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        return self.prepare(p)(p, x, rng)

    def prepare(self, p: Params) -> Layer:
        """The layer with W worked out: once a pass, however often a solver applies it."""
        W = self.weights(p)

        def run(x: NDArray, rng: Rng) -> tuple[NDArray, Back]:
            def back(
                dy: NDArray, grad: Params | None = None, need_dx: bool = True
            ) -> NDArray | None:
                if grad is not None:
                    self._to_parameters(p, x.T @ dy, grad)
                return dy @ W.T if need_dx else None

            return x @ W, back

        return _Prepared(self, run)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The parameters that W is made of, each (units, units)."""
        if in_shape != (self.units,):
            name = type(self).__name__
            raise ValueError(f"{name}({self.units}) needs input of ({self.units},), got {in_shape}")
        return self._initial(rng), in_shape

    def _initial(self, rng: np.random.Generator) -> Tree:
        raise NotImplementedError

    def weights(self, p: Params) -> NDArray:
        """W, of shape (units, units)."""
        raise NotImplementedError

    def _to_parameters(self, p: Params, dW: NDArray, grad: Params) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class MonotoneDense(_Square):
    """``y = x W`` with W = (1 - margin) I - AᵀA + B - Bᵀ (Winston & Kolter 2020), so that the
    symmetric part of I - W is at least ``margin``, in (0, 1].

    Then z = W σ(z) + u has one fixed point for each u. That paper's equilibrium is of what the
    neurons send, s = σ(W s + u), ours of what they receive, z = W σ(z) + u: s* = σ(z*) and
    z* = W s* + u, so each fixed point of one is one of the other. To the paper's splitting of
    s + α(…) corresponds ours in z: ``Damped(α)``, Euler's steps of dz/dt = W σ(z) + u - z, comes
    to it from any start if α is small enough. For e = z - z* and d = σ(z) - σ(z*),

        V = ε/2 |e|² + Σ ∫ d de  falls along them:  dV/dt ≤ -ε/2 |e|² - (margin - ε/2 |W|²) |d|²,

    since dᵀe ≥ |d|² (compare Forti & Tesi 1995), and α < margin / ((margin + |W|²)(1 + |W|)²) is
    certain to be small enough, by ε = margin / |W|². In practice α of a tenth to a half is, and
    Anderson is quicker still; whether it converged is told. The adjoint has the same property.
    """

    units: int
    margin: float = 0.1

    def __post_init__(self) -> None:
        _positive("MonotoneDense", units=self.units)
        if not 0 < self.margin <= 1:
            raise ValueError(f"MonotoneDense: margin must be in (0, 1], not {self.margin!r}")

    def _initial(self, rng: np.random.Generator) -> Tree:
        limit = self.units**-0.5
        return {name: rng.uniform(-limit, limit, (self.units, self.units)) for name in "AB"}

    def weights(self, p: Params) -> NDArray:
        """W, of shape (units, units)."""
        W = p.B - p.B.T - p.A.T @ p.A
        W[np.diag_indices(self.units)] += W.dtype.type(1 - self.margin)
        return W

    def _to_parameters(self, p: Params, dW: NDArray, grad: Params) -> None:
        grad.A -= p.A @ (dW + dW.T)
        grad.B += dW - dW.T


@dataclass(frozen=True)
class SymmetricDense(_Square):
    """``y = x (W + Wᵀ) / 2``: connections that are the same both ways (Hopfield 1984).

    They are drawn half as large as the initializer says, for the largest eigenvalue of the
    symmetric part would be √2 (Wigner 1958), and a net that settles fast is to start below 1.
    """

    units: int
    initializer: str = "glorot_normal"

    def __post_init__(self) -> None:
        _positive("SymmetricDense", units=self.units)
        check_initializer(self.initializer)

    def _initial(self, rng: np.random.Generator) -> Tree:
        shape = (self.units, self.units)
        return {"W": 0.5 * initialize(self.initializer, shape, *shape, rng)}

    def weights(self, p: Params) -> NDArray:
        """The symmetric part of W."""
        return (p.W + p.W.T) * p.W.dtype.type(0.5)

    def _to_parameters(self, p: Params, dW: NDArray, grad: Params) -> None:
        grad.W += (dW + dW.T) * dW.dtype.type(0.5)


@dataclass(frozen=True)
class Bounded:
    """A :class:`Dense` or :class:`Conv2D` with |incoming weights of a unit| summing to ``bound``
    at most: a unit's weights are scaled down where they sum to more.

    So no output changes by more than ``bound`` times the largest change of an input (the operator
    norm for maxima). In a cell with activations of slopes in [-1, 1] and ``bound`` below 1, plain
    iteration then is a contraction: one fixed point, nearer by that factor each time, and an
    adjoint that settles at the same rate (Banach 1922). There must be no normalisation in it.
    """

    inner: Dense | Conv2D
    bound: float = 0.9

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Dense | Conv2D):
            raise ValueError(f"Bounded: inner must be Dense or Conv2D, not {self.inner!r}")
        if not 0 < self.bound < np.inf:
            raise ValueError(f"Bounded: bound must be a number above 0, not {self.bound!r}")

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """Those of ``inner``."""
        return self.inner.init(in_shape, rng)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        return self.prepare(p)(p, x, rng)

    def prepare(self, p: Params) -> Layer:
        """The layer with its scaled weights worked out: once a pass."""
        incoming = tuple(range(p.W.ndim - 1))
        total = np.abs(p.W).sum(axis=incoming)
        bound = p.W.dtype.type(self.bound)
        over = total > bound
        scale = np.where(over, bound / np.where(over, total, 1), 1)
        scaled = p.copy()
        scaled.W[...] *= scale

        def to_parameters(dW: NDArray) -> NDArray:
            """Of W · bound / Σ|W| where that is the scale."""
            along = np.where(over, (dW * p.W).sum(axis=incoming) / np.where(over, total, 1), 0)
            return scale * (dW - np.sign(p.W) * along)

        def run(x: NDArray, rng: Rng) -> tuple[NDArray, Back]:
            y, inner_back = self.inner(scaled, x, rng)

            def back(
                dy: NDArray, grad: Params | None = None, need_dx: bool = True
            ) -> NDArray | None:
                if grad is None:
                    return inner_back(dy, None, need_dx)
                of_scaled = p.zeros_like()
                dx = inner_back(dy, of_scaled, need_dx)
                grad.W += to_parameters(of_scaled.W)
                grad.b += of_scaled.b
                return dx

            return y, back

        return _Prepared(self, run)
