"""An associative memory: a net that settles, from a corrupted picture, at the one it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from bpapps.core import Chain, Damped, Dense, FixedPoint, SymmetricDense, Tanh
from bpapps.estimators.regressor import BackpropRegressor
from bpapps.estimators.settings import ABOVE_ZERO, COUNT

Corrupt = Callable[[NDArray, np.random.Generator], NDArray]


@dataclass(frozen=True)
class Spoil:
    """``spoil(x, rng)``: noise is added to each value, and some values are replaced by noise.

    How much, each sample draws for itself, uniform from nothing to the most.

    Args:
        noise: largest standard deviation of what is added, in ranges of the data.
        lost: largest share of the values that are replaced by any value of the range, in [0, 1].
        bounds: the range of the data, which nothing that is spoilt leaves; None: the range of x.
    """

    noise: float = 0.4
    lost: float = 0.3
    bounds: tuple[float, float] | None = None

    def __call__(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        """A corrupted copy of x, (n, …), of its type."""
        if x.size == 0:
            return x.copy()
        low, high = self.bounds or (x.min(), x.max())
        each = (len(x), *(1 for _ in x.shape[1:]))
        added = self.noise * rng.random(each) * rng.standard_normal(x.shape)
        replaced = rng.random(x.shape) < self.lost * rng.random(each)
        out = np.where(replaced, rng.random(x.shape), 0)
        out = np.where(replaced, low + (high - low) * out, x + (high - low) * added)
        return np.clip(out, low, high).astype(x.dtype)


@dataclass(eq=False, repr=False)
class AssociativeMemory(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Restores what it has learned from corrupted input: a transformer, such as a denoiser.

    Neurons that all feed each other, with connections that are the same both ways (Hopfield 1984),
    are driven by the input and followed in continuous time, τ dz/dt = W tanh(z) + U x + b - z,
    till they settle; what is remembered is read from them. It is trained by recurrent
    backpropagation (Pineda 1987): the error settles in the same net, run backwards.

    Args:
        n_neurons: of the net.
        corrupt: ``corrupt(x, rng)`` spoils training data, (n, n_features); None is :class:`Spoil`
            within ``range_``.
        time_step: of Euler's method, in units of τ, in (0, 1].
        tol: relative change at which a state has settled.
        max_steps: most steps of time; who has not settled by then is warned of.
        max_iter: epochs of training; batch_size and learning_rate_init as elsewhere.
        n_jobs, random_state, verbose: as for :class:`BackpropClassifier`.

    Attributes:
        net_: the :class:`BackpropRegressor` that does it.
        range_: smallest and largest value of the training data, which nothing restored leaves.
        n_iter_, n_features_in_: epochs of training, values of a sample.
    """

    n_neurons: int = 256
    _: KW_ONLY
    corrupt: Corrupt | None = None
    time_step: float = 0.5
    tol: float = 1e-3
    max_steps: int = 100
    max_iter: int = 20
    batch_size: int = 128
    learning_rate_init: float = 2e-3
    random_state: Any = None
    n_jobs: int | None = None
    verbose: bool = False

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_neurons": [COUNT],
        "corrupt": [callable, None],
        "time_step": [Interval(Real, 0, 1, closed="right")],
        "tol": [ABOVE_ZERO],
        "max_steps": [COUNT],
        "max_iter": [COUNT],
        "batch_size": [COUNT],
        "learning_rate_init": [ABOVE_ZERO],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
    }

    def fit(self, X: ArrayLike, y: Any = None) -> AssociativeMemory:
        """Learn to restore X, (n, n_features), which is corrupted anew in every epoch.

        Raises:
            ValueError: bad input or parameters; ``DivergenceError`` where the loss is lost.
        """
        self._validate_params()
        rows: NDArray = validate_data(self, X, dtype=(np.float32, np.float64))
        self.range_ = float(rows.min()), float(rows.max())
        self.net_ = BackpropRegressor(
            layers=self._layers(),
            solver="adam",
            alpha=0.0,
            learning_rate="one-cycle",
            learning_rate_init=self.learning_rate_init,
            batch_size=min(self.batch_size, len(rows)),
            max_iter=self.max_iter,
            max_norm=10.0,
            augment=self.corrupt or Spoil(bounds=self.range_),
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        ).fit(rows, rows)
        self.n_iter_ = self.net_.n_iter_
        return self

    def _layers(self) -> list[Any]:
        settling = FixedPoint(
            Chain(Tanh(), SymmetricDense(self.n_neurons)),
            inject=Dense(self.n_neurons, "glorot_uniform"),
            solver=Damped(self.time_step),
            tol=self.tol,
            max_iter=self.max_steps,
            jacobian_penalty=0.5,
        )
        return [settling, Tanh()]

    def transform(self, X: ArrayLike) -> NDArray:
        """What X, (n, n_features), is restored to, of its shape and type."""
        check_is_fitted(self)
        rows: NDArray = validate_data(self, X, reset=False, dtype=(np.float32, np.float64))
        restored = self.net_.predict(rows).reshape(rows.shape)
        return np.clip(restored, *self.range_).astype(rows.dtype, copy=False)

    @property
    def params_(self) -> Any:
        """The net's parameters."""
        return self.net_.params_
