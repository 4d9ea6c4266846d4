"""The parameters that all estimators share, and what they ask for in the core's terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions

from bpapps.core import (
    ACTIVATIONS,
    SCHEDULES,
    SGD,
    Adam,
    AdamW,
    Chain,
    Constant,
    Dense,
    Dropout,
    Epoch,
    Flatten,
    InverseScaling,
    Layer,
)
from bpapps.core.draws import Augment
from bpapps.core.optimizers import Optimizer
from bpapps.core.schedules import Schedule
from bpapps.core.threads import default_threads
from bpapps.estimators.votes import check_votes

Callback = Callable[[Epoch, Any], Any]

SHARE = Interval(Real, 0, 1, closed="left")
FROM_ZERO = Interval(Real, 0, None, closed="left")
ABOVE_ZERO = Interval(Real, 0, None, closed="neither")
COUNT = Interval(Integral, 1, None, closed="left")


@dataclass(eq=False, repr=False)
class Settings(BaseEstimator):
    """Parameters as scikit-learn keeps them: ``__init__`` only stores, ``fit`` looks at them."""

    hidden_layer_sizes: int | Sequence[int] = (100,)
    activation: str | Sequence[str] = "relu"
    _: KW_ONLY
    layers: Sequence[Layer] | None = None
    dropout: float = 0.0
    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: str | Schedule = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    n_iter_no_change: int = 10
    max_fun: int = 15000
    max_norm: float | None = None
    augment: Augment | None = None
    callbacks: Sequence[Callback] = ()
    checkpoint: str | Path | None = None
    n_jobs: int | None = None

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "hidden_layer_sizes": ["array-like", COUNT],
        "activation": ["array-like", StrOptions(set(ACTIVATIONS))],
        "layers": [list, tuple, Chain, None],
        "dropout": [SHARE],
        "solver": [StrOptions({"adam", "adamw", "sgd", "lbfgs"})],
        "alpha": [FROM_ZERO],
        "batch_size": [StrOptions({"auto"}), COUNT],
        "learning_rate": [StrOptions({"invscaling", "adaptive", *SCHEDULES}), callable],
        "learning_rate_init": [ABOVE_ZERO],
        "power_t": [FROM_ZERO],
        "max_iter": [COUNT],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [FROM_ZERO],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [SHARE],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [SHARE],
        "beta_1": [SHARE],
        "beta_2": [SHARE],
        "epsilon": [ABOVE_ZERO],
        "weight_decay": [FROM_ZERO],
        "n_iter_no_change": [COUNT, Options(Real, {np.inf})],
        "max_fun": [COUNT],
        "max_norm": [ABOVE_ZERO, None],
        "augment": [callable, None],
        "callbacks": [list, tuple],
        "checkpoint": [str, PathLike, None],
        "n_jobs": [Integral, None],
    }

    def _validate_params(self) -> None:
        super()._validate_params()
        check_votes(self.augment, getattr(self, "votes", 0))

    def _checkpoint_file(self) -> Path | None:
        if self.checkpoint is None:
            return None
        if self.random_state is None:
            raise ValueError("a checkpoint needs random_state: a new seed could not resume from it")
        return Path(self.checkpoint)

    def _hidden(self, in_shape: tuple[int, ...]) -> list[Layer]:
        """The layers that ``hidden_layer_sizes``, ``activation`` and ``dropout`` ask for."""
        sizes = np.ravel(self.hidden_layer_sizes).tolist()
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes must be whole numbers above 0, not {self.hidden_layer_sizes}"
            )
        one_for_all = isinstance(self.activation, str)
        names = [self.activation] * len(sizes) if one_for_all else list(self.activation)
        if len(names) != len(sizes):
            raise ValueError(
                f"activation: {len(sizes)} hidden layers need as many, not {len(names)}"
            )
        hidden: list[Layer] = [Flatten()] if len(in_shape) > 1 else []
        for size, name in zip(sizes, names, strict=True):
            rectifier = name not in ("tanh", "logistic", "sigmoid", "identity")
            start = "he_normal" if rectifier else "glorot_uniform"
            hidden += [Dense(size, start), _choice("activation", name, ACTIVATIONS)]
            hidden += [Dropout(self.dropout)] if self.dropout else []
        return hidden

    def _schedule(self, n: int, batch_size: int, seen: int) -> Schedule:
        """Of epochs of n samples, after so many that were seen before."""
        if callable(self.learning_rate):
            return self.learning_rate
        if self.learning_rate == "invscaling" and self.solver == "sgd":
            steps = -(-n // batch_size)
            return _BySamplesSeen(InverseScaling(self.power_t), steps, n, seen)
        return SCHEDULES.get(self.learning_rate, Constant())

    def _runs_to_its_end(self) -> bool:
        """Whether the schedule means the training to take all of ``max_iter``."""
        return self.learning_rate not in ("constant", "invscaling", "adaptive")

    def _optimizer(self) -> Optimizer:
        adam = (self.beta_1, self.beta_2, self.epsilon)
        if self.solver == "adam":
            return Adam(*adam)
        if self.solver == "adamw":
            return AdamW(*adam, self.weight_decay)
        return SGD(self.momentum, self.nesterovs_momentum and self.momentum > 0)

    def _threads(self) -> int:
        if self.n_jobs is not None:
            return effective_n_jobs(self.n_jobs)
        in_a_worker = (get_active_backend()[0].nesting_level or 0) > 0
        return 1 if in_a_worker else default_threads()


def takes_parts(estimator: Settings) -> bool:
    """Whether there is a ``partial_fit``; AttributeError says why not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a stochastic solver: adam, adamw or sgd")
    if estimator.early_stopping:
        raise AttributeError("partial_fit does not support early_stopping=True")
    return True


@dataclass(frozen=True)
class _BySamplesSeen:
    """A schedule of the time that scikit-learn counts in: samples seen before this epoch."""

    then: Schedule
    steps_an_epoch: int
    samples_an_epoch: int
    before: int

    def __call__(self, step: int, total: int) -> float:
        return self.then(self.before + step // self.steps_an_epoch * self.samples_an_epoch, total)


def _choice(parameter: str, name: Any, known: Any) -> Any:
    try:
        return known[name]
    except (KeyError, TypeError):
        raise ValueError(f"{parameter} must be one of {', '.join(known)}, not {name!r}") from None
