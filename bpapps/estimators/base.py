"""What all estimators share: the net, its parameters, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, replace
from math import ceil, isfinite
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self
from warnings import warn

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

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
    Loss,
    PairCrossEntropy,
    Params,
    Plan,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    forward,
    initial_params,
    train,
)
from bpapps.core.draws import Augment, Augmented, Draw
from bpapps.core.optimizers import Optimizer
from bpapps.core.parallel import microbatch_size
from bpapps.core.params import Shape
from bpapps.core.schedules import Schedule
from bpapps.core.threads import default_threads, quiet
from bpapps.core.training import train_lbfgs

Callback = Callable[[Epoch, Any], Any]
Samples = tuple[NDArray, NDArray, NDArray | None]
"""Inputs, targets as the loss takes them, and weights where there are any."""

SHARE = Interval(Real, 0, 1, closed="left")
FROM_ZERO = Interval(Real, 0, None, closed="left")
ABOVE_ZERO = Interval(Real, 0, None, closed="neither")
COUNT = Interval(Integral, 1, None, closed="left")


def takes_parts(estimator: Backprop) -> bool:
    """Whether there is a ``partial_fit``; AttributeError says why not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a stochastic solver: adam, adamw or sgd")
    if estimator.early_stopping:
        raise AttributeError("partial_fit does not support early_stopping=True")
    return True


def check_votes(augment: Any, votes: int) -> None:
    """ValueError where distorted copies are to have votes, but nothing distorts all alike."""
    if votes and not hasattr(augment, "alike"):
        raise ValueError("votes need an augment that has alike(x, rng), such as Distortion")


def distorted_looks(X: NDArray, augment: Any, votes: int) -> Iterator[NDArray]:
    """So many copies of X, each distorted by ``augment``, all of X in the same way."""
    check_votes(augment, votes)
    for vote in range(votes):
        yield augment.alike(X, np.random.default_rng(vote)).astype(X.dtype, copy=False)


@dataclass(eq=False, repr=False)
class Backprop(BaseEstimator):
    """The net, its parameters, and how it is trained; a kind of answer is a subclass.

    It says what its answers are by hooks: :meth:`head`, the layers that give them;
    :meth:`targets`, what they should be; ``_loss``, the loss between the two, and ``_score``; and,
    where a sample to learn from is not just a row of the data, :meth:`draw`.
    """

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

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple | None = None,
    ) -> Any:
        """Train on X of shape (n_samples, n_features), or (n_samples, height, width, channels).

        Args:
            y: targets, n_samples of them.
            sample_weight: weight of each sample; one of weight 0 is as if it were not there.
            validation_data: (X, y) or (X, y, sample_weight) to measure after each epoch, and to
                stop early on instead of a part of X. A pipeline's earlier steps do not see it.

        Raises:
            ValueError: bad input or parameters; ``DivergenceError`` (a ValueError) when the
                loss becomes infinite or not a number.
        """
        self._validate_params()
        if self.checkpoint is not None and self.random_state is None:
            raise ValueError("a checkpoint needs random_state: a new seed could not resume from it")
        anew = not (self.warm_start and hasattr(self, "params_"))
        samples = self._samples(X, y, sample_weight, reset=anew)
        if anew:
            self._start(samples[0])
        self._optimizer_state.clear()
        validation = None
        if validation_data is not None:
            validation = self._given_validation(validation_data)
        elif self.early_stopping and self.solver != "lbfgs":
            samples, validation = self._split(*samples)
        plan = self._plan(samples[0].shape[0], validation is not None)
        self.n_iter_ = 0
        if self.solver == "lbfgs":
            self._train_lbfgs(samples, plan)
        else:
            checkpoint = None if self.checkpoint is None else Path(self.checkpoint)
            self._train(samples, plan, validation, checkpoint)
        if self._cut_short(plan):
            warn(
                f"the loss had not settled after {self.n_iter_} epochs; raise max_iter "
                f"({self.max_iter}), or for lbfgs max_fun",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _validate_params(self) -> None:
        super()._validate_params()
        check_votes(self.augment, getattr(self, "votes", 0))

    def _partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: Any, classes: ArrayLike | None = None
    ) -> Any:
        self._validate_params()
        first = not hasattr(self, "params_")
        samples = self._samples(X, y, sample_weight, reset=first, classes=classes)
        if first:
            self._start(samples[0])
        plan = self._plan(samples[0].shape[0], validated=False)
        if self._runs_to_its_end():  # which one call cannot know
            plan = replace(plan, schedule=Constant())
        self.n_iter_ = 0
        self._train(samples, replace(plan, max_epochs=1))
        return self

    def _samples(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        reset: bool,
        classes: ArrayLike | None = None,
    ) -> Samples:
        """Validated inputs, targets and weights, without those of weight 0.

        ``reset``: a new net will be made to fit them; else they must fit the one there is.
        """
        X, y = self._arrays_of(X, y, reset)
        if not reset:
            self._check_input_shape(X)
            X = X.astype(self.params_.vector.dtype, copy=False)
        if reset:
            self._observe(y, classes)
        targets = self.targets(y)
        weights = self._weights(X, targets, sample_weight)
        if weights is not None and (weights.min() < 0 or not weights.any()):
            raise ValueError("the weights of samples and classes are negative, or all zero")
        if weights is None or weights.all():
            return X, targets, weights
        present = weights > 0
        return X[present], targets[present], weights[present]

    def _arrays_of(self, X: Any, y: Any, reset: bool) -> tuple[NDArray, NDArray]:
        """Finite arrays of as many samples; X may be sparse, y is dense and of any shape."""
        of_X: dict[str, Any] = {
            "reset": reset, "accept_sparse": "csr", "allow_nd": True,
            "dtype": (np.float64, np.float32),
        }  # fmt: skip
        if getattr(y, "ndim", 1) > 2:  # which scikit-learn knows no targets of
            X = validate_data(self, X, **of_X)
            y = check_array(y, dtype=None, ensure_2d=False, allow_nd=True, input_name="y")
            check_consistent_length(X, y)
            return X, y
        numeric = isinstance(self, RegressorMixin)
        X, y = validate_data(self, X, y, **of_X, multi_output=True, y_numeric=numeric)
        y = y.toarray() if hasattr(y, "toarray") else y
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _weights(self, X: NDArray, targets: NDArray, sample_weight: Any) -> NDArray | None:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _given_validation(self, data: Any) -> Samples:
        if not (isinstance(data, tuple | list) and len(data) in (2, 3)):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight)")
        samples = self._samples(*data, reset=False)
        if len(samples[1]) < 2:
            raise ValueError("validation_data needs two samples at least")
        return samples

    def _split(
        self, X: NDArray, targets: NDArray, weights: NDArray | None
    ) -> tuple[Samples, Samples]:
        """What to train on, and what to hold out: two samples at least."""
        n = len(targets)
        if n < 3:
            raise ValueError(f"early_stopping cannot hold any data out with n_samples={n}")
        held_out = max(2, ceil(self.validation_fraction * n))
        parts = train_test_split(
            np.arange(n),
            test_size=held_out,
            random_state=self._random,
            stratify=self._strata(targets, held_out),
        )
        kept, held = (
            (X[rows], targets[rows], None if weights is None else weights[rows]) for rows in parts
        )
        return kept, held

    def _strata(self, targets: NDArray, held_out: int) -> NDArray | None:
        """What the held-out part is to have the same shares of."""
        return None

    def _start(self, X: NDArray) -> None:
        """Make a new net for such inputs."""
        self._random: np.random.RandomState = check_random_state(self.random_state)
        self.input_shape_ = X.shape[1:]
        network = self._network()
        shape = self._sample_shape()
        self._adopt(network, initial_params(network, shape, self._seed(), X.dtype))

    def begin_from(self, trained: Self) -> Self:
        """Take the net of a fitted estimator over, which the next ``fit`` trains further.

        Raises:
            ValueError: its layers are not those that the parameters of this one ask for.
        """
        own = self.get_params(deep=False)
        self.__dict__.update({k: v for k, v in vars(trained).items() if k not in own})
        if repr(self._network()) != repr(trained.network_):
            raise ValueError("the trained net has other layers than the one to be trained further")
        self._random = check_random_state(self.random_state)
        self._adopt(trained.network_, trained.params_.copy())
        return self.set_params(warm_start=True)

    def _sample_shape(self) -> tuple[int, ...]:
        """What the net takes as one sample."""
        return self.input_shape_

    def _adopt(self, network: Chain, params: Params) -> None:
        """Take a net as one's own, with no history yet."""
        self.network_ = network
        self.params_ = params
        self._optimizer_state: dict[str, NDArray] = {}
        self.history_: list[Epoch] = []
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = {
            SoftmaxCrossEntropy: "softmax",
            SigmoidCrossEntropy: "logistic",
            PairCrossEntropy: "logistic",
        }.get(type(self._loss()), "identity")

    def _seed(self) -> int:
        return int(self._random.randint(2**31 - 1))

    def _network(self) -> Chain:
        """The layers asked for, and the head."""
        body = self._body()
        _, shape = body.init(self._sample_shape(), np.random.default_rng(0))
        return Chain(*body, *self.head(shape))

    def _body(self) -> Chain:
        given = self._hidden(self.input_shape_) if self.layers is None else self.layers
        return Chain(*given)

    def head(self, in_shape: Shape) -> list[Layer]:
        """The layers after the user's, which give the logits: a hook.

        By default a ``Dense`` one of ``n_outputs_`` units, after a ``Flatten`` where the user's
        layers give more than a row.

        Args:
            in_shape: what the user's layers give for one sample.
        """
        flat: list[Layer] = [Flatten()] if len(in_shape) > 1 else []
        return [*flat, Dense(self.n_outputs_, "glorot_uniform")]

    def targets(self, y: NDArray) -> NDArray:
        """y, n samples in an array of any shape, as the loss takes it: a hook.

        Returns:
            An array of n targets of any shape, in the order of y; by default y itself.

        Raises:
            ValueError: y does not suit the net there is.
        """
        return y

    def draw(self) -> Draw | None:
        """How microbatches are made while training, see :data:`bpapps.core.draws.Draw`: a hook.

        By default X's and y's rows are taken, the inputs changed by ``augment``. The y that it
        gets is what :meth:`targets` gave.
        """
        return None if self.augment is None else Augmented(self.augment)

    def _observe(self, y: NDArray, classes: ArrayLike | None = None) -> None:
        """Note what a new net must know of its first targets, such as ``n_outputs_``.

        classes: all labels there will be, where y need not hold them all.
        """

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

    def _plan(self, n: int, validated: bool) -> Plan:
        """The training plan that the parameters ask for, on n samples."""
        batch_size = min(200 if self.batch_size == "auto" else int(self.batch_size), n)
        draw = self.draw()
        return Plan(
            loss=self._loss(),
            optimizer=self._optimizer(),
            learning_rate=self.learning_rate_init,
            schedule=self._schedule(n, batch_size),
            batch_size=batch_size,
            max_epochs=self.max_iter,
            alpha=self.alpha,
            max_norm=self.max_norm,
            shuffle=self.shuffle,
            seed=self._seed(),
            draw=draw,
            microbatch=microbatch_size(
                self.network_,
                self.params_,
                self._sample_shape(),
                batch_size,
                draw is not None,
            ),
            early_stopping=self.early_stopping and validated,
            patience=None if self._runs_to_its_end() else self.n_iter_no_change,
            tol=self.tol,
            reduce_on_plateau=self.learning_rate == "adaptive" and self.solver == "sgd",
        )

    def _schedule(self, n: int, batch_size: int) -> Schedule:
        if callable(self.learning_rate):
            return self.learning_rate
        if self.learning_rate == "invscaling" and self.solver == "sgd":
            steps = -(-n // batch_size)
            return _BySamplesSeen(InverseScaling(self.power_t), steps, n, self.t_)
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

    def _train(
        self,
        samples: Samples,
        plan: Plan,
        validation: Samples | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        from tqdm import tqdm

        X, targets, weights = samples
        epochs = train(
            self.network_,
            self.params_,
            X,
            targets,
            plan,
            weights=weights,
            validation=validation,
            score=self._validation_score,
            state=self._optimizer_state,
            checkpoint=checkpoint,
            threads=self._threads(),
        )
        bar = tqdm(
            epochs,
            total=plan.max_epochs,
            desc="training",
            unit="epoch",
            disable=None if self.verbose else True,  # None: silent when not a terminal
        )
        with closing(epochs), bar:
            for epoch in bar:
                self._record(epoch, plan.samples(X))
                bar.set_postfix_str(_in_short(epoch))
                if self._call_back(epoch):
                    break

    def _train_lbfgs(self, samples: Samples, plan: Plan) -> None:
        X, targets, weights = samples
        epochs = train_lbfgs(
            self.network_, self.params_, X, targets, plan,
            weights=weights, max_fun=self.max_fun, threads=self._threads(),
        )  # fmt: skip
        for epoch in epochs:
            self._record(epoch, len(targets))

    def _record(self, epoch: Epoch, n: int) -> None:
        self.history_.append(epoch)
        self.loss_ = epoch.loss
        self.n_iter_ += 1
        self.t_ += n

    def _call_back(self, epoch: Epoch) -> bool:
        """Call every callback; whether one of them ends the training."""
        answers = [callback(epoch, self) for callback in self.callbacks]
        return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)

    def _cut_short(self, plan: Plan) -> bool:
        """Whether it was the end of ``max_iter`` or ``max_fun`` that ended the training."""
        if self.history_[-1].stop:
            return False
        return self.solver == "lbfgs" or (
            plan.patience is not None and self.n_iter_ == self.max_iter
        )

    def _validation_score(
        self, logits: NDArray, targets: NDArray, weights: NDArray | None
    ) -> float:
        if not np.isfinite(logits).all():
            return -np.inf  # it diverged, which the training loop will say
        return self._score(logits, targets, weights)

    def _logits(self, X: Any) -> NDArray:
        return self._forward(self._rows(X))

    def _rows(self, X: Any) -> NDArray:
        """X, checked, as the net takes it; what is sparse stays so."""
        if hasattr(self, "params_") and self._is_plain(X):
            return X
        check_is_fitted(self)
        return self._validated(X)

    def _forward(self, X: NDArray) -> NDArray:
        size = microbatch_size(self.network_, self.params_, self.input_shape_, 256)
        return forward(self.network_, self.params_, X, size, self._threads())

    def _is_plain(self, X: Any) -> bool:
        """Whether X is just what the net takes; so much is seen in a tenth of the time that all
        of scikit-learn's validation takes, which matters for one sample.
        """
        if (
            type(X) is not np.ndarray
            or X.dtype != self.params_.vector.dtype
            or X.shape[1:] != self.input_shape_
            or len(X) == 0
            or hasattr(self, "feature_names_in_")
        ):
            return False
        with quiet():
            return isfinite(X.sum(dtype=np.float64))

    def _validated(self, X: Any) -> NDArray:
        if len(self.input_shape_) > 1:  # or validate_data would take the height for features
            self._check_input_shape(X)
        X = validate_data(
            self, X, reset=False, accept_sparse="csr", allow_nd=True,
            dtype=(np.float64, np.float32),
        )  # fmt: skip
        self._check_input_shape(X)
        return X.astype(self.params_.vector.dtype, copy=False)

    def _check_input_shape(self, X: Any) -> None:
        shape = np.shape(X)[1:]
        if shape != self.input_shape_:
            raise ValueError(
                f"X has samples of shape {shape}, but {type(self).__name__} was trained on "
                f"samples of shape {self.input_shape_}"
            )

    @property
    def coefs_(self) -> list[NDArray]:
        """The weights of each layer that has any, from input to output."""
        return self._arrays("W")

    @property
    def intercepts_(self) -> list[NDArray]:
        """The biases of each layer that has any, from input to output."""
        return self._arrays("b")

    def _arrays(self, kind: str) -> list[NDArray]:
        check_is_fitted(self)
        return [a for name, a in self.params_.items() if name.rpartition(".")[2] == kind]

    @property
    def loss_curve_(self) -> list[float]:
        """The training loss of each epoch."""
        return [epoch.loss for epoch in self.history_]

    @property
    def best_loss_(self) -> float | None:
        """The lowest training loss; None with early stopping, which goes by the score."""
        return None if self.early_stopping else min(self.loss_curve_, default=None)

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """The validation loss of each epoch; None without validation data."""
        losses = [e.validation_loss for e in self.history_ if e.validation_loss is not None]
        return losses or None

    @property
    def validation_scores_(self) -> list[float] | None:
        """The validation score (accuracy, R²) of each epoch; None without validation data."""
        scores = [e.validation_score for e in self.history_ if e.validation_score is not None]
        return scores or None

    @property
    def best_validation_score_(self) -> float | None:
        """The highest validation score; None without validation data."""
        return max(self.validation_scores_ or [], default=None)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        raise NotImplementedError


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


def _in_short(epoch: Epoch) -> str:
    score = "" if epoch.validation_score is None else f", validation {epoch.validation_score:.4f}"
    return f"loss {epoch.loss:.4f}{score}"
