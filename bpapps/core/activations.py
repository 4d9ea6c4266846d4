"""Activations: layers without parameters that act on each number by itself."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from bpapps.core.layers import Back, Rng
from bpapps.core.params import Params, Shape, Tree


class Activation:
    """Base of the activations: a subclass gives ``value(x)`` and ``slope(x, y)`` = dy/dx."""

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters; the shape stays."""
        return {}, in_shape

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        y = self.value(x)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            return dy * self.slope(x, y)

        return y, back

    def value(self, x: NDArray) -> NDArray:
        """The activation of each number."""
        raise NotImplementedError

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """The derivative at each number."""
        raise NotImplementedError


@dataclass(frozen=True)
class Identity(Activation):
    """The number itself."""

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        return x, lambda dy, grad=None, need_dx=True: dy


@dataclass(frozen=True)
class Sigmoid(Activation):
    """1 / (1 + exp(-x)): the classic squashing function, in (0, 1)."""

    def value(self, x: NDArray) -> NDArray:
        """Without overflow at either end."""
        return _expit(x)

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """y (1 - y)."""
        return y * (1 - y)


@dataclass(frozen=True)
class Tanh(Activation):
    """Hyperbolic tangent, in (-1, 1)."""

    def value(self, x: NDArray) -> NDArray:
        """tanh x."""
        return np.tanh(x)

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """1 - y²."""
        return 1 - y * y


@dataclass(frozen=True)
class ReLU(Activation):
    """max(x, 0), with slope 0 at 0."""

    def value(self, x: NDArray) -> NDArray:
        """max(x, 0)."""
        return x.clip(0, np.inf)  # in half the time that np.maximum takes

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """1 where x is above 0."""
        return y > 0


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """x above 0, ``negative_slope`` times x below (Maas et al. 2013)."""

    negative_slope: float = 0.01

    def __post_init__(self) -> None:
        if not isfinite(self.negative_slope):
            raise ValueError(f"LeakyReLU: negative_slope must be finite, not {self.negative_slope}")

    def value(self, x: NDArray) -> NDArray:
        """x or its leak."""
        return np.where(x > 0, x, x * x.dtype.type(self.negative_slope))

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """1 or the leak."""
        return np.where(x > 0, x.dtype.type(1), x.dtype.type(self.negative_slope))


@dataclass(frozen=True)
class GELU(Activation):
    """x Φ(x) with the normal distribution function Φ (Hendrycks & Gimpel 2016), exact."""

    def value(self, x: NDArray) -> NDArray:
        """x Φ(x)."""
        return x * _normal_cdf(x)

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """Φ(x) + x φ(x)."""
        return _normal_cdf(x) + x * np.exp(-0.5 * x * x) * (1 / sqrt(2 * pi))


@dataclass(frozen=True)
class SiLU(Activation):
    """x times its sigmoid, also called swish (Elfwing et al. 2018)."""

    def value(self, x: NDArray) -> NDArray:
        """x σ(x)."""
        return x * _expit(x)

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """σ(x) (1 + x (1 - σ(x)))."""
        s = _expit(x)
        return s * (1 + x * (1 - s))


@dataclass(frozen=True)
class Softplus(Activation):
    """log(1 + exp(x)): a smooth rectifier."""

    def value(self, x: NDArray) -> NDArray:
        """Without overflow at either end."""
        return np.logaddexp(x.dtype.type(0), x)

    def slope(self, x: NDArray, y: NDArray) -> NDArray:
        """σ(x)."""
        return _expit(x)


ACTIVATIONS: dict[str, Activation] = {
    "identity": Identity(),
    "logistic": Sigmoid(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "gelu": GELU(),
    "silu": SiLU(),
    "softplus": Softplus(),
}
"""By the name that the estimators take; ``logistic`` is scikit-learn's word for sigmoid."""


def _expit(x: NDArray) -> NDArray:
    from scipy.special import expit  # here, for most nets do without, and it takes 0.1 s

    return expit(x)


def _normal_cdf(x: NDArray) -> NDArray:
    from scipy.special import erf

    return 0.5 * (1 + erf(x * (1 / sqrt(2))))
