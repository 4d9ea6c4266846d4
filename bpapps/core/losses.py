"""Losses: their value, and its gradient with respect to the logits (the last layer's output).

``value, dlogits = loss(logits, targets, weights)``. The value is Σ wᵢ lᵢ over the samples; one
weight for all defaults to 1/n, which makes it the mean. There is no softmax or sigmoid layer to put
before: ``loss.predict(logits)`` turns logits into what the loss takes them for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops

Weights = NDArray | float | None
"""Of each sample, shape (n,); one number for all of them; or None for 1/n."""


class Loss(Protocol):
    """What every loss can do."""

    def __call__(
        self, logits: NDArray, targets: NDArray, weights: Weights = None
    ) -> tuple[float, NDArray]:
        """The weighted sum over the samples, and its gradient with respect to ``logits``."""
        ...

    def predict(self, logits: NDArray) -> NDArray:
        """Probabilities, or values, for logits of shape (n, outputs)."""
        ...


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Negative log-likelihood of one class among k, for logits of shape (n, k).

    Targets are class numbers of shape (n,) or probabilities of shape (n, k).
    ``label_smoothing`` ε in [0, 1) spreads that share evenly (Szegedy et al. 2016).
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must be in [0, 1), not {self.label_smoothing}")

    def __call__(
        self, logits: NDArray, targets: NDArray, weights: Weights = None
    ) -> tuple[float, NDArray]:
        """See :class:`Loss`."""
        shifted = np.empty_like(logits)
        ops.shift(logits, shifted)
        p = np.exp(shifted)
        total = np.add.reduce(p, axis=1)
        if targets.ndim > 1:
            return self._of_probabilities(shifted, p, total, targets, weights)
        if self.label_smoothing or isinstance(weights, np.ndarray):
            return self._of_smooth_classes(shifted, p, total, targets, weights)
        return _of_classes(shifted, p, total, targets, weights)

    def _of_smooth_classes(
        self, shifted: NDArray, p: NDArray, total: NDArray, targets: NDArray, weights: Weights
    ) -> tuple[float, NDArray]:
        """Without an array of what is wanted: one column of each row is all that differs."""
        n, k = shifted.shape
        if targets.min() < 0 or targets.max() >= k:
            raise _no_class(k)
        places = np.arange(n), targets
        kept, spread = 1 - self.label_smoothing, self.label_smoothing / k
        values = np.log(total) - kept * shifted[places]
        if spread:
            values -= spread * np.add.reduce(shifted, axis=1)
        value, w = _weighted(values, weights, shifted)
        p *= w / total[:, np.newaxis]
        if spread:
            p -= w * spread
        p[places] -= kept * np.broadcast_to(w, (n, 1))[:, 0]
        return value, p

    def _of_probabilities(
        self, shifted: NDArray, p: NDArray, total: NDArray, targets: NDArray, weights: Weights
    ) -> tuple[float, NDArray]:
        wanted = targets.astype(shifted.dtype, copy=False)
        if self.label_smoothing:
            wanted = wanted * (1 - self.label_smoothing) + self.label_smoothing / wanted.shape[1]
        mass = wanted.sum(axis=1)
        values = np.log(total) * mass - (wanted * shifted).sum(axis=1)
        value, w = _weighted(values, weights, shifted)
        p *= (mass / total)[:, np.newaxis]
        p -= wanted
        p *= w
        return value, p

    def predict(self, logits: NDArray) -> NDArray:
        """Probabilities that sum to one."""
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p


@dataclass(frozen=True)
class SigmoidCrossEntropy:
    """Negative log-likelihood of k yes-or-no answers, summed, for logits of shape (n, k).

    Targets of shape (n, k), or (n,) where k is 1, in [0, 1].
    """

    def __call__(
        self, logits: NDArray, targets: NDArray, weights: Weights = None
    ) -> tuple[float, NDArray]:
        """See :class:`Loss`."""
        wanted = _like(targets, logits)
        values = np.logaddexp(logits.dtype.type(0), logits) - wanted * logits
        value, w = _weighted(values.sum(axis=1), weights, logits)
        return value, (self.predict(logits) - wanted) * w

    def predict(self, logits: NDArray) -> NDArray:
        """Probabilities of yes."""
        from scipy.special import expit

        return expit(logits)


@dataclass(frozen=True)
class PairCrossEntropy:
    """Cross-entropy of yes-or-no answers of several kinds, logits and targets of shape (n, k).

    Of each kind only the hardest of a sample's answers count, as in online hard example mining
    (Shrivastava et al. 2016), and each kind has the same mean weight however many answers it has.

    Args:
        kinds: the number, from 0 on, of the kind of each of the k answers.
        weights: of each kind, in the loss.
        hardest: share of the answers of a kind that count, those of the largest loss, in (0, 1].
    """

    kinds: tuple[int, ...]
    weights: tuple[float, ...]
    hardest: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.hardest <= 1:
            raise ValueError(f"PairCrossEntropy: hardest must be in (0, 1], not {self.hardest}")
        if set(self.kinds) != set(range(len(self.weights))):
            raise ValueError("PairCrossEntropy: each kind needs a weight and an answer")

    def __call__(
        self, logits: NDArray, targets: NDArray, weights: Weights = None
    ) -> tuple[float, NDArray]:
        """See :class:`Loss`."""
        wanted = _like(targets, logits)
        values = np.logaddexp(logits.dtype.type(0), logits) - wanted * logits
        shares = self._shares(values)
        value, w = _weighted((values * shares).sum(axis=1), weights, logits)
        return value, (self.predict(logits) - wanted) * shares * w

    def _shares(self, values: NDArray) -> NDArray:
        """What each answer counts, (n, k)."""
        shares = np.zeros_like(values)
        for kind, weight in enumerate(self.weights):
            columns = np.flatnonzero(np.array(self.kinds) == kind)
            kept = max(1, round(self.hardest * len(columns)))
            hardest = columns[np.argsort(-values[:, columns], axis=1)[:, :kept]]
            np.put_along_axis(shares, hardest, values.dtype.type(weight / kept), axis=1)
        return shares

    def predict(self, logits: NDArray) -> NDArray:
        """Probabilities of yes."""
        return SigmoidCrossEntropy().predict(logits)


@dataclass(frozen=True)
class SquaredError:
    """Half the squared error, summed over the outputs: its gradient is actual minus desired."""

    def __call__(
        self, logits: NDArray, targets: NDArray, weights: Weights = None
    ) -> tuple[float, NDArray]:
        """See :class:`Loss`."""
        error = logits - _like(targets, logits)
        value, w = _weighted(0.5 * np.square(error).sum(axis=1), weights, logits)
        return value, error * w

    def predict(self, logits: NDArray) -> NDArray:
        """The values themselves."""
        return logits


@dataclass(frozen=True)
class Huber:
    """Squared error up to ``delta``, linear beyond it (Huber 1964), summed over the outputs."""

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(f"Huber: delta must be above 0, not {self.delta}")

    def __call__(
        self, logits: NDArray, targets: NDArray, weights: Weights = None
    ) -> tuple[float, NDArray]:
        """See :class:`Loss`."""
        error = logits - _like(targets, logits)
        inner = np.clip(error, -self.delta, self.delta)
        values = inner * (error - 0.5 * inner)
        value, w = _weighted(values.sum(axis=1), weights, logits)
        return value, inner * w

    def predict(self, logits: NDArray) -> NDArray:
        """The values themselves."""
        return logits


def _of_classes(
    shifted: NDArray, p: NDArray, total: NDArray, targets: NDArray, weight: float | None
) -> tuple[float, NDArray]:
    """The same in a quicker way, for one weight for all and no smoothing."""
    w = p.dtype.type(1.0 / len(p) if weight is None else weight)
    values = np.empty_like(total)
    if not ops.cross_entropy(shifted, p, total, np.log(total), targets, w, values):
        raise _no_class(p.shape[1])
    return _weighted(values, weight, p)[0], p


def _no_class(k: int) -> ValueError:
    return ValueError(f"class numbers must lie between 0 and {k - 1}")


def _weighted(
    values: NDArray, weights: Weights, logits: NDArray
) -> tuple[float, NDArray | np.floating]:
    """Σ wᵢ lᵢ in double precision, and the weights as a column of the logits' type."""
    if weights is None:
        weights = 1.0 / len(values)
    if isinstance(weights, float):
        return weights * float(np.add.reduce(values, dtype=np.float64)), logits.dtype.type(weights)
    return float(values @ weights), weights.astype(logits.dtype, copy=False)[:, np.newaxis]


def _like(targets: NDArray, logits: NDArray) -> NDArray:
    return targets.reshape(logits.shape).astype(logits.dtype, copy=False)
